package feedsim_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/feedsim"
)

// What theory says of a delay against what it draws: the draws at n even places of
// [0, 1) stand for all, so that means differ by what lies between two places.
func TestADelayIsDistributedAsItSays(t *testing.T) {
	const s = time.Second
	const n = 200_000
	for _, d := range []feedsim.Delay{
		{}, feedsim.WholeSeconds(1, 3), feedsim.Steps(s/2, 2*s, s/4), feedsim.Constant(2 * s), feedsim.Constant(0),
		feedsim.Uniform(s, 4*s), feedsim.Uniform(s, s), feedsim.Exponential(2 * s), feedsim.LogNormal(2*s, 0.5), feedsim.LogNormal(2*s, 0),
	} {
		assert.Empty(t, d.Wrong(), d)
		sum, squares := 0.0, 0.0
		for i := range n {
			x := d.At((float64(i) + 0.5) / n).Seconds()
			sum += x
			squares += x * x
		}
		mean := sum / n
		assert.InDelta(t, d.Mean().Seconds(), mean, 1e-3, "%v: the mean", d)
		assert.InDelta(t, d.Variance(), squares/n-mean*mean, 2e-3*(1+d.Variance()), "%v: the variance", d)
		for _, u := range []float64{0.01, 0.25, 0.5, 0.9, 0.99} {
			x := d.At(u).Seconds()
			assert.GreaterOrEqual(t, d.CDF(x+1e-8), u-1e-6, "%v: at %g s", d, x)
			assert.LessOrEqual(t, d.CDF(math.Nextafter(x, -1)-1e-8), u+1e-6, "%v: just below %g s", d, x)
		}
		assert.Zero(t, d.CDF(-1), d)
		assert.InDelta(t, 1, d.CDF(1000), 1e-9, d)
	}
}

func TestADelayThatCannotBeSaysWhy(t *testing.T) {
	for _, c := range []struct {
		delay feedsim.Delay
		why   string
	}{
		{feedsim.Constant(-1), "a poll cannot take less than no time"},
		{feedsim.Uniform(2, 1), "the longest poll is shorter than the shortest"},
		{feedsim.Steps(0, time.Second, 0), "a step of 0s leads nowhere"},
		{feedsim.Exponential(25 * time.Hour), "want at most 24h0m0s"},
		{feedsim.LogNormal(1, math.NaN()), "want a sigma from 0 to 5"},
	} {
		assert.Equal(t, c.why, c.delay.Wrong())
	}
}
