// Who met whom, from replies made up by hand.

package live

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/racedetector"
)

// Published intervals: R. G. Newcombe, "Two-Sided Confidence Intervals for the Single
// Proportion: Comparison of Seven Methods", Statistics in Medicine 17(8), 1998, Table
// I, method 3.
func TestIntervalsAreThePublishedOnes(t *testing.T) {
	for _, c := range []struct {
		leaked, pairs int
		low, high     float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}} {
		low, high := (&Crosstalk{Leaked: c.leaked, Pairs: c.pairs}).Interval()
		assert.InDelta(t, c.low, low, 0.00005)
		assert.InDelta(t, c.high, high, 0.00005)
	}
	low, high := (&Crosstalk{}).Interval()
	assert.Equal(t, [2]float64{0, 1}, [2]float64{low, high}, "of nothing nothing is known")
}

// crowdOf is what n users are told who come 4 ms after one another, nap for longs
// in turn, and each write their name into the memory that memory says.
func crowdOf(n int, longs []time.Duration, memory func(i int) int) []answer {
	answers := make([]answer, n)
	for i := range n {
		sent := time.Duration(i) * 4 * ms
		long := longs[i%len(longs)]
		told := i
		for j := range n { // the last to write before i reads
			if at := time.Duration(j) * 4 * ms; memory(j) == memory(i) && j > told && at < sent+long {
				told = j
			}
		}
		answers[i] = answer{sent: sent, end: sent + long + ms/2, status: http.StatusOK,
			body: fmt.Sprintf("I napped for %v seconds - user user%d@django-poc.com", long.Seconds(), told)}
	}
	return answers
}

func met(answers []answer) Crosstalk {
	var c Crosstalk
	c.meet(answers, func(i int) string { return fmt.Sprintf("user%d", i) })
	return c
}

func TestMemoriesAreCounted(t *testing.T) {
	longs := []time.Duration{900 * ms, 30 * ms, 400 * ms, 600 * ms, 100 * ms, 250 * ms, 750 * ms}
	for _, memories := range []int{1, 2, 4, 12} {
		c := met(crowdOf(128, longs, func(i int) int { return (i * 7 / 3) % memories }))
		assert.Equal(t, memories, c.Memories)
		assert.Equal(t, 128, c.Crowd)
		assert.Greater(t, c.Strangers, 64)
	}
}

// Replies that fail are members of whom nothing is known, not even that they wrote;
// they may well have. No number of them makes more memories than there are.
func TestRepliesThatFailMakeNoMemories(t *testing.T) {
	for _, fail := range []float64{0, 0.05, 0.2, 0.5} {
		for _, memories := range []int{1, 2, 3, 6, 12} {
			seeds, many := uint64(100), 0
			if racedetector.On {
				seeds = 5
			}
			for seed := range seeds {
				c := met(crowdThatFails(seed, 128, memories, fail))
				if !assert.LessOrEqual(t, c.Memories, memories, "%v of the replies fail, seed %d", fail, seed) {
					return
				}
				if c.Memories > memories/2 {
					many++
				}
			}
			// Or it would be enough to count none.
			assert.True(t, fail > 0.2 || many > int(seeds)/2, "%v of the replies fail: %d memories are counted in %d of %d", fail, memories, many, seeds)
		}
	}
}

// crowdThatFails is what n users are told who each write into one of some memories,
// up to 60 ms after they were sent, and read from it after their nap; a share of the
// replies is an error.
func crowdThatFails(seed uint64, n, memories int, fail float64) []answer {
	draw := rand.New(rand.NewPCG(seed, 2))
	upTo := func(d time.Duration) time.Duration { return time.Duration(draw.Float64() * float64(d)) }
	wrote, read, memory := make([]time.Duration, n), make([]time.Duration, n), make([]int, n)
	answers := make([]answer, n)
	for i := range n {
		sent, long := time.Duration(i)*4*ms, upTo(600*ms)
		wrote[i] = sent + upTo(3*ms)
		if draw.Float64() < 0.05 {
			wrote[i] += upTo(60 * ms)
		}
		read[i], memory[i] = wrote[i]+long, draw.IntN(memories)
		answers[i] = answer{sent: sent, end: read[i] + upTo(3*ms), status: http.StatusServiceUnavailable, body: long.String()}
	}
	for i := range n {
		told := i
		for j := range n { // the last to write before i reads
			if memory[j] == memory[i] && wrote[j] <= read[i] && wrote[j] > wrote[told] {
				told = j
			}
		}
		if draw.Float64() >= fail {
			long := read[i] - wrote[i]
			answers[i].status, answers[i].body = http.StatusOK, fmt.Sprintf("I napped for %v seconds - user user%d@django-poc.com", long.Seconds(), told)
		}
	}
	return answers
}

func TestWhoMeetsNobodyHasNoMemory(t *testing.T) {
	c := met(crowdOf(32, []time.Duration{300 * ms}, func(i int) int { return i }))
	assert.Equal(t, Crosstalk{Crowd: 32, Largest: 1}, c)
	assert.False(t, c.Leaks())
}

// For a while only short naps come, and the chain of who was told whom breaks: it is
// still one memory.
func TestAPauseIsNotAnotherMemory(t *testing.T) {
	longs := make([]time.Duration, 60)
	for i := range longs {
		longs[i] = 9 * ms
		if i > 20 && i < 30 {
			longs[i] = ms
		}
	}
	c := met(crowdOf(60, longs, func(int) int { return 0 }))
	assert.Equal(t, 1, c.Memories)
	assert.Less(t, c.Largest, 40, "the chain was broken, or this tests nothing")
}

// A process that is recycled has two memories, one after the other, which are no two
// processes.
func TestARecycledProcessIsOne(t *testing.T) {
	longs := []time.Duration{300 * ms, 200 * ms, 400 * ms}
	c := met(crowdOf(100, longs, func(i int) int { return i / 50 }))
	assert.Equal(t, 1, c.Memories)
	both := met(crowdOf(100, longs, func(i int) int { return i / 50 * (i % 2) }))
	assert.Equal(t, 2, both.Memories, "two that go on side by side are two")
}
