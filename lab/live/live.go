// Package live finds out, over HTTP, how a running server does several things at
// once: how many requests it has in service at a time, what one costs, whether it
// shows one user's data to another, and which worker models that leaves possible.
//
// It asks from outside and believes nothing that the server says of itself. The
// views of the PoC (package pocserver) tell it most, because they say how long they
// napped, which is compared with what a nap takes alone; /blocking_sleep/ above all, for which only an event loop makes requests
// wait. The feed exercise's routes (package feedsim) tell it what streams hold. Of
// a server with neither it learns what / and idle connections show, which often is
// not enough to tell, and then the report says so.
//
// All it waits for is timers and connections that [Target] dials, so that the same
// diagnosis runs in virtual time (testing/synctest) on a simulated network.
package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"
)

const (
	// mostRequests and mostTime bound a diagnosis.
	mostRequests = 3000
	mostTime     = 58 * time.Second
	// spare is what is left of mostTime for the last replies.
	spare = 3 * time.Second
	// mostBeforeLargest leaves what the experiments after the largest burst ask.
	mostBeforeLargest = 2000
)

var errTimeUp = errors.New("the time is up")

// A diagnosis is one run of Diagnose.
type diagnosis struct {
	client
	report *Report
	has    map[string]bool         // the routes that were found
	at     map[string]*Concurrency // what was measured, by path
	light  time.Duration           // what the lightest request takes alone
	first  answer                  // to the first request, for /
	// lookedFar says that the largest burst was made.
	lookedFar bool
}

// Diagnose asks the target until it knows, within 3,000 requests and a minute of the
// bubble's or the real time, and writes to progress, if that is not nil, a line for
// each step. It puts load on the server, the kind that its worker models differ in,
// and waits for what it asked for.
//
// The error is nil if the diagnosis came to its end, whatever it found out. If the
// server is not there, is no web server or stops answering, the error says so; if ctx
// ends, it is ctx's cause. The report then is what was learned until then, or nil if
// that is nothing.
func Diagnose(ctx context.Context, t Target, progress io.Writer) (*Report, error) {
	if t.Dial == nil || t.Host == "" {
		return nil, errors.New("the target has no Dial or no Host: Parse makes one that has")
	}
	if progress == nil {
		progress = io.Discard
	}
	bounded, cancel := context.WithTimeoutCause(ctx, mostTime, errTimeUp)
	defer cancel()
	d := &diagnosis{
		client: client{ctx: bounded, target: t, begin: time.Now()},
		report: &Report{Target: t.URL, Alone: map[string]time.Duration{}},
		has:    map[string]bool{}, at: map[string]*Concurrency{},
	}
	first, err := d.hello()
	d.first = first
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(progress, "%s: at most %d requests, at most %v\n", t.URL, mostRequests, time.Minute)
	d.report.Server, d.report.proxy, d.report.status = first.header.Get("Server"), proxyOf(first.header), first.status
	err = d.steps(progress)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	r := d.report
	r.Took, r.Requests = d.now(), int(d.sent.Load())
	r.judge()
	return r, err
}

// steps makes the experiments, as far as the server has what they need. The error is
// that it has gone.
func (d *diagnosis) steps(progress io.Writer) error {
	var asked string
	step := func(what string, do func()) error {
		if d.left() <= 0 {
			d.leaveOut(what)
			return nil
		}
		asked = what
		fmt.Fprintf(progress, "%5.1f s  %s\n", d.now().Seconds(), what)
		do()
		return d.gone(what)
	}
	plan := []struct {
		what string
		when func() bool
		do   func()
	}{
		{"which routes there are", always, d.find},
		{"a request alone", always, func() { d.light, _ = d.alone(d.lightest(), 5); d.report.light = d.light }},
		{"is a connection kept", always, d.kept},
		{"naps of " + asyncSleep, d.there(asyncSleep), func() { d.exhaust(asyncSleep) }},
		{"naps of " + syncSleep, d.there(syncSleep), func() { d.exhaust(syncSleep) }},
		{"naps of " + blockingSleep, d.there(blockingSleep), func() { d.exhaust(blockingSleep) }},
		{"naps of " + dirty, func() bool { return d.has[dirty] && d.at[asyncSleep] == nil }, func() { d.exhaust(dirty) }},
		{"how many are served / at a time", func() bool { return len(d.at) == 0 && !d.has[front] }, d.plain},
		{"idle connections", always, d.idle},
		{"two users of " + dirty, d.there(dirty), func() { d.crosstalk(dirty, d.crowdFor()) }},
		{"two users of " + dirtyFixed, d.there(dirtyFixed), func() { d.crosstalk(dirtyFixed, min(32, d.crowdFor())) }},
		{"as much as it can take", always, d.cost},
		{"long naps, and a request beside them", func() bool { return d.napping() != "" }, func() { d.slow(d.napping()) }},
		{"streams held open", d.there(streamFeed), d.streams},
		{"ten polls a second", d.there(checkFeed), d.check},
	}
	for _, p := range plan {
		if !p.when() {
			continue
		}
		if d.interrupted() {
			d.report.Remarks = append(d.report.Remarks, "interrupted before: "+p.what)
			return nil
		}
		if asked != "" {
			if err := d.settle(asked); err != nil {
				return err
			}
		}
		if err := step(p.what, p.do); err != nil {
			return err
		}
	}
	return nil
}

// interrupted reports whether the caller has ended it, and not the clock.
func (d *diagnosis) interrupted() bool {
	return d.ctx.Err() != nil && context.Cause(d.ctx) != errTimeUp
}

func always() bool { return true }

func (d *diagnosis) there(path string) func() bool { return func() bool { return d.has[path] } }

// left is how much time there is for experiments.
func (d *diagnosis) left() time.Duration {
	if d.ctx.Err() != nil {
		return 0
	}
	return mostTime - spare - d.now()
}

// leaveOut notes what there was not enough time for.
func (d *diagnosis) leaveOut(what string) { d.remark("there was not enough time for: %s", what) }

// remark notes what went otherwise than planned. What fails because the caller has
// ended the diagnosis says nothing of the server.
func (d *diagnosis) remark(format string, args ...any) {
	if d.interrupted() {
		return
	}
	d.report.Remarks = append(d.report.Remarks, fmt.Sprintf(format, args...))
}

// gone looks whether the server is still there.
func (d *diagnosis) gone(during string) error {
	if d.ctx.Err() != nil {
		return nil
	}
	conn, err := d.dial(firstReply)
	if err == nil {
		conn.close()
		return nil
	}
	switch {
	case errors.Is(err, errTooMany), d.ctx.Err() != nil:
		return nil
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s stopped listening during the step %q: it has died, or was stopped", d.target.URL, during)
	}
	return fmt.Errorf("%s accepts no more connections since the step %q: %w", d.target.URL, during, err)
}

// settle waits, where requests were given up or failed during a step, until the
// server answers a light one promptly: what it still works on would disturb the next
// step. A server that is stuck answers none, which is the error.
func (d *diagnosis) settle(during string) error {
	if !d.lost.Swap(false) && !d.failing.Load() {
		return nil
	}
	const cuts = 3
	from, failed := d.now(), 0
	for d.left() > 0 {
		a := d.ask(d.lightest(), min(2*firstReply, d.left()))
		d.lost.Store(false)
		switch {
		case d.ctx.Err() != nil:
			return nil
		case errors.Is(a.err, syscall.ECONNREFUSED):
			return d.gone(during)
		case a.err == nil && a.latency() < max(200*time.Millisecond, 5*d.light):
			if took := d.now() - from; took > time.Second {
				d.remark("after the step %q it took %.1f s until %s was answered promptly again", during, took.Seconds(), d.lightest())
			}
			return nil
		case a.err == nil:
			continue
		case a.gaveUp():
			return fmt.Errorf("%s answers no more since the step %q: a light request got no reply in %.0f s", d.target.URL, during, a.latency().Seconds())
		}
		if failed++; failed == cuts {
			d.remark("after the step %q light requests fail: %s", during, a.outcome())
			return nil
		}
	}
	return nil
}

// napping is the view that long naps are asked of: whose nap holds most.
func (d *diagnosis) napping() string {
	for _, path := range []string{blockingSleep, syncSleep, asyncSleep} {
		if d.at[path] != nil {
			return path
		}
	}
	return ""
}

// crowdFor is how many users make a crowd: several for each that is served at a
// time, and nobody where nobody would meet.
func (d *diagnosis) crowdFor() int {
	await := d.at[asyncSleep]
	if await == nil {
		await = d.at[dirty]
	}
	switch {
	case await == nil:
		return 16
	case !await.Limited:
		return crowdOfAll
	case await.AtOnce == 1:
		return 0
	}
	return min(crowdOfAll, max(16, 4*await.AtOnce))
}
