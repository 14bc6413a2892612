// The clients of a run as the run sees them: how many requests are in flight, how
// far the run has come, and how all of them are called off.

package load

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A TooManyError ends a run that has more requests in flight than
// [Target.MaxInFlight] allows.
type TooManyError struct {
	At       time.Duration // when it was found, counted from the run's begin
	InFlight int           // requests in flight then
	Limit    int           // Target.MaxInFlight
}

// Error says how many requests were in flight, when, and what to do.
func (e *TooManyError) Error() string {
	return fmt.Sprintf("load: %d requests are in flight at %v of the run, and the limit is %d: give the clients a "+
		"timeout, lower the rate or the number of connections, or make the load shorter", e.InFlight, e.At, e.Limit)
}

// A Progress tells how far a run is. The zero value is ready to use: put its
// address in [Target.Progress] and call [Progress.Reached] from any goroutine, in
// the run's bubble or outside it, before, during and after the run. Reading it
// does not change what the run does. A Progress serves one run at a time.
type Progress struct {
	mu      sync.Mutex
	flight  *flight // of the run that is on
	reached Reached // of the run that is over
}

// Reached is how far a run is.
type Reached struct {
	At         time.Duration // the latest instant at which a client sent or got anything, from the run's begin
	Sent, Done int           // requests begun, and of those the ones that have ended in whatever way
}

// Reached returns how far the run is: zero before it begins, and what it came to
// once it is over. It takes time in proportion to the number of clients, about
// 1 ms for 100,000; call it a few times a second at most.
func (p *Progress) Reached() Reached {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.flight != nil {
		return p.flight.reached()
	}
	return p.reached
}

// begin makes p follow a run.
func (p *Progress) begin(f *flight) {
	if p != nil {
		p.mu.Lock()
		p.flight = f
		p.mu.Unlock()
	}
}

// end makes p keep what the run has come to.
func (p *Progress) end() {
	if p != nil {
		p.mu.Lock()
		p.reached, p.flight = p.flight.reached(), nil
		p.mu.Unlock()
	}
}

// state is what a client tells others about itself. Its own goroutine alone
// writes it, and each client has one of its own: a counter that all clients share
// would put their requests in an order, and hide races of the server's from the
// race detector.
type state struct {
	sent, done atomic.Int64             // requests
	at         atomic.Int64             // when it last sent or got anything, in ns from the run's begin
	conn       atomic.Pointer[net.Conn] // nil while it has none
}

// inFlight reports whether the client had a request at the instant now: it is not
// over, or was over at that very instant.
func (s *state) inFlight(now time.Duration) bool {
	return s.done.Load() < s.sent.Load() || time.Duration(s.at.Load()) >= now
}

// flight is the clients of a run. Its lock is for those who start clients and
// those who look, never for a client that is under way.
type flight struct {
	limit, closed int // MaxInFlight, and the clients of closed loops

	mu      sync.Mutex
	clients []*client // all that are under way, and some that have ended
	tidy    int       // look for those that have ended when there are more
	opened  int       // clients of open loops so far
	ended   Reached   // what the clients that were removed have done
}

// add adds a client that begins now. It reports an error when it finds too many.
//
// The count is taken at every limit/8th arrival, so it costs little, and of what
// was there before the instant now, so it is the same in each run.
func (f *flight) add(c *client, now time.Duration, open bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clients = append(f.clients, c)
	if open {
		f.opened++
	}
	if len(f.clients) > f.tidy {
		f.removeEnded(now)
	}
	if !open || f.limit == 0 || f.opened%max(f.limit/8, 1) != 0 {
		return nil
	}
	f.removeEnded(now)
	n := f.closed
	for _, c := range f.clients {
		if c.open && c.scheduled < now && c.inFlight(now) {
			n++
		}
	}
	if n > f.limit {
		return &TooManyError{At: now, InFlight: n, Limit: f.limit}
	}
	return nil
}

// removeEnded forgets the clients of open loops that had ended before now.
func (f *flight) removeEnded(now time.Duration) {
	f.clients = slices.DeleteFunc(f.clients, func(c *client) bool {
		if !c.open || c.scheduled >= now || c.inFlight(now) {
			return false
		}
		f.ended.add(&c.state)
		return true
	})
	f.tidy = 2*len(f.clients) + 64
}

// reached is how far the run is.
func (f *flight) reached() Reached {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.ended
	for _, c := range f.clients {
		r.add(&c.state)
	}
	return r
}

// add adds what a client has done. A request that ends meanwhile is done and sent.
func (r *Reached) add(s *state) {
	r.Done += int(s.done.Load())
	r.Sent += int(s.sent.Load())
	r.At = max(r.At, time.Duration(s.at.Load()))
}

// callOff wakes all clients that wait for a reply, by way of their deadlines.
func (f *flight) callOff() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.clients {
		if conn := c.conn.Load(); conn != nil {
			(*conn).SetDeadline(time.Unix(1, 0))
		}
	}
}
