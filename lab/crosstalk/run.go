// A run: one schedule, on a server of its own, move by move.

package crosstalk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/pocserver/worker"
)

// A pace is how long a run waits for a request to come to a stop. Virtual, but
// for that of a check in real time.
type pace struct {
	instant  time.Duration // the servers' decisions take a few of these
	patience time.Duration // for one that others may be holding up
	late     time.Duration // for what a handler has left running
}

var (
	virtualPace = pace{time.Nanosecond, 10 * time.Second, 5 * time.Second}
	realPace    = pace{500 * time.Microsecond, 500 * time.Millisecond, 20 * time.Millisecond}
)

// spins is how often other goroutines are let run before anybody looks at what
// they are doing; a look costs as much as a request.
const spins = 30

// slack is by how much a nap may end later than it did for one who was alone: the
// servers decide about several at once an instant later.
const slack = 16 * time.Nanosecond

// address is where the server of a run listens.
const address = "127.0.0.1:8000"

// A run is one schedule being carried out.
type run struct {
	check   *check
	plan    schedule
	users   []*user
	network simnet.Network
	clients sync.WaitGroup
	begin   time.Time
	bell    chan struct{} // rung at each arrival
	stuck   bool          // at the last look somebody waited for a lock
	closing atomic.Bool   // nobody is kept at a stop any more
	closers []io.Closer   // handlers that want to be closed

	mu     sync.Mutex
	byAddr map[string]*user
	events []event
}

// An event is a user's coming to a stop, or to its end.
type event struct {
	user int
	what kind
	at   string // where in the code, if that is known
	time time.Duration
}

// perform carries out a schedule and returns what happened. The error is of the
// check, not of the handler.
func (c *check) perform(s schedule) (*run, error) {
	c.ran++
	r := &run{check: c, plan: s, begin: time.Now(), bell: make(chan struct{}, 1), byAddr: map[string]*user{}}
	c.current.Store(r)
	for i, without := range s.without {
		u := &user{run: r, index: i, without: without, send: make(chan struct{}, 1)}
		u.canary, u.token = c.newCanary(owner{c.ran, i})
		var err error
		if u.request, err = c.ask(i, u.canary, without); err != nil {
			return nil, err
		}
		c.asked++
		r.users = append(r.users, u)
	}
	stop, err := r.serve()
	if err != nil {
		return nil, err
	}
	for _, u := range r.users {
		r.clients.Go(u.ask)
	}
	for _, m := range s.moves {
		r.move(m)
	}
	r.finish()
	return r, stop()
}

// serve starts the server and returns what ends it, with all that is still under
// way.
func (r *run) serve() (stop func() error, err error) {
	ln, err := r.network.Listen(address)
	if err != nil {
		return nil, err
	}
	var server interface {
		Serve(net.Listener) error
		Close() error
	}
	app := func() http.Handler {
		h := r.check.newHandler()
		if h == nil {
			h = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("newHandler returned nil") })
		}
		if closer, ok := h.(io.Closer); ok {
			r.mu.Lock()
			r.closers = append(r.closers, closer)
			r.mu.Unlock()
		}
		return r.gated(h)
	}
	if r.check.server == nil {
		server = &http.Server{Handler: app(), ErrorLog: log.New(io.Discard, "", 0)}
	} else if server, err = worker.New(*r.check.server, app); err != nil {
		ln.Close()
		return nil, err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	return func() error {
		r.closing.Store(true)
		r.mu.Lock()
		for _, u := range r.users {
			for u.letGo() {
			}
		}
		r.mu.Unlock()
		for _, u := range r.users {
			if !u.started {
				close(u.send)
			} else {
				u.hangUp()
			}
		}
		err := server.Close()
		r.clients.Wait()
		patience := time.NewTimer(r.check.pace.patience)
		defer patience.Stop()
		select {
		case serving := <-served:
			if !errors.Is(serving, http.ErrServerClosed) {
				err = errors.Join(err, serving)
			}
		case <-patience.C: // what keeps it is left behind, and listed
		}
		r.mu.Lock()
		closers := r.closers
		r.mu.Unlock()
		for _, h := range closers {
			err = errors.Join(err, h.Close())
		}
		return err
	}, nil
}

func (r *run) dial(ctx context.Context) (net.Conn, error) {
	return r.network.DialContext(ctx, "tcp", address)
}

// evented reports whether the handler is on an event loop.
func (r *run) evented() bool {
	return r.check.server != nil && r.check.server.Model == worker.Evented
}

func (r *run) userAt(addr string) *user {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byAddr[addr]
}

func (r *run) ring() {
	select {
	case r.bell <- struct{}{}:
	default:
	}
}

// move carries out a move, as far as it is possible: who waits for somebody else
// stays where it is.
func (r *run) move(m move) {
	u := r.users[m.user]
	switch m.stops {
	case away:
		if u.started {
			u.leave()
			r.rest()
		}
	case toTheEnd:
		for range 2 * mostStops {
			if r.isOut(u) || !r.step(u) {
				return
			}
		}
	default:
		for range m.stops {
			if !r.step(u) {
				return
			}
		}
	}
}

// finish lets everybody go on until nobody does any more.
func (r *run) finish() {
	for range 2 * mostStops * len(r.users) {
		moved := false
		for _, u := range r.users {
			if u.started && r.pending(u) {
				moved = r.step(u) || moved
			}
		}
		if !moved {
			return
		}
	}
}

// pending reports whether u, or what its handler has left running, goes on.
func (r *run) pending(u *user) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case len(u.parked) > 0 || !u.out && !u.left:
		return true
	case u.left && u.entered && !u.returned:
		return true
	}
	return (r.check.late || r.plan.name == alone.name) && !u.waits // it may come yet
}

func (r *run) isOut(u *user) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return u.out && len(u.parked) == 0 || u.left && u.returned
}

// step lets u go on to its next stop, and reports whether there was one to go on
// to: it is false for one that nothing moves.
func (r *run) step(u *user) bool {
	r.mu.Lock()
	before := u.arrivals
	passing := false
	switch {
	case !u.started:
		u.started, u.since = true, time.Now()
		r.events = append(r.events, event{u.index, comesIn, "", time.Since(r.begin)})
		u.send <- struct{}{}
	case u.letGo():
		u.since = time.Now()
	default:
		passing = true
	}
	r.mu.Unlock()
	if passing {
		return r.letPass(u, before)
	}
	if r.watch(u, before) {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if u.arrivals == before && !u.waits {
		u.waits = true
		r.events = append(r.events, event{u.index, waiting, r.whereIs(u), time.Since(r.begin)})
	}
	return true
}

// watch waits until u has arrived, or waits for something that does not come
// within the next few instants; it reports which.
func (r *run) watch(u *user, before int) bool {
	for instants := 0; ; instants++ {
		for range spins {
			runtime.Gosched()
			if r.arrived(u, before) {
				r.rest()
				return true
			}
		}
		if r.check.realTime {
			if instants == 8 {
				return false
			}
			time.Sleep(r.check.pace.instant)
			continue
		}
		r.mu.Lock()
		queued := !u.entered
		kept := r.anyParked()
		here := r.situation(u, before)
		r.mu.Unlock()
		if kept && !r.check.lockless() && r.somebodyWakes() {
			if _, stuck := r.look(); stuck {
				r.stuck, r.check.locked = true, true
				return false
			}
		}
		switch {
		case (queued || r.check.server != nil) && instants < 4:
			// The network and the server may be about to decide something.
			time.Sleep(r.check.pace.instant)
			continue
		case queued:
			return false // behind the others: it has no lock to wait for
		case r.check.waitedAt[here], r.check.lockless():
			return false // as before
		}
		computing, stuck := r.look()
		if computing {
			continue
		}
		r.check.locked = r.check.locked || stuck
		if r.stuck = stuck; !stuck {
			r.check.waitedAt[here] = true
		}
		return false
	}
}

// A situation is all that decides whether somebody runs into a lock: how far each
// is, who is kept at a stop, and who has just woken.
type situation string

// situation is the one that the run is in for u. Called with r.mu held.
func (r *run) situation(u *user, before int) situation {
	var b strings.Builder
	fmt.Fprint(&b, u.index, before)
	for _, v := range r.users {
		if !v.started || v.out {
			continue
		}
		fmt.Fprint(&b, ";", v.arrivals, len(v.parked) > 0, v.without, v.left)
		if nap, usual := r.check.naps[v.arrivals]; usual {
			fmt.Fprint(&b, min(max(time.Since(v.since)-nap, -1), slack)) // to the instant
		}
	}
	return situation(b.String())
}

// rest lets whatever runs go on until it waits.
func (r *run) rest() {
	if r.check.realTime {
		time.Sleep(r.check.pace.instant)
		return
	}
	for range 4 {
		runtime.Gosched()
	}
}

// look reports whether a goroutine of the check computes, and whether one waits
// for a lock or the like, which stops the clock.
func (r *run) look() (computing, stuck bool) {
	r.check.looks++
	r.check.goroutines = bubble.Others()
	for _, g := range r.check.goroutines {
		switch {
		case g.Stuck():
			stuck = true
		case !g.Durable():
			computing = true
		}
	}
	return computing, stuck
}

// whereIs is where u's handler waits, as last seen.
func (r *run) whereIs(u *user) string {
	for _, g := range r.check.goroutines {
		if g.ID() == u.goroutine && u.entered && !u.returned {
			return g.At(notTheirs...).String()
		}
	}
	return ""
}

// letPass lets time pass until u arrives, and reports whether it did. Who holds a
// lock that u waits for is let go on first.
func (r *run) letPass(u *user, before int) bool {
	pace := r.check.pace
	until := time.Now().Add(pace.patience)
	r.mu.Lock()
	switch {
	case u.out || u.left:
		until = time.Now().Add(pace.late)
	case !u.entered && r.anyParked(): // it is queued behind them
		until = time.Now().Add(pace.late / 50)
	}
	r.mu.Unlock()
	for !r.arrived(u, before) {
		wake := until
		if !r.check.realTime && r.someParked() {
			if r.stuck && r.letOneGo() {
				r.stuck = false
				r.watch(u, before)
				continue
			}
			// To the very instant: this goroutine is awake when somebody else wakes,
			// and sees them run into a lock that somebody holds at a stop.
			if at, known := r.nextWake(); known && at.Before(until) {
				wake = at
			}
		}
		if now := time.Now(); !now.Before(until) {
			return false
		} else if wake.After(now) {
			timer := time.NewTimer(wake.Sub(now))
			select {
			case <-r.bell:
			case <-timer.C:
			}
			timer.Stop()
		}
		if wake != until {
			r.watch(u, before)
		}
	}
	r.rest()
	return true
}

// somebodyWakes reports whether a nap ends about now.
func (r *run) somebodyWakes() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.users {
		nap, usual := r.check.naps[u.arrivals]
		if over := time.Since(u.since) - nap; usual && u.waits && -slack < over && over < slack {
			return true
		}
	}
	return false
}

// nextWake returns when the first of those who nap will wake, if they nap as long
// as one does who is alone.
func (r *run) nextWake() (first time.Time, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for _, u := range r.users {
		nap, usual := r.check.naps[u.arrivals]
		at := u.since.Add(nap)
		if late := now.Sub(at); late >= 0 && late < slack {
			at = now.Add(r.check.pace.instant)
		}
		if u.waits && usual && len(u.parked) == 0 && at.After(now) && (!known || at.Before(first)) {
			first, known = at, true
		}
	}
	return first, known
}

// anyParked reports whether anybody is kept at a stop. Called with r.mu held.
func (r *run) anyParked() bool {
	for _, u := range r.users {
		if len(u.parked) > 0 {
			return true
		}
	}
	return false
}

func (r *run) someParked() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.anyParked()
}

// letOneGo lets somebody go on who is kept at a stop.
func (r *run) letOneGo() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.users {
		if u.letGo() {
			u.since = time.Now()
			return true
		}
	}
	return false
}

func (r *run) arrived(u *user, before int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return u.arrivals > before
}
