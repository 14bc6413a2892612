// The search by itself, with runs whose answer is known beforehand.

package scenario

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab"
)

func TestASearchFindsEveryAnswerInFewRuns(t *testing.T) {
	const low, high = 3, 40
	for _, guess := range []int{0, low, 17, 39, high} { // 0 is that theory has none
		for answer := low; answer <= high+1; answer++ {
			ran := map[int]int{}
			f := &found{search: &search{low: low, high: high}, guess: guess}
			require.NoError(t, f.find(func(value int) (trial, *lab.Result, error) {
				ran[value]++
				return trial{holds: value >= answer}, &lab.Result{Name: fmt.Sprint(value)}, nil
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
				return trial{holds: value >= from && value <= to}, &lab.Result{Name: fmt.Sprint(value)}, nil
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

func TestASearchSaysHowSureItsAnswerIs(t *testing.T) {
	at := func(value int, holds, unsure bool) trial { return trial{value: value, holds: holds, unsure: unsure} }
	for want, trials := range map[string][]trial{
		"28 fails by less than its own uncertainty: other seeds may answer 28":   {at(28, false, true), at(29, true, false)},
		"29 holds by less than its own uncertainty: other seeds may answer more": {at(28, false, false), at(29, true, true)},
	} {
		f := &found{search: &search{key: "threads", low: 1, high: 60}, answer: 29, trials: trials}
		assert.Equal(t, []string{"searched threads from 1 to 60. Theory has no answer. 29 holds, and 28 does not.", want}, f.words())
	}
}

func TestATrialIsUnsureIfItsBoundIsInItsConfidenceInterval(t *testing.T) {
	s := parsed(t, `
server: {model: threaded}
service: {distribution: uniform, from: 0s, to: 2s}
load: {path: /, rate: 1, for: 1m}
hold: [{metric: p99, at_most: 1s}, {metric: p50, at_most: 1s}]`)
	// Of two samples the interval is ±12.7 times half of their difference.
	check := func(x, half float64) lab.ResultCheck {
		return lab.ResultCheck{Observed: &x, Holds: x <= 1, Samples: []float64{x - half, x + half}}
	}
	for _, c := range []struct {
		p99, p50 lab.ResultCheck
		unsure   bool
	}{
		{check(0.9, 0.001), check(0.9, 0.001), false},
		{check(0.9, 0.01), check(0.9, 0.001), true},
		{check(1.1, 0.01), check(0.9, 0.01), true},
		{check(1.1, 0.001), check(0.9, 0.01), false}, // it fails anyway
		{check(1.1, 0.001), check(1.1, 0.01), false},
		{check(1.1, 0.01), check(1.1, 0.01), true},
	} {
		r := &lab.Result{Checks: []lab.ResultCheck{c.p99, c.p50}, Holds: c.p99.Holds && c.p50.Holds}
		assert.Equal(t, c.unsure, s.trial(r).unsure, "%v and %v", c.p99.Samples, c.p50.Samples)
	}
}

func TestAnAnswerIsSaidInWords(t *testing.T) {
	for want, f := range map[string]found{
		"1 worker is enough.":               {search: &search{key: "workers"}, answer: 1},
		"2,000 threads are enough.":         {search: &search{key: "threads"}, answer: 2000},
		"12 worker connections are enough.": {search: &search{key: "worker_connections"}, answer: 12},
		"a backlog of 48 is enough.":        {search: &search{key: "backlog"}, answer: 48},
		"max_requests: 151 is enough.":      {search: &search{key: "max_requests"}, answer: 151},
	} {
		assert.Equal(t, want, f.enough())
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

		// 25 would be needed, and with 20 the last waits for 60 s·(25/20 − 1) = 15 s.
		excess + "{metric: p95, at_most: 1s}":           {0, true},
		excess + "{metric: p95, at_most: 14s}":          {0, true},
		excess + "{metric: p95, at_most: 14500ms}":      {0, false},
		excess + "{metric: busy workers, at_most: 1}":   {0, false}, // a queue says nothing of it
		excess + "{metric: busy workers, at_least: 1}":  {0, false},
		excess + "{metric: mean latency, at_most: 10s}": {0, false}, // of those who get a reply
	} {
		guess, known := parsed(t, file).guess()
		assert.Equal(t, want.guess, guess, file)
		assert.Equal(t, want.known, known, file)
	}
}

func TestTheoryHasNoAnswerWhereMoreIsNotMorePlaces(t *testing.T) {
	guess, known := parsed(t, `
server: {model: sync}
service: {distribution: constant, time: 100ms}
load: {path: /, rate: 5, for: 1m}
hold: {metric: p99, at_most: 1s}
search: {backlog: 1..200}`).guess()
	assert.Zero(t, guess)
	assert.False(t, known)
}
