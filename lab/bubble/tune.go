// How the Go runtime is set up while experiments run in virtual time, in
// processes that ask for it.

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
	wanted    bool // Tune was called
	bubbles   int  // that run
	procs, gc int  // as they were
}

// Tune lets [Run] change two settings of this process while bubbles run: Go uses
// one processor for each bubble, and no more than it had (GOMAXPROCS), and the
// garbage collector's target (GOGC) is 400 % unless it is higher or off already.
// Both are put back when the last bubble has ended.
//
// The settings belong to the whole process, so only its owner calls Tune: a
// program's main, or a TestMain. A library must not. Call it before the first
// bubble; a second call changes nothing. It costs nothing to leave it out but
// time: a bubble is a chain of goroutines that wake each other, and while a
// processor is idle each link wakes a thread to run it. 500 connections for ten
// seconds, 100,000 requests, take 1.6 s with one processor and 3.1 s with two.
// Two such bubbles side by side keep both busy, and take 2.5 s.
func Tune() {
	tuned.mu.Lock()
	defer tuned.mu.Unlock()
	if tuned.bubbles == 0 {
		tuned.wanted = true
	}
}

// enter is called before a bubble.
func enter() { count(+1) }

// leave is called after a bubble.
func leave() { count(-1) }

// count notes that there are more or fewer bubbles now, and tunes the process if
// it has asked for it.
func count(change int) {
	tuned.mu.Lock()
	defer tuned.mu.Unlock()
	first := tuned.bubbles == 0
	tuned.bubbles += change
	switch {
	case !tuned.wanted:
		return
	case first:
		tuned.procs = runtime.GOMAXPROCS(0)
		tuned.gc = debug.SetGCPercent(gcPercent)
		if tuned.gc < 0 || tuned.gc > gcPercent {
			debug.SetGCPercent(tuned.gc)
		}
	case tuned.bubbles == 0:
		runtime.GOMAXPROCS(tuned.procs)
		debug.SetGCPercent(tuned.gc)
		return
	}
	runtime.GOMAXPROCS(min(tuned.bubbles, tuned.procs))
}
