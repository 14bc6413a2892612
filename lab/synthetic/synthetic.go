// What the package is: routes, and the app that they make.

// Package synthetic is an app that does nothing but take time: what each route's
// requests take is drawn from a distribution. It stands for an app that is not
// there.
package synthetic

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/pocserver/worker"
	"example.com/outagelab/pocserver/worker/repeatable"
)

// A Route is what requests take whose path begins with Path. Of several, the
// longest Path counts, as of nginx's locations.
type Route struct {
	Path string
	// Time is how long a request takes, drawn for each. The zero Delay is the
	// exercise's, 0 to 5 whole seconds.
	Time feedsim.Delay
	// Waits is how a request waits that long.
	Waits Waits
	// Stream makes the reply a line for each Time that passes, until a write fails because the client left. Its header
	// leaves right before the first line, in a write of its own, as gunicorn's does (gunicorn 20.1,
	// gunicorn/http/wsgi.py, Response.write). A stream whose client left before the first line therefore ends with that
	// line: the header is answered with a RST, and the line cannot be written.
	Stream bool
}

// Waits is how a handler waits. Only an evented worker tells them apart.
type Waits int

const (
	// Blocking holds an event loop, as time.sleep does: see worker.Block.
	Blocking Waits = iota
	// Awaiting lets it go: see worker.Await.
	Awaiting
	// InThread blocks a thread of its own, as a sync view on an async server
	// does: see worker.InThread.
	InThread
)

// String is the name of w, as UnmarshalText reads it.
func (w Waits) String() string {
	if w >= 0 && int(w) < len(waitNames) {
		return waitNames[w]
	}
	return fmt.Sprintf("Waits(%d)", int(w))
}

// UnmarshalText reads block, await or thread.
func (w *Waits) UnmarshalText(text []byte) error {
	i := slices.Index(waitNames, string(text))
	if i < 0 {
		return fmt.Errorf("unknown way to wait %q: want block, await or thread", text)
	}
	*w = Waits(i)
	return nil
}

var waitNames = []string{"block", "await", "thread"}

// Instances returns, for a seed, a function that makes instances of the app, in
// the form that lab.Seeded takes. What is on no route is answered 404. Requests of
// one X-Request-ID take the same time in all instances; those without one are
// numbered as they come.
//
// As of http.ServeMux, two routes of one Path, a Path that does not begin with a
// slash, a Time that cannot be and a Stream whose Time is always nothing are the
// programmer's mistake: Instances panics.
func Instances(routes ...Route) func(seed uint64) func() http.Handler {
	sorted := slices.Clone(routes)
	slices.SortStableFunc(sorted, func(a, b Route) int { return len(b.Path) - len(a.Path) })
	for i, r := range sorted {
		switch {
		case !strings.HasPrefix(r.Path, "/"):
			panic(fmt.Sprintf("synthetic: the path %q does not begin with a slash", r.Path))
		case r.Time.Wrong() != "":
			panic(fmt.Sprintf("synthetic: the time of %s, %v: %s", r.Path, r.Time, r.Time.Wrong()))
		case r.Stream && r.Time.CDF(0) == 1:
			panic(fmt.Sprintf("synthetic: the stream at %s takes no time for a line, so it would never end", r.Path))
		case slices.ContainsFunc(sorted[:i], func(o Route) bool { return o.Path == r.Path }):
			panic(fmt.Sprintf("synthetic: two routes are at %s", r.Path))
		}
	}
	return func(seed uint64) func() http.Handler {
		a := &app{routes: sorted, seed: seed}
		return func() http.Handler { return a } // they share nothing but a counter
	}
}

type app struct {
	routes  []Route
	seed    uint64
	unnamed atomic.Uint64 // requests so far that came without an X-Request-ID
}

// Shared between requests: nobody writes to them, and a capacity of 1 makes an Add
// copy.
var plainText = []string{"text/plain; charset=utf-8"}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["Content-Type"] = plainText
	for i := range a.routes {
		if route := &a.routes[i]; strings.HasPrefix(r.URL.Path, route.Path) {
			a.serve(route, w, r)
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
}

var (
	done = []byte("done\n")
	line = []byte("a line\n")
)

func (a *app) serve(route *Route, w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("X-Request-ID")
	if id == "" {
		id = "unnamed " + strconv.FormatUint(a.unnamed.Add(1), 10)
	}
	if !route.Stream {
		route.wait(r.Context(), a.seed, id, 0)
		_, _ = w.Write(done) // a client that is gone needs no reply
		return
	}
	send := http.NewResponseController(w)
	for n := uint64(0); ; n++ {
		route.wait(r.Context(), a.seed, id, n)
		if n == 0 && send.Flush() != nil { // the header
			return
		}
		if _, err := w.Write(line); err != nil {
			return
		}
		if send.Flush() != nil {
			return
		}
	}
}

// wait waits as long as the nth wait of a request takes.
func (route *Route) wait(ctx context.Context, seed uint64, id string, n uint64) {
	d := route.Time.At(repeatable.Draw(seed, id, n))
	switch route.Waits {
	case Awaiting:
		worker.Await(ctx, d)
	case InThread:
		worker.InThread(ctx, func() { worker.Block(ctx, d) })
	default:
		worker.Block(ctx, d)
	}
}
