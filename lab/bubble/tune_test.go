// Which settings of the process a bubble may change, and when.

package bubble

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// settings are GOMAXPROCS and GOGC of this process.
func settings() (procs, gc int) {
	gc = debug.SetGCPercent(100)
	debug.SetGCPercent(gc)
	return runtime.GOMAXPROCS(0), gc
}

// useGC sets GOGC until the test ends.
func useGC(t *testing.T, percent int) {
	before := debug.SetGCPercent(percent)
	t.Cleanup(func() { debug.SetGCPercent(before) })
}

// useTune asks for tuning until the test ends.
func useTune(t *testing.T) {
	Tune()
	t.Cleanup(func() { tuned.wanted = false })
}

func TestAProcessThatDoesNotAskIsLeftAlone(t *testing.T) {
	useGC(t, 100)
	procs, _ := settings()
	require.NoError(t, Run(t, time.Second, Quick, func() error {
		p, gc := settings()
		assert.Equal(t, procs, p, "GOMAXPROCS in the bubble")
		assert.Equal(t, 100, gc, "GOGC in the bubble")
		return nil
	}))
	p, gc := settings()
	assert.Equal(t, procs, p, "GOMAXPROCS after it")
	assert.Equal(t, 100, gc, "GOGC after it")
}

func TestATunedProcessIsPutBack(t *testing.T) {
	useGC(t, 100)
	procs := runtime.GOMAXPROCS(3)
	defer runtime.GOMAXPROCS(procs)
	useTune(t)
	is := func(procs, gc int, when string) {
		t.Helper()
		p, g := settings()
		assert.Equal(t, procs, p, "GOMAXPROCS "+when)
		assert.Equal(t, gc, g, "GOGC "+when)
	}
	is(3, 100, "before a bubble")
	for range 2 {
		enter()
		is(1, gcPercent, "with one bubble")
		Tune() // changes nothing
		enter()
		is(2, gcPercent, "with two")
		enter()
		enter()
		is(3, gcPercent, "with more than there are processors")
		leave()
		leave()
		is(2, gcPercent, "with two again")
		leave()
		is(1, gcPercent, "with one again")
		leave()
		is(3, 100, "after the last")
	}
}

func TestTuningComesBeforeTheFirstBubble(t *testing.T) {
	useGC(t, 100)
	procs, _ := settings()
	enter()
	useTune(t)
	enter()
	p, gc := settings()
	assert.Equal(t, procs, p, "GOMAXPROCS")
	assert.Equal(t, 100, gc, "GOGC")
	leave()
	leave()
}

func TestATargetThatCollectsLessIsKept(t *testing.T) {
	useTune(t)
	for _, percent := range []int{-1, gcPercent + 1} {
		useGC(t, percent)
		enter()
		_, gc := settings()
		assert.Equal(t, percent, gc, "in the bubble")
		leave()
		_, gc = settings()
		assert.Equal(t, percent, gc, "after it")
	}
}

func TestABigHeapIsCollectedSooner(t *testing.T) {
	useTune(t)
	for before, want := range map[int]struct{ big, small int }{
		50:            {100, gcPercent},
		200:           {200, gcPercent},
		gcPercent:     {gcPercent, gcPercent},
		gcPercent + 1: {gcPercent + 1, gcPercent + 1},
		-1:            {-1, -1},
	} {
		useGC(t, before)
		is := func(percent int, when string) {
			t.Helper()
			_, gc := settings()
			assert.Equal(t, percent, gc, "%s, with GOGC=%d", when, before)
		}
		enter()
		tuneGC(bigHeap)
		is(want.small, "at the limit")
		tuneGC(bigHeap + 1)
		is(want.big, "above it")
		tuneGC(bigHeap + 1)
		is(want.big, "still above it")
		tuneGC(1)
		is(want.small, "below it again")
		tuneGC(bigHeap + 1)
		leave()
		tuneGC(bigHeap + 1)
		is(before, "after the bubble")
	}
	tuned.wanted = false
	useGC(t, 50)
	enter()
	tuneGC(bigHeap + 1)
	_, gc := settings()
	assert.Equal(t, 50, gc, "in a process that has not asked")
	leave()
}

func TestTheLiveHeapIsMeasured(t *testing.T) {
	held := make([]byte, 32<<20)
	runtime.GC()
	assert.Greater(t, liveHeap(), uint64(len(held)))
	assert.Less(t, liveHeap(), uint64(1<<40))
	runtime.KeepAlive(held)
}
