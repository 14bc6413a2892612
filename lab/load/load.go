// What the package is, and Run: plan every load, start it, wait for it.

// Package load puts load on a server and writes down what a client sees:
// [Closed] is N connections that each send the next request after the reply,
// with wrk's accounting; [Open] is a rate, whatever the replies, as vegeta's;
// [Probe] is a light, regular Open. Every request leaves one [Record].
//
// It works in real time over TCP, and in virtual time (a testing/synctest
// bubble) over any net.Conn, where it keeps these rules:
//
//   - Two clients never begin at the same instant: each is a nanosecond later
//     than the one before it, over all loads of a run.
//   - A fact at the very instant of a deadline (a timeout, a load's end, the
//     horizon) has not happened yet: only what comes strictly before it counts.
//     Goroutines woken at one instant run in any order, so nothing may depend
//     on it.
//   - Whatever is random is drawn from (seed, load, request), never from a
//     stream that goroutines share, and every request carries its number to the
//     server as X-Request-ID: client-seq.
//   - No lock is held across a wait, and when [Run] returns every connection is
//     closed and every goroutine it started has ended.
//
// So the same seed gives the same records, any number of times, as long as the
// server keeps the same rules.
package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Target is the server that the loads of one run are put on.
type Target struct {
	// Dial opens a connection. client is a number unique over all loads of the
	// run, so that a network can give each client a local port of its own. It is
	// called from many goroutines at once and must give up when ctx ends; ctx's
	// deadline is the earlier of the client's patience and the load's end. A
	// connection that it returns must support deadlines.
	Dial func(ctx context.Context, client int) (net.Conn, error)
	// Host is the Host header of every request.
	Host string
	// Seed decides everything random. The same seed is the same load.
	Seed uint64
	// MaxInFlight, if not 0, is the most requests that may be in flight at once: a
	// run that exceeds it ends with a [*TooManyError]. An open loop's request is in
	// flight from its scheduled instant to its end, dialling included; a closed
	// loop counts with all its connections. The count is taken at every eighth
	// part of MaxInFlight arrivals, so a run ends with that many more at most, and
	// at the same instant each time.
	//
	// Over the simulated network a request that waits to be accepted takes 7 KB, and
	// one in a net/http handler 27 to 34 KB (BenchmarkQueued). The process holds more:
	// 1.0 GB of 82,811 requests that wait, and 3.3 GB of 79,900 streams.
	MaxInFlight int
	// Progress, if not nil, shows how far the run is to goroutines that are not
	// part of it.
	Progress *Progress
}

// TCP is a Target that dials addr ("127.0.0.1:8000") over the real network.
func TCP(addr string, seed uint64) Target {
	var d net.Dialer
	return Target{
		Dial: func(ctx context.Context, _ int) (net.Conn, error) {
			return d.DialContext(ctx, "tcp", addr)
		},
		Host: addr,
		Seed: seed,
	}
}

// Load is one way of putting load on a server: a [Closed] or an [Open].
type Load interface {
	// String is the load's name, as records show it: its Name, or one made from
	// its numbers and its path.
	String() string

	// check returns what is wrong with the load's fields.
	check(horizon time.Duration) error
	// plan says what the load will do, given its place among the others.
	plan(r *run, p place) planned
}

// A place is what tells a load apart from the others of its run.
type place struct {
	index  int           // among the loads
	client int           // number of its first client
	offset time.Duration // nanoseconds by which its first client is late
}

// planned is a load that is ready to start. start runs it to its end and
// returns its records, ordered by client and then by sequence.
type planned struct {
	clients int           // client numbers it uses
	width   time.Duration // offsets it uses
	start   func() []Record
}

// ErrNoTime is returned by [Run], with the records so far, when the requests of a
// closed loop take next to no time, for then the virtual clock would never get
// anywhere. Give the server a cost per request, or bound the load with
// Closed.Requests.
var ErrNoTime = errors.New("requests take no time, so a closed loop never ends")

// run is what the clients of one Run share. All of it is set before the first
// client starts, except what fail writes.
type run struct {
	ctx     context.Context
	target  Target
	begin   time.Time
	horizon time.Duration

	flight   flight
	failing  chan struct{} // closed when failed is set
	failed   atomic.Bool
	failOnce sync.Once
	err      error
}

// Run puts the loads on the target, all at once, and returns when the last has
// ended, at the horizon at the latest: what is open then is recorded as
// [Unfinished]. Instants in the records count from the call of Run.
//
// The records are ordered by load (as given), then client, then sequence. A
// field that cannot be gives an error that names the load and the field, before
// anything is dialled. When ctx ends first, Run returns what it has, with ctx's
// cause. In a bubble, ctx must come from that bubble or be
// context.Background().
//
// Adding a load at the end of the list leaves the client numbers and the draws
// of those before it as they were.
func Run(ctx context.Context, target Target, horizon time.Duration, loads ...Load) ([]Record, error) {
	if err := check(target, horizon, loads); err != nil {
		return nil, err
	}
	r := &run{ctx: ctx, target: target, begin: time.Now(), horizon: horizon, failing: make(chan struct{})}
	r.flight.limit = target.MaxInFlight
	for _, l := range loads {
		if c, ok := l.(Closed); ok {
			r.flight.closed += c.Connections
		}
	}
	if n := r.flight.closed; r.flight.limit > 0 && n > r.flight.limit {
		return nil, &TooManyError{InFlight: n, Limit: r.flight.limit}
	}
	target.Progress.begin(&r.flight)
	defer target.Progress.end()
	defer r.callOffWith(ctx)()

	var at place
	plans := make([]planned, len(loads))
	for i, l := range loads {
		at.index = i
		plans[i] = l.plan(r, at)
		at.client += plans[i].clients
		at.offset += plans[i].width
	}

	// Each load has a slice of its own and so has each client within it: nothing
	// is shared, nothing is locked, and the order needs no sorting.
	results := make([][]Record, len(plans))
	var wg sync.WaitGroup
	for i, p := range plans {
		wg.Go(func() { results[i] = p.start() })
	}
	wg.Wait()

	total := 0
	for _, rs := range results {
		total += len(rs)
	}
	records := make([]Record, 0, total)
	for _, rs := range results {
		records = append(records, rs...)
	}
	if r.err != nil {
		return records, r.err
	}
	return records, context.Cause(ctx)
}

// fail ends a run from within, and keeps the first reason.
func (r *run) fail(err error) {
	r.failOnce.Do(func() {
		r.err = err
		r.failed.Store(true)
		close(r.failing)
		r.flight.callOff()
	})
}

// off reports whether the run was called off, by its context or from within.
func (r *run) off() bool { return r.failed.Load() || r.ctx.Err() != nil }

// callOffWith wakes the clients when ctx ends. What it returns ends that.
func (r *run) callOffWith(ctx context.Context) (stop func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	over := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(over)
		r.flight.callOff()
	})
	return func() {
		if !cancel() {
			<-over
		}
	}
}

// now is the time since the run began.
func (r *run) now() time.Duration { return time.Since(r.begin) }

// sleepUntil sleeps until at and reports whether the run is still on.
func (r *run) sleepUntil(at time.Duration) bool {
	if wait := at - r.now(); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.failing:
		case <-r.ctx.Done():
		}
	}
	return !r.off()
}

// check returns the first thing that is wrong with a run.
func check(t Target, horizon time.Duration, loads []Load) error {
	switch {
	case t.Dial == nil:
		return errors.New("load: Target.Dial is nil")
	case t.Host == "" || strings.ContainsFunc(t.Host, func(c rune) bool { return c <= ' ' || c >= 0x7f }):
		return fmt.Errorf("load: Target.Host %q is not a host", t.Host)
	case horizon <= 0:
		return fmt.Errorf("load: the horizon is %v: it must be more than 0", horizon)
	case t.MaxInFlight < 0:
		return fmt.Errorf("load: Target.MaxInFlight is %d: it must be 0 or more", t.MaxInFlight)
	case len(loads) == 0:
		return errors.New("load: no loads")
	}
	for i, l := range loads {
		if l == nil {
			return fmt.Errorf("load: load %d is nil", i)
		}
		if err := l.check(horizon); err != nil {
			return fmt.Errorf("load: %q: %w", l.String(), err)
		}
	}
	return nil
}

// wrong is what is wrong with a field.
func wrong(field, format string, args ...any) error {
	return fmt.Errorf("%s %s", field, fmt.Sprintf(format, args...))
}

// checkSpan checks the two fields that every load has.
func checkSpan(start, duration, horizon time.Duration) error {
	switch {
	case start < 0:
		return wrong("Start", "is %v: it must be 0 or more", start)
	case start >= horizon:
		return wrong("Start", "is %v: the run's horizon is %v, it would never begin", start, horizon)
	case duration <= 0:
		return wrong("Duration", "is %v: it must be more than 0", duration)
	}
	return nil
}

// checkPath checks a request target.
func checkPath(path string) error {
	if !strings.HasPrefix(path, "/") {
		return wrong("Path", "%q does not begin with a slash", path)
	}
	if i := strings.IndexFunc(path, func(c rune) bool { return c <= ' ' || c >= 0x7f }); i >= 0 {
		return wrong("Path", "%q has a character that must be escaped, at byte %d", path, i)
	}
	return nil
}
