// How many of the model's own seeds are inside, when the others judge them.

package fidelity_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"example.com/outagelab/lab/fidelity"
)

func TestASeedThatTheOthersDoNotGiveIsOutside(t *testing.T) {
	for _, c := range []struct {
		name          string
		models        [][]float64
		seeds, inside int
	}{
		{"one of six differs from five that are the same", [][]float64{{7, 7, 7, 7, 7, 8}}, 6, 5},
		{"another seed of another count", [][]float64{{7, 7, 7, 7, 7, 8}, {8, 7, 7, 7, 7, 7}}, 6, 4},
		{"the same seed of another count", [][]float64{{7, 7, 7, 7, 7, 8}, {7, 7, 7, 7, 7, 8}}, 6, 5},
		{"a seed that only one count has", [][]float64{{7, 7, 7}, {7, 7, 7, 7, 8}}, 5, 4},
		{"all as one", [][]float64{{7, 7, 7, 7}}, 4, 4},
		{"a seed with nothing to measure, without which nobody can be judged", [][]float64{{7, 7, 7, math.NaN()}}, 4, 0},
		{"two seeds", [][]float64{{7, 8}}, 0, 0},
	} {
		var counts []fidelity.Count
		for _, model := range c.models {
			counts = append(counts, fidelity.Count{Field: []float64{7}, Model: model})
		}
		j, err := fidelity.Judge(counts)
		require.NoError(t, err, c.name)
		assert.Equal(t, []int{c.seeds, c.inside}, []int{j.Seeds, j.SeedsInside}, c.name)
	}
}

// Of skewed counts, fewer are inside than the 99 in 100 of normal ones.
func TestSkewedCountsAreInsideLessOften(t *testing.T) {
	const n, m = 200, 20
	inside := func(draw func(r *rand.Rand) float64) int {
		random := rand.New(rand.NewPCG(1, 2))
		var counts []fidelity.Count
		for range m {
			c := fidelity.Count{Field: []float64{1}, Step: 1e-6}
			for range n {
				c.Model = append(c.Model, draw(random))
			}
			counts = append(counts, c)
		}
		j, err := fidelity.Judge(counts)
		require.NoError(t, err)
		require.Equal(t, n, j.Seeds)
		assert.Equal(t, insideByUpdating(counts, m), j.SeedsInside)
		return j.SeedsInside
	}
	normal := inside(func(r *rand.Rand) float64 { return 100 + r.NormFloat64() })
	// 2 outside are expected; 4σ of a binomial count is 4·√1.98 = 5.6.
	assert.GreaterOrEqual(t, normal, n-7)
	assert.Less(t, inside(func(r *rand.Rand) float64 { return math.Exp(r.NormFloat64()) }), normal-20)
}

// insideByUpdating is how many seeds have all counts inside what the others give,
// for m values. The others' mean and variance are had without the others, from all
// and the one: mean − (x−mean)/(n−1) and ((n−1)s² − (x−mean)²·n/(n−1))/(n−2)
// (B. Welford, Note on a Method for Calculating Corrected Sums of Squares and
// Products, 1962, backwards).
func insideByUpdating(counts []fidelity.Count, m int) (inside int) {
	var outside []bool
	for _, c := range counts {
		step := c.Step
		if step == 0 {
			step = 1
		}
		n := float64(len(c.Model))
		mean, variance := stat.MeanVariance(c.Model, nil)
		t := distuv.StudentsT{Sigma: 1, Nu: n - 2}.Quantile(1 - 0.01/(2*float64(m)))
		for seed, x := range c.Model {
			if seed == len(outside) {
				outside = append(outside, false)
			}
			middle := mean - (x-mean)/(n-1)
			rest := max(0, ((n-1)*variance-(x-mean)*(x-mean)*n/(n-1))/(n-2))
			most := t * math.Sqrt(rest*(1+1/(n-1)))
			const lastBits = 1e-6 // of a step
			below := math.Round(x/step) < math.Floor((middle-most)/step+lastBits)
			above := math.Round(x/step) > math.Ceil((middle+most)/step-lastBits)
			outside[seed] = outside[seed] || below || above
		}
	}
	for _, out := range outside {
		if !out {
			inside++
		}
	}
	return inside
}
