// The exercise's own run through the file as shipped: that it works unchanged,
// that it goes wrong the way it did, the same way every time, and how fast.

package front_test

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/pocserver/worker"
)

// run is what a run of the exercise left behind.
type run struct {
	clients []load.Record
	front   []front.Record
}

// checkFeed is 10 requests a second to /check_feed and 1 to /, for 120 s.
var checkFeed = []load.Load{
	load.Open{Name: "check", Path: "/check_feed", Rate: 10, Duration: 120 * time.Second},
	load.Open{Name: "root", Path: "/", Rate: 1, Duration: 120 * time.Second},
}

// streamFeed is 75 streams for 90 s, and 2 requests a second to /.
var streamFeed = []load.Load{
	load.Closed{Name: "stream", Path: "/stream_feed", Connections: 75, Requests: 1, Timeout: 90 * time.Second, GiveUp: true, Duration: 90 * time.Second},
	load.Open{Name: "root", Path: "/", Rate: 2, Start: 2 * time.Second, Duration: 85 * time.Second, Timeout: 60 * time.Second},
}

// exercise puts these loads on two sync workers behind the front, which finds
// localhost at these addresses. It is for a bubble.
func exercise(t testing.TB, text string, loads []load.Load, addrs ...string) run {
	var network simnet.Network
	cfg := worker.Defaults(worker.Sync)
	cfg.Workers, cfg.Seed = 2, 1
	workers, err := worker.New(cfg, func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var n int
			fmt.Sscanf(r.Header.Get("X-Request-ID"), "%d", &n)
			switch r.URL.Path {
			case "/check_feed":
				worker.Block(r.Context(), time.Duration(n*7919%6)*time.Second)
			case "/stream_feed":
				for i := n; ; i++ {
					worker.Block(r.Context(), time.Duration(i*7919%6)*time.Second)
					if _, err := fmt.Fprintln(w, `{"updates": null}`); err != nil {
						return
					}
					w.(http.Flusher).Flush()
				}
			}
			fmt.Fprintln(w, `{"updates": null}`)
		})
	})
	require.NoError(t, err)
	back, err := network.Listen("127.0.0.1:5000")
	require.NoError(t, err)
	served := make(chan error, 2)
	go func() { served <- workers.Serve(back) }()

	var got run
	seen := make(chan front.Record, 5000)
	p, err := front.New(parse(t, text), front.Options{
		Dial: network.DialContext, Resolve: localhost(addrs...), Observe: func(r front.Record) { seen <- r }, Seed: 1,
	})
	require.NoError(t, err)
	ln, err := network.Listen("127.0.0.1:8080")
	require.NoError(t, err)
	go func() { served <- p.Serve(ln) }()

	target := load.Target{Host: "x", Seed: 1, Dial: func(ctx context.Context, client int) (net.Conn, error) {
		return network.DialFrom(ctx, 1024+client, "127.0.0.1:8080")
	}}
	got.clients, err = load.Run(context.Background(), target, 200*time.Second, loads...)
	require.NoError(t, err)
	p.Close()
	workers.Close()
	<-served
	<-served
	synctest.Wait()
	close(seen)
	for r := range seen {
		got.front = append(got.front, r)
	}
	slices.SortFunc(got.front, func(a, b front.Record) int {
		return cmp.Or(cmp.Compare(a.Conn, b.Conn), cmp.Compare(a.Seq, b.Seq))
	})
	return got
}

func (r run) statuses(name string) map[int]int {
	n := map[int]int{}
	for _, c := range load.Of(r.clients, name) {
		n[c.Status]++
	}
	return n
}

// all is every fact of the run, as text.
func (r run) all() string {
	var b strings.Builder
	for _, c := range r.clients {
		fmt.Fprintf(&b, "%+v\n", c)
	}
	for _, f := range r.front {
		fmt.Fprintf(&b, "%+v %v\n", f, f)
	}
	return b.String()
}

func TestTheFileAsShippedWith(t *testing.T) {
	t.Run("one address is 504 after a minute", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := exercise(t, shipped(t), checkFeed, "127.0.0.1")
			n := r.statuses("check")
			require.Equal(t, 1200, n[200]+n[504], "%v", n)
			require.InDelta(t, 52, n[200], 12)
		})
	})
	t.Run("two addresses is 502, and no live upstreams", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := exercise(t, shipped(t), checkFeed, "127.0.0.1", "::1")
			n := r.statuses("check")
			require.Equal(t, 1200, n[200]+n[504]+n[502], "%v", n)
			require.Greater(t, n[502], 1000)
			require.Positive(t, n[504])
			require.Greater(t, r.statuses("root")[502], 90)
			noLive := 0
			for _, f := range r.front {
				if len(f.Tries) > 0 && f.Tries[len(f.Tries)-1].Outcome == front.NoLive {
					noLive++
				}
			}
			require.Greater(t, noLive, 600)
		})
	})
}

// Of 75 streams that come together, about half are sent to the address that
// refuses, and have no second peer left when the first minute is over: 29 in the
// field, 24 to 37 in other runs.
func TestStreamsWithTwoAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := exercise(t, shipped(t), streamFeed, "127.0.0.1", "::1").statuses("stream")
		require.Equal(t, 75, n[200]+n[502]+n[504])
		require.InDelta(t, 29, n[504], 10)
		require.InDelta(t, 4, n[200], 1)
	})
}

func TestTheSameSeedIsTheSameRun(t *testing.T) {
	for name, loads := range map[string][]load.Load{"check_feed": checkFeed, "stream_feed": streamFeed} {
		t.Run(name, func(t *testing.T) {
			var first string
			for i := range 4 {
				synctest.Test(t, func(t *testing.T) {
					got := exercise(t, shipped(t), loads, "127.0.0.1", "::1").all()
					if i == 0 {
						first = got
					}
					require.True(t, first == got, "run %d differs:\n%s", i, firstDifference(first, got))
				})
			}
		})
	}
}

func firstDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return as[i] + "\n" + bs[i]
		}
	}
	return "one is longer"
}

// BenchmarkExercise is the whole run, 1,320 requests in 120 s of virtual time;
// it is to take 0.2 s at most.
func BenchmarkExercise(b *testing.B) {
	text := shipped(b)
	for b.Loop() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			synctest.Test(new(testing.T), func(*testing.T) { exercise(b, text, checkFeed, "127.0.0.1") })
		}()
		<-done
	}
}
