package fidelity_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/fidelity"
	"example.com/outagelab/lab/racedetector"
)

// From a table of Student's t: t(4; 0.995) = 4.6041, t(9; 0.995) = 3.2498 (NIST/
// SEMATECH e-Handbook of Statistical Methods, section 1.3.6.7.2).
func TestIntervalOfPublishedQuantiles(t *testing.T) {
	low, high := fidelity.Interval([]float64{8, 9, 10, 11, 12}, 1)
	assert.InDelta(t, 10-7.975, low, 0.001, "10 − 4.6041·√2.5·√1.2")
	assert.InDelta(t, 10+7.975, high, 0.001, "10 + 4.6041·√2.5·√1.2")
	low, high = fidelity.Interval([]float64{850, 1150, 900, 1100, 950, 1050, 850, 1150, 1000, 1000}, 1)
	assert.InDelta(t, 1000-385.29, low, 0.01, "1000 − 3.2498·√(115000/9)·√1.1")
	assert.InDelta(t, 1000+385.29, high, 0.01, "1000 + 3.2498·√(115000/9)·√1.1")
	low, high = fidelity.Interval([]float64{75, 75, 75}, 40)
	assert.Equal(t, []float64{75, 75}, []float64{low, high}, "no variance: the count itself")
}

// One draw more is outside about once in a hundred times, and of m = 10 counts
// any is about as often.
func TestIntervalHoldsAsOftenAsItSays(t *testing.T) {
	if racedetector.On {
		t.Skip("arithmetic on one goroutine: it needs a run without -race")
	}
	for _, m := range []int{1, 10} {
		random := rand.New(rand.NewPCG(1, uint64(m)))
		const trials = 5000
		outside := 0
		for range trials {
			any := false
			for range m {
				sample := make([]float64, 20)
				for i := range sample {
					sample[i] = random.NormFloat64()
				}
				low, high := fidelity.Interval(sample, m)
				next := random.NormFloat64()
				any = any || next < low || next > high
			}
			if any {
				outside++
			}
		}
		// 50 are expected; 4σ of a binomial count is 4·√49.5 = 28.
		assert.InDelta(t, 50, outside, 28, "of %d trials with m = %d", trials, m)
	}
}
