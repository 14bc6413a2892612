// What several seeds tell of a bound, and what they leave open.

package lab

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestADemandIsUndecidedIfItsBoundIsInsideTheConfidenceInterval(t *testing.T) {
	inf := math.Inf(1)
	most, least := AtMost("a promise"), AtLeast("a promise")
	for _, c := range []struct {
		name      string
		within    Tolerance
		want      float64
		unit      string
		samples   []float64
		undecided bool
	}{
		// Of two samples the interval is ±12.706 times half of their difference.
		{"two seeds close together", most, 1, "s", []float64{0.899, 0.901}, false},
		{"two seeds far apart, kept", most, 1, "s", []float64{0.89, 0.91}, true},
		{"two seeds far apart, broken", most, 1, "s", []float64{1.09, 1.11}, true},
		{"two seeds far apart, of a least", least, 1, "s", []float64{1.09, 1.11}, true},
		{"broken by more than chance explains", most, 1, "s", []float64{1.199, 1.201}, false},
		{"one seed", most, 1, "s", []float64{0.9}, false},
		{"the same at each seed", most, 1, "s", []float64{1, 1, 1}, false},
		{"a count that is to be 0, and was not", most, 0, "requests", []float64{0, 0, 1, 0, 0}, false},
		{"a count that is to be 1", most, 1, "requests", []float64{0, 0, 4, 0, 0}, true},
		{"a part that is to be the whole, and was not", least, 1, "of the time", []float64{1, 0.99, 1}, false},
		{"never a reply", most, 1, "s", []float64{inf, inf, inf}, false},
		{"no reply at one of three seeds", most, 1, "s", []float64{inf, 0.1, 0.1}, true},
		{"no reply at one, and late at the others", most, 1, "s", []float64{inf, 2, 3}, false},
		{"no reply at nine of ten, which chance does not explain", most, 1, "s", []float64{inf, inf, inf, inf, inf, inf, inf, inf, inf, 0.1}, false},
		{"no reply at eight of ten, which it does", most, 1, "s", []float64{inf, inf, inf, inf, inf, inf, inf, inf, 0.1, 0.1}, true},
		{"a prediction has tolerances of its own", Relative(0.1, "4σ"), 1, "s", []float64{0.89, 0.91}, false},
	} {
		check := Check{Metric: Metric{Name: "x", Unit: c.unit}, Want: c.want, Demand: true, Within: c.within}
		assert.Equal(t, c.undecided, check.undecided(c.samples), c.name)
		check.Demand = false
		assert.False(t, check.undecided(c.samples), "%s, if nobody demands it", c.name)
	}
}

// t(2; 0.975) = 4.3027, from a table.
func TestAnUncertaintyIsShownWithTwoDigits(t *testing.T) {
	assert.InDelta(t, 4.3027/math.Sqrt(3), Uncertainty([]float64{1, 2, 3}), 1e-4)
	assert.Equal(t, " ± 2.5", PlusMinus([]float64{1, 2, 3}))
	assert.Equal(t, " ± 2,500", PlusMinus([]float64{1000, 2000, 3000}))
	assert.Empty(t, PlusMinus([]float64{1}))
	assert.Empty(t, PlusMinus([]float64{1, 1}), "nothing is uncertain")
	assert.Empty(t, PlusMinus([]float64{1, math.Inf(1)}))
}
