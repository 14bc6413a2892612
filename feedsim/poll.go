// How a request polls the feed, and how it waits for that: what holds the worker,
// and what ends the wait.

package feedsim

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"example.com/outagelab/pocserver/worker"
	"example.com/outagelab/pocserver/worker/repeatable"
)

// await runs f, which waits for something that is not a nap, as the variant of
// the app does: off the event loop, or holding it.
func (a *app) await(ctx context.Context, f func()) {
	if a.Awaiting {
		worker.InThread(ctx, f)
	} else {
		f()
	}
}

// mustLive ends the handler of a dead worker: a nap of no length is a call into
// the model.
func mustLive(ctx context.Context) { worker.Block(ctx, 0) }

// dead reports whether the request's worker is dead, to a handler that ends
// anyway.
func dead(ctx context.Context) (yes bool) {
	defer func() { yes = recover() != nil }()
	mustLive(ctx)
	return
}

// lookAgain is how often a request whose client has left looks whether its worker
// still lives: as often as the arbiter kills.
const lookAgain = time.Second

// wait returns what comes from c, or errGone if the client leaves first and the
// app honours that. It ends when the worker dies, which is a thing to look for
// when the connection ends: net/http cancels ctx then, be it because the client
// has left or because the worker was killed.
func wait[T any](ctx context.Context, a *app, c <-chan T) (T, error) {
	left := ctx.Done()
	var again <-chan time.Time
	for {
		select {
		case v := <-c:
			return v, nil
		case <-left:
			mustLive(ctx)
			if a.HonourCancel {
				var none T
				return none, errGone
			}
			// The worker may still be killed. Only the model knows, and it has to
			// be asked.
			left = nil
			t := time.NewTicker(lookAgain)
			defer t.Stop()
			again = t.C
		case <-again:
			mustLive(ctx)
		}
	}
}

// poll polls the feed, alone or together with others, and returns when the feed
// has answered.
func (a *app) poll(ctx context.Context, name string) error {
	if a.left(ctx) {
		return errGone
	}
	if a.Coalesce {
		return a.pollTogether(ctx, name)
	}
	// The poll's context is its own: it ends when nobody waits for the poll any
	// more, which is when the client leaves only if the app honours that.
	own, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	answered := make(chan error, 1)
	go func() { answered <- a.ask(own, name) }()
	failed, err := wait(ctx, a, answered)
	if err != nil {
		return err
	}
	return failed
}

// left reports whether there is no point in polling, since the client has left
// and the app honours that.
func (a *app) left(ctx context.Context) bool {
	if !a.HonourCancel {
		return false
	}
	// Who left before this instant has left, but it is a goroutine that may not
	// have run yet that tells net/http.
	repeatable.Settle(time.Now())
	return ctx.Err() != nil
}

// ask sends the poll to the feed, in the caller's goroutine.
func (a *app) ask(ctx context.Context, name string) error {
	if a.FeedTimeout > 0 {
		limited, cancel := context.WithTimeout(ctx, a.FeedTimeout)
		defer cancel()
		ctx = limited
	}
	r, err := http.NewRequestWithContext(context.WithValue(ctx, pollKey{}, poll{name, ctx}), http.MethodGet, a.Feed, nil)
	if err != nil {
		return err
	}
	r.Header.Set("X-Request-Id", name)
	reply, err := a.Client.Do(r)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	// Read to the end, within reason, so that a client that keeps connections can.
	if _, err := io.Copy(io.Discard, io.LimitReader(reply.Body, 64<<10)); err != nil {
		return err
	}
	if reply.StatusCode != http.StatusOK {
		return statusError(reply.StatusCode)
	}
	return nil
}

// statusError is an answer of the feed that is not a 200.
type statusError int

func (s statusError) Error() string { return "the feed answered " + strconv.Itoa(int(s)) }

// nameOf returns a request's name: its X-Request-ID, or one that is made up from
// its number among those that have none.
func (a *app) nameOf(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); id != "" {
		return id
	}
	return fmt.Sprintf("%s-%d", a.name, a.unnamed.Add(1)-1)
}

// pollName names a request's nth poll, from 1: "12-0.1".
func pollName(request string, n int) string { return request + "." + strconv.Itoa(n) }

// pollKey is under what the context of a poll holds it.
type pollKey struct{}

type poll struct {
	name string
	ctx  context.Context // which ends when the poll is given up
}

// PollPort returns a local port, from 1 to 65535, for the poll whose context ctx
// is or comes from: a number that its name decides. A simulated network that
// takes connections of one instant in order of their ports then takes polls in an
// order that is the same in every run. Without a poll it returns 1.
func PollPort(ctx context.Context) int {
	p, ok := ctx.Value(pollKey{}).(poll)
	if !ok {
		return 1
	}
	return 1 + int(repeatable.Hash(p.name)%65535)
}

// NewClient returns a client that polls as the exercise's app does: each time on
// a new connection, which is closed when the answer was read or the poll given
// up, so that no goroutine stays behind. It obeys no proxy and has no timeout.
//
// dial makes its connections, nil those of the real network. On a simulated one,
// n, it is
//
//	func(ctx context.Context, _, addr string) (net.Conn, error) {
//		return n.DialFrom(ctx, feedsim.PollPort(ctx), addr)
//	}
//
// A client of another making may keep connections; in a bubble its owner calls
// CloseIdleConnections, and gives up that runs are the same to the nanosecond.
func NewClient(dial func(ctx context.Context, network, addr string) (net.Conn, error)) *http.Client {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			// http.Transport lets a dial go on when its request is given up, for
			// the sake of the next request, which here has no use for it.
			if p, ok := ctx.Value(pollKey{}).(poll); ok {
				until, cancel := context.WithCancel(ctx)
				defer cancel()
				defer context.AfterFunc(p.ctx, cancel)()
				ctx = until
			}
			return dial(ctx, network, addr)
		},
	}}
}
