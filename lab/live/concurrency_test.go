// The measurement itself, on services made up by hand: what is in service is known.

package live

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

const ms = time.Millisecond

// served is what n requests look like that come a stagger apart to a number of
// servers with one queue, and nap evenly up to sleep.
func served(seed uint64, n, servers int, stagger, sleep time.Duration) []service {
	draw := rand.New(rand.NewPCG(seed, 0))
	free := make([]time.Duration, servers)
	var all []service
	for i := range n {
		first := 0
		for j := range free {
			if free[j] < free[first] {
				first = j
			}
		}
		sent := time.Duration(i) * stagger
		long := time.Duration(draw.Float64() * float64(sleep))
		free[first] = max(free[first], sent) + long
		all = append(all, service{sent, free[first], long})
	}
	return all
}

// late makes each reply seen up to so much later than it came.
func late(seed uint64, all []service, most time.Duration) []service {
	draw := rand.New(rand.NewPCG(seed, 1))
	for i := range all {
		all[i].end += time.Duration(draw.Float64() * float64(most))
	}
	return all
}

func TestALimitIsCounted(t *testing.T) {
	for servers, n := range map[int]int{1: 8, 2: 8, 4: 32, 8: 32, 12: 128, 25: 128} {
		for seed := range uint64(50) {
			c := measure("/", late(seed, served(seed, n, servers, 4*ms, time.Second), 5*ms), 0, 25*ms, 100*ms)
			assert.True(t, c.Limited, "%d servers, seed %d", servers, seed)
			assert.Equal(t, servers, c.AtOnce, "%d servers, seed %d", servers, seed)
			// While somebody waits all of them are busy; before that there is the time in which
			// they fill, of 25 a tenth of a second in two.
			assert.InEpsilon(t, servers, c.InService, 0.1, "%d servers, seed %d", servers, seed)
		}
	}
}

func TestNoLimitIsNoLimit(t *testing.T) {
	for seed := range uint64(50) {
		c := measure("/", late(seed, served(seed, 128, 128, 4*ms, time.Second), 50*ms), 0, 25*ms, 100*ms)
		assert.False(t, c.Limited, "late by 50 ms is not waiting for others")
		// When the x-th comes, x·4 ms after the first, x − x²/500 are there: 95 when the
		// last one comes, of whom those are not counted that have less to nap than the
		// grain: 5 %. Each of 128 is there or not: the standard deviation is below 6.
		assert.InDelta(t, 0.95*95, c.AtOnce, 4*6)
	}
}

// Three naps one after another, of which the last does not count: there is nobody
// left to wait for it.
func TestLittlesLaw(t *testing.T) {
	one := []service{{0, 100 * ms, 100 * ms}, {0, 200 * ms, 100 * ms}, {0, 300 * ms, 100 * ms}}
	assert.InDelta(t, 1, inService(one), 1e-9)
	// The same with 100 ms in which nobody is served, of 300: two thirds.
	idle := []service{{0, 100 * ms, 100 * ms}, {0, 300 * ms, 100 * ms}, {0, 400 * ms, 100 * ms}}
	assert.InDelta(t, 2./3, inService(idle), 1e-9)
}

// Who waits while fewer are served than before waits for something else: here for a
// worker that is recycled after ten of twenty.
func TestAPauseIsUnsteady(t *testing.T) {
	var all []service
	for i := range 20 {
		s := service{time.Duration(4*i) * ms, 0, 100 * ms}
		if s.end = s.sent + s.long; i >= 10 {
			s.end += time.Second
		}
		all = append(all, s)
	}
	c := measure("/", all, 0, 2*ms, 40*ms)
	assert.True(t, c.Limited)
	assert.True(t, c.unsteady)
	for seed := range uint64(50) {
		c = measure("/", served(seed, 32, 8, 4*ms, time.Second), 0, 25*ms, 100*ms)
		assert.True(t, c.Limited && !c.unsteady, "a limit is not")
	}
}

// Of eight requests on two servers six wait; if two do, it is for something else.
func TestFewWhoWaitAreUnsteady(t *testing.T) {
	all := []service{{0, 400 * ms, 400 * ms}, {4 * ms, 400 * ms, 396 * ms}}
	for i := 2; i < 6; i++ {
		all = append(all, service{time.Duration(4*i) * ms, time.Duration(4*i+3) * ms, 3 * ms})
	}
	all = append(all, service{24 * ms, 490 * ms, 90 * ms}, service{28 * ms, 490 * ms, 90 * ms})
	c := measure("/", all, 0, 2*ms, 40*ms)
	assert.True(t, c.Limited)
	assert.Equal(t, 2, c.AtOnce)
	assert.InDelta(t, 2, c.InService, 0.1, "it looks like two servers")
	assert.True(t, c.unsteady)
}

// One that is late by a second is an accident, and no limit.
func TestOneLateReplyIsNoLimit(t *testing.T) {
	all := served(1, 8, 8, 4*ms, 400*ms)
	all[3].end += time.Second
	assert.False(t, measure("/", all, 0, 10*ms, 40*ms).Limited)
}

// uvloop sends what a turn has written at its end: the first request has a turn for
// itself, the others come meanwhile and share the next one.
func TestRepliesThatAreHeldBackAreNotServedAtOnce(t *testing.T) {
	all := []service{{0, 200 * ms, 200 * ms}}
	end := 200 * ms
	for i := range 7 {
		long := time.Duration(100+10*i) * ms
		end += long
		all = append(all, service{time.Duration(4*i) * ms, 0, long})
	}
	for i := range all[1:] {
		all[1+i].end = end
	}
	assert.Equal(t, 7, overlap(all, 10*ms, 0), "they seem to be served at once")
	c := measure("/", all, 0, 10*ms, 40*ms)
	assert.True(t, c.Limited)
	assert.Equal(t, 1, c.AtOnce)
}

func TestFewerIsClearOnlyIfItIsHalf(t *testing.T) {
	limit := func(n int) *Concurrency { return &Concurrency{AtOnce: n, Limited: true} }
	assert.True(t, limit(12).clearlyLess(&Concurrency{AtOnce: 24}))
	assert.False(t, limit(13).clearlyLess(&Concurrency{AtOnce: 24}))
	assert.False(t, (&Concurrency{AtOnce: 1}).clearlyLess(limit(2)), "it is not known to be limited")
	assert.False(t, limit(1).clearlyLess(nil))
}
