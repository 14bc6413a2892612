// How far a mean over seeds can be trusted, and what follows for a bound that it has to keep.

package lab

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"example.com/outagelab/lab/typeset"
)

// An Outcome is what is known of a demand after some runs.
type Outcome int

// The outcomes. An experiment fails if one of its demands does. It is undecided if none fails and one is undecided.
const (
	Holds     Outcome = iota + 1 // the bound is kept, by more than chance explains
	Fails                        // it is broken, by more than chance explains
	Undecided                    // the bound lies within what is uncertain about the number
)

// String is a word for a table.
func (o Outcome) String() string {
	switch o {
	case Holds:
		return "holds"
	case Fails:
		return "FAILS"
	case Undecided:
		return "undecided"
	}
	return "unknown"
}

// verdictOf is the outcome of what holds or is undecided.
func verdictOf(holds, undecided bool) Outcome {
	switch {
	case undecided:
		return Undecided
	case holds:
		return Holds
	}
	return Fails
}

// Outcome is what is known after the runs of all seeds.
func (r *Result) Outcome() Outcome { return verdictOf(r.Holds, r.Undecided) }

// Outcome is what is known after the runs of all seeds.
func (c *ResultCheck) Outcome() Outcome { return verdictOf(c.Holds, c.Undecided) }

// Uncertainty is half of the width of the 95 % confidence interval of the mean: t(n−1; 0.975)·s/√n. Each seed is a run
// of its own, so its number is independent of the others', whatever the requests of one run have to do with each other.
// That makes the interval valid for percentiles as well (the method of independent replications: A. Law, Simulation
// Modeling and Analysis, 5th edition, section 9.4.1). It is NaN if there are fewer than two samples, or if one of them
// is no number.
func Uncertainty(samples []float64) float64 {
	n := float64(len(samples))
	if n < 2 {
		return math.NaN()
	}
	t := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(0.975)
	return t * stat.StdDev(samples, nil) / math.Sqrt(n)
}

// undecided reports whether the samples, one a seed, leave open whether their mean keeps the bound of a demand.
//
// It does if the bound lies inside the confidence interval. The interval ends where the metric does: a count that was
// above 0 at one seed is above 0 on average, and a part of the time that was below 1 is below 1.
//
// A sample may be infinite, such as the percentile of requests of which too many got no reply. There is no interval then.
// The seeds are counted instead: the demand is undecided if they disagree, and as many of them on one side as there are
// would be no surprise if half of all seeds were on either (the sign test, at 5 %).
func (c *Check) undecided(samples []float64) bool {
	low, high := c.Within.bounds(c.Want)
	atMost, atLeast := math.IsInf(low, -1), math.IsInf(high, 1)
	switch {
	case !c.Demand || atMost == atLeast || len(samples) < 2:
		return false
	case atMost && c.Want == 0, atLeast && c.Want == 1 && c.Metric.Unit == Busy.Unit:
		return false
	}
	if half := Uncertainty(samples); !math.IsNaN(half) && !math.IsInf(half, 0) {
		return math.Abs(stat.Mean(samples, nil)-c.Want) < half
	}
	kept := 0
	for _, x := range samples {
		if x >= low && x <= high {
			kept++
		}
	}
	n := len(samples)
	fewer := min(kept, n-kept)
	return fewer > 0 && 2*(distuv.Binomial{N: float64(n), P: 0.5}).CDF(float64(fewer)) > 0.05
}

// PlusMinus is " ± 0.12" for samples whose mean is uncertain by that much, to two digits, and "" if that is not known or
// nothing.
func PlusMinus(samples []float64) string {
	half := Uncertainty(samples)
	if !(half > 0) || math.IsInf(half, 0) {
		return ""
	}
	digits := math.Pow(10, 1-math.Floor(math.Log10(half)))
	return " ± " + typeset.Number(math.Round(half*digits)/digits)
}
