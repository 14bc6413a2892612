package report

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"gonum.org/v1/plot"
)

func labels(ticks []plot.Tick) (all []string) {
	for _, t := range ticks {
		if t.Label != "" {
			all = append(all, t.Label)
		}
	}
	return all
}

func TestMarksAreRoundNumbers(t *testing.T) {
	assert.Equal(t, []string{"0", "50", "100", "150"}, labels(moreSteps.Ticks(0, 181)))
	assert.Equal(t, []string{"0", "0.5", "1", "1.5", "2", "2.5", "3"}, labels(moreSteps.Ticks(0, 3)))
	assert.Equal(t, []string{"0", "500", "1,000"}, labels(wholly{}.Ticks(0, 1200)))
	assert.Equal(t, []string{"0", "1"}, labels(wholly{}.Ticks(0, 1)), "there are no halves of requests")
	assert.Equal(t, []string{"0", "200", "400", "600", "800"}, labels(wholly{}.Ticks(0, 800)))
}

func TestDecadesAreMarkedAtTheirLogarithms(t *testing.T) {
	ticks := decades{}.Ticks(-3, 1)
	assert.Equal(t, []string{"0.001", "0.01", "0.1", "1", "10"}, labels(ticks))
	assert.Equal(t, []string{"10", "20", "50"}, labels(decades{}.Ticks(1, 1.9)))
	for _, tick := range ticks {
		if tick.Label == "0.1" {
			assert.InDelta(t, math.Log10(0.1), tick.Value, 1e-12)
		}
	}
	assert.Equal(t, []string{"0", "0.001", "0.01", "0.1"}, labels(decades{withZero: true, zero: -3.7}.Ticks(-3.8, -0.9)))
}

// TestAVerticalAxisEndsAtAMark, whatever is to be drawn.
func TestAVerticalAxisEndsAtAMark(t *testing.T) {
	for _, most := range []float64{1, 2, 3, 7, 9, 10, 11, 99, 101, 180, 260, 401, 601, 999, 40_000} {
		a := plot.Axis{Max: most}
		markTop(&a, fewSteps)
		assert.GreaterOrEqual(t, a.Max, most)
		assert.LessOrEqual(t, a.Max, 2*most, "half of it is used")
		ticks := wholly{}.Ticks(a.Min, a.Max)
		assert.InDelta(t, a.Max, ticks[len(ticks)-1].Value, 1e-9*a.Max, "%v", most)
		assert.LessOrEqual(t, len(ticks), int(fewSteps)+1)
	}
}
