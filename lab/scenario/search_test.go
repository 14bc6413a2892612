// The search by itself, with runs whose answer is known beforehand.

package scenario

import (
	"errors"
	"fmt"
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

func TestASearchEndsWithTheFirstRunThatGoesWrong(t *testing.T) {
	wrong := errors.New("wrong")
	runs := 0
	f := &found{search: &search{low: 1, high: 9}}
	assert.ErrorIs(t, f.find(func(int) (trial, *lab.Result, error) { runs++; return trial{}, nil, wrong }), wrong)
	assert.Equal(t, 1, runs)
}

func TestTheoryKnowsWhatItsAnswerIs(t *testing.T) {
	for hold, want := range map[string]struct {
		guess int
		known bool
	}{
		"p99, at_most: 2500ms":    {8, true},
		"p99, at_most: 1s":        {0, true}, // the service alone takes longer
		"p100, at_most: 3s":       {0, false},
		"unfinished, at_most: 10": {0, false},
	} {
		guess, known := parsed(t, `
server: {model: threaded}
service: {distribution: uniform, from: 0s, to: 2s}
load: {path: /, rate: 5, for: 1m, arrivals: poisson}
hold: {metric: `+hold+`}
search: {threads: 1..20}`).guess()
		assert.Equal(t, want.guess, guess, hold)
		assert.Equal(t, want.known, known, hold)
	}
}
