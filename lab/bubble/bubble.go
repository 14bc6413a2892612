// Running something in virtual time: one bubble in a goroutine of its own, so
// that what ends badly becomes an error and not the end of the tests.

// Package bubble runs a function in virtual time, in a testing/synctest bubble
// that cannot hang or take the test binary with it: what goes wrong is an error
// that names the goroutines.
package bubble

import (
	"errors"
	"fmt"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"example.com/outagelab/lab/typeset"
)

// Linger is how much virtual time goroutines get to end after the function: a
// handler that does not look at its context sleeps on, and is no leak. It is
// longer than any nap of the apps here.
const Linger = time.Minute

// ErrStopClock, in what f returns, makes [Run] return without waiting for the
// goroutines that are left in the bubble. Its clock stands still from then on,
// and they stay as they are until the process ends.
var ErrStopClock = errors.New("bubble: the clock is stopped")

// Run runs f in virtual time, watched by dog. step is the longest stretch of
// virtual time between two signs that the clock moves; where that much of it
// takes long to compute, the signs come more often. Run returns f's error and, as
// a [*Trouble], what was wrong with the bubble: goroutines left behind, a clock
// that stands still. In the last case f runs on and what it touches must not be
// touched. A panic of f is an error too.
//
// Run leaves its caller's process as it is: GOMAXPROCS and the garbage
// collector's target change only in a process that has called [Tune].
//
// tb is the test that races are reported to; a benchmark, or nil, has nothing
// that synctest could use, and gets a test of nobody's.
func Run(tb testing.TB, step time.Duration, dog Watchdog, f func() error) error {
	t, ok := tb.(*testing.T)
	if !ok {
		t = new(testing.T)
	}
	var (
		vital   = vital{price: lookPrice}
		failed  error
		done    = make(chan struct{})
		stopped = make(chan error)
		never   = make(chan struct{}) // made outside the bubble: who waits for it stops the clock
	)
	enter()
	defer leave()
	go func() {
		defer close(done)
		ended := false
		defer func() {
			// The panic of synctest.Test is raised here, in the goroutine that
			// called it; goroutines left behind stay as they are.
			switch p := recover(); {
			case p != nil:
				failed = errors.Join(failed, left(int(vital.bubble.Load()), p))
			case !ended && failed == nil:
				// synctest.Test found t failed, which only the race detector does.
				failed = raced()
			}
		}()
		synctest.Test(t, func(*testing.T) {
			vital.bubble.Store(int64(thisBubble()))
			failed = alive(&vital, step, f)
			if errors.Is(failed, ErrStopClock) {
				stopped <- failed
				<-never
			}
			settle(&vital)
		})
		ended = true
	}()
	over := make(chan struct{})
	var err error
	go func() {
		defer close(over)
		select {
		case <-done:
			err = failed
		case err = <-stopped:
		}
	}()
	if tr := dog.watch(&vital, over); tr != nil {
		return tr
	}
	return err
}

// alive calls f with a pulse beside it.
func alive(vital *vital, step time.Duration, f func() error) (err error) {
	vital.begin = time.Now()
	begun, stop, stopped := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		vital.beatUntil(stop, step, begun)
	}()
	<-begun
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		close(stop)
		<-stopped
	}()
	return f()
}

// settle lets Linger pass.
func settle(vital *vital) {
	const parts = 60
	for range parts {
		time.Sleep(Linger / parts)
		vital.beat()
	}
}

// left describes what a bubble could not end with: the goroutines that are
// still in it.
func left(bubble int, panicked any) *Trouble {
	gs := inside(bubble)
	if len(gs) == 0 {
		return &Trouble{Name: "the experiment ends", What: fmt.Sprint(panicked)}
	}
	return LeftBehind(gs, fmt.Sprintf("%s after the server was closed", typeset.Seconds(Linger)))
}

// LeftBehind is the trouble that gs are still there when, at which they should
// have ended.
func LeftBehind(gs []Goroutine, when string) *Trouble {
	tr := &Trouble{
		Name: "nothing is left behind",
		What: fmt.Sprintf("%s still there %s", typeset.Plural(len(gs), "goroutine is", "goroutines are"), when),
		Why:  "Each of them is a leak: in a server that runs for days they pile up, with all that they hold.",
		Do:   "Give each goroutine an end: a context that is cancelled, a channel that is closed, a timeout.",
	}
	for i, g := range gs {
		if i == maxNamed && len(gs) > maxNamed {
			tr.Who = append(tr.Who, fmt.Sprintf("… and %d more", len(gs)-maxNamed))
			break
		}
		tr.Who = append(tr.Who, fmt.Sprintf("goroutine %d %s", g.id, g.Doing()))
	}
	return tr
}

// Trouble is a check that everything in virtual time has without asking, when it
// fails.
type Trouble struct {
	Name    string   // what was to hold
	What    string   // what happened instead
	Who     []string // goroutines
	Why, Do string
	// Abandoned: the bubble still runs, and may touch what it was given.
	Abandoned bool
	// Race: f did all that it had to, and the race detector reported something.
	Race bool
}

// raced is the trouble that the race detector has reported something.
func raced() *Trouble {
	return &Trouble{Name: "no data race", What: "the race detector has reported one, above", Race: true}
}

// IsRace reports whether err is no more than a report of the race detector.
func IsRace(err error) bool {
	tr, ok := err.(*Trouble)
	return ok && tr.Race
}

// Error says all of it, in as many lines as it takes.
func (tr *Trouble) Error() string {
	var p typeset.Page
	tr.Write(&p)
	return p.String()
}

// Write writes all of it to a page.
func (tr *Trouble) Write(p *typeset.Page) {
	p.Line("  ✗ " + tr.Name)
	p.Hang("    ", tr.What)
	for _, g := range tr.Who {
		p.Hang("      • ", g)
	}
	if tr.Why != "" {
		p.Hang("    why  ", tr.Why)
	}
	if tr.Do != "" {
		p.Hang("    do   ", tr.Do)
	}
}
