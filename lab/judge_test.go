package lab_test

import (
	"math"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver"
)

// oneNap is a single nap uniform(0, 2 s), whose length the seed decides.
func oneNap(checks ...lab.Check) lab.Experiment {
	return lab.Experiment{
		Name:   "one nap",
		System: lab.System{Server: pocserver.RunSync(), App: lab.Seeded(pocserver.Instances)},
		Load:   []load.Load{load.Open{Name: "nap", Path: "/sync_sleep/?sleep=2", Rate: 1, Duration: time.Second}},
		Checks: checks, Horizon: 3 * time.Second,
	}
}

func TestJudgeMeasuresTheMeanOverTheSeeds(t *testing.T) {
	nap := lab.Check{Metric: lab.MeanLatency, Want: 1, Formula: "E[S]", Within: lab.Absolute(1, "a nap is 0 to 2 s")}
	seeds := []uint64{1, 2, 3, 4}
	sum := 0.0
	var each []float64
	for _, seed := range seeds {
		e := oneNap(nap)
		e.Seed = seed
		o, err := e.Run(t)
		require.NoError(t, err)
		each = append(each, lab.MeanLatency.Of(o))
		sum += each[len(each)-1]
	}

	r := lab.Judge(t, oneNap(nap), seeds...)
	assert.True(t, r.Holds)
	assert.Equal(t, 4, r.Seeds)
	assert.Equal(t, lab.Samples(each), r.Checks[0].Samples)
	assert.InDelta(t, sum/4, *r.Checks[0].Observed, 1e-12)
	assert.Contains(t, r.Text(), "seed 1 in the picture; the numbers are the means of 4")
	assert.NotEqual(t, each[0], each[1], "two seeds nap differently, or there is no mean to take")

	alone := oneNap(nap)
	alone.Seed = 3
	r = lab.Judge(t, alone)
	assert.Equal(t, each[2], *r.Checks[0].Observed, "without seeds it is the experiment's own")
	assert.Nil(t, r.Checks[0].Samples)
}

func TestANumberThatIsOnlyShownIsHeldToNothing(t *testing.T) {
	far := lab.Check{Metric: lab.MeanLatency, Want: 100, Formula: "a guess", Within: lab.Shown("nothing was promised")}
	r := lab.Judge(t, oneNap(far), 1)
	assert.True(t, r.Holds)
	assert.Less(t, r.Checks[0].Error(), -0.9)
	assert.Contains(t, lab.Collect(r).String(), "100 s")
	assert.NotContains(t, lab.Collect(r).String(), "holds\n", "no verdict on it")
	assert.NotContains(t, r.Text(), "100 s", "nor is it a tick in the lesson")

	nothing := lab.Metric{Name: "nothing", Of: func(*lab.Observation) float64 { return math.NaN() }}
	r = lab.Judge(t, oneNap(lab.Check{Metric: nothing, Want: 1, Formula: "a guess", Within: lab.AtLeast("a promise")}), 1)
	assert.False(t, r.Holds, "nothing to measure is no way to keep a promise")
}

// JSON has no infinity: what is infinite at one seed must not cost the whole file.
func TestASampleThatIsNoNumberIsNull(t *testing.T) {
	never := lab.Metric{Name: "never", Of: func(*lab.Observation) float64 { return math.Inf(1) }}
	r := lab.Judge(t, oneNap(lab.Check{Metric: never, Want: 1, Formula: "a guess", Within: lab.AtMost("a promise")}), 1, 2)
	path, err := lab.Collect(r).Write(t.TempDir())
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Regexp(t, `"samples": \[\s*null,\s*null\s*\]`, string(text))
	assert.False(t, r.Holds)
}

func TestJudgeSaysWhatWentWrong(t *testing.T) {
	e := oneNap()
	e.System.App = nil
	r := lab.Judge(t, e, 1, 2)
	assert.False(t, r.Holds)
	assert.Contains(t, r.Trouble, "System.App is nil")
	assert.Contains(t, r.Text(), "System.App is nil")
}

// A failing demand shows its uncertainty as a passing one does, and one that the seeds leave open is neither.
func TestADemandShowsItsUncertaintyAndMayBeUndecided(t *testing.T) {
	judge := func(most float64) *lab.Result {
		demand := lab.Check{Metric: lab.MeanLatency, Want: most, Demand: true, Formula: "the file", Within: lab.AtMost("the file")}
		return lab.Judge(t, oneNap(demand), 1, 2, 3, 4)
	}
	// Naps are uniform from 0 to 2 s, so four of them have a mean of about 1 ± 0.9 s.
	for most, want := range map[float64]lab.Outcome{0.001: lab.Fails, 1: lab.Undecided, 3: lab.Holds} {
		r := judge(most)
		assert.Equal(t, want, r.Outcome(), "at most %g s", most)
		assert.Equal(t, want, r.Checks[0].Outcome())
		assert.Equal(t, want == lab.Holds, r.Holds)
		assert.Regexp(t, `mean latency.*( |\n).* ± 0\.\d+ s`, r.Text())
	}
	assert.Contains(t, judge(0.001).Text(), "the claim does not hold. mean latency: ")
	text := judge(1).Text()
	assert.Contains(t, text, "one nap: undecided. mean latency: ")
	assert.Contains(t, text, "? mean latency")
	assert.Contains(t, lab.Collect(judge(1)).String(), "undecided")
}
