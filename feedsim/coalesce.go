// Coalesced polls: requests of one worker that want to poll at the same time
// share one poll.

package feedsim

import (
	"context"
	"fmt"
	"sync"
)

// flight is the poll that a worker's requests share, while there is one.
type flight struct {
	mu     sync.Mutex
	n      int                // how many there have been
	giveUp context.CancelFunc // of the present one
	dead   bool               // the worker is: no poll of it goes on
}

// begin returns the next flight's context and number, from 1.
func (f *flight) begin() (context.Context, int) {
	ctx, giveUp := context.WithCancel(context.Background())
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	f.giveUp = giveUp
	if f.dead {
		giveUp()
	}
	return ctx, f.n
}

// end gives up the present flight, if there is one.
func (f *flight) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.giveUp != nil {
		f.giveUp()
		f.giveUp = nil
	}
}

// abandon gives up the present flight and all that might follow.
func (f *flight) abandon() {
	f.mu.Lock()
	f.dead = true
	f.mu.Unlock()
	f.end()
}

// pollTogether joins the poll that is under way, or begins one.
//
// That poll is named for the worker and its number there, and not for the request
// that came first. It goes on for the others when that request ends.
func (a *app) pollTogether(ctx context.Context, name string) error {
	a.turns.pass(name)
	answered := a.group.DoChan("feed", func() (any, error) {
		own, n := a.flight.begin()
		defer a.flight.end()
		shared := fmt.Sprintf("%s-together-%d", a.name, n)
		err := a.ask(own, shared)
		// Who comes at this very instant comes before the end or after it, and the
		// same in every run.
		a.turns.pass(shared)
		return nil, err
	})
	got, err := wait(ctx, a, answered)
	if err != nil {
		return err
	}
	return got.Err
}
