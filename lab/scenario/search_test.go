// The search by itself, with runs whose answer is known beforehand.

package scenario

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/racedetector"
)

func TestASearchFindsEveryAnswerInFewRuns(t *testing.T) {
	const low, high = 3, 40
	for _, guess := range []int{0, low, 17, 39, high} { // 0 is that theory has none
		for answer := low; answer <= high+1; answer++ {
			ran := map[int]int{}
			f := &found{search: &search{low: low, high: high}, guess: guess}
			require.NoError(t, f.find(func(value int) (trial, *lab.Result, error) {
				ran[value]++
				return trial{outcome: holdsIf(value >= answer)}, &lab.Result{Name: fmt.Sprint(value)}, nil
			}))
			of := fmt.Sprintf("theory says %d, and %d is the smallest that holds", guess, answer)
			for value, times := range ran {
				assert.Equal(t, 1, times, "%d was run so often: %s", value, of)
				assert.LessOrEqual(t, value, high, of)
				assert.GreaterOrEqual(t, value, low, of)
			}
			assert.LessOrEqual(t, len(f.trials), f.search.tries(), of)
			if answer > high {
				assert.Zero(t, f.answer, of)
				assert.Contains(t, ran, high, "the largest was run: %s", of)
				continue
			}
			assert.Equal(t, answer, f.answer, of)
			assert.Equal(t, fmt.Sprint(answer), f.result.Name, "the answer's own result: %s", of)
			assert.True(t, answer == low || ran[answer-1] == 1, "the one below it was run: %s", of)
		}
	}
}

func TestASearchThatBeginsWithTooManyBeginsAgainWithTheLeast(t *testing.T) {
	const low, high = 3, 40
	for from := low; from <= high; from++ {
		for to := from; to < high; to++ { // only these hold
			ran := map[int]int{}
			f := &found{search: &search{low: low, high: high}}
			require.NoError(t, f.find(func(value int) (trial, *lab.Result, error) {
				ran[value]++
				return trial{outcome: holdsIf(value >= from && value <= to)}, &lab.Result{Name: fmt.Sprint(value)}, nil
			}))
			of := fmt.Sprintf("%d to %d hold", from, to)
			for value, times := range ran {
				assert.Equal(t, 1, times, "%d was run so often: %s", value, of)
			}
			assert.LessOrEqual(t, len(f.trials), f.search.tries(), of)
			wide := to >= low+2*(from-low) // the steps double, so they cannot pass it over
			switch {
			case f.answer != 0:
				assert.Equal(t, from, f.answer, of)
				assert.Equal(t, fmt.Sprint(from), f.result.Name, of)
				assert.True(t, from == low || ran[from-1] == 1, "the one below it was run: %s", of)
			case wide:
				assert.Fail(t, "nothing was found", of)
			default:
				assert.Equal(t, 1, ran[low], "the least was run: %s", of)
				assert.Equal(t, fmt.Sprint(high), f.result.Name, "the largest is shown: %s", of)
				assert.Contains(t, strings.Join(f.words(), " "), "The values between them were not run", of)
			}
		}
	}
}

func holdsIf(holds bool) lab.Outcome {
	if holds {
		return lab.Holds
	}
	return lab.Fails
}

// What is undecided is no answer: 26 and less fail, 27 and 28 are undecided, and 29 and more hold.
func TestASearchDoesNotTakeWhatIsUndecidedForAnAnswer(t *testing.T) {
	try := func(value int) (trial, *lab.Result, error) {
		outcome := lab.Undecided
		if value < 27 || value > 28 {
			outcome = holdsIf(value > 28)
		}
		return trial{outcome: outcome}, &lab.Result{Name: fmt.Sprint(value)}, nil
	}
	f := &found{search: &search{key: "threads", low: 1, high: 60}, guess: 28}
	require.NoError(t, f.find(try))
	assert.Equal(t, 29, f.answer)
	assert.Equal(t, []string{
		"searched threads from 1 to 60. Theory's answer is 28. 29 holds, and 28 is undecided.",
		"Fewer than 29 may be enough: the bound lies within the uncertainty of what was measured with 28. More seeds would tell.",
	}, f.words())

	f = &found{search: &search{key: "threads", low: 21, high: 28}}
	require.NoError(t, f.find(try))
	assert.Zero(t, f.answer)
	assert.Equal(t, "28", f.result.Name, "it is shown")
	assert.Equal(t, lab.Undecided, (&Report{found: f}).Outcome())
	assert.Equal(t, []string{"searched threads from 21 to 28. Theory has no answer. None of these holds for certain: " +
		"21, 22, 23, 24, 25, 26, 27 and 28. 27 and 28 are undecided: the bound lies within the uncertainty of what was measured. More seeds would tell."},
		f.words())
}

func TestAnAnswerIsSaidInWords(t *testing.T) {
	for _, c := range []struct {
		key             string
		answer, workers int
		want            string
	}{
		{"workers", 1, 1, "1 worker is enough."},
		{"workers", 3, 3, "3 workers are enough."},
		{"threads", 2000, 1, "2,000 threads are enough."},
		{"threads", 6, 3, "6 threads a worker are enough (18 in all)."},
		{"threads", 1, 3, "1 thread a worker is enough (3 in all)."},
		{"worker_connections", 12, 1, "12 worker connections are enough."},
		{"worker_connections", 12, 100, "12 worker connections a worker are enough (1,200 in all)."},
		{"backlog", 48, 3, "a backlog of 48 is enough."},
		{"max_requests", 151, 3, "max_requests: 151 is enough."},
	} {
		f := found{search: &search{key: c.key}, answer: c.answer}
		assert.Equal(t, c.want, f.enough(c.workers))
	}
}

func TestASearchEndsWithTheFirstRunThatGoesWrong(t *testing.T) {
	wrong := errors.New("wrong")
	runs := 0
	f := &found{search: &search{low: 1, high: 9}}
	assert.ErrorIs(t, f.find(func(int) (trial, *lab.Result, error) { runs++; return trial{}, nil, wrong }), wrong)
	assert.Equal(t, 1, runs)
}

func TestTheoryKnowsWhatItsAnswerIs(t *testing.T) {
	const places = `
server: {model: threaded}
service: {distribution: uniform, from: 0s, to: 2s}
load: {path: /, rate: 5, for: 1m, arrivals: poisson}
search: {threads: 1..20}
hold: `
	const excess = `
server: {model: sync}
service: {distribution: constant, time: 250ms}
load: {path: /, rate: 100, for: 60s, arrivals: poisson}
search: {workers: 1..20}
hold: `
	const closed = `
server: {model: sync}
service: {distribution: constant, time: 50ms}
load: {path: /, connections: 500, for: 10s}
search: {workers: 2..20}
hold: `
	for file, want := range map[string]struct {
		guess int
		known bool
	}{
		places + "{metric: p99, at_most: 2500ms}":                                  {8, true},
		places + "{metric: p99, at_most: 1s}":                                      {0, true}, // the service alone takes longer
		places + "{metric: p100, at_most: 3s}":                                     {0, false},
		places + "{metric: unfinished, at_most: 10}":                               {0, false},
		places + "[{metric: p99, at_most: 1s}, {metric: unfinished, at_most: 10}]": {0, true},  // one that fails is enough
		places + "{metric: p99, at_least: 1h}":                                     {0, false}, // fewer may do it

		closed + "{metric: throughput, at_most: 30}": {0, false}, // more make it more

		// 25 would be needed, and with 20 the last waits for 60 s·(25/20 − 1) = 15 s.
		excess + "{metric: p95, at_most: 1s}":           {0, true},
		excess + "{metric: p95, at_most: 14s}":          {0, true},
		excess + "{metric: p95, at_most: 14500ms}":      {0, false},
		excess + "{metric: busy workers, at_most: 0.9}": {0, false}, // a queue says nothing of it
		excess + "{metric: busy workers, at_least: 1}":  {0, false},
		excess + "{metric: mean latency, at_most: 10s}": {0, false}, // of those who get a reply
	} {
		guess, known := parsed(t, file).guess()
		assert.Equal(t, want.guess, guess, file)
		assert.Equal(t, want.known, known, file)
	}
}

func TestAShortRangeIsRunAllBeforeNothingHolds(t *testing.T) {
	const low, high = 3, 10
	for holding := low; holding <= high+1; holding++ { // only this one
		f := &found{search: &search{key: "threads", low: low, high: high}}
		require.NoError(t, f.find(func(value int) (trial, *lab.Result, error) {
			return trial{value: value, outcome: holdsIf(value == holding)}, &lab.Result{Name: fmt.Sprint(value)}, nil
		}))
		if holding <= high {
			assert.Equal(t, holding, f.answer)
			assert.Equal(t, fmt.Sprint(holding), f.result.Name)
			continue
		}
		assert.Zero(t, f.answer)
		assert.Equal(t, "10", f.result.Name, "the largest is shown")
		assert.Equal(t, []string{"searched threads from 3 to 10. Theory has no answer. None of these holds: 3, 4, 5, 6, 7, 8, 9 and 10."}, f.words())
	}
}

// Three workers of their own queues get 40/s of 0.3 s, which is 12 at a time: 3 · 3
// threads are too few, and 3 · 4 are as many. 11 are said to be enough, for there
// hardly anybody waits.
func TestTheorySaysHowMuchOfAnAnswerItHas(t *testing.T) {
	if racedetector.On {
		t.Skip("the theory of hundreds of servers takes a second: it needs a run without -race")
	}
	const queues = `
server: {model: threaded, workers: 3}
service: {distribution: lognormal, mean: 300ms, deviation: 400ms}
load: {path: /, rate: 40, for: 5m, arrivals: poisson}
hold: {metric: p99, at_most: 2s}
search: {threads: `
	const one = `
server: {model: threaded}
service: {distribution: uniform, from: 0s, to: 2s}
load: {path: /, rate: 5, for: 1m, arrivals: poisson}
hold: {metric: p99, at_most: 2500ms}
search: {threads: `
	const closed = `
server: {model: sync}
service: {distribution: constant, time: 50ms}
load: {path: /, connections: 500, for: 10s}
hold: {metric: throughput, at_most: 30}
search: {workers: `
	const never = `
server: {model: threaded}
service: {distribution: exponential, mean: 1s}
load: {path: /, rate: 5, for: 1m, arrivals: poisson}
hold: {metric: p99, at_most: 2s}
search: {threads: `
	// One worker gets 1.05 of what it can do: the last of 60 s waits for 3 s.
	const excess = `
server: {model: sync}
service: {distribution: constant, time: 500ms}
load: {path: /, rate: 2.1, for: 60s, arrivals: poisson}
hold: {metric: p99, at_most: 1m}
search: {workers: `
	for file, want := range map[string]string{
		one + "1..20}":     "Theory's answer is 8.",
		one + "8..20}":     "Theory's answer is 8.",
		one + "1..4}":      "Theory needs more than 4, and finds 8 enough.",
		one + "1..7}":      "Theory needs more than 7, and finds 8 enough.",
		closed + "2..9}":   "Theory has no answer.",
		never + "1..9}":    "By theory none is enough.",
		queues + "1..12}":  "Theory finds 11 enough, and has no formula below 11 (latency of /: each worker has a queue of its own, and who comes to a busy one waits though another is free).",
		queues + "11..12}": "Theory's answer is 11.",
		queues + "1..4}":   "Theory needs more than 3, and finds 11 enough.",
		queues + "5..10}":  "Theory has no answer, and finds 11 enough.",
		excess + "1..20}":  "Theory finds 2 enough, and has no formula below 2 (it has no number for p99).",
	} {
		s := parsed(t, file)
		assert.Equal(t, want, s.foreknown().byTheory(), file)
	}
}

func TestWhatWouldFitDoesAndALittleMoreDoesNot(t *testing.T) {
	file := func(search, seeds, length string) string {
		return `
server: {model: threaded, workers: 3}
service: {distribution: lognormal, mean: 300ms, deviation: 400ms}
load: {path: /, rate: 40, for: ` + length + `, arrivals: poisson}
hold: {metric: p99, at_most: 2s}
seeds: ` + seeds + `
search: {threads: ` + search + "}"
	}
	_, err := Parse("test.yaml", []byte(file("10..26", "5", "10m")))
	require.ErrorContains(t, err, "up to 17 values are tried")
	require.ErrorContains(t, err, "What would fit: a range of at most 16 values, seeds: 4, or for: 9m")
	for _, fits := range []string{file("10..25", "5", "10m"), file("10..26", "4", "10m"), file("10..26", "5", "9m")} {
		_, err := Parse("test.yaml", []byte(fits))
		assert.NoError(t, err, fits)
	}
	for _, not := range []string{file("10..26", "5", "590s"), file("100..200", "4", "9m")} {
		_, err := Parse("test.yaml", []byte(not))
		assert.ErrorContains(t, err, "What would fit", not)
	}
}

func TestADurationIsRoundedDownToWhatOneWouldWrite(t *testing.T) {
	for d, want := range map[time.Duration]string{
		9*time.Minute + 48*time.Second: "9m",
		time.Hour + 59*time.Second:     "1h",
		90 * time.Minute:               "1h30m",
		299*time.Second + 1:            "4m59s",
		60*time.Second + 1:             "1m",
		4999999 * time.Microsecond:     "4.999s",
		10 * time.Minute:               "10m",
	} {
		assert.Equal(t, want, roundedDown(d), d)
	}
}

func TestTheoryHasNoAnswerWhereMoreIsNotMorePlaces(t *testing.T) {
	guess, known := parsed(t, `
server: {model: sync}
service: {distribution: constant, time: 100ms}
load: {path: /, rate: 5, arrivals: constant, for: 1m}
hold: {metric: p99, at_most: 1s}
search: {backlog: 1..200}`).guess()
	assert.Zero(t, guess)
	assert.False(t, known)
}
