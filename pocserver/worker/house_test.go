// The house that the tests of this package share: a server in virtual time, and
// clients who write down what came back and when.

package worker_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/pocserver/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const addr = "127.0.0.1:8000"

// models is every worker model.
var models = []worker.Model{worker.Sync, worker.Threaded, worker.Evented, worker.Uvicorn, worker.ThreadPerRequest}

// house is a server on a simulated network, in a bubble.
type house struct {
	t      *testing.T
	net    simnet.Network
	ln     *simnet.Listener
	server *worker.Server
	served chan error
	began  time.Time
	port   int
	seen   *notes
}

// inHouse runs f in a bubble with a server of that config, and closes it.
func inHouse(t *testing.T, cfg worker.Config, app func() http.Handler, f func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, served: make(chan error, 1), began: time.Now(), port: 20000, seen: &notes{}}
		if cfg.Observer == nil {
			cfg.Observer = h.seen
		}
		var err error
		h.ln, err = h.net.Listen(addr)
		require.NoError(t, err)
		h.server, err = worker.New(cfg, app)
		require.NoError(t, err)
		go func() { h.served <- h.server.Serve(h.ln) }()
		synctest.Wait()
		f(h)
		h.server.Close()
		require.ErrorIs(t, <-h.served, http.ErrServerClosed)
	})
}

// now is the time since the house was built, to the millisecond: what the model
// takes to decide is nanoseconds.
func (h *house) now() time.Duration { return time.Since(h.began).Round(time.Millisecond) }

// sleepUntil waits for a time since the house was built.
func (h *house) sleepUntil(at time.Duration) { time.Sleep(at - time.Since(h.began)) }

func (h *house) dial() net.Conn {
	h.t.Helper()
	h.port++
	c, err := h.net.DialFrom(context.Background(), h.port, addr)
	require.NoError(h.t, err)
	return c
}

// answer is what became of a request.
type answer struct {
	at     time.Duration // when the reply was complete, or the error came
	status int
	body   string
	close  bool // the reply ends the connection
	err    error
}

func (a answer) String() string {
	if a.err != nil {
		return fmt.Sprintf("%v: %v", a.at, a.err)
	}
	return fmt.Sprintf("%v: %d %s", a.at, a.status, strings.TrimSpace(a.body))
}

// ask sends a request on a connection of its own, one nanosecond after the one
// before, and returns where the answer will be.
func (h *house) ask(path string) <-chan answer {
	h.t.Helper()
	time.Sleep(time.Nanosecond)
	h.port++
	port := h.port
	got := make(chan answer, 1)
	go func() {
		c, err := h.net.DialFrom(context.Background(), port, addr)
		if err != nil {
			got <- answer{at: h.now(), err: err}
			return
		}
		defer c.Close()
		got <- h.over(c, path)
	}()
	return got
}

// asks is n of the same.
func (h *house) asks(n int, path string) []<-chan answer {
	h.t.Helper()
	all := make([]<-chan answer, n)
	for i := range all {
		all[i] = h.ask(path)
	}
	return all
}

// over sends a request on c and reads the reply.
func (h *house) over(c net.Conn, path string) answer {
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
	return h.read(bufio.NewReader(c))
}

func (h *house) read(r *bufio.Reader) answer {
	reply, err := http.ReadResponse(r, nil)
	if err != nil {
		return answer{at: h.now(), err: err}
	}
	body, err := io.ReadAll(reply.Body)
	return answer{at: h.now(), status: reply.StatusCode, body: string(body), close: reply.Close, err: err}
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

// notes is an observer that remembers.
type notes struct {
	mu    sync.Mutex
	spans []worker.Span
	exits []worker.Exit
}

func (n *notes) Busy(s worker.Span) {
	n.mu.Lock()
	n.spans = append(n.spans, s)
	n.mu.Unlock()
}

func (n *notes) Exit(e worker.Exit) {
	n.mu.Lock()
	n.exits = append(n.exits, e)
	n.mu.Unlock()
}

// exits says who ended when and why: "0.0 at 31s: worker timeout".
func (h *house) exits() []string {
	synctest.Wait()
	h.seen.mu.Lock()
	defer h.seen.mu.Unlock()
	var all []string
	for _, e := range h.seen.exits {
		all = append(all, fmt.Sprintf("%d.%d at %v: %s", e.Worker, e.Boot, e.At.Sub(h.began).Round(time.Millisecond), e.Reason))
	}
	return all
}

// app is a handler whose path says what it does: /block/2s, /await/2s,
// /thread/2s, and which tells which instance of it answered.
func app() func() http.Handler {
	var instances atomic.Int64
	return func() http.Handler {
		me := instances.Add(1)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			how, long, _ := strings.Cut(r.URL.Path[1:], "/")
			d, _ := time.ParseDuration(long)
			switch ctx := r.Context(); how {
			case "block":
				worker.Block(ctx, d)
			case "await":
				worker.Await(ctx, d)
			case "thread":
				worker.InThread(ctx, func() { worker.Block(ctx, d) })
			case "body":
				io.Copy(io.Discard, r.Body)
			}
			fmt.Fprintf(w, "instance %d\n", me)
		})
	}
}

func config(m worker.Model, change ...func(*worker.Config)) worker.Config {
	c := worker.Defaults(m)
	for _, f := range change {
		f(&c)
	}
	return c
}
