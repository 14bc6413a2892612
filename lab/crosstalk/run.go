// A run: one schedule, on a server of its own, move by move.

package crosstalk

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"example.com/outagelab/lab/appserver"
	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/simnet"
)

// A pace is how long a run waits for a request to come to a stop. Virtual, but
// for that of a check in real time.
type pace struct {
	instant  time.Duration // the servers' decisions take a few of these
	patience time.Duration // for one that others may be holding up; less in real time, once one was alone
	late     time.Duration // for what a handler has left running
}

var (
	virtualPace = pace{time.Nanosecond, 10 * time.Second, 5 * time.Second}
	realPace    = pace{500 * time.Microsecond, 5 * time.Second, 20 * time.Millisecond}
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
	check     *check
	plan      schedule
	users     []*user
	network   simnet.Network
	clients   sync.WaitGroup
	begin     time.Time
	bell      chan struct{} // rung at each arrival
	finishing bool          // the moves are made
	closing   atomic.Bool   // nobody is kept at a stop any more
	noHandler atomic.Bool   // newHandler returned none
	hijacked  atomic.Bool   // a handler has taken its connection over

	// As last seen:
	asleep map[bubble.ID]time.Time // when those wake who are in a time.Sleep
	stuck  bool                    // somebody waits for a lock
	still  bool                    // and nobody has gone on since

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
	if c.stopped.Load() {
		return nil, errStopped
	}
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
	if err := stop(); err != nil {
		return nil, err
	}
	c.count(r)
	if !c.realTime {
		time.Sleep(stretch)
	}
	return r, nil
}

// errStopped ends a check that was abandoned.
var errStopped = fmt.Errorf("the check was abandoned: %w", bubble.ErrStopClock)

// serve starts the server and returns what ends it, with all that is still under
// way.
func (r *run) serve() (stop func() error, err error) {
	server, err := appserver.Start(&r.network, address, r.check.server, func() http.Handler {
		h := r.check.newHandler()
		if h == nil {
			r.noHandler.Store(true)
			h = http.NotFoundHandler()
		}
		if closer, ok := h.(io.Closer); ok {
			return closing{h, r.check, closer}
		}
		return h
	}, r.gated)
	if err != nil {
		return nil, err
	}
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
		err := server.Close(r.check.pace.patience)
		r.clients.Wait()
		return err
	}, nil
}

// closing is an instance of the app whose error of Close is the app's, not the
// check's.
type closing struct {
	http.Handler
	check  *check
	closer io.Closer
}

func (a closing) Close() error {
	a.check.closed(a.closer.Close())
	return nil
}

func (r *run) dial(ctx context.Context) (net.Conn, error) {
	return r.network.DialContext(ctx, "tcp", address)
}

// evented reports whether the handler is on an event loop.
func (r *run) evented() bool {
	return r.check.server != nil && r.check.server.Model.EventLoop()
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
	r.check.progress.Add(1)
	switch m.stops {
	case away:
		if u.started {
			u.leave()
			r.still = false
			r.settle()
		}
	case aDay:
		r.letTimePass()
	case in:
		r.mu.Lock()
		r.comeIn(u)
		r.mu.Unlock()
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

// letTimePass lets a day pass, or as much of it as mostPassing of real time is enough
// for: what ticks, ticks all day.
func (r *run) letTimePass() {
	begin := r.check.elapsed.Load()
	step := 100 * time.Millisecond
	for passed := time.Duration(0); passed < 24*time.Hour; passed += step {
		if time.Duration(r.check.elapsed.Load()-begin) > mostPassing {
			break
		}
		time.Sleep(step)
		r.check.progress.Add(1)
		step = min(2*step, 10*time.Minute)
	}
	r.still = false
}

// mostPassing is how much real time a day may take.
const mostPassing = 300 * time.Millisecond

// finish lets everybody go on until nobody does any more.
func (r *run) finish() {
	r.finishing = true
	for range 2 * mostStops * len(r.users) {
		moved, kept := false, r.someParked()
		for _, u := range r.users {
			if kept && !r.isParked(u) {
				continue // it may be waiting for them
			}
			if u.started && r.pending(u) {
				moved = r.step(u) || r.someParked() || moved
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
	return (r.check.late || r.plan.isAlone()) && !u.waits // it may come yet
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
		r.comeIn(u)
	case u.letGo():
		u.since, r.still = time.Now(), false
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
	if !r.check.realTime && !r.lockless() && r.lonely() {
		r.look() // until when it sleeps, for when there is somebody else
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if u.arrivals == before && !u.waits {
		u.waits = true
		r.events = append(r.events, event{u.index, waiting, r.whereIs(u), time.Since(r.begin)})
	}
	return true
}

// comeIn lets u send its request. Called with r.mu held.
func (r *run) comeIn(u *user) {
	if u.started {
		return
	}
	u.started, u.since = true, time.Now()
	r.still = false
	r.events = append(r.events, event{u.index, comesIn, "", time.Since(r.begin)})
	u.send <- struct{}{}
}

// watch waits until u has arrived, or waits for something that does not come
// within the next few instants; it reports which.
func (r *run) watch(u *user, before int) bool {
	for instants := 0; ; instants++ {
		r.rest()
		if r.arrived(u, before) {
			return true
		}
		if instants == 0 || r.mayRun(u) {
			stuck := r.settle()
			if r.arrived(u, before) {
				return true
			}
			if stuck {
				return false
			}
		}
		if instants >= r.instants(u) {
			return false
		}
		time.Sleep(r.check.pace.instant)
		r.still = false
	}
}

// mayRun reports whether some handler may have run in the last instant: u's, or
// that of somebody who wakes about now. While there is only a connection to be made,
// none does, and nobody needs to look.
func (r *run) mayRun(u *user) bool {
	if r.check.realTime || r.check.server != nil {
		return true
	}
	now := time.Now()
	about := func(at time.Time) bool { return at.Sub(now).Abs() < slack }
	for _, until := range r.asleep {
		if about(until) {
			return true
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range r.users {
		if nap, usual := r.check.naps[v.arrivals]; v.waits && usual && about(v.since.Add(nap)) {
			return true
		}
	}
	return u.entered
}

// instants is how many of them the network and the server may need to decide what
// becomes of u.
func (r *run) instants(u *user) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.check.realTime:
		return 8
	case !u.entered || r.check.server != nil:
		return 4
	}
	return 0
}

// rest lets others run: all that there are, most likely, as with one bubble there
// is one processor.
func (r *run) rest() {
	for range spins {
		runtime.Gosched()
	}
}

// settle lets whatever runs go on until it waits, and reports whether somebody
// then waits for a lock, which stops the clock.
func (r *run) settle() (stuck bool) {
	switch {
	case r.still:
		return r.stuck
	case r.check.realTime:
		return false
	case r.lockless(), r.lonely():
		synctest.Wait() // not otherwise: it does not return while somebody waits for a lock
		return false
	}
	for {
		r.rest()
		if computing, stuck := r.look(); !computing {
			r.mu.Lock()
			r.check.locked = r.check.locked || stuck
			r.check.crowd = max(r.check.crowd, r.inside())
			r.mu.Unlock()
			r.still, r.stuck = true, stuck
			return stuck
		}
	}
}

// lonely reports whether nobody is under way but one, and that not kept at a stop:
// there is no other to hold a lock.
func (r *run) lonely() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.underWay() <= 1 && !r.anyParked() && !r.check.late && !r.check.locked
}

// lockless reports whether requests are known not to run into each other's locks, as
// many as are under way: a semaphore may have room for a few.
func (r *run) lockless() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.check.lockless() && r.underWay() <= r.check.crowd
}

// inside is how many requests are in the handler. Called with r.mu held.
func (r *run) inside() (n int) {
	for _, u := range r.users {
		if u.entered && !u.returned {
			n++
		}
	}
	return n
}

// underWay is how many requests are. Called with r.mu held.
func (r *run) underWay() (n int) {
	for _, u := range r.users {
		if u.started && !(u.out || u.left && u.returned) {
			n++
		}
	}
	return n
}

// look reports whether a goroutine of the check computes, and whether one waits
// for a lock or the like. It notes until when the others sleep.
func (r *run) look() (computing, stuck bool) {
	gs := bubble.Others()
	r.check.looks += 1 + len(gs)/20 // what handlers have left behind is looked at as well
	now, asleep := time.Now(), map[bubble.ID]time.Time{}
	for _, g := range gs {
		switch {
		case g.Stuck():
			stuck = true
		case !g.Durable():
			computing = true
		case g.Nap() > 0:
			until, known := r.asleep[g.ID()]
			if !known || !until.After(now) {
				until = now.Add(g.Nap())
			}
			asleep[g.ID()] = until
		}
	}
	r.asleep = asleep
	return computing, stuck
}

// whereIs is where u's handler waits, if somebody will read it. Called with r.mu
// held.
func (r *run) whereIs(u *user) string {
	if r.check.realTime || !u.entered || u.returned || !r.plan.isAlone() && len(r.check.findings) == 0 {
		return ""
	}
	for _, g := range bubble.Others() {
		if g.ID() == u.goroutine {
			return theirs(g.Frames(), module)
		}
	}
	return ""
}

// letPass lets time pass until u arrives, and reports whether it did. Who is kept
// at a stop while somebody waits for a lock is let go on first: it holds it.
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
	for {
		r.rest()
		if r.arrived(u, before) {
			return true
		}
		stuck := r.settle()
		if r.arrived(u, before) {
			return true
		}
		if stuck && r.letOneGo() {
			continue
		}
		if r.finishing && r.someParked() {
			return false // they may be what it waits for
		}
		wake := until
		if at, known := r.nextWake(); known && at.Before(until) {
			wake = at
		}
		now := time.Now()
		if !now.Before(until) {
			return false
		}
		r.still = false
		timer := time.NewTimer(wake.Sub(now))
		select {
		case <-r.bell:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// nextWake returns when somebody wakes next, as far as that is known: to the very
// instant, so that this goroutine is awake then and sees them run into a lock that
// somebody holds at a stop.
func (r *run) nextWake() (first time.Time, known bool) {
	if r.check.realTime || r.lockless() {
		return first, false
	}
	now := time.Now()
	sooner := func(at time.Time) {
		if at.After(now) && (!known || at.Before(first)) {
			first, known = at, true
		}
	}
	for _, until := range r.asleep {
		sooner(until)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.users {
		// Who does not sleep but waits is taken to wait as long as one who is alone.
		if nap, usual := r.check.naps[u.arrivals]; u.waits && usual && len(u.parked) == 0 {
			at := u.since.Add(nap)
			if late := now.Sub(at); late >= 0 && late < slack {
				at = now.Add(r.check.pace.instant)
			}
			sooner(at)
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

func (r *run) isParked(u *user) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(u.parked) > 0
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
			u.since, r.still = time.Now(), false
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
