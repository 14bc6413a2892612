// How far off a measured mean may be: what a tolerance is derived from.

package queueing

import (
	"errors"
	"fmt"
	"math"
)

// Deviation is the standard deviation of a mean over time that was measured over
// so many seconds: of anything that depends on how many requests are in the system
// (waiting and served), such as that number itself, or whether it is Servers and
// more. In a queue that is often full the numbers of one moment and of the next
// are nearly the same, so it is far larger than for as many independent draws.
//
// It is for a time that is long by comparison to S and to S/(1 − utilisation)²/Servers,
// in which what the queue began with is forgotten. of is called with 0, 1, … and
// has to be finite.
//
// The mean's variance is σ²/seconds, with the asymptotic variance of a birth and
// death process (D. Y. Burman, A Functional Central Limit Theorem for Birth and
// Death Processes, talk at the ORSA/TIMS meeting in Washington, 1980; W. Whitt,
// Asymptotic Formulas for Markov Processes with Applications to Simulation,
// Operations Research 40(2), 1992, on birth and death processes):
//
//	σ² = 2 Σ_j (Σ_{i≤j} π_i (f(i) − f̄))²/(λ π_j)
//
// It takes a while, and memory, for each number that the system may hold: it
// returns an error too where those that matter are more than 10,000,000, which is
// for Servers and utilisations such as 0.999996.
func (q MMc) Deviation(seconds float64, of func(inSystem int) float64) (float64, error) {
	const name = "MMc.Deviation"
	if err := first(q.check(), above0(name, "seconds", seconds)); err != nil {
		return 0, err
	}
	if of == nil {
		return 0, errors.New("queueing: MMc.Deviation: of is nil: want what depends on the number in the system")
	}
	pi, err := q.numbers()
	if err != nil {
		return 0, err
	}
	mean := 0.0
	for i := range pi {
		mean += pi[i] * of(i)
	}
	// The sum up to j, and where j is far up, what is above it: the two add up to
	// nothing, and of numbers that cancel out only the rounding would be left.
	variance := 0.0
	add := func(sum, pi float64) {
		if pi > 0 {
			variance += 2 * sum / pi * sum / q.Arrivals // in this order, for a square may be too small for a float64
		}
	}
	half := 0 // where the numbers below it and itself are half of all, or more
	for below, most := 0.0, 0.0; most < 0.5; half++ {
		below += pi[half] * (of(half) - mean)
		most += pi[half]
		add(below, pi[half])
	}
	above := 0.0
	for j := len(pi) - 1; j > half; j-- {
		above += pi[j] * (of(j) - mean)
		add(above, pi[j-1])
	}
	if math.IsNaN(variance) || math.IsInf(variance, 0) {
		return 0, refuse(name, "of", mean, "want a number for each number in the system, the mean of which is one too")
	}
	return math.Sqrt(variance / seconds), nil
}

// mostNumbers is how many numbers in the system Deviation may look at: it takes
// 0.2 s and 80 MB then.
const mostNumbers = 10_000_000

// numbers are the probabilities of 0, 1, … in the system, as far as they matter:
// beyond Servers each is utilisation as likely as the one before it, and e⁻⁴⁰ is
// nothing.
func (q MMc) numbers() ([]float64, error) {
	u := q.utilisation()
	n := float64(q.Servers) + math.Ceil(40/-math.Log(u))
	if n > mostNumbers {
		return nil, refuse("MMc.Deviation", "utilisation", u, fmt.Sprintf("want less: %.3g numbers in the system would matter, and 10,000,000 is the most", n))
	}
	// From the likeliest outward: from 0 on, those of a thousand servers are more
	// than a float64 holds.
	pi, erlangs := make([]float64, int(n)), q.Arrivals*q.Service
	likeliest := int(erlangs)
	pi[likeliest] = 1
	sum := 1.0
	for i := likeliest; i > 0; i-- {
		pi[i-1] = pi[i] * float64(i) / erlangs
		sum += pi[i-1]
	}
	for i := likeliest + 1; i < len(pi); i++ {
		pi[i] = pi[i-1] * erlangs / float64(min(i, q.Servers))
		sum += pi[i]
	}
	for i := range pi {
		pi[i] /= sum
	}
	return pi, nil
}
