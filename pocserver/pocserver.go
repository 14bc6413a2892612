// Package pocserver is the PoC's app: views that nap, and one that shows one
// user's address to another.
//
// Five views answer GET and HEAD with text/plain, whatever serves them:
//
//   - /sync_sleep/?sleep=S naps blocking, as a sync view does;
//   - /async_sleep/?sleep=S naps awaiting, as an async view should;
//   - /blocking_sleep/?sleep=S naps blocking inside an async view;
//   - /dirty/?sleep=S&email=E naps awaiting between the write and the read of a
//     session that all requests share;
//   - /dirty_fixed/?sleep=S&email=E does the same with a session of its own.
//
// S is in seconds and 3.9 if it is missing; the nap is drawn evenly from 0 to
// S. How many requests nap at a time, and who waits for whom, is decided by the
// server in package worker; the four Run functions are the PoC's own
// deployments of it.
package pocserver

// This file is the app itself: an instance, its memory, and how a request finds
// its view.

import (
	"net/http"
	"strings"
	"sync/atomic"
)

// app is one instance of the PoC's app: what one worker process has in memory.
type app struct {
	seed     uint64
	instance uint64        // which of its factory's instances, for unnamed draws
	unnamed  atomic.Uint64 // requests so far that came without an X-Request-ID
	session  session       // shared by all requests: the bug of /dirty/
}

// NewHandler returns an instance of the PoC's app, with memory of its own, as
// each worker process has. The naps are drawn from seed and the request: from
// its X-Request-ID header, or, without one, from how many such requests this
// instance has had.
//
// Two handlers with one seed nap the same for requests without an
// X-Request-ID. For several workers use [Instances].
func NewHandler(seed uint64) http.Handler { return &app{seed: seed} }

// Instances returns a function that makes a new instance of the app each time
// it is called, in the form that worker.New takes. A request with an
// X-Request-ID naps the same in all of them; requests without one are drawn
// apart, so that twelve workers do not nap in step.
func Instances(seed uint64) func() http.Handler {
	var made atomic.Uint64
	return func() http.Handler { return &app{seed: seed, instance: made.Add(1) - 1} }
}

// Header values are shared between requests, which saves two allocations each:
// nobody writes to them, and their capacity of 1 makes an Add copy.
var (
	plainText = []string{"text/plain; charset=utf-8"}
	noSniff   = []string{"nosniff"}
)

// ServeHTTP answers a request: 200 with the nap it took, 301 where a path lacks
// its last slash (as Django's APPEND_SLASH does), 400 for parameters that
// cannot be, 404 with the list of views, 405 for anything but GET and HEAD.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Before anything can be written: whatever is said below, some of it in
	// the client's own words, is never HTML.
	h := w.Header()
	h["Content-Type"] = plainText
	h["X-Content-Type-Options"] = noSniff

	v, ok := views[r.URL.Path]
	if !ok {
		a.notFound(w, r)
		return
	}
	if !allowed(w, r) {
		return
	}
	p, err := parse(r.URL.RawQuery, v.takesEmail)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	// The draw comes before the view touches a session. Its counter is an
	// atomic, and atomics order memory: what A did before its Add happens before
	// what B does after a later Add. A's write to the session comes after A's
	// Add, so that no edge runs from it to B, and B's write comes after A's last
	// Add, so that none runs back: the race detector still sees the race. An Add
	// after the write and one before the read would hide it, as a lock would.
	nap := a.draw(r, p.sleep)
	user := v.serve(a, r.Context(), nap, p.email)
	reply(w, nap, user)
}

// notFound answers a path that is no view: with a redirect where only the last
// slash is missing, and otherwise with the list of views.
func (a *app) notFound(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path + "/"
	if _, ok := views[path]; !ok {
		refuse(w, http.StatusNotFound, "no view at "+quote(r.URL.Path)+"; there are:\n"+viewList)
		return
	}
	if !allowed(w, r) {
		return
	}
	// path is one of ours here, so it leads to no other host.
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	http.Redirect(w, r, path, http.StatusMovedPermanently)
}

// allowed reports whether the method is one that views answer; if not, it has
// answered 405.
func allowed(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	refuse(w, http.StatusMethodNotAllowed, "method "+quote(r.Method)+" is not allowed: want GET or HEAD")
	return false
}

// refuse answers with an error and says why. Its line ends, for a terminal's
// sake; the PoC's own replies do not.
func refuse(w http.ResponseWriter, status int, why string) {
	w.WriteHeader(status)
	// A client that is gone needs no reply: the error is of no use to anyone.
	_, _ = w.Write([]byte(strings.TrimSuffix(why, "\n") + "\n"))
}
