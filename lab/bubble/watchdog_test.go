// When the watchdog looks at the goroutines, and what it makes of them.

package bubble

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hasty looks as soon as it may.
var hasty = Watchdog{Still: time.Nanosecond, Every: time.Millisecond, Looks: 2, Computing: time.Hour}

// watched runs f in a bubble of its own, watched by w, where a look is thought to
// take price per goroutine, and returns what watch has to say and how often it
// has looked.
func watched(t *testing.T, w Watchdog, price time.Duration, f func(v *vital)) (tr *Trouble, looks int64) {
	t.Helper()
	v := vital{price: price}
	done := make(chan struct{})
	go func() {
		defer close(done)
		inBubble(t, func() {
			v.bubble.Store(int64(thisBubble()))
			v.begin = time.Now()
			f(&v)
		})
	}()
	tr = w.watch(&v, done)
	<-done
	return tr, v.looks.Load()
}

// awaitTicks computes, without waiting for anything, until the watchdog's clock
// has ticked n times more.
func awaitTicks(v *vital, n int64) {
	for until := v.ticks.Load() + n; v.ticks.Load() < until; {
		runtime.Gosched()
	}
}

func TestNoLookWhileTheBubbleComputes(t *testing.T) {
	tr, looks := watched(t, hasty, time.Hour, func(v *vital) { awaitTicks(v, 20) })
	assert.Nil(t, tr)
	assert.Zero(t, looks, "dumps of all goroutines")
}

func TestNoLookWhileTheClockMoves(t *testing.T) {
	w := hasty
	w.Still = time.Hour
	tr, looks := watched(t, w, 0, func(v *vital) {
		for range 20 {
			time.Sleep(time.Second)
			v.beat()
			awaitTicks(v, 1)
		}
	})
	assert.Nil(t, tr)
	assert.Zero(t, looks, "dumps of all goroutines")
}

func TestACheapLookIsTakenWhileTheBubbleComputes(t *testing.T) {
	tr, looks := watched(t, hasty, 0, func(v *vital) {
		for v.looks.Load() < 3 {
			runtime.Gosched()
		}
	})
	assert.Nil(t, tr, "it computes, and that is no fault")
	assert.GreaterOrEqual(t, looks, int64(3))
}

func TestAnIdleProcessIsLookedAtWhateverItTakes(t *testing.T) {
	var mu sync.Mutex
	release := make(chan struct{})
	mu.Lock()
	v := vital{price: time.Hour}
	done := make(chan struct{})
	go func() {
		defer close(done)
		inBubble(t, func() {
			v.bubble.Store(int64(thisBubble()))
			mu.Lock() // the holder is outside
			defer mu.Unlock()
		})
	}()
	go func() { <-release; mu.Unlock() }()
	tr := hasty.watch(&v, done)
	close(release)
	<-done
	require.NotNil(t, tr)
	assert.True(t, tr.Abandoned)
	assert.Equal(t, "the virtual clock moves", tr.Name)
	require.Len(t, tr.Who, 1)
	assert.Contains(t, tr.Who[0], "waits for a sync.Mutex at bubble/watchdog_test.go:")
	assert.Contains(t, tr.Why, "a lock that is held across a nap")
}

func TestAnInstantWithoutEndIsAFault(t *testing.T) {
	w := hasty
	w.Computing = time.Nanosecond
	v := vital{price: time.Hour}
	done, stop := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		inBubble(t, func() {
			v.bubble.Store(int64(thisBubble()))
			for {
				select {
				case <-stop:
					return
				default:
					runtime.Gosched()
				}
			}
		})
	}()
	tr := w.watch(&v, done)
	close(stop)
	<-done
	require.NotNil(t, tr)
	require.Len(t, tr.Who, 1)
	assert.Contains(t, tr.Who[0], "computes at ")
	assert.Contains(t, tr.Why, "an endless loop, or one that polls the clock")
	assert.Contains(t, tr.Do, "use fewer clients or a lower rate")
	assert.Equal(t, int64(1), v.looks.Load(), "one dump, to name it")
}

func TestALookIsWorthAFiftiethOfTheTime(t *testing.T) {
	const ms = time.Millisecond
	l := looks{price: ms}
	l.tick(false, 10)
	l.tick(false, 9)
	assert.False(t, l.due(499*ms), "ten goroutines, of which one has ended")
	assert.True(t, l.due(500*ms))
	l.took(time.Hour)
	assert.False(t, l.due(time.Hour), "a look of an hour has just ended")
	assert.False(t, l.due(50*time.Hour), "it has just ended")
	l.before = l.before.Add(-50 * time.Hour)
	assert.True(t, l.due(50*time.Hour))
	assert.False(t, l.due(50*time.Hour-1))
	l.took(time.Nanosecond)
	l.before = l.before.Add(-time.Second)
	assert.True(t, l.due(500*ms))
	assert.False(t, l.due(499*ms), "a cheap look does not make the next one cheap")
}

func TestALookDisturbsNothingThatIsIdle(t *testing.T) {
	l := looks{price: time.Hour}
	for range enoughIdle - 1 {
		l.tick(true, 10)
	}
	assert.False(t, l.due(time.Hour))
	l.tick(true, 10)
	assert.True(t, l.due(0))
	l.tick(false, 10)
	assert.False(t, l.due(time.Hour))
}

func TestThePulseQuickensWhereTheClockIsSlow(t *testing.T) {
	for _, c := range []struct {
		d     time.Duration
		ticks int64
		want  time.Duration
	}{
		{800, 2, 100}, {7, 9, 1}, {1, 2, 1}, // slow
		{100, 1, 100},                                  // as it should be
		{100, 0, 200}, {600, 0, 1000}, {1000, 0, 1000}, // fast
	} {
		assert.Equal(t, c.want, paced(c.d, 1000, c.ticks), "%+v", c)
	}
}

func TestASlowClockIsSeenToMove(t *testing.T) {
	var beats []int64
	_, _ = watched(t, Watchdog{Still: time.Hour, Every: time.Millisecond}, 0, func(v *vital) {
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			v.beatUntil(stop, time.Second, make(chan struct{}))
		}()
		for range 40 { // each step takes three ticks
			time.Sleep(time.Second / 4)
			awaitTicks(v, 3)
			if p := v.pulse.Load(); len(beats) == 0 || beats[len(beats)-1] != p {
				beats = append(beats, p)
			}
		}
		close(stop)
		<-stopped
	})
	assert.Greater(t, len(beats), 30, "beats in 10 s of virtual time, one a second if it is not slow: %v", beats)
}

func TestOneLookIsNoProof(t *testing.T) {
	a := Goroutine{id: 1, state: "sync.Mutex.Lock", frames: []Frame{{fn: "main.f", file: "/a/f.go", line: 1}}}
	elsewhere, other, state := a, a, a
	elsewhere.frames = []Frame{{fn: "main.f", file: "/a/f.go", line: 2}}
	other.id = 2
	state.state = "chan receive"
	assert.Equal(t, []Goroutine{a}, same([]Goroutine{other, a}, []Goroutine{a, elsewhere}))
	for _, g := range []Goroutine{elsewhere, other, state} {
		assert.Empty(t, same([]Goroutine{a}, []Goroutine{g}), "%v", g)
	}
}

func TestWhoHoldsUpTheClock(t *testing.T) {
	for state, why := range map[string]string{
		"sync.Mutex.Lock":    "a lock that is held across a nap",
		"sync.RWMutex.RLock": "a lock that is held across a nap",
		"semacquire":         "a lock that is held across a nap",
		"IO wait":            "waits for a real connection",
		"chan receive":       "made outside",
		"running":            "an endless loop, or one that polls the clock",
	} {
		var gs []Goroutine
		for id := range maxNamed + 2 {
			gs = append(gs, Goroutine{id: id, state: state, frames: []Frame{{fn: "main.f", file: "/a/f.go", line: 1}}})
		}
		tr := stuck(int64(time.Second), 2*time.Second, gs, gs, Patient)
		assert.Contains(t, tr.Why, why, state)
		assert.Equal(t, "it has stood for 2 s of real time, at about 1 s of virtual time", tr.What)
		require.Len(t, tr.Who, maxNamed+1, state)
		assert.Equal(t, "… and 2 more", tr.Who[maxNamed])
		assert.Len(t, stuck(0, 0, gs[:maxNamed], gs, Patient).Who, maxNamed, state)
	}
}

func TestTheHolderOfALockIsNamed(t *testing.T) {
	waits := Goroutine{id: 1, state: "sync.Mutex.Lock", frames: []Frame{{fn: "main.f", file: "/a/f.go", line: 1}}}
	holds := Goroutine{id: 2, state: "sleep", durable: true, frames: []Frame{
		{fn: "time.Sleep", file: standardRoot + "time/sleep.go", line: 9}, {fn: "main.f", file: "/a/f.go", line: 2}}}
	elsewhere := Goroutine{id: 3, state: "sleep", durable: true, frames: []Frame{{fn: "main.g", file: "/a/f.go", line: 3}}}
	var all []Goroutine
	for range 3 {
		all = append(all, waits, elsewhere, holds)
	}
	tr := stuck(0, time.Second, []Goroutine{waits}, all, Patient)
	require.Len(t, tr.Who, 3, "one that waits, and two that may hold the lock: %v", tr.Who)
	for _, who := range tr.Who[1:] {
		assert.Equal(t, "goroutine 2 naps at a/f.go:2, in the same function: it holds the lock, most likely", who)
	}
}

func TestWhatIsBlocked(t *testing.T) {
	for state, want := range map[string]bool{
		"sync.Mutex.Lock": true, "IO wait": true, "chan receive": true, "select": true, "sleep": true,
		"running": false, "runnable": false, "syscall": false, "GC assist wait": false, "waiting": false,
	} {
		assert.Equal(t, want, blocked(state), fmt.Sprint(state))
	}
}
