// The watchdog: on the real clock, it sees when the virtual one stands still,
// and says which goroutines hold it up.

package bubble

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"example.com/outagelab/lab/typeset"
)

// A Watchdog watches one bubble. Its times are real.
type Watchdog struct {
	// Still is how long the virtual clock may stand before the goroutines are
	// looked at; a long computation is no fault, and a look costs a stop of the
	// world.
	Still time.Duration
	// Every is the time from one look to the next, and Looks how many in a row
	// must find the same goroutine waiting at the same place while none
	// computes. One look proves nothing: locks are waited for all the time.
	Every time.Duration
	Looks int
	// Computing is how long one instant of virtual time may be computed on.
	Computing time.Duration
	// RealTime says how to run in real time instead: "…, or " and this.
	RealTime string
	// Network says what to give a handler in place of the real network.
	Network string
}

// Patient finds a lock held across a nap within 2 s. An instant of virtual time
// is at most some hundred requests, milliseconds even under the race detector: a
// minute on one is an endless loop.
var Patient = Watchdog{Still: 600 * time.Millisecond, Every: 200 * time.Millisecond, Looks: 5, Computing: time.Minute,
	RealTime: "run the experiment in real time (RealTime: true)", Network: "the simulated network"}

// Quick finds it within half a second: for what takes next to no time if all is
// well.
var Quick = Watchdog{Still: 200 * time.Millisecond, Every: 50 * time.Millisecond, Looks: 4, Computing: 10 * time.Second,
	RealTime: Patient.RealTime, Network: Patient.Network}

// watch returns nil when done is closed, and what holds up the clock if it
// finds that nothing will move it any more. vital is set by the bubble.
func (w Watchdog) watch(vital *vital, done <-chan struct{}) *Trouble {
	tick := time.NewTicker(w.Every)
	defer tick.Stop()
	var (
		pulse    = vital.pulse.Load()
		moved    = time.Now()
		suspects []Goroutine
		agree    int
	)
	for {
		select {
		case <-done:
			return nil
		case <-tick.C:
		}
		if now := vital.pulse.Load(); now != pulse {
			pulse, moved, agree = now, time.Now(), 0
			continue
		}
		stood := time.Since(moved)
		if stood < w.Still {
			continue
		}
		gs := inside(int(vital.bubble.Load()))
		var computing, holding []Goroutine
		for _, g := range gs {
			switch {
			case g.durable:
			case blocked(g.state):
				holding = append(holding, g)
			default:
				computing = append(computing, g)
			}
		}
		if len(computing) > 0 || len(holding) == 0 {
			agree = 0
			if stood > w.Computing {
				return stuck(pulse, stood, computing, gs, w)
			}
			continue
		}
		if agree > 0 {
			holding = same(suspects, holding)
		}
		suspects = holding
		if len(suspects) == 0 {
			agree = 0
			continue
		}
		if agree++; agree >= w.Looks {
			return stuck(pulse, stood, suspects, gs, w)
		}
	}
}

// blocked reports whether a goroutine in this state, and not durably blocked,
// waits for another goroutine or for the world outside. One in a system call
// is with the kernel, and the collector's own waits end by themselves.
func blocked(state string) bool {
	for _, alive := range []string{"run", "syscall", "GC", "preempted", "copystack", "stack", "debug", "force", "garbage", "flushing", "trace", "wait for GC", "waiting", "idle", "dead"} {
		if strings.HasPrefix(state, alive) {
			return false
		}
	}
	return true
}

// same returns those of now that were in before, in the same place.
func same(before, now []Goroutine) []Goroutine {
	var both []Goroutine
	for _, g := range now {
		for _, b := range before {
			if g.id == b.id && g.state == b.state && g.At() == b.At() {
				both = append(both, g)
				break
			}
		}
	}
	return both
}

// stuck describes a bubble that will not go on: who holds it up, who probably
// keeps them waiting, and what to do about it.
func stuck(pulse int64, stood time.Duration, culprits, all []Goroutine, w Watchdog) *Trouble {
	tr := &Trouble{
		Abandoned: true,
		Name:      "the virtual clock moves",
		What: fmt.Sprintf("it has stood for %s of real time, at about %s of virtual time",
			typeset.Seconds(stood.Round(100*time.Millisecond)), typeset.Seconds(time.Duration(pulse))),
	}
	for _, g := range culprits {
		tr.Who = append(tr.Who, g.String())
		if len(tr.Who) == maxNamed && len(culprits) > maxNamed {
			tr.Who = append(tr.Who, fmt.Sprintf("… and %d more", len(culprits)-maxNamed))
			break
		}
	}
	var first Goroutine
	if len(culprits) > 0 {
		first = culprits[0]
	}
	switch {
	case strings.HasPrefix(first.state, "sync.Mutex"), strings.HasPrefix(first.state, "sync.RWMutex"), first.state == "semacquire":
		for _, g := range holders(culprits, all) {
			tr.Who = append(tr.Who, fmt.Sprintf("goroutine %d %s at %v, in the same function: it holds the lock, most likely",
				g.id, g.doing(), g.frameOf(first.At().fn)))
		}
		tr.Why = "Virtual time jumps to the next timer once every goroutine waits for something virtual. A goroutine that " +
			"waits for a lock does not, so a lock that is held across a nap, a channel or I/O stops the clock: the nap never ends."
		tr.Do = "Let go of the lock before waiting; or wait with a channel, golang.org/x/sync/semaphore or sync.Cond; " +
			"or " + w.RealTime + "."
	case first.state == "IO wait":
		tr.Why = "A goroutine that waits for a real connection, pipe or terminal keeps virtual time from moving, and what it waits " +
			"for lives in real time."
		tr.Do = "Give the handler " + w.Network + ", or " + w.RealTime + "."
	case blocked(first.state):
		tr.Why = "Virtual time moves once every goroutine waits for something that was made inside its bubble. This one waits " +
			"for a channel or WaitGroup that was made outside: in a package variable, or before the app was built."
		tr.Do = "Make it where the app is built, or " + w.RealTime + "."
	default:
		tr.Why = "A goroutine that computes takes no virtual time, so time stands still until it waits for something: " +
			"this is an endless loop, or one that polls the clock."
		tr.Do = "Wait with a timer or a channel instead of polling; CPU time is charged with worker.Config.CPU."
	}
	return tr
}

// maxNamed is how many goroutines a failure lists: what holds up one of 500
// requests holds up the others too.
const maxNamed = 5

// holders returns goroutines that are past the place where the culprits wait,
// in a function that a culprit is in: one of them holds the lock, most likely.
func holders(culprits, all []Goroutine) []Goroutine {
	var found []Goroutine
	for _, g := range all {
		if !g.durable || len(found) == 2 {
			continue
		}
		for _, c := range culprits {
			if g.frameOf(c.At().fn).fn != "" {
				found = append(found, g)
				break
			}
		}
	}
	return found
}

// frameOf returns g's frame in the function fn, or none.
func (g Goroutine) frameOf(fn string) Frame {
	for _, f := range g.frames {
		if f.fn == fn {
			return f
		}
	}
	return Frame{}
}

// vital is what a bubble shows to the world outside.
type vital struct {
	bubble atomic.Int64 // its number in stack dumps
	pulse  atomic.Int64 // virtual time passed, in steps, in nanoseconds
	begin  time.Time    // set and read inside
}

func (v *vital) beat() { v.pulse.Store(int64(time.Since(v.begin))) }
