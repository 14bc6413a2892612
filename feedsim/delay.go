// How long something takes: a few distributions, each drawn from one number.

package feedsim

import (
	"fmt"
	"math"
	"time"
)

// Delay is how long a poll takes, drawn for each. The zero Delay is the
// exercise's: WholeSeconds(0, 5).
type Delay struct {
	kind   delayKind
	lo, hi time.Duration // Exponential and LogNormal: the mean is lo
	step   time.Duration // Steps
	sigma  float64       // LogNormal
}

type delayKind int

const (
	exercises delayKind = iota
	steps
	constant
	uniform
	exponential
	logNormal
)

// WholeSeconds is a whole number of seconds from lo to hi, each as likely as the
// others: randint(lo, hi) of the exercise.
func WholeSeconds(lo, hi int) Delay { return Steps(seconds(lo), seconds(hi), time.Second) }

// Steps is lo, or one or more steps later, up to hi, each as likely as the others.
func Steps(lo, hi, step time.Duration) Delay {
	return Delay{kind: steps, lo: lo, hi: hi, step: step}
}

// Constant is d, always.
func Constant(d time.Duration) Delay { return Delay{kind: constant, lo: d, hi: d} }

// Uniform is any time from lo to hi, evenly.
func Uniform(lo, hi time.Duration) Delay { return Delay{kind: uniform, lo: lo, hi: hi} }

// Exponential is a time without memory, of that mean: as varied as its mean is
// long.
func Exponential(mean time.Duration) Delay { return Delay{kind: exponential, lo: mean, hi: mean} }

// LogNormal is mostly short and sometimes very long: its logarithm is normal, with
// the standard deviation sigma, and its mean is mean. (At sigma 1 the median is
// 0.61 of the mean, and one poll in a hundred takes 6.2 times the mean.)
func LogNormal(mean time.Duration, sigma float64) Delay {
	return Delay{kind: logNormal, lo: mean, hi: mean, sigma: sigma}
}

// or returns the delay that d stands for.
func (d Delay) or() Delay {
	if d == (Delay{}) {
		return WholeSeconds(0, 5)
	}
	return d
}

// Mean is how long a poll takes on average.
func (d Delay) Mean() time.Duration {
	d = d.or()
	if d.kind == steps {
		return d.lo + d.step*time.Duration(d.steps()-1)/2
	}
	return d.lo + (d.hi-d.lo)/2
}

// Variance is the square of the standard deviation, in s².
func (d Delay) Variance() float64 {
	d = d.or()
	mean, width := d.lo.Seconds(), (d.hi - d.lo).Seconds()
	switch d.kind {
	case steps:
		n, step := float64(d.steps()), d.step.Seconds()
		return step * step * (n*n - 1) / 12
	case uniform:
		return width * width / 12
	case exponential:
		return mean * mean
	case logNormal:
		return mean * mean * math.Expm1(d.sigma*d.sigma)
	}
	return 0
}

// CDF is the part of all, 0 to 1, that take no longer than so many seconds.
func (d Delay) CDF(seconds float64) float64 {
	d = d.or()
	lo, hi := d.lo.Seconds(), d.hi.Seconds()
	switch {
	case seconds < 0, d.kind != exponential && d.kind != logNormal && seconds < lo:
		return 0
	}
	switch d.kind {
	case steps:
		return min(1, (math.Floor((seconds-lo)/d.step.Seconds()+1e-9)+1)/float64(d.steps()))
	case uniform:
		if hi > lo {
			return min(1, (seconds-lo)/(hi-lo))
		}
	case exponential:
		if lo > 0 {
			return -math.Expm1(-seconds / lo)
		}
	case logNormal:
		if lo > 0 && d.sigma > 0 {
			return 0.5 * math.Erfc(-(math.Log(seconds/lo)/d.sigma+d.sigma/2)/math.Sqrt2)
		}
		if seconds < lo {
			return 0
		}
	}
	return 1
}

// steps is how many different delays Steps has.
func (d Delay) steps() int64 {
	if d.step <= 0 {
		return 1
	}
	return int64((d.hi-d.lo)/d.step) + 1
}

// String says the delay in words, such as "0 to 5 whole seconds".
func (d Delay) String() string {
	switch d = d.or(); d.kind {
	case steps:
		if d.step == time.Second && d.lo%time.Second == 0 && d.hi%time.Second == 0 {
			return fmt.Sprintf("%d to %d whole seconds", d.lo/time.Second, d.hi/time.Second)
		}
		return fmt.Sprintf("uniform from %v to %v in steps of %v", d.lo, d.hi, d.step)
	case constant:
		return fmt.Sprintf("always %v", d.lo)
	case uniform:
		return fmt.Sprintf("uniform from %v to %v", d.lo, d.hi)
	case exponential:
		return fmt.Sprintf("exponential with mean %v", d.lo)
	case logNormal:
		return fmt.Sprintf("log-normal with mean %v and sigma %v", d.lo, d.sigma)
	}
	return fmt.Sprintf("Delay(%d)", int(d.kind))
}

// Limits of what a Delay may be, far from where a time.Duration overflows.
const (
	longest  = 24 * time.Hour
	maxSigma = 5
)

// Wrong returns what is wrong with d, "" if nothing is.
func (d Delay) Wrong() string {
	switch d = d.or(); {
	case d.kind == steps && d.step <= 0:
		return fmt.Sprintf("a step of %v leads nowhere", d.step)
	case d.lo < 0:
		return "a poll cannot take less than no time"
	case d.hi < d.lo:
		return "the longest poll is shorter than the shortest"
	case d.hi > longest:
		return fmt.Sprintf("want at most %v", longest)
	case !(d.sigma >= 0 && d.sigma <= maxSigma): // also catches NaN
		return fmt.Sprintf("want a sigma from 0 to %v", maxSigma)
	}
	return ""
}

// At is the delay that the part u of all stay below, u in [0, 1): what to draw one
// with.
func (d Delay) At(u float64) time.Duration {
	d = d.or()
	mean := float64(d.lo)
	switch d.kind {
	case steps:
		return d.lo + time.Duration(u*float64(d.steps()))*d.step
	case uniform:
		return d.lo + time.Duration(math.Round(u*float64(d.hi-d.lo)))
	case exponential:
		return duration(-mean * math.Log1p(-u))
	case logNormal:
		normal := math.Sqrt2 * math.Erfinv(2*u-1)
		return duration(mean * math.Exp(d.sigma*normal-d.sigma*d.sigma/2))
	}
	return d.lo
}

// duration rounds ns, 0 or more, to a duration: the longest there is, if it is
// longer.
func duration(ns float64) time.Duration {
	if ns >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(math.Round(ns))
}

// seconds is n seconds, or as many as a duration can hold, for check to find.
func seconds(n int) time.Duration {
	const most = int(math.MaxInt64 / time.Second)
	return time.Duration(max(-most, min(n, most))) * time.Second
}
