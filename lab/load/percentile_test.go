package load_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/load"
)

// The oracle counts in tenths of a percent, with integers alone: rank k holds p if k/n ≥ tenths/1000.
func TestNearestRankIsExactInDecimals(t *testing.T) {
	counts := []int{999, 1_000, 1_001, 2_000}
	for n := range 200 {
		counts = append(counts, n+1)
	}
	for _, n := range counts {
		rank := 1
		for tenths := 1; tenths <= 1_000; tenths++ {
			for rank*1_000 < tenths*n {
				rank++
			}
			if got := load.NearestRank(float64(tenths)/10, n); got != rank {
				require.Failf(t, "wrong rank", "p%g of %d values: got rank %d, want %d", float64(tenths)/10, n, got, rank)
			}
		}
	}
}

func TestNearestRankOfFinerPercentiles(t *testing.T) {
	for _, c := range []struct {
		p    float64
		n    int
		want int
	}{
		{99.99, 10_000, 9_999},
		{99.999, 100_000, 99_999},
		{99.999, 1_000, 1_000},
		{0.001, 100_000, 1},
		{1e-300, math.MaxInt, 1},
		{100, math.MaxInt, math.MaxInt},
		{50, math.MaxInt, math.MaxInt/2 + 1},
	} {
		assert.Equal(t, c.want, load.NearestRank(c.p, c.n), "p%g of %d", c.p, c.n)
	}
}

func TestNoRankIsOutsideTheValues(t *testing.T) {
	for _, p := range []float64{0, -1, 100.1, math.NaN(), math.Inf(1), math.Inf(-1)} {
		assert.Zero(t, load.NearestRank(p, 10), "p%g", p)
	}
	assert.Zero(t, load.NearestRank(50, 0))
	assert.Zero(t, load.NearestRank(50, -1))
}

func TestAPercentileIsOneOfTheValues(t *testing.T) {
	values := []string{"a", "b", "c", "d"}
	for p, want := range map[float64]string{0.1: "a", 25: "a", 25.1: "b", 50: "b", 75: "c", 75.1: "d", 100: "d"} {
		got, ok := load.Percentile(values, p)
		assert.True(t, ok)
		assert.Equal(t, want, got, "p%g", p)
	}
	_, ok := load.Percentile(values, 0)
	assert.False(t, ok)
	_, ok = load.Percentile([]string(nil), 50)
	assert.False(t, ok)
}

func ExampleNearestRank() {
	fmt.Println(load.NearestRank(99.9, 1_000), "of 1,000")
	// Output: 999 of 1,000
}
