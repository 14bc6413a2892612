// This file is how reads and writes wait: on a condition, since a goroutine that
// waits for a mutex holds a bubble's clock, with a deadline.

package simnet

import (
	"sync"
	"time"
)

// waiters are the goroutines that wait in one direction of a connection, and
// their common deadline. The connection's lock, cond.L, guards it.
type waiters struct {
	cond       sync.Cond
	n          int // how many wait
	deadline   time.Time
	timer      *time.Timer // runs only while somebody waits for a deadline
	timeoutErr error       // see Conn.timeout
}

// wait waits for a wake or the deadline, or for no reason at all: the caller looks
// again. It must not hold anything but cond.L.
func (w *waiters) wait() {
	w.n++
	if w.n == 1 {
		w.startTimer()
	}
	w.cond.Wait()
	w.n--
	if w.n == 0 && w.timer != nil {
		w.timer.Stop()
	}
}

// wake wakes all that wait: nearly always that is one, or none.
func (w *waiters) wake() {
	if w.n > 0 {
		w.cond.Broadcast()
	}
}

// expired reports whether the deadline has come.
func (w *waiters) expired() bool {
	return !w.deadline.IsZero() && !time.Now().Before(w.deadline)
}

// setDeadline changes the deadline, also for those that wait already. It costs
// no timer when nobody does.
func (w *waiters) setDeadline(t time.Time) {
	w.deadline = t
	switch {
	case w.n == 0:
	case w.expired():
		w.cond.Broadcast()
	default:
		w.startTimer()
	}
}

// startTimer sets the timer for the deadline, if there is one.
func (w *waiters) startTimer() {
	switch {
	case w.deadline.IsZero():
		if w.timer != nil {
			w.timer.Stop()
		}
	case w.timer == nil:
		w.timer = time.AfterFunc(time.Until(w.deadline), func() {
			w.cond.L.Lock()
			defer w.cond.L.Unlock()
			w.cond.Broadcast()
		})
	default:
		w.timer.Reset(time.Until(w.deadline))
	}
}
