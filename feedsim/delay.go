// How long the feed takes to answer a poll: a few distributions, each drawn from
// one number.

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
	sigma  float64
}

type delayKind int

const (
	exercises delayKind = iota
	wholeSeconds
	constant
	uniform
	exponential
	logNormal
)

// WholeSeconds is a whole number of seconds from lo to hi, each as likely as the
// others: randint(lo, hi) of the exercise.
func WholeSeconds(lo, hi int) Delay {
	return Delay{kind: wholeSeconds, lo: seconds(lo), hi: seconds(hi)}
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
	return d.lo + (d.hi-d.lo)/2
}

// String says the delay in words, such as "0 to 5 whole seconds".
func (d Delay) String() string {
	switch d = d.or(); d.kind {
	case wholeSeconds:
		return fmt.Sprintf("%d to %d whole seconds", d.lo/time.Second, d.hi/time.Second)
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

// check returns what is wrong with d, "" if nothing is.
func (d Delay) check() string {
	switch d = d.or(); {
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

// at returns the delay that the share u of all polls stays below, u in [0, 1).
func (d Delay) at(u float64) time.Duration {
	d = d.or()
	mean := float64(d.lo)
	switch d.kind {
	case wholeSeconds:
		n := (d.hi-d.lo)/time.Second + 1
		return d.lo + time.Duration(u*float64(n))*time.Second
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
