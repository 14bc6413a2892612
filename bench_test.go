// What it costs: the worker models against bare net/http, the simulated network
// against the kernel's, and virtual time against the clock.

package outagelab_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

// benchServers are bare net/http, for reference, and each model with room for
// everybody.
var benchServers = []struct {
	name   string
	server worker.Config // zero: bare
}{
	{"bare", worker.Config{}},
	{"thread-per-request", with(pocserver.RunDev(), func(c *worker.Config) { c.Backlog = 2048 })},
	{"threaded", threads(1, 500)},
	{"evented", pocserver.RunAsync()},
	{"sync", with(pocserver.RunSync(), func(c *worker.Config) { c.MaxRequests = 0 })},
}

// serveOn serves the PoC's app on ln until the benchmark ends.
func serveOn(b *testing.B, server worker.Config, ln net.Listener) {
	b.Helper()
	if server.Model == 0 {
		s := httptest.NewUnstartedServer(pocserver.NewHandler(1))
		s.Listener.Close()
		s.Listener = ln
		s.Start()
		b.Cleanup(s.Close)
		return
	}
	s, err := worker.New(server, pocserver.Instances(1))
	require.NoError(b, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	b.Cleanup(func() {
		s.Close()
		<-served
	})
}

// requests makes b.N requests over kept connections, and reports how many a
// second.
func requests(b *testing.B, target load.Target, connections int, path string) {
	b.Helper()
	each := (b.N + connections - 1) / connections
	b.ResetTimer()
	records, err := load.Run(context.Background(), target, time.Hour, load.Closed{
		Path: path, Connections: connections, Requests: each, Timeout: time.Minute,
	})
	b.StopTimer()
	require.NoError(b, err)
	for _, r := range records {
		if !r.Good() {
			b.Fatalf("a request failed: %+v", r)
		}
	}
	b.ReportMetric(float64(len(records))/b.Elapsed().Seconds(), "replies/s")
}

// BenchmarkModels is a request of no nap over loopback, on each model and on
// bare net/http.
func BenchmarkModels(b *testing.B) {
	for _, s := range benchServers {
		b.Run(s.name, func(b *testing.B) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(b, err)
			serveOn(b, s.server, ln)
			requests(b, load.TCP(ln.Addr().String(), 1), 16, "/async_sleep/?sleep=0")
		})
	}
}

// BenchmarkNetwork is a request to bare net/http, in real time, over the
// kernel's loopback and over simnet.
func BenchmarkNetwork(b *testing.B) {
	b.Run("loopback", func(b *testing.B) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(b, err)
		serveOn(b, worker.Config{}, ln)
		requests(b, load.TCP(ln.Addr().String(), 1), 16, "/async_sleep/?sleep=0")
	})
	b.Run("simnet", func(b *testing.B) {
		var n simnet.Network
		ln, err := n.Listen("127.0.0.1:8000")
		require.NoError(b, err)
		serveOn(b, worker.Config{}, ln)
		requests(b, load.Target{
			Host: "127.0.0.1:8000",
			Dial: func(ctx context.Context, client int) (net.Conn, error) {
				return n.DialFrom(ctx, 10000+client, "127.0.0.1:8000")
			},
		}, 16, "/async_sleep/?sleep=0")
	})
}

// BenchmarkVirtualTime is the PoC's load, 500 connections for 10 s at sleep 0.1,
// in virtual time: one op is all of it. Bare net/http with the same naps says
// what of it is net/http, the network and the clock. Run it with -cpu 1,2.
func BenchmarkVirtualTime(b *testing.B) {
	for _, s := range benchServers {
		b.Run(s.name, func(b *testing.B) {
			e := lab.Experiment{Name: s.name, System: poc(s.server), Load: []load.Load{wrk500("/sync_sleep/", 0.1)}}
			replies := 0.0
			for b.Loop() {
				o, err := e.Run(b)
				require.NoError(b, err)
				replies += 10 * lab.Throughput.Of(o)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/replies, "ns/reply")
			b.ReportMetric(10*float64(b.N)/b.Elapsed().Seconds(), "virtual-s/s")
		})
	}
}

// BenchmarkOutage is the outage of polls/sync, 1,320 requests in three minutes,
// through the front: one op is all of it. It is to take 0.2 s at most.
func BenchmarkOutage(b *testing.B) {
	for b.Loop() {
		o, err := feedExercise[0].Run(b)
		require.NoError(b, err)
		require.Len(b, o.Records, 1320)
	}
	b.ReportMetric(181*float64(b.N)/b.Elapsed().Seconds(), "virtual-s/s")
}

// streams is n clients that each read a stream of six lines, one a second.
func streams(server worker.Config, n int) lab.Experiment {
	lines := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		send := http.NewResponseController(w)
		for range 6 {
			worker.Await(r.Context(), time.Second)
			if _, err := io.WriteString(w, "a line\n"); err != nil || send.Flush() != nil {
				return
			}
		}
	})
	return lab.Experiment{
		Name:    "streams",
		System:  lab.System{Server: server, App: lab.Always(lines)},
		Load:    []load.Load{load.Closed{Path: "/", Connections: n, Requests: 1, Timeout: time.Minute}},
		Horizon: time.Minute,
	}
}

// BenchmarkStreams is n streams of six lines that are open at once, on one event
// loop and on bare net/http in the same run: what a stream takes on each, and the
// ratio, which is to be 1.5 at most with 40,000. The memory is what the process had
// from the system at its highest, so run a single number for it:
//
//	go test -run '^$' -bench BenchmarkStreams/100000 .
func BenchmarkStreams(b *testing.B) {
	for _, n := range []int{16_000, 40_000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			took := func(server worker.Config) time.Duration {
				begin := time.Now()
				o, err := streams(server, n).Run(b)
				took := time.Since(begin)
				require.NoError(b, err)
				require.Len(b, o.Records, n)
				for _, r := range o.Records {
					if !r.Good() || r.Lines != 6 {
						b.Fatalf("a stream failed: %+v", r)
					}
				}
				return took
			}
			evented := with(pocserver.RunAsync(), func(c *worker.Config) { c.WorkerConnections = n })
			var bare, model time.Duration
			for b.Loop() {
				bare += took(worker.Config{})
				model += took(evented)
			}
			each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(b.N*n) }
			b.ReportMetric(each(bare), "bare-µs/stream")
			b.ReportMetric(each(model), "evented-µs/stream")
			b.ReportMetric(model.Seconds()/bare.Seconds(), "of-bare")
			b.ReportMetric(float64(fromSystem())/(1<<20), "MB")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// fromSystem is how many bytes the process has had from the operating system.
func fromSystem() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys
}

// BenchmarkWrk is the PoC's own tool against this repository's servers: the
// median, over 5 interleaved pairs, of a model's requests a second divided by
// those of bare net/http with the same app. Each run of wrk takes 3 s. It needs
// wrk.
func BenchmarkWrk(b *testing.B) {
	wrk, err := exec.LookPath("wrk")
	if err != nil {
		if os.Getenv("OUTAGELAB_REQUIRE") == "1" {
			b.Fatal("OUTAGELAB_REQUIRE=1, and wrk is not installed: apt-get install wrk")
		}
		b.Skip("needs wrk: apt-get install wrk")
	}
	for _, c := range []struct{ name, path string }{
		{"sleep=0", "/sync_sleep/?sleep=0"},
		{"sleep=0.1", "/sync_sleep/?sleep=0.1"},
	} {
		for _, s := range benchServers[1:] {
			b.Run(c.name+"/"+s.name, func(b *testing.B) {
				url := func(server worker.Config) string {
					ln, err := net.Listen("tcp", "127.0.0.1:0")
					require.NoError(b, err)
					serveOn(b, server, ln)
					return "http://" + ln.Addr().String() + c.path
				}
				bare, model := url(worker.Config{}), url(s.server)
				var ratios []float64
				for b.Loop() {
					for range 5 {
						reference := runWrk(b, wrk, bare)
						ratios = append(ratios, runWrk(b, wrk, model)/reference)
					}
				}
				slices.Sort(ratios)
				b.ReportMetric(ratios[len(ratios)/2], "of-bare")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

var perSecond = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)

func runWrk(b *testing.B, wrk, url string) float64 {
	b.Helper()
	text, err := exec.CommandContext(b.Context(), wrk, "-t", "2", "-c", "500", "-d", "3", url).CombinedOutput()
	require.NoError(b, err, "%s", text)
	found := perSecond.FindSubmatch(text)
	require.NotNil(b, found, "wrk printed:\n%s", text)
	rate, err := strconv.ParseFloat(string(found[1]), 64)
	require.NoError(b, err)
	return rate
}
