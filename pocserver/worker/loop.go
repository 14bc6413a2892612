// The event loop of a worker: turns, in which each task that is ready
// runs alone, and between which the loop does its I/O.

package worker

import (
	"sync"
	"time"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// loop has no goroutine of its own. The task that runs holds it, and lets it go
// to the next one when it awaits or ends. Between two turns one of those who
// wait leads: it does the I/O and composes the next turn.
//
// A turn is that of asyncio's BaseEventLoop._run_once (CPython,
// Lib/asyncio/base_events.py): first I/O, then every task that was ready by
// then, each once and in order. What becomes ready meanwhile is for the next
// turn, and so is a heartbeat that comes due: it is a task like the others.
type loop struct {
	site     *site         // where connections come from; the loop accepts between turns
	interval time.Duration // between two heartbeats

	mu      sync.Mutex
	ready   line      // for a later turn
	turn    []*waiter // this turn's tasks, in order
	done    int       // how many of them have had the loop
	running bool      // a task holds the loop
	leading bool      // one of ready has been asked to lead
	dead    bool
	since   time.Time // when the loop was last taken, or let go with nobody to run
	beat    time.Time // the last heartbeat
	beatDue bool      // the heartbeat is one of this turn's tasks, still to run
	over    chan struct{}

	ticking bool      // it looks at each tenth tick only whether a heartbeat is due
	ticks   int       // since it last did
	ticked  time.Time // when it last counted one
}

func newLoop(s *site, cfg *Config, now time.Time) *loop {
	return &loop{
		site: s, interval: cfg.beatEvery(), since: now, beat: now,
		ticking: cfg.Model == Uvicorn, ticked: now,
	}
}

// acquire waits for w's turn, w being ready since w.since, and returns whether
// it came before the worker died.
func (l *loop) acquire(w *waiter) bool {
	l.mu.Lock()
	if l.dead {
		l.mu.Unlock()
		return false
	}
	l.ready.join(w)
	leads := !l.running && !l.leading
	if leads {
		l.leading = true
	}
	l.mu.Unlock()
	if leads && l.compose(w, repeatable.Settle(time.Now())) {
		return true
	}
	return w.wait(l.compose)
}

// compose does what a loop does between two turns, then starts the next, and
// says whether leader is its first task.
func (l *loop) compose(leader *waiter, now time.Time) bool {
	now = l.site.accept(now)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leading = false
	if l.dead {
		return false
	}
	due := l.beat.Add(l.interval)
	switch waited := l.ready[0].since.Before(l.since); {
	case !l.looks(now):
	case due.Before(l.since) && waited:
		l.beatDue = true // it takes its place among those who waited out the turn
	case due.Before(l.since):
		l.beat = l.since // nothing else was ready: it ran at once
		fallthrough
	default:
		l.beat = l.beat.Add(now.Sub(l.beat).Truncate(l.interval)) // idle since
	}
	l.turn, l.done = l.turn[:0], 0
	for w := l.ready.next(now); w != nil; w = l.ready.next(now) {
		l.turn = append(l.turn, w)
	}
	l.running = true
	l.since = now
	l.site.hold(now)
	return l.next(leader, now)
}

// looks reports whether the loop has looked since the last turn whether a heartbeat
// is due. uvicorn's counts to ten, 0.1 s apart and so at most one a turn, before it
// looks (uvicorn 0.17.6, uvicorn/server.py, main_loop and on_tick); gunicorn's own
// do nothing but sleep a second and beat.
func (l *loop) looks(now time.Time) bool {
	const every, enough = 100 * time.Millisecond, 10
	if !l.ticking {
		return true
	}
	n := 0
	if l.since.Sub(l.ticked) >= every { // one, as soon as the turn is over
		n, l.ticked = 1, l.since
	}
	idle := now.Sub(l.ticked) / every
	l.ticked = l.ticked.Add(idle * every)
	l.ticks += n + int(idle)
	if l.ticks < enough {
		return false
	}
	l.ticks %= enough
	return true
}

// release lets the loop go: the turn's next task runs, or the turn is over.
func (l *loop) release() {
	l.mu.Lock()
	if !l.dead {
		l.next(nil, time.Now())
	}
	l.mu.Unlock()
}

// next hands the loop on, and says whether it is leader's now. Called with the
// lock held.
func (l *loop) next(leader *waiter, now time.Time) bool {
	if l.done < len(l.turn) {
		w := l.turn[l.done]
		l.done++
		if l.beatDue && l.beat.Add(l.interval).Before(w.since) {
			l.beat, l.beatDue = now, false
		}
		if w == leader {
			return true
		}
		w.wake <- run
		return false
	}
	l.running = false
	l.since = now
	l.site.letGo(now)
	if l.over != nil {
		close(l.over)
		l.over = nil
	}
	if len(l.ready) > 0 {
		l.leading = true
		l.ready[0].wake <- lead
	}
	return false
}

// turnOver returns what is closed when the running turn ends, or nil if none
// runs.
func (l *loop) turnOver() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.running {
		return nil
	}
	if l.over == nil {
		l.over = make(chan struct{})
	}
	return l.over
}

// lastBeat returns when the loop last beat, as the arbiter sees it: a loop that
// nobody holds beats.
func (l *loop) lastBeat(now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.running {
		return l.beat.Add(now.Sub(l.beat).Truncate(l.interval))
	}
	return l.beat
}

// kill ends every wait.
func (l *loop) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
	for _, w := range l.turn[l.done:] {
		w.wake <- die
	}
	l.done = len(l.turn)
	l.ready.kill()
}
