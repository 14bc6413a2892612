// The house that the tests of this package share: a feed and an app on a
// simulated network in virtual time, and clients who write down what came back
// and when.

package feedsim_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/pocserver/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	feedAddr = "127.0.0.1:5300"
	feedURL  = "http://" + feedAddr + "/"
	appAddr  = "127.0.0.1:5000"
)

// horizon is when whoever still waits in a house gives up: the arbiter's clock
// would tick for ever.
const horizon = 2 * time.Minute

const nulls = `{"updates": null}`

// house is a feed and an app server in a bubble.
type house struct {
	t     *testing.T
	net   simnet.Network
	began time.Time
	port  int
	asked int

	servers sync.WaitGroup

	mu    sync.Mutex
	polls []string // what reached the feed, in order: its name
	exits []string // workers that ended: "0.0 at 31s: worker timeout"
	left  chan<- time.Duration
}

// open is a feed, and an app server before it.
type open struct {
	feed   feedsim.FeedConfig
	app    feedsim.AppConfig
	server worker.Config
}

// constant is a feed that takes so many seconds for each poll.
func constant(seconds float64) feedsim.FeedConfig {
	return feedsim.FeedConfig{Delay: feedsim.Constant(time.Duration(seconds * float64(time.Second)))}
}

// run runs f in a bubble with what o describes, and closes it.
func (o open) run(t *testing.T, f func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, began: time.Now(), port: 20000}

		feed, err := feedsim.NewFeed(o.feed)
		require.NoError(t, err)
		feedServer := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.mu.Lock()
			h.polls = append(h.polls, r.Header.Get("X-Request-ID"))
			left := h.left
			h.mu.Unlock()
			if left != nil {
				defer func() { left <- h.now() }()
			}
			feed.ServeHTTP(w, r)
		})}
		h.listen(feedServer, feedAddr)

		o.app.Feed = feedURL
		if o.app.Client == nil {
			o.app.Client = h.client()
		}
		newApp, err := feedsim.Instances(o.app)
		require.NoError(t, err)
		o.server.Observer = h
		appServer, err := worker.New(o.server, newApp)
		require.NoError(t, err)
		h.listen(appServer, appAddr)

		synctest.Wait()
		f(h)
		require.NoError(t, appServer.Close())
		require.NoError(t, feedServer.Close())
		h.servers.Wait()
		time.Sleep(time.Second) // handlers that unwind take their turns, a nanosecond each
	})
}

func (h *house) listen(server interface{ Serve(net.Listener) error }, addr string) {
	h.t.Helper()
	ln, err := h.net.Listen(addr)
	require.NoError(h.t, err)
	h.servers.Go(func() { _ = server.Serve(ln) }) // until it is closed
}

// client polls over the house's network.
func (h *house) client() *http.Client {
	return feedsim.NewClient(func(ctx context.Context, _, addr string) (net.Conn, error) {
		return h.net.DialFrom(ctx, feedsim.PollPort(ctx), addr)
	})
}

// Busy and Exit make the house the server's observer.
func (h *house) Busy(worker.Span) {}

func (h *house) Exit(e worker.Exit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.exits = append(h.exits, fmt.Sprintf("%d.%d at %v: %s", e.Worker, e.Boot, e.At.Sub(h.began).Round(time.Millisecond), e.Reason))
}

// now is the time since the house was built, to the millisecond: what the models
// take to decide is nanoseconds.
func (h *house) now() time.Duration { return time.Since(h.began).Round(time.Millisecond) }

func (h *house) sleepUntil(at time.Duration) {
	time.Sleep(at - time.Since(h.began))
	synctest.Wait()
}

// polled returns the polls that have reached the feed by now.
func (h *house) polled() []string {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.polls...)
}

func (h *house) ended() []string {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.exits...)
}

// answer is what became of a request.
type answer struct {
	at     time.Duration // when the reply was complete, or the error came
	status int
	header http.Header
	body   string
	lines  []time.Duration // when each line of the body came
	err    error
}

// String says when and what: "2s: 200 {"updates": null}".
func (a answer) String() string {
	if a.err != nil {
		return fmt.Sprintf("%v: %v", a.at, a.err)
	}
	return fmt.Sprintf("%v: %d %s", a.at, a.status, strings.TrimSpace(a.body))
}

// ask sends a request, named q1, q2 and so on, on a connection of its own, a
// nanosecond after the one before. The client leaves after patience; 0 is the
// horizon.
func (h *house) ask(path string, patience time.Duration) <-chan answer {
	h.t.Helper()
	time.Sleep(time.Nanosecond)
	h.port++
	h.asked++
	port, name := h.port, fmt.Sprintf("q%d", h.asked)
	got := make(chan answer, 1)
	go func() {
		c, err := h.net.DialFrom(context.Background(), port, appAddr)
		if err != nil {
			got <- answer{at: h.now(), err: err}
			return
		}
		defer c.Close()
		if patience == 0 {
			patience = horizon
		}
		defer time.AfterFunc(patience, func() { c.Close() }).Stop()
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nX-Request-ID: %s\r\n\r\n", path, name)
		got <- h.read(c)
	}()
	return got
}

// asks is n of the same.
func (h *house) asks(n int, path string) []<-chan answer {
	h.t.Helper()
	all := make([]<-chan answer, n)
	for i := range all {
		all[i] = h.ask(path, 0)
	}
	return all
}

func (h *house) read(c net.Conn) (a answer) {
	defer func() { a.at = h.now() }()
	reply, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		a.err = err
		return a
	}
	a.status, a.header = reply.StatusCode, reply.Header
	body := bufio.NewReader(reply.Body)
	for {
		line, err := body.ReadString('\n')
		a.body += line
		if strings.HasSuffix(line, "\n") {
			a.lines = append(a.lines, h.now())
		}
		if err != nil {
			if err != io.EOF {
				a.err = err
			}
			return a
		}
	}
}

// said are the answers as strings, in the order of the questions.
func said(answers []<-chan answer) []string {
	all := make([]string, len(answers))
	for i, a := range answers {
		all[i] = (<-a).String()
	}
	return all
}

// times are when the answers came, in the order of the questions.
func times(answers []<-chan answer) []time.Duration {
	all := make([]time.Duration, len(answers))
	for i, a := range answers {
		all[i] = (<-a).at
	}
	return all
}

// seconds makes a list of durations readable.
func seconds(s ...float64) []time.Duration {
	all := make([]time.Duration, len(s))
	for i := range s {
		all[i] = time.Duration(s[i] * float64(time.Second))
	}
	return all
}

// server is one worker of a model, changed as told.
func server(m worker.Model, change ...func(*worker.Config)) worker.Config {
	c := worker.Defaults(m)
	for _, f := range change {
		f(&c)
	}
	return c
}

func workers(n int) func(*worker.Config) { return func(c *worker.Config) { c.Workers = n } }
func threads(n int) func(*worker.Config) { return func(c *worker.Config) { c.Threads = n } }

// get asks a handler by itself, with a request of that name.
func get(app http.Handler, target, name string) *httptest.ResponseRecorder {
	return request(app, http.MethodGet, target, name)
}

func request(app http.Handler, method, target, name string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	if name != "" {
		r.Header.Set("X-Request-ID", name)
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	return w
}

// direct is a client whose polls a handler answers, with no network between.
func direct(feed http.Handler) *http.Client {
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		feed.ServeHTTP(w, r)
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		return w.Result(), nil
	})}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// newApp is an app with what is missing of cfg filled in: a feed that answers at
// once.
func newApp(t *testing.T, cfg feedsim.AppConfig) http.Handler {
	t.Helper()
	cfg.Feed = feedURL
	if cfg.Client == nil {
		cfg.Client = direct(newFeed(t, constant(0)))
	}
	app, err := feedsim.NewApp(cfg)
	require.NoError(t, err)
	return app
}

func newFeed(t *testing.T, cfg feedsim.FeedConfig) http.Handler {
	t.Helper()
	feed, err := feedsim.NewFeed(cfg)
	require.NoError(t, err)
	return feed
}

// leaving makes the feed tell when a poll leaves it, from now on. What it returns
// waits for the next to leave, and returns when that was: -1 for never.
func (h *house) leaving() func() time.Duration {
	left := make(chan time.Duration, 100)
	h.mu.Lock()
	h.left = left
	h.mu.Unlock()
	return func() time.Duration {
		select {
		case at := <-left:
			return at
		case <-time.After(horizon):
			return -1
		}
	}
}
