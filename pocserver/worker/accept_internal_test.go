// The parts that decide who accepts and who waits, one by one and at exact
// instants.

package worker

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A decision at an instant does not depend on whether a connection that closes at
// that instant has closed by then.
func TestAPlaceIsFreeAnInstantAfterItsConnectionCloses(t *testing.T) {
	now := time.Now()
	d := newDoor(nil, &Config{})
	s := &site{door: d, room: 2}
	d.enter(0, s, now.Add(-time.Second))
	assert.True(t, s.could(now), "it holds nothing")
	s.conns = 2
	assert.False(t, s.could(now), "it is full")
	s.left(now)
	assert.False(t, s.could(now), "one of two has closed just now")
	s.left(now)
	assert.False(t, s.could(now), "both have closed just now")
	assert.True(t, s.could(now.Add(1)))
	s.conns = 2
	s.left(now.Add(2))
	assert.False(t, s.could(now.Add(2)), "what closed at an earlier instant does not count again")
	assert.True(t, s.could(now.Add(3)))
}

// A worker that begins to wait at an instant, or ceases to, could accept at that
// instant only if it waited before.
func TestAWaitCountsFromTheNextInstant(t *testing.T) {
	now := time.Now()
	d := newDoor(nil, &Config{})
	s := &site{door: d}
	d.enter(0, s, now)
	assert.False(t, s.could(now), "it has begun to wait just now")
	assert.True(t, s.could(now.Add(1)))
	s.hold(now.Add(2))
	assert.True(t, s.could(now.Add(2)), "its loop has been taken just now")
	assert.False(t, s.could(now.Add(3)))
	s.letGo(now.Add(4))
	s.hold(now.Add(4))
	assert.False(t, s.could(now.Add(4)), "it did not wait before this instant, whatever happened in it")
	s.letGo(now.Add(5))
	s.took = now.Add(6)
	assert.False(t, s.could(now.Add(6)), "it has accepted one just now")
	assert.True(t, s.could(now.Add(7)))
	s.conns = 1
	s.leave(now.Add(8), func() {})
	assert.False(t, s.could(now.Add(8)), "it accepts no more")
	s.letGo(now.Add(9))
	assert.False(t, s.could(now.Add(10)), "and never again")
}

// drained is called once the site has left and holds nothing, whichever is last.
func TestASiteIsDrainedOnce(t *testing.T) {
	now := time.Now()
	drained := 0
	d := newDoor(nil, &Config{})
	s := &site{door: d}
	d.enter(0, s, now)
	s.conns = 2
	s.leave(now, func() { drained++ })
	s.left(now)
	assert.Zero(t, drained, "it holds one")
	s.left(now)
	assert.Equal(t, 1, drained)
	s.leave(now, func() { drained++ })
	assert.Equal(t, 1, drained, "it has left before")

	s = &site{door: d}
	d.enter(0, s, now)
	s.leave(now, func() { drained++ })
	assert.Equal(t, 2, drained, "it holds nothing")
}

// taking waits for a place in a goroutine and tells when it has it.
func taking(s *slots, began time.Time, seq uint64) <-chan time.Duration {
	got := make(chan time.Duration, 1)
	w := &waiter{since: time.Now(), seq: seq, wake: make(chan signal, 2)}
	go func() {
		if s.acquire(w) {
			got <- time.Since(began)
		}
		close(got)
	}()
	return got
}

func TestPlacesGoToWhoCameFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := newSlots(2)
		third, first, second := taking(s, began, 3), taking(s, began, 1), taking(s, began, 2)
		assert.Equal(t, time.Duration(1), <-first, "at the next instant, by their order")
		assert.Equal(t, time.Duration(1), <-second)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Empty(t, third, "there are two places")
		fourth := taking(s, began, 0) // it comes at the instant of the release
		s.release()
		assert.Equal(t, time.Second+1, <-third, "it has waited, so it has the place at once")
		time.Sleep(time.Second - 1)
		s.release()
		assert.Equal(t, 2*time.Second, (<-fourth).Round(time.Microsecond))
		s.release()
		s.release()
		assert.Equal(t, 2, s.free)
		assert.Empty(t, s.line)
	})
}

// A place that is given back while nothing has waited before that instant is
// given away at the next one, by order and not by who came to the lock first.
func TestAPlaceFreedAtTheInstantOfAnArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := newSlots(1)
		<-taking(s, began, 1)
		time.Sleep(time.Second - 1)
		late := taking(s, began, 3)
		synctest.Wait()
		s.release()
		early := taking(s, began, 2)
		assert.Equal(t, time.Second+1, <-early)
		synctest.Wait()
		assert.Empty(t, late)
		s.release()
		_, ok := <-late
		require.True(t, ok)
		s.release()
		assert.Equal(t, 1, s.free)
	})
}

func TestADeadWorkersPlacesAreNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := newSlots(1)
		<-taking(s, began, 1)
		waits := taking(s, began, 2)
		time.Sleep(time.Second)
		s.kill()
		_, ok := <-waits
		assert.False(t, ok, "the wait ends")
		s.release()
		_, ok = <-taking(s, began, 3)
		assert.False(t, ok, "there is nothing to wait for any more")
	})
}
