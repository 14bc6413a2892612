// What is inside, what is not, and what cannot be judged.

package fidelity_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/fidelity"
)

// judge judges one count.
func judge(t *testing.T, c fidelity.Count) fidelity.Verdict {
	t.Helper()
	j, err := fidelity.Judge([]fidelity.Count{c})
	require.NoError(t, err)
	require.Len(t, j.Verdicts, 1)
	assert.Equal(t, j.Verdicts[0].Inside, j.Holds())
	return j.Verdicts[0]
}

// 10 ± 7.975 by hand, as in TestIntervalOfPublishedQuantiles: 2.025 to 17.975.
var ten = []float64{8, 9, 10, 11, 12}

func TestACountIsInsideUpToBothEnds(t *testing.T) {
	for _, c := range []struct {
		field  float64
		inside bool
	}{{1, false}, {2, true}, {10, true}, {18, true}, {19, false}} {
		v := judge(t, fidelity.Count{Field: []float64{c.field}, Model: ten})
		assert.Equal(t, []float64{2, 18}, []float64{v.Low, v.High}, "widened to whole things")
		assert.Equal(t, c.inside, v.Inside, "%g", c.field)
	}
	assert.False(t, judge(t, fidelity.Count{Field: []float64{10, 21}, Model: ten}).Inside, "one of two that is outside is enough")
}

func TestAStepIsHowFineACountIs(t *testing.T) {
	v := judge(t, fidelity.Count{Field: []float64{2.04}, Model: ten, Step: 0.1})
	assert.InDeltaSlice(t, []float64{2.0, 18.0}, []float64{v.Low, v.High}, 1e-9)
	assert.True(t, v.Inside)
	assert.False(t, judge(t, fidelity.Count{Field: []float64{1.94}, Model: ten, Step: 0.1}).Inside)
	assert.True(t, judge(t, fidelity.Count{Field: []float64{60.004}, Model: []float64{60, 60}, Step: 0.01}).Inside, "what was measured is rounded to it")
	assert.False(t, judge(t, fidelity.Count{Field: []float64{60.006}, Model: []float64{60, 60}, Step: 0.01}).Inside)
}

func TestWhatIsNotRandomHasOneValue(t *testing.T) {
	same := []float64{75, 75, 75}
	assert.True(t, judge(t, fidelity.Count{Field: []float64{75}, Model: same}).Inside)
	assert.False(t, judge(t, fidelity.Count{Field: []float64{74}, Model: same}).Inside)
}

func TestNothingIsBelowNoneOrAboveAll(t *testing.T) {
	v := judge(t, fidelity.Count{Field: []float64{5}, Model: []float64{0, 10, 0, 10}, Most: 10})
	assert.Equal(t, []float64{0, 10}, []float64{v.Low, v.High})
	assert.True(t, v.Wide, "any count would be inside")
}

func TestWideIsWhatSaysLittle(t *testing.T) {
	assert.True(t, judge(t, fidelity.Count{Field: []float64{10}, Model: ten}).Wide, "2 to 18: its end is more than twice its beginning")
	assert.True(t, judge(t, fidelity.Count{Field: []float64{10}, Model: ten, Most: 30}).Wide, "16 of 30 are more than half")
	assert.False(t, judge(t, fidelity.Count{Field: []float64{10}, Model: ten, Most: 40}).Wide, "16 of 40 are not")
}

// Of a count that was measured twice both values have to be inside, so that it
// needs the room of two counts.
func TestEveryMeasuredValueCounts(t *testing.T) {
	j, err := fidelity.Judge([]fidelity.Count{
		{Field: []float64{10, 10}, Model: ten},
		{Field: []float64{1, 1, 1}, Model: []float64{1, 1}},
	})
	require.NoError(t, err)
	assert.Equal(t, []int{1, 2}, []int{j.Random, j.Values})
	assert.Equal(t, []float64{0, 20}, []float64{j.Verdicts[0].Low, j.Verdicts[0].High}, "10 ± 9.695, as of two counts")
}

// With more counts each has to be wider, so that all of them hold as often.
func TestCountsAreJudgedTogether(t *testing.T) {
	alone := judge(t, fidelity.Count{Field: []float64{10}, Model: ten})
	j, err := fidelity.Judge([]fidelity.Count{
		{Field: []float64{10}, Model: ten}, {Field: []float64{10}, Model: ten},
		{Field: []float64{1}, Model: []float64{1, 1}}, // not random, so it does not count
	})
	require.NoError(t, err)
	assert.Equal(t, 2, j.Random)
	// t(4; 0.9975) = 5.5976: 10 ± 5.5976·√2.5·√1.2 = 10 ± 9.695.
	assert.Equal(t, []float64{0, 20}, []float64{j.Verdicts[0].Low, j.Verdicts[0].High})
	assert.Greater(t, alone.Low, j.Verdicts[0].Low)
}

func TestWhatTheModelCouldNotMeasureIsNotInside(t *testing.T) {
	v := judge(t, fidelity.Count{Field: []float64{10}, Model: []float64{10, math.NaN(), 10}})
	assert.False(t, v.Inside)
	assert.Equal(t, 1, v.Unmeasured)
}

func TestWhatCannotBeJudgedIsNamed(t *testing.T) {
	good := []float64{1}
	for _, c := range []struct {
		count fidelity.Count
		says  string
	}{
		{fidelity.Count{Model: ten}, "nothing was measured"},
		{fidelity.Count{Field: []float64{math.NaN()}, Model: ten}, "NaN was measured, want a number, 0 or more"},
		{fidelity.Count{Field: []float64{-1}, Model: ten}, "-1 was measured"},
		{fidelity.Count{Field: good, Model: good}, "the model has the values of 1 seeds, want two or more"},
		{fidelity.Count{Field: good, Model: []float64{1, math.Inf(1)}}, "the model gave +Inf"},
		{fidelity.Count{Field: []float64{1e300}, Model: ten}, "1e+300 was measured, want 1e+09 at most"},
		{fidelity.Count{Field: []float64{2e6}, Model: ten, Step: 0.001}, "2e+06 was measured, want 1e+06 at most"},
		{fidelity.Count{Field: good, Model: []float64{1, 2e9}}, "the model gave 2e+09, want 1e+09 at most"},
		{fidelity.Count{Field: good, Model: ten, Step: 0.5}, "a step of 0.5, want a power of ten"},
		{fidelity.Count{Field: good, Model: ten, Step: -1}, "a step of -1"},
	} {
		c.count.Case, c.count.Name = "a case", "a count"
		_, err := fidelity.Judge([]fidelity.Count{c.count})
		assert.ErrorContains(t, err, "a case: a count: "+c.says)
	}
	_, err := fidelity.Judge(nil)
	assert.EqualError(t, err, "no counts to judge")
}

func TestTheTableSaysWhatItKnows(t *testing.T) {
	j, err := fidelity.Judge([]fidelity.Count{
		{Case: "a server", Name: "replies", Field: []float64{9, 11}, Model: ten},
		{Case: "a server", Name: "lost", Field: []float64{0}, Model: []float64{0, 0, 0, 0, 0}},
		{Case: "a server", Name: "refused", Field: []float64{0}, Model: []float64{0, 0, 0, 0, 0}},
		{Case: "another", Name: "replies", Field: []float64{10}, Model: ten, Most: 100, Calibrated: "CPU"},
		{Case: "another", Name: "p50, s", Field: []float64{0.9994}, Model: []float64{1, 1, 1, 1, 1}, Step: 0.001},
		{Case: "another", Name: "p99, s", Field: []float64{10}, Model: ten, Step: 0.001, Lacks: "pace"},
		{Case: "another", Name: "p100, s", Field: []float64{10}, Model: []float64{1, 1, 1, 1, math.NaN()}, Step: 0.001},
	})
	require.NoError(t, err)
	assert.False(t, j.Holds())
	assert.Equal(t, `           measured    mean  one more run   5 seeds gave
a server
  replies      9 11    10.0          0–22           8–12  inside, wide
  none, as measured: lost, refused
another
  replies        10    10.0          0–22           8–12  inside, by CPU
  p50, s      0.999  1.0000         1.000          1.000  OUTSIDE
  p99, s     10.000 10.0000  0.000–21.706   8.000–12.000  inside, wide, lacks pace
  p100, s    10.000       –             –              –  OUTSIDE: nothing to measure at 1 of 5 seeds

7 counts, of which 3 are random in the model (4 values): 5 predictions, 1 that a parameter
was calibrated on (by …), 1 of something that the model lacks (lacks …). Inside: 5.
OUTSIDE: 2. Of 2 inside this says little: their intervals are wide. Of the model's own 5
seeds, each judged by the others, 0 have all counts inside; of normal counts 99 in 100
would.
`, j.String())
}

// Ten values are wrapped, none runs into the name, and one of a thing is one.
func TestTheTableHasRoomForManyValues(t *testing.T) {
	// t(2; 0.9995) = 31.599: 2 ± 31.599·√(4/3) = 2 ± 36.488.
	j, err := fidelity.Judge([]fidelity.Count{{
		Case: "a server", Name: "p50, s", Step: 0.001, Model: []float64{1, 2, 3},
		Field: []float64{1.4, 1.41, 1.42, 1.43, 1.44, 1.45, 1.46, 1.47, 1.48, 1234.5},
	}})
	require.NoError(t, err)
	assert.Equal(t, `                   measured    mean  one more run   3 seeds gave
a server
  p50, s  1.400 1.410 1.420  2.0000  0.000–38.488    1.000–3.000  OUTSIDE
          1.430 1.440 1.450
          1.460 1.470 1.480
                   1234.500

1 count, of which 1 is random in the model (10 values): 1 prediction. Inside: 0. OUTSIDE:
1. Of the model's own 3 seeds, each judged by the others, 3 have all counts inside; of
normal counts 99 in 100 would.
`, j.String())
}

// The end of an interval is 20, and 20.5 is judged as 21: that is what is printed.
func TestTheTableShowsWhatIsJudged(t *testing.T) {
	j, err := fidelity.Judge([]fidelity.Count{
		{Case: "a server", Name: "replies", Field: []float64{20.5}, Model: []float64{20, 20, 20}},
		{Case: "a server", Name: "others", Field: []float64{10}, Model: ten},
	})
	require.NoError(t, err)
	assert.False(t, j.Holds())
	assert.Contains(t, j.String(), "  replies        21    20.0            20              20  OUTSIDE\n")
	assert.Contains(t, strings.Join(strings.Fields(j.String()), " "), "Of 1 inside this says little: its interval is wide.")
}
