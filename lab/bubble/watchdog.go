// The watchdog: on the real clock, it sees when the virtual one stands still,
// and says which goroutines hold it up.

package bubble

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"time"

	"example.com/outagelab/lab/typeset"
)

// A Watchdog watches one bubble. Its times are real.
//
// It reads the bubble's pulse, which costs nothing. Only when that stands still
// does it look at what the goroutines do. A look is a dump of all stacks: it stops
// the whole process, for seconds where there are 100,000 goroutines. So it looks
// at once only when no goroutine of the process runs or is about to, and otherwise
// spends at most a fiftieth of the time on it.
type Watchdog struct {
	// Still is how long the pulse may stand before the goroutines are looked at; a
	// long computation is no fault.
	Still time.Duration
	// Every is the least time from one look to the next, and Looks how many in a
	// row must find the same goroutine waiting at the same place while none
	// computes. One look proves nothing: locks are waited for all the time.
	Every time.Duration
	Looks int
	// Computing is how long one instant of virtual time may be computed on, and a
	// millisecond more for each goroutine that there is.
	Computing time.Duration
	// Progress, if it is not nil, counts what f has got done. While it changes, f is
	// at work, however long an instant of virtual time takes.
	Progress *atomic.Int64
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
		did      = w.progress()
		moved    = time.Now()
		looks    = looks{price: vital.price}
		suspects []Goroutine
		agree    int
	)
	for {
		select {
		case <-done:
			return nil
		case <-tick.C:
		}
		vital.ticks.Add(1)
		tuneGC(liveHeap())
		looks.tick(idle(), runtime.NumGoroutine())
		if p, d := vital.pulse.Load(), w.progress(); p != pulse || d != did {
			pulse, did, moved, agree, looks.most = p, d, time.Now(), 0, 0
			continue
		}
		stood := time.Since(moved)
		tooLong := stood > w.Computing+time.Duration(looks.most)*time.Millisecond
		if stood < w.Still || !tooLong && !looks.due(stood) {
			continue
		}
		vital.looks.Add(1)
		begin := time.Now()
		gs := inside(int(vital.bubble.Load()))
		looks.took(time.Since(begin))
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
			if tooLong {
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

// progress is what f has got done, as far as it counts.
func (w Watchdog) progress() int64 {
	if w.Progress == nil {
		return 0
	}
	return w.Progress.Load()
}

// looks decides when a look is worth its price.
type looks struct {
	price  time.Duration // of a look, per goroutine, before one has been taken
	most   int           // goroutines that there were at a tick while the pulse stood
	idle   int           // ticks in a row at which nothing ran
	last   time.Duration // what the last look took
	before time.Time     // when it ended
}

// lookPrice is what a look takes per goroutine, more or less.
const lookPrice = 10 * time.Microsecond

// enoughIdle is how many ticks in a row must find the process idle: one may fall
// between two goroutines of which the one is to wake the other, as the garbage
// collector's do.
const enoughIdle = 3

// tick notes whether the process was idle at a tick, and how many goroutines it
// had. When they end by the thousand, a look is as dear as it would have been.
func (l *looks) tick(idle bool, goroutines int) {
	l.most = max(l.most, goroutines)
	l.idle++
	if !idle {
		l.idle = 0
	}
}

// took notes what a look took.
func (l *looks) took(d time.Duration) { l.last, l.before = d, time.Now() }

// due reports whether to look, stood being how long the pulse has not moved.
func (l *looks) due(stood time.Duration) bool {
	const share = 50 // looks may take this part of the time
	wait := share * max(l.last, l.price*time.Duration(l.most))
	return l.idle >= enoughIdle || stood >= wait && time.Since(l.before) >= wait
}

// idle reports whether no goroutine of the process runs or could run but the
// caller. It stops nothing. Goroutines in system calls do not count: they are
// with the kernel.
func idle() bool {
	running := []metrics.Sample{
		{Name: "/sched/goroutines/running:goroutines"},
		{Name: "/sched/goroutines/runnable:goroutines"},
	}
	metrics.Read(running)
	return running[0].Value.Uint64() <= 1 && running[1].Value.Uint64() == 0
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
		tr.Why = "A goroutine that computes takes no virtual time, so time stands still until it waits for something. " +
			"This is an endless loop, or one that polls the clock; or one instant has more work than this machine " +
			"does in that time."
		tr.Do = "Wait with a timer or a channel instead of polling; charge CPU time with worker.Config.CPU. " +
			"If there is that much work, use fewer clients or a lower rate."
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

// vital is what a bubble shows to the world outside, and the watchdog to the
// bubble.
type vital struct {
	bubble atomic.Int64 // its number in stack dumps
	pulse  atomic.Int64 // virtual time passed, in steps, in nanoseconds
	ticks  atomic.Int64 // real time passed, as the watchdog counts it
	looks  atomic.Int64 // how often the watchdog has looked at the goroutines
	begin  time.Time    // set and read inside

	price time.Duration // what the watchdog thinks that a look takes, per goroutine
}

func (v *vital) beat() { v.pulse.Store(int64(time.Since(v.begin))) }

// beatUntil beats until stop is closed: each step of virtual time, and more often
// where the watchdog's clock ticks more than once between two beats, so that a
// clock that is slow is told apart from one that stands. It closes begun first,
// from when on a dump shows whose goroutine this is.
func (v *vital) beatUntil(stop <-chan struct{}, step time.Duration, begun chan<- struct{}) {
	close(begun)
	d, before := step, v.ticks.Load()
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-stop:
			return
		}
		v.beat()
		now := v.ticks.Load()
		d, before = paced(d, step, now-before), now
		timer.Reset(d)
	}
}

// paced is the time to the next beat, if that to the last was d and the watchdog
// ticked so often meanwhile.
func paced(d, step time.Duration, ticks int64) time.Duration {
	switch {
	case ticks > 1:
		return max(d/8, 1)
	case ticks == 0:
		return min(2*d, step)
	}
	return d
}
