// Package feedsim is the concurrency exercise: a slow external feed, and the app
// that polls it.
//
// The feed ([NewFeed]) is a server of its own, which answers each poll after a
// while. The app ([NewApp]) answers GET and HEAD with application/json on four
// routes, whatever serves them:
//
//   - / says {"Title": "Concurrency is hard, let's go shopping!"};
//   - /hash_me says {"uuid4": "…"};
//   - /check_feed polls the feed once and says {"updates": null};
//   - /stream_feed polls the feed for ever and says so a line a poll.
//
// The zero variant of the app is the exercise's: a poll holds its worker, and
// goes on when the client has left. The rest of [AppConfig] are the mitigations.
// How many requests poll at a time, and who waits for whom, is decided by the
// server in package worker; [Prefork], [Threaded] and [Evented] are the
// exercise's own three deployments of it.
//
// # Virtual time
//
// In a testing/synctest bubble the same seeds give the same run, to the
// nanosecond, if these rules are kept:
//
//   - Requests have names (X-Request-ID), no two of them one. What a request
//     draws, and the name of each of its polls, comes from its own, so that no
//     draw depends on which request came first.
//   - Each poll has a connection of its own, from a port that its name decides:
//     see [NewClient] and [PollPort]. Two polls at one instant reach the feed in
//     the order of their ports; and no connection stays idle, whose goroutines
//     would outlive the bubble.
//   - The feed's server and the app's are closed in the bubble: that ends polls
//     that hang.
//
// What requests share here, they touch one at a time, each at an instant of its
// own (a nanosecond apart, in real time none): places, coalesced polls, the
// shared poller and the feed's capacity do not depend on the order of goroutines.
package feedsim

// This file is the app as a server sees it: its configuration, its instances,
// and how a request finds its view.

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"
)

// AppConfig is a variant of the app. The zero value of each field below Client
// is the exercise's own app; any of the others may be combined.
type AppConfig struct {
	// Seed decides what /hash_me says and what requests without a name are
	// called.
	Seed uint64
	// Feed is the feed's URL, such as "http://127.0.0.1:5300/".
	Feed string
	// Client is what polls the feed; nil is NewClient(nil). A timeout of its own
	// counts as FeedTimeout does.
	Client *http.Client

	// Awaiting lets an event loop go while a request waits for the feed. Without
	// it a poll holds its worker. On other models there is no difference.
	Awaiting bool
	// HonourCancel ends a request whose client has left: its poll is given up, and
	// the worker is free. Without it a worker does not know that its client has
	// left, and does the work. (A stream ends when it cannot be written, either
	// way.)
	HonourCancel bool
	// FeedTimeout is how long a poll may take; 0 is for ever. A poll that takes
	// longer is given up, and the request is answered with 504.
	FeedTimeout time.Duration
	// MaxPolls is how many requests may poll, or wait for a coalesced poll, at a
	// time; 0 is no limit. A stream counts for as long as it is open. A request
	// beyond that is answered at once, with 503 and Retry-After.
	//
	// The workers of a server share the limit, as they would a semaphore in shared
	// memory: one sync worker by itself never has two requests to limit.
	MaxPolls int
	// Coalesce makes the requests of one worker that want to poll at the same time
	// share one poll: who comes while it is under way gets its result. Its client
	// may leave, the poll goes on for the others.
	Coalesce bool
	// SharedPoller makes one poller in each worker poll for all of its streams,
	// while there are any. A reader who is 16 lines behind, or who has not taken
	// what was written for 10 s, is dropped: the connection is cut, and the others
	// go on. MaxPolls and Coalesce then do not apply to streams.
	SharedPoller bool
}

// check returns an error that names the first field which cannot be.
func (c *AppConfig) check() error {
	bad := func(field string, value any, want string) error {
		return fmt.Errorf("feedsim: AppConfig.%s is %v: %s", field, value, want)
	}
	switch u, err := url.Parse(c.Feed); {
	case err != nil:
		return bad("Feed", strconv.Quote(c.Feed), "not a URL")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return bad("Feed", strconv.Quote(c.Feed), "want the feed's URL, such as http://127.0.0.1:5300/")
	}
	if c.FeedTimeout < 0 {
		return bad("FeedTimeout", c.FeedTimeout, "want 0 (wait for ever) or more")
	}
	if c.MaxPolls < 0 {
		return bad("MaxPolls", c.MaxPolls, "want 0 (no limit) or more")
	}
	return nil
}

// house is what the instances of one server share.
type house struct {
	AppConfig
	places *semaphore.Weighted // MaxPolls of them; nil for no limit
	turns  turnstile           // before the places
}

// app is one instance of the app: what one worker process has in memory.
type app struct {
	*house
	name    string        // of this instance, for what has no other
	unnamed atomic.Uint64 // requests so far that came without an X-Request-ID

	turns  turnstile          // before the two below
	group  singleflight.Group // Coalesce
	flight flight             // what the group has under way
	poller poller             // SharedPoller
}

func newHouse(cfg AppConfig) (*house, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Client == nil {
		cfg.Client = NewClient(nil)
	}
	h := &house{AppConfig: cfg}
	if cfg.MaxPolls > 0 {
		h.places = semaphore.NewWeighted(int64(cfg.MaxPolls))
	}
	return h, nil
}

// instance makes the nth instance, from 0.
func (h *house) instance(n uint64) *app {
	a := &app{house: h, name: fmt.Sprintf("app-%x-%d", h.Seed, n)}
	a.poller.app = a
	return a
}

// NewApp returns an instance of the app, with memory of its own, as each worker
// process has. The error names the field of cfg that cannot be.
//
// What a request draws depends on cfg.Seed and its X-Request-ID header; without
// one, on how many such requests this instance has had. For several workers use
// [Instances].
func NewApp(cfg AppConfig) (http.Handler, error) {
	h, err := newHouse(cfg)
	if err != nil {
		return nil, err
	}
	return h.instance(0), nil
}

// Instances returns a function that makes a new instance of the app each time it
// is called, in the form that worker.New takes. The error names the field of cfg
// that cannot be.
//
// A request with an X-Request-ID draws the same in all of them, requests without
// one are drawn apart. Instances share the limit of MaxPolls, and nothing else.
func Instances(cfg AppConfig) (func() http.Handler, error) {
	h, err := newHouse(cfg)
	if err != nil {
		return nil, err
	}
	var made atomic.Uint64
	return func() http.Handler { return h.instance(made.Add(1) - 1) }, nil
}

// Header values are shared between requests: nobody writes to them, and their
// capacity of 1 makes an Add copy.
var (
	jsonType = []string{"application/json"}
	noSniff  = []string{"nosniff"}
)

// ServeHTTP answers a request: 200 with the view's body; 404 for an unknown path,
// whose last slash matters; 405 for a method that is not GET, HEAD or OPTIONS;
// as Flask does. Query parameters are not looked at. The feed's views also answer
//
//   - 503 with Retry-After, where MaxPolls are under way;
//   - 504, where the feed took longer than FeedTimeout;
//   - 500, where the feed failed in any other way: the exercise's app does not
//     catch that.
//
// The body of an error is {"error": "…"}. A stream that has begun is cut instead.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["X-Content-Type-Options"] = noSniff

	v, ok := views[r.URL.Path]
	if !ok {
		refuse(w, http.StatusNotFound, "nothing at "+short(r.URL.Path)+": there are /, /hash_me, /check_feed and /stream_feed")
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions: // Flask answers it for every route
		h.Set("Allow", allowed)
		return
	default:
		h.Set("Allow", allowed)
		refuse(w, http.StatusMethodNotAllowed, "method "+short(r.Method)+" is not allowed: want GET")
		return
	}
	if errors.Is(a.serve(v, w, r), errCut) {
		panic(http.ErrAbortHandler)
	}
}

const allowed = "GET, HEAD, OPTIONS"

// errCut is a view's way to say that its reply cannot be completed.
var errCut = errors.New("the reply is cut")

// serve runs a view. With a dead worker dies what its requests shared.
func (a *app) serve(v view, w http.ResponseWriter, r *http.Request) error {
	defer func() {
		if p := recover(); p != nil {
			if dead(r.Context()) {
				a.flight.abandon()
			}
			panic(p)
		}
	}()
	return v(a, w, r)
}

// refuse answers with an error and says why. Its line ends, for a terminal's
// sake; the exercise's own replies do not.
func refuse(w http.ResponseWriter, status int, why string) {
	b, _ := json.Marshal(struct { // a string cannot fail
		Error string `json:"error"`
	}{why})
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // a client that is gone needs no reply
}

// short quotes what a client sent, cut to a length that may be repeated to it.
func short(s string) string {
	const most = 80 // bytes
	if len(s) <= most {
		return strconv.QuoteToASCII(s)
	}
	return strconv.QuoteToASCII(s[:most]) + "..."
}
