// How the Go runtime is set up while experiments run in virtual time.

package bubble

import (
	"runtime"
	"runtime/debug"
	"sync"
)

// gcPercent is the garbage collector's target: an experiment allocates fast and
// holds little, and with less the collector takes a quarter of the time.
const gcPercent = 400

// tuned is what to put back when the last bubble has ended.
var tuned struct {
	mu        sync.Mutex
	bubbles   int // that run
	procs, gc int // as they were
}

// tune is called with +1 before a bubble and with -1 after it. It lets Go use
// one processor for each bubble that runs, and no more than it had.
//
// A bubble is a chain of goroutines that wake each other, and while a processor
// is idle each link wakes a thread to run it: 500 connections for ten seconds,
// 100,000 requests, take 1.6 s with one processor and 3.1 s with two. Two such
// bubbles side by side keep both busy, and take 2.5 s.
func tune(change int) {
	tuned.mu.Lock()
	defer tuned.mu.Unlock()
	if tuned.bubbles == 0 {
		tuned.procs = runtime.GOMAXPROCS(0)
		tuned.gc = debug.SetGCPercent(gcPercent)
		if tuned.gc < 0 || tuned.gc > gcPercent {
			debug.SetGCPercent(tuned.gc) // somebody wants even less of it
		}
	}
	tuned.bubbles += change
	if tuned.bubbles > 0 {
		runtime.GOMAXPROCS(min(tuned.bubbles, tuned.procs))
		return
	}
	runtime.GOMAXPROCS(tuned.procs)
	debug.SetGCPercent(tuned.gc)
}
