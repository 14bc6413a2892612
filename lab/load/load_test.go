// What the tests share: a server on an in-memory network in a bubble, and the
// tests of a run as a whole.

package load_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/simnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const addr = "127.0.0.1:8000"

// onNetwork is a target on n. Client c dials from port 1024+c.
func onNetwork(n *simnet.Network) load.Target {
	return load.Target{
		Host: addr,
		Dial: func(ctx context.Context, client int) (net.Conn, error) {
			return n.DialFrom(ctx, 1024+client, addr)
		},
	}
}

// serve starts a server with handler, to be called in a bubble, and returns it
// as a target. It ends with the test.
func serve(t *testing.T, handler http.HandlerFunc) load.Target {
	t.Helper()
	var n simnet.Network
	l, err := n.Listen(addr)
	require.NoError(t, err)
	srv := &http.Server{Handler: handler}
	go srv.Serve(l)
	t.Cleanup(func() {
		srv.Close()
		time.Sleep(24 * time.Hour) // a handler that sleeps on must end in the bubble too
	})
	return onNetwork(&n)
}

// script serves connections by hand: play is called with each accepted
// connection and its number, and with a reader's worth of its first request
// already taken off. The connection is closed when play returns.
func script(t *testing.T, play func(n int, c *simnet.Conn)) load.Target {
	t.Helper()
	var n simnet.Network
	l, err := n.Listen(addr)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for i := 0; ; i++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if _, err := c.Read(make([]byte, 4096)); err == nil {
					play(i, c.(*simnet.Conn))
				}
			}()
		}
	}()
	return onNetwork(&n)
}

// run is load.Run in a bubble, where nothing is expected to go wrong.
func run(t *testing.T, target load.Target, horizon time.Duration, loads ...load.Load) []load.Record {
	t.Helper()
	records, err := load.Run(context.Background(), target, horizon, loads...)
	require.NoError(t, err)
	return records
}

// inBubble calls f in a bubble for an example or a benchmark, which have no
// *testing.T of their own. RunTests would repeat f for each -cpu and -count, and
// print with -v: f runs once, on as many processors as the caller, in silence.
func inBubble(f func(t *testing.T)) {
	if testing.Verbose() {
		flag.Set("test.v", "false")
		defer flag.Set("test.v", "true")
	}
	procs, done := runtime.GOMAXPROCS(0), false
	defer runtime.GOMAXPROCS(procs)
	once := func(t *testing.T) {
		if !done {
			done = true
			runtime.GOMAXPROCS(procs)
			synctest.Test(t, f)
		}
	}
	any := func(string, string) (bool, error) { return true, nil }
	if !testing.RunTests(any, []testing.InternalTest{{Name: "bubble", F: once}}) {
		panic("the bubble failed: see above")
	}
}

// about takes the nanoseconds off by which clients and accepts are kept apart.
func about(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

func kinds(records []load.Record) (ks []load.Kind) {
	for _, r := range records {
		ks = append(ks, r.Kind)
	}
	return ks
}

// nap sleeps as long as the request's query says, as the PoC's views do.
func nap(r *http.Request) {
	d, err := time.ParseDuration(r.URL.Query().Get("nap"))
	if err == nil {
		time.Sleep(d)
	}
}

func TestABadLoadIsNamedWithTheFieldThatIsWrong(t *testing.T) {
	const s = time.Second
	good := load.TCP(addr, 1)
	closed := load.Closed{Name: "crowd", Path: "/", Connections: 1, Duration: s}
	open := load.Open{Name: "trickle", Path: "/", Rate: 1, Duration: s}
	c := func(change func(*load.Closed)) load.Load { l := closed; change(&l); return l }
	o := func(change func(*load.Open)) load.Load { l := open; change(&l); return l }

	for _, tc := range []struct {
		name string
		load load.Load
		want []string
	}{
		{"no connections", c(func(l *load.Closed) { l.Connections = 0 }), []string{"crowd", "Connections is 0"}},
		{"negative connections", c(func(l *load.Closed) { l.Connections = -1 }), []string{"crowd", "Connections is -1"}},
		{"closed for no time", c(func(l *load.Closed) { l.Duration = 0 }), []string{"crowd", "Duration is 0s"}},
		{"closed, negative duration with requests", c(func(l *load.Closed) { l.Duration = -s; l.Requests = 1 }), []string{"crowd", "Duration is -1s"}},
		{"closed before the run", c(func(l *load.Closed) { l.Start = -s }), []string{"crowd", "Start is -1s"}},
		{"closed after the horizon", c(func(l *load.Closed) { l.Start = 10 * s }), []string{"crowd", "Start is 10s", "horizon"}},
		{"negative requests", c(func(l *load.Closed) { l.Requests = -1 }), []string{"crowd", "Requests is -1"}},
		{"closed, negative timeout", c(func(l *load.Closed) { l.Timeout = -s }), []string{"crowd", "Timeout is -1s"}},
		{"no path", c(func(l *load.Closed) { l.Path = "" }), []string{"crowd", `Path ""`}},
		{"a path without a slash", c(func(l *load.Closed) { l.Path = "x" }), []string{"crowd", `Path "x"`}},
		{"a path with a line feed", c(func(l *load.Closed) { l.Path = "/\nx" }), []string{"crowd", "Path", "byte 1"}},
		{"a header that is no header", c(func(l *load.Closed) { l.Header = http.Header{"A B": {"x"}} }), []string{"crowd", "Header", "A B"}},
		{"a header with a line feed", c(func(l *load.Closed) { l.Header = http.Header{"A": {"x\ny"}} }), []string{"crowd", "Header", "no value"}},
		{"a request number of one's own", c(func(l *load.Closed) { l.Header = http.Header{"X-Request-Id": {"1"}} }), []string{"crowd", "Header", "X-Request-Id"}},
		{"no rate", o(func(l *load.Open) { l.Rate = 0 }), []string{"trickle", "Rate is 0"}},
		{"a negative rate", o(func(l *load.Open) { l.Rate = -1 }), []string{"trickle", "Rate is -1"}},
		{"a rate that is no number", o(func(l *load.Open) { l.Rate = math.NaN() }), []string{"trickle", "Rate is NaN"}},
		{"an endless rate", o(func(l *load.Open) { l.Rate = math.Inf(1) }), []string{"trickle", "Rate is +Inf"}},
		{"less than one request", o(func(l *load.Open) { l.Rate = 0.5 }), []string{"trickle", "Rate × Duration is 0.5"}},
		{"more requests than memory", o(func(l *load.Open) { l.Rate = 1e12 }), []string{"trickle", "Rate × Duration is 1e+12"}},
		{"open for no time", o(func(l *load.Open) { l.Duration = 0 }), []string{"trickle", "Duration is 0s"}},
		{"open before the run", o(func(l *load.Open) { l.Start = -s }), []string{"trickle", "Start is -1s"}},
		{"open, negative timeout", o(func(l *load.Open) { l.Timeout = -s }), []string{"trickle", "Timeout is -1s"}},
		{"open, a path without a slash", o(func(l *load.Open) { l.Path = "x" }), []string{"trickle", `Path "x"`}},
		{"open, a header of ours", o(func(l *load.Open) { l.Header = http.Header{"Host": {"x"}} }), []string{"trickle", "Header", "Host"}},
		{"a probe of no interval", load.Probe("front", "/", 0, s), []string{"front", "Rate is +Inf"}},
		{"a name made from the fields", load.Closed{Path: "x", Connections: 3, Duration: s}, []string{"closed 3 x"}},
		{"a nil load", nil, []string{"load 1 is nil"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			records, err := load.Run(t.Context(), good, 10*s, closed, tc.load)
			require.Error(t, err)
			assert.Empty(t, records)
			for _, want := range tc.want {
				assert.Contains(t, err.Error(), want)
			}
		})
	}

	t.Run("the run itself", func(t *testing.T) {
		for want, call := range map[string]func() ([]load.Record, error){
			"horizon is 0s": func() ([]load.Record, error) { return load.Run(t.Context(), good, 0, closed) },
			"no loads":      func() ([]load.Record, error) { return load.Run(t.Context(), good, s) },
			"Target.Dial":   func() ([]load.Record, error) { return load.Run(t.Context(), load.Target{Host: "h"}, s, closed) },
			`Target.Host "`: func() ([]load.Record, error) { return load.Run(t.Context(), load.Target{Dial: good.Dial}, s, closed) },
		} {
			_, err := call()
			assert.ErrorContains(t, err, want)
		}
	})
}

func TestRecordsComeInOrderWithClientNumbersUniqueOverAllLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := make(chan string, 100)
		target := serve(t, func(w http.ResponseWriter, r *http.Request) {
			seen <- r.Header.Get("X-Request-ID")
			time.Sleep(100 * time.Millisecond)
		})
		records := run(t, target, time.Minute,
			load.Closed{Name: "a", Path: "/", Connections: 2, Duration: 150 * time.Millisecond},
			load.Open{Name: "b", Path: "/", Rate: 10, Duration: 300 * time.Millisecond},
			load.Closed{Name: "c", Path: "/", Connections: 1, Requests: 2},
		)
		var got []string
		for _, r := range records {
			got = append(got, fmt.Sprintf("%s %d-%d", r.Load, r.Client, r.Seq))
		}
		want := []string{"a 0-0", "a 0-1", "a 1-0", "a 1-1", "b 2-0", "b 3-0", "b 4-0", "c 5-0", "c 5-1"}
		assert.Equal(t, want, got)

		// The server saw the same numbers, though in another order.
		close(seen)
		var ids, wantIDs []string
		for id := range seen {
			ids = append(ids, id)
		}
		for _, w := range want {
			wantIDs = append(wantIDs, w[2:])
		}
		assert.ElementsMatch(t, wantIDs, ids)
		assert.Len(t, load.Of(records, "b"), 3)
	})
}

func TestNoTwoClientsBeginAtTheSameInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := serve(t, func(w http.ResponseWriter, r *http.Request) { time.Sleep(10 * time.Second) })
		records := run(t, target, 2*time.Second,
			load.Open{Name: "a", Path: "/", Rate: 1, Duration: 2 * time.Second},
			load.Closed{Name: "b", Path: "/", Connections: 3, Duration: time.Second},
			load.Closed{Name: "c", Path: "/", Connections: 3, Duration: time.Second},
			load.Probe("d", "/", time.Second, 2*time.Second),
		)
		at := map[time.Duration]load.Record{}
		for _, r := range records {
			if other, taken := at[r.Scheduled]; taken {
				t.Errorf("%s %d and %s %d both begin at %v", r.Load, r.Client, other.Load, other.Client, r.Scheduled)
			}
			at[r.Scheduled] = r
		}
		assert.Equal(t, time.Duration(0), records[0].Scheduled)
		assert.Equal(t, time.Second, records[1].Scheduled)
		assert.Len(t, at, 10)
	})
}

func TestARunThatIsCalledOffReturnsWhatItHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := serve(t, func(w http.ResponseWriter, r *http.Request) { nap(r) })
		hang := target
		hang.Dial = func(ctx context.Context, client int) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		for name, target := range map[string]load.Target{"while reading": target, "while dialling": hang} {
			ctx, cancel := context.WithCancelCause(t.Context())
			enough := errors.New("enough")
			time.AfterFunc(time.Second, func() { cancel(enough) })
			began := time.Now()
			records, err := load.Run(ctx, target, time.Hour,
				load.Closed{Path: "/?nap=9m", Connections: 2, Duration: time.Hour},
				load.Closed{Path: "/?nap=9m", Connections: 1, Duration: time.Hour, GiveUp: true, Timeout: time.Minute},
				load.Open{Path: "/?nap=9m", Rate: 0.8, Duration: time.Hour},
				load.Open{Path: "/", Rate: 1, Start: time.Minute, Duration: time.Hour},
			)
			assert.ErrorIs(t, err, enough, name)
			assert.Equal(t, time.Second, time.Since(began), name)
			want := []load.Kind{load.Unfinished, load.Unfinished, load.Unfinished, load.Unfinished}
			assert.Equal(t, want, kinds(records), name)
		}
	})
}

// deadConn fails the test when it is used after it was closed.
type deadConn struct {
	net.Conn
	t      *testing.T
	closed atomic.Bool
}

func (c *deadConn) Close() error { c.closed.Store(true); return c.Conn.Close() }
func (c *deadConn) SetDeadline(d time.Time) error {
	if c.closed.Load() {
		c.t.Error("a deadline is set on a closed connection")
	}
	return c.Conn.SetDeadline(d)
}

func TestNothingIsLeftOfARunForItsContextToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := serve(t, func(http.ResponseWriter, *http.Request) {})
		dial, open := target.Dial, 0
		var conns []*deadConn
		target.Dial = func(ctx context.Context, client int) (net.Conn, error) {
			conn, err := dial(ctx, client)
			conns = append(conns, &deadConn{Conn: conn, t: t})
			return conns[len(conns)-1], err
		}
		ctx, cancel := context.WithCancel(t.Context())
		_, err := load.Run(ctx, target, time.Minute, load.Open{Path: "/", Rate: 1, Duration: 3 * time.Second})
		require.NoError(t, err)
		cancel()
		synctest.Wait()
		for _, c := range conns {
			if !c.closed.Load() {
				open++
			}
		}
		assert.Len(t, conns, 3)
		assert.Zero(t, open)
	})
}

func TestTheSameSeedGivesTheSameRecordsEveryTime(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var first []load.Record
	for rep := range 50 {
		runtime.GOMAXPROCS(1 + (rep*7)%5)
		var records []load.Record
		synctest.Test(t, func(t *testing.T) {
			// The nap is drawn from the request's number: 0 to 255 ms, and one in 16
			// requests is cut.
			target := serve(t, func(w http.ResponseWriter, r *http.Request) {
				h := fnv.New32a()
				h.Write([]byte(r.Header.Get("X-Request-ID")))
				d := h.Sum32()
				time.Sleep(time.Duration(d%256) * time.Millisecond)
				if d>>8%16 == 0 {
					panic(http.ErrAbortHandler)
				}
				fmt.Fprintf(w, "I napped for %d ms", d%256)
			})
			target.Seed = 7
			records = run(t, target, 1500*time.Millisecond,
				load.Closed{Path: "/a", Connections: 6, Duration: time.Second, Timeout: 200 * time.Millisecond, KeepBody: true},
				load.Closed{Path: "/b", Connections: 4, Duration: time.Second, Timeout: 100 * time.Millisecond, GiveUp: true},
				load.Open{Path: "/c", Rate: 30, Poisson: true, Duration: time.Second, Timeout: 128 * time.Millisecond},
				load.Probe("/", "/", 100*time.Millisecond, 1500*time.Millisecond),
			)
		})
		if rep == 0 {
			first = records
			continue
		}
		require.Equal(t, first, records, "repetition %d", rep)
	}
	s := load.Summarize(2*time.Second, first)
	for _, k := range []load.Kind{load.OK, load.Timeout, load.ClosedEarly, load.Unfinished} {
		assert.NotZero(t, s.Kinds[k], "the run should have had %q", k)
	}
}
