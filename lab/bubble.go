// Running something in virtual time: one bubble in a goroutine of its own, so
// that what ends badly becomes a failed check and not the end of the tests.

package lab

import (
	"errors"
	"fmt"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

// linger is how much virtual time goroutines get to end after the experiment:
// a handler that does not look at its context sleeps on, and is no leak. It is
// longer than any nap of the apps here.
const linger = time.Minute

// inBubble runs f in virtual time, where step is a stretch of it in which a
// fault may go unseen. It returns what was wrong with the bubble: a panic of f,
// goroutines left behind, a clock that stands still. In the last case f runs on
// and what it touches must not be touched.
//
// tb is the test that races are reported to; a benchmark, or nil, has nothing
// that synctest could use, and gets a test of nobody's.
func inBubble(tb testing.TB, step time.Duration, f func() error) error {
	t, ok := tb.(*testing.T)
	if !ok {
		t = new(testing.T)
	}
	var (
		vital  vital
		failed error
		done   = make(chan struct{})
	)
	tune(+1)
	defer tune(-1)
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
				failed = &trouble{name: "no data race", what: "the race detector has reported one, above"}
			}
		}()
		synctest.Test(t, func(*testing.T) {
			vital.bubble.Store(int64(thisBubble()))
			failed = alive(&vital, step, f)
		})
		ended = true
	}()
	if tr := dog.watch(&vital, done); tr != nil {
		return tr
	}
	return failed
}

// alive calls f with a pulse beside it, and then lets linger pass.
func alive(vital *vital, step time.Duration, f func() error) (err error) {
	start := time.Now()
	beat := func() { vital.pulse.Store(int64(time.Since(start))) }
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(step)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				beat()
			case <-stop:
				return
			}
		}
	}()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		close(stop)
		<-stopped
		const parts = 60
		for range parts {
			time.Sleep(linger / parts)
			beat()
		}
	}()
	return f()
}

// left describes what a bubble could not end with: the goroutines that are
// still in it.
func left(bubble int, panicked any) *trouble {
	gs := inside(bubble)
	if len(gs) == 0 {
		return &trouble{name: "the experiment ends", what: fmt.Sprint(panicked)}
	}
	tr := &trouble{
		name: "nothing is left behind",
		what: fmt.Sprintf("%s still there %s after the server was closed", plural(len(gs), "goroutine is", "goroutines are"), seconds(linger)),
		why:  "Each of them is a leak: in a server that runs for days they pile up, with all that they hold.",
		do:   "Give each goroutine an end: a context that is cancelled, a channel that is closed, a timeout.",
	}
	for i, g := range gs {
		if i == maxNamed && len(gs) > maxNamed {
			tr.who = append(tr.who, fmt.Sprintf("… and %d more", len(gs)-maxNamed))
			break
		}
		tr.who = append(tr.who, fmt.Sprintf("goroutine %d %s at %v, in %s; created by %s at %v",
			g.id, g.doing(), g.at(), g.at().name(), g.creator.name(), g.creator))
	}
	return tr
}

// trouble is a check that every experiment has without asking, when it fails.
type trouble struct {
	name    string   // what was to hold
	what    string   // what happened instead
	who     []string // goroutines
	why, do string
	// abandoned: the bubble still runs, and may touch what it was given.
	abandoned bool
}

// Error says all of it, in as many lines as it takes.
func (tr *trouble) Error() string {
	var p page
	p.trouble(tr)
	return p.String()
}
