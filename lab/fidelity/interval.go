// When a single measurement fits a model that is random too.

package fidelity

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// interval is where one more draw of what the sample was drawn from lies: mean ±
// t·s·√(1+1/n), with t from [quantile]. A sample without variance is its own
// interval. The sample must have two values at least.
//
// (The prediction interval for a normal distribution whose mean and variance are
// estimated: Hahn and Meeker, Statistical Intervals, 1991, section 4.7.)
func interval(sample []float64, t float64) (low, high float64) {
	if !varies(sample) {
		return sample[0], sample[0] // and not the mean, which may be a last bit off
	}
	mean, s := stat.MeanStdDev(sample, nil)
	d := t * s * math.Sqrt(1+1/float64(len(sample)))
	return mean - d, mean + d
}

// quantile is t(n−1; 1 − 0.01/2m), with which an interval of n values of a normal
// distribution holds with a probability of 1 − 0.01/m, so that all of m such
// intervals hold with one of 0.99 at least (Bonferroni). n must be 2 at least, and
// m 1.
func quantile(n, m int) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n) - 1}.Quantile(1 - 0.01/(2*float64(m)))
}

// varies reports whether not all values are the same.
func varies(sample []float64) bool {
	for _, v := range sample {
		if v != sample[0] {
			return true
		}
	}
	return false
}
