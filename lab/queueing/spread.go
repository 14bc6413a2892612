// How far off a measured mean may be: what a tolerance is derived from.

package queueing

import (
	"errors"
	"math"
)

// Deviation is the standard deviation of a mean over time that was measured over
// so many seconds: of anything that depends on how many requests are in the system
// (waiting and served), such as that number itself, or whether it is Servers and
// more. In a queue that is often full the numbers of one moment and of the next
// are nearly the same, so it is far larger than for as many independent draws.
//
// It is for a time that is long by comparison to S/(1 − utilisation)²/Servers, in
// which what the queue began with is forgotten. of is called with 0, 1, … and has
// to be finite.
//
// The mean's variance is σ²/seconds, with the asymptotic variance of a birth and
// death process (P. J. Burman, A functional central limit theorem for birth and
// death processes, 1980; W. Whitt, Asymptotic Formulas for Markov Processes with
// Applications to Simulation, Operations Research 40(2), 1992, equation 28):
//
//	σ² = 2 Σ_j (Σ_{i≤j} π_i (f(i) − f̄))²/(λ π_j)
func (q MMc) Deviation(seconds float64, of func(inSystem int) float64) (float64, error) {
	if err := first(q.check(), above0("MMc.Deviation", "seconds", seconds)); err != nil {
		return 0, err
	}
	if of == nil {
		return 0, errors.New("queueing: MMc.Deviation: of is nil: want what depends on the number in the system")
	}
	// The states that matter: beyond Servers each is utilisation as likely as the
	// one before it.
	u := q.utilisation()
	n := q.Servers + int(math.Ceil(40/-math.Log(u)))
	pi, sum := make([]float64, n), 0.0
	for i := range pi {
		pi[i] = 1
		if i > 0 {
			pi[i] = pi[i-1] * q.Arrivals * q.Service / float64(min(i, q.Servers))
		}
		sum += pi[i]
	}
	mean := 0.0
	for i := range pi {
		pi[i] /= sum
		mean += pi[i] * of(i)
	}
	// The sum up to j, and where j is far up, what is above it: the two add up to
	// nothing, and of numbers that cancel out only the rounding would be left.
	variance, sums := 0.0, make([]float64, n)
	for j, below, most := 0, 0.0, 0.0; j < n && most < 0.5; j++ {
		below += pi[j] * (of(j) - mean)
		most += pi[j]
		sums[j] = below
	}
	for j, above, most := n-1, 0.0, 0.0; j > 0 && most < 0.5; j-- {
		above += pi[j] * (of(j) - mean)
		most += pi[j]
		sums[j-1] = above
	}
	for j, s := range sums {
		if pi[j] > 0 {
			variance += 2 * s * s / (q.Arrivals * pi[j])
		}
	}
	if math.IsNaN(variance) || math.IsInf(variance, 0) {
		return 0, refuse("MMc.Deviation", "of", mean, "want a number for each number in the system, the mean of which is one too")
	}
	return math.Sqrt(variance / seconds), nil
}
