// The one rule that makes shared memory repeatable in virtual time: whoever
// touches it does so at an instant of their own.

package feedsim

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// turnstile lets callers pass one at a time, each at an instant of its own: in
// order of the instants at which they came, and of their names where those are
// the same. In real time nobody waits. The zero value is ready to use.
//
// Goroutines that act at one virtual instant run in any order. Who gets the last
// place, or which poll a request shares, must not depend on that, so both what
// takes and what gives back passes here first.
type turnstile struct {
	mu   sync.Mutex
	came []*turn   // those without an instant yet
	free time.Time // the first instant that nobody has
}

type turn struct {
	came time.Time
	name string
	at   time.Time // when it passes
}

// pass returns when it is the caller's turn.
func (t *turnstile) pass(name string) {
	me := &turn{came: time.Now(), name: name}
	t.mu.Lock()
	t.came = append(t.came, me)
	t.mu.Unlock()
	repeatable.Settle(me.came) // now all who came with me are there

	t.mu.Lock()
	if me.at.IsZero() {
		t.give(time.Now())
	}
	at := me.at
	t.mu.Unlock()
	time.Sleep(time.Until(at))
}

// give gives an instant to each of those who came before now. Called with the
// lock held.
func (t *turnstile) give(now time.Time) {
	var later []*turn
	first := t.came[:0]
	for _, c := range t.came {
		if c.came.Before(now) {
			first = append(first, c)
		} else {
			later = append(later, c)
		}
	}
	slices.SortFunc(first, func(a, b *turn) int {
		return cmp.Or(a.came.Compare(b.came), cmp.Compare(a.name, b.name))
	})
	for _, c := range first {
		if t.free.Before(now) {
			t.free = now
		}
		c.at = t.free
		t.free = t.free.Add(time.Nanosecond)
	}
	t.came = later
}
