// How the Go runtime is set up while experiments run in virtual time, in
// processes that ask for it.

package bubble

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// gcPercent is the garbage collector's target: an experiment allocates fast and
// holds little, and with less the collector takes a quarter of the time.
const gcPercent = 400

// bigHeap is from how many bytes in use on that target would cost more memory than
// it saves time: the collector's target is 100 % then.
const bigHeap = 64 << 20

// tuned is what to put back when the last bubble has ended.
var tuned struct {
	mu        sync.Mutex
	wanted    bool // Tune was called
	bubbles   int  // that run
	procs, gc int  // as they were
	gcNow     int  // as set since
}

// Tune lets [Run] change two settings of this process while bubbles run: Go uses
// one processor for each bubble, and no more than it had (GOMAXPROCS), and the
// garbage collector's target (GOGC) is 400 %, or 100 % while more than 64 MB are
// in use, unless it is higher or off already.
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
		tuned.gcNow = gcPercent
		if tuned.gc < 0 || tuned.gc > gcPercent {
			debug.SetGCPercent(tuned.gc)
			tuned.gcNow = tuned.gc
		}
	case tuned.bubbles == 0:
		runtime.GOMAXPROCS(tuned.procs)
		debug.SetGCPercent(tuned.gc)
		return
	}
	runtime.GOMAXPROCS(min(tuned.bubbles, tuned.procs))
}

// tuneGC sets the collector's target for a heap with so many bytes in use, in a
// process that has asked for it.
func tuneGC(live uint64) {
	tuned.mu.Lock()
	defer tuned.mu.Unlock()
	if !tuned.wanted || tuned.bubbles == 0 || tuned.gc < 0 || tuned.gc > gcPercent {
		return
	}
	percent := gcPercent
	if live > bigHeap {
		percent = max(100, tuned.gc)
	}
	if percent != tuned.gcNow {
		debug.SetGCPercent(percent)
		tuned.gcNow = percent
	}
}

// liveHeap is how many bytes were in use at the end of the last collection.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
