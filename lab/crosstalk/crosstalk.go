// Check: what a caller sees of this package.

// Package crosstalk finds one user's data in another user's reply (CWE-488), for
// any http.Handler.
//
// [Check] gives each of several virtual users a canary, a word that nobody else
// has, and asks the handler for all of them, through the real net/http and in
// virtual time, under schedules chosen to expose what requests share: one after
// another, overlapping at each of their stops, nested, in turns, with a client
// that leaves midway, with and without the private fields, many at once. A reply
// that holds a canary of somebody else is a failure, which shows the smallest
// schedule that brings it about.
//
// A request stops wherever its handler waits: for a nap or another goroutine, for
// its body, for a client that takes its time to read what is written, for a call
// through [Transport]. At each stop the others may run. Of a request with many,
// such as a page that is written in pieces, the first dozen are stops, and six of
// them are tried; of a reply the first 256 KB are looked at. The log says where
// that was not all.
//
// What a handler does between two stops is done in one go; one that waits for
// nothing before it writes its reply is therefore also run many times at once in
// real time, which proves less, and the log says so.
//
// The first request is sent outside of virtual time, to an instance of its own, and
// abandoned after 20 ms if it waits. What an app makes once for the whole process is
// made then. If that request starts goroutines which serve the whole process, or
// leaves a network connection open, the check runs in real time and says so, because
// neither can be used in virtual time.
//
// The rules of virtual time hold for the handler: a channel that it waits for is
// made by newHandler and not before, and a lock is not held across a nap. A handler
// that breaks them fails with the goroutine and the lock named, and can be checked
// with [RealTime].
//
// A request that computes for more than ten seconds (a minute with the race detector)
// is taken for an endless loop. A check runs a hundred requests or so. After ten seconds
// of them it leaves out the schedules that matter less, and says how many.
package crosstalk

import (
	"io"
	"net/http"
	"testing"
	"time"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/pocserver/worker"
)

// TestingT is what Check wants of a test; a *testing.T is one.
type TestingT interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
}

// An Option changes how a handler is run.
type Option func(*check)

// On runs the handler on an app server with these workers instead of net/http
// alone: newHandler is called once for each worker that boots. On an event loop a
// write does not wait for the client, so it is no stop.
func On(server worker.Config) Option {
	return func(c *check) { c.server = &server }
}

// RealTime runs the handler on the real clock: for one that waits for what is
// outside, or that holds a lock while it waits. Whether a request waits is then
// decided by patience, twice what it takes to serve one that is alone; naps take
// as long as they take, and there are fewer schedules.
func RealTime() Option {
	return func(c *check) { c.realTime = true }
}

// JSON writes the report to w as a JSON object as well, in one Write.
func JSON(w io.Writer) Option {
	return func(c *check) { c.json = w }
}

// AllowVacuous lets a check pass that proves nothing: every reply is an error, no
// reply holds its own user's canary, or only one user ever sees its own. The log still
// says so.
func AllowVacuous() Option {
	return func(c *check) { c.allowVacuous = true }
}

// Check fails t if the handler shows one user's data to another: if a reply
// (header, cookie, redirect target, body, trailer), something that is written
// after the reply, or a call through [Transport] that is made with a request's
// context, holds a canary which is not that user's. JSON, URL, HTML, base64, hex,
// gzip and case do not hide it.
//
// newHandler makes an instance of the app; it is called for each schedule, 20 to 60 times. If
// the handler is an io.Closer it is closed after it. newRequest makes user's
// request, with the canary (27 letters and digits) in what is private to the
// user; whatever else is in it is public. It is called in the check's own
// goroutine, and for one user more than once; what it returns is copied.
//
// Check fails as well if it proves nothing, unless [AllowVacuous] permits that: no
// request is answered, every reply is an error (4xx or 5xx), no reply or call holds its
// own user's canary, or that is so for one user only. It fails if newRequest forgets the canary, if a stopped clock keeps
// virtual time from passing (within seconds), or if the handler panics. A
// goroutine that a handler leaves behind is no crosstalk and is only logged; it
// stays, as does a goroutine of each bubble that it keeps open.
//
// Check must not be called in a synctest bubble.
func Check(t TestingT, newHandler func() http.Handler, newRequest func(user int, canary string) *http.Request, options ...Option) {
	t.Helper()
	tb, _ := t.(testing.TB)
	c := &check{newHandler: newHandler, newRequest: newRequest}
	for _, o := range options {
		o(c)
	}
	if err := c.valid(); err != nil {
		t.Errorf("crosstalk: %v", err)
		return
	}
	err := c.run(tb)
	if c.misjudged(err) { // what it has left running has the old check
		c = &check{newHandler: newHandler, newRequest: newRequest, careful: true, server: c.server, allowVacuous: c.allowVacuous, json: c.json}
		err = c.run(tb)
	}
	if err := c.writeJSON(err); err != nil {
		t.Errorf("crosstalk: writing the report as JSON: %v", err)
	}
	switch text := c.report(err); {
	case err != nil || len(c.findings) > 0 || c.trouble != "" || c.vacuous() != "" && !c.allowVacuous:
		t.Errorf("\n\n%s", text)
	default:
		t.Logf("%s", text)
	}
}

// dog says how to leave virtual time here.
var dog = func() bubble.Watchdog {
	w := bubble.Quick
	w.Computing = 3 * time.Second // a schedule takes milliseconds
	w.RealTime = "check the handler in real time (crosstalk.RealTime())"
	w.Network = "crosstalk.Transport(h) to call with"
	return w
}()
