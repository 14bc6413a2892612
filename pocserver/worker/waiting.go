// Those who wait for a thread, the interpreter lock or the event loop, in the
// order in which they became ready.

package worker

import (
	"container/heap"
	"time"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// signal is what a waiter is told.
type signal int

const (
	run  signal = iota // it is your turn
	lead               // decide, once this instant is over, whose turn it is
	die                // the worker is dead
)

// waiter is one request that waits. Each connection has one: it has one request
// at a time, and that waits for one thing at a time.
type waiter struct {
	since time.Time // when it became ready
	seq   uint64    // the connection's place in the order of accepts: the tie-break
	wake  chan signal
}

// wait returns when it is w's turn, and whether it ever came. decide is called
// each time w is asked to decide for all, and says whether it is w's turn now.
func (w *waiter) wait(decide func(w *waiter, settled time.Time) bool) bool {
	for {
		switch <-w.wake {
		case run:
			return true
		case lead:
			if decide(w, repeatable.Settle(time.Now())) {
				return true
			}
		case die:
			return false
		}
	}
}

// line is a queue of waiters: a heap by (since, seq).
type line []*waiter

func (l line) Len() int { return len(l) }
func (l line) Less(i, j int) bool {
	if l[i].since.Equal(l[j].since) {
		return l[i].seq < l[j].seq
	}
	return l[i].since.Before(l[j].since)
}
func (l line) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l *line) Push(x any)   { *l = append(*l, x.(*waiter)) }
func (l *line) Pop() any {
	old := *l
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*l = old[:len(old)-1]
	return last
}

func (l *line) join(w *waiter) { heap.Push(l, w) }

// next takes the first that was ready before now, or returns nil.
func (l *line) next(now time.Time) *waiter {
	if len(*l) == 0 || !(*l)[0].since.Before(now) {
		return nil
	}
	return heap.Pop(l).(*waiter)
}

// kill tells all that they will never have their turn.
func (l *line) kill() {
	for _, w := range *l {
		w.wake <- die
	}
	*l = nil
}
