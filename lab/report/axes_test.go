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
