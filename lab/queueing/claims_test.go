// How a predicted number is held to a measured one: by the confidence interval of
// what was measured.

package queueing_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"example.com/outagelab/lab/typeset"
)

// byChance is how often a test may fail though every formula in it is right.
const byChance = 0.001

// A claim is a prediction and the sample that it is held to.
type claim struct {
	point, formula string
	low, high      float64 // what is predicted, and its stated error about it
	sample         []float64
	wrong          bool // the prediction is a known mistake
}

// claims are all that one test claims.
type claims []claim

// holds claims that the mean of what the sample was drawn from is what was
// predicted.
func (cs *claims) holds(point, formula string, predicted float64, sample []float64) {
	cs.between(point, formula, predicted, predicted, sample)
}

// between claims that it is between two numbers.
func (cs *claims) between(point, formula string, low, high float64, sample []float64) {
	*cs = append(*cs, claim{point, formula, low, high, sample, false})
}

// mistaken claims that it is not: the sample tells the mistake from the truth.
func (cs *claims) mistaken(point, mistake string, low, high float64, sample []float64) {
	*cs = append(*cs, claim{point, mistake, low, high, sample, true})
}

// verify holds all predictions to their samples, and logs the table. The
// confidence intervals are so wide that all of them hold together but for once in
// a thousand tests.
func (cs claims) verify(t *testing.T) {
	t.Helper()
	var page typeset.Page
	row := func(point, formula, predicted, measured, confidence, error string) {
		page.Line(typeset.Pad(point, 46) + typeset.Pad(formula, 28) + typeset.PadLeft(predicted, 15) +
			typeset.PadLeft(measured, 10) + typeset.PadLeft(confidence, 10) + typeset.PadLeft(error, 9))
	}
	row("point", "formula", "predicted", "measured", "±", "error")
	for _, c := range cs {
		mean, half := confidence(c.sample, byChance/float64(len(cs)))
		predicted, off := typeset.Number(c.low), mean-c.low
		if c.low != c.high {
			predicted += "…" + typeset.Number(c.high)
			off = min(max(0, mean-c.high), max(0, mean-c.low))
			if mean < c.low {
				off = mean - c.low
			}
		}
		part := "–"
		if c.low > 0 {
			part = fmt.Sprintf("%+.1f %%", 100*off/c.low)
		}
		row(c.point, c.formula, predicted, typeset.Number(mean), typeset.Number(half), part)
		inside := mean+half >= c.low && mean-half <= c.high
		if c.wrong {
			assert.False(t, inside, "%s: the mistake %q, %s, is not told from what was measured, %g ± %g", c.point, c.formula, predicted, mean, half)
		} else {
			assert.True(t, inside, "%s: %s is %s, and %g ± %g was measured", c.point, c.formula, predicted, mean, half)
		}
	}
	t.Log("\n" + page.String())
}

// confidence is the mean of a sample, and the half-width of the interval that
// holds the mean of what it was drawn from but for one time in 1/chance: Student's
// t(n−1; 1 − chance/2)·s/√n.
func confidence(sample []float64, chance float64) (mean, half float64) {
	n := float64(len(sample))
	mean, s := stat.MeanStdDev(sample, nil)
	return mean, distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(1-chance/2) * s / math.Sqrt(n)
}

// From a table of Student's t: t(4; 0.995) = 4.6041 (NIST/SEMATECH e-Handbook of
// Statistical Methods, section 1.3.6.7.2).
func TestConfidenceOfAPublishedQuantile(t *testing.T) {
	mean, half := confidence([]float64{8, 9, 10, 11, 12}, 0.01)
	assert.Equal(t, 10.0, mean)
	assert.InDelta(t, 4.6041*math.Sqrt(2.5/5), half, 1e-4)
}

// batches are the means of 40 batches of a series whose neighbours depend on each
// other, and which has to forget how it began: the first of 41 batches is left
// out. Batches are independent where they are long by comparison to what the
// series remembers.
func batches(t *testing.T, series []float64) (means []float64) {
	t.Helper()
	size := len(series) / 41
	require.Positive(t, size, "of %d values", len(series))
	for i := 1; i <= 40; i++ {
		means = append(means, stat.Mean(series[i*size:(i+1)*size], nil))
	}
	return means
}
