// The cases of the concurrency exercise that were measured, as runs of the model.

package fidelity_test

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
	"example.com/outagelab/lab/fidelity"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver/worker"
)

// replies is what feed.json says of those to one route. Its percentiles are left
// out: vegeta only estimates them (lib/metrics.go), and where replies come in lumps
// says something in between, such as 2.676 s of polls that take whole seconds.
type replies struct{ Status map[string]float64 }

// A feedCase is what feed.json says of one deployment.
type feedCase struct {
	Case  string
	Check struct {
		replies
		OnUvloop       float64 `json:"answered_200_on_uvloop"`
		OnAsyncio      float64 `json:"answered_200_on_asyncio"`
		WorkerTimeouts float64 `json:"worker_timeouts_in_each_run"`
	} `json:"check_feed"`
	RootDuringCheck   replies `json:"root_probe_during_check"`
	RootDuringStreams replies `json:"root_probe_during_streams"`
	Streams           struct {
		Status map[string]float64
		Served float64 `json:"streams_that_got_a_line"`
		Lines  float64 `json:"lines_total"`
	} `json:"stream_feed"`
}

// fieldFront is the exercise's nginx.conf, with so many worker processes.
func fieldFront(t *testing.T, processes int) *front.Config {
	t.Helper()
	conf, err := front.Parse("the field's", strings.NewReader(strings.Replace(feedsim.Shipped,
		"worker_processes 4", fmt.Sprintf("worker_processes %d", processes), 1)))
	require.NoError(t, err)
	return conf
}

// lines is of all streams together, without those of nginx's error pages.
var lines = lab.Metric{Name: "lines", Unit: "lines", ByLoad: true, Of: func(o *lab.Observation) float64 {
	n := 0
	for _, r := range o.Records {
		if r.Status < 400 {
			n += r.Lines
		}
	}
	return float64(n)
}}

// feedCases is every case of feed.json, by its name.
func feedCases(t *testing.T) map[string]feedCase {
	t.Helper()
	var file struct{ Cases []feedCase }
	field(t, "feed.json", &file)
	cases := map[string]feedCase{}
	for _, c := range file.Cases {
		cases[c.Case] = c
	}
	require.Len(t, cases, 7)
	return cases
}

// feedRuns is every run of every case of feed.json.
func feedRuns(t *testing.T) []*run {
	t.Helper()
	cases := feedCases(t)
	one := func(name string) feedCase {
		c, ok := cases[name]
		require.True(t, ok, "a case %q in feed.json", name)
		return c
	}

	gthread := feedsim.Threaded()
	gthread.Threads, gthread.AcceptAgain = 25, fidelity.AcceptAgain
	uvicorn := worker.UvicornWorker()
	uvicorn.Workers, uvicorn.Replies = 2, worker.EndOfTurn
	asyncio := uvicorn
	asyncio.Replies = worker.AtOnce

	conf := fieldFront(t, fidelity.NginxProcesses)
	var runs []*run
	add := func(name string, system lab.System, loads []load.Load, horizon time.Duration) *run {
		r := &run{name: name, system: system, loads: loads, horizon: horizon, recorded: 200, heavy: true}
		runs = append(runs, r)
		return r
	}

	for _, d := range []struct {
		cases   []feedCase
		server  worker.Config
		variant feedsim.AppConfig
		hosts   map[string][]netip.Addr
	}{
		{[]feedCase{one("prefork2"), one("prefork2, a second independent run")}, feedsim.Prefork(), feedsim.AppConfig{}, nil},
		{[]feedCase{one("prefork2_two_addr")}, feedsim.Prefork(), feedsim.AppConfig{}, exercise.TwoAddresses()},
		{[]feedCase{one("threaded25")}, gthread, feedsim.AppConfig{}, nil},
		{[]feedCase{one("evented_gevent")}, feedsim.Evented(), feedsim.AppConfig{Awaiting: true}, nil},
		{[]feedCase{one("evented_blocking")}, uvicorn, feedsim.AppConfig{}, nil},
	} {
		system := exercise.Behind(d.server, d.variant)
		system.Front.Config, system.Front.Hosts = conf, d.hosts
		name := d.cases[0].Case
		polls := add(name+", polls", system, exercise.Polls(), 120*time.Second+exercise.Patience)
		streams := add(name+", streams", system, exercise.Streams(), 90*time.Second+exercise.Patience)
		streams.heavy = d.server.Model != worker.Sync // else few of the 75 ever poll
		values := func(of func(c feedCase) float64) (all []float64) {
			for _, c := range d.cases {
				all = append(all, of(c))
			}
			return all
		}
		for _, status := range []int{200, 502, 504} {
			key := fmt.Sprint(status)
			polls.add("/check_feed "+key, lab.Replies(status).On("/check_feed"), values(func(c feedCase) float64 { return c.Check.Status[key] })...)
			polls.add("/ "+key, lab.Replies(status).On("/"), values(func(c feedCase) float64 { return c.RootDuringCheck.Status[key] })...)
			streams.add("/ "+key, lab.Replies(status).On("/"), values(func(c feedCase) float64 { return c.RootDuringStreams.Status[key] })...)
			if status != 200 {
				streams.add("/stream_feed "+key, lab.Replies(status).On("/stream_feed"), values(func(c feedCase) float64 { return c.Streams.Status[key] })...)
			}
		}
		streams.add("/stream_feed served", lab.Streaming.On("/stream_feed"), values(func(c feedCase) float64 { return c.Streams.Served })...)
		streams.add("/stream_feed lines", lines.On("/stream_feed"), values(func(c feedCase) float64 { return c.Streams.Lines })...)
	}

	for _, r := range runs {
		for _, c := range r.counts {
			for _, l := range r.loads {
				if l := l.(load.Open); !strings.HasSuffix(c.Name, " lines") && strings.HasPrefix(c.Name, l.Name+" ") {
					c.Most = math.Round(l.Rate * l.Duration.Seconds())
				}
			}
			switch {
			case strings.HasPrefix(c.Case, "prefork2_two_addr") && strings.HasSuffix(c.Name, " 504"):
				c.Calibrated = "NginxProcesses"
			case c.Case == "threaded25, streams" && c.Name == "/stream_feed served":
				c.Calibrated = "AcceptAgain"
			}
		}
	}

	// Without nginx, for 90 s, by clients who wait for 60 s.
	direct := one("evented_blocking, without nginx, two event loops")
	for _, d := range []struct {
		name   string
		server worker.Config
		field  float64
	}{{"uvloop", uvicorn, direct.Check.OnUvloop}, {"asyncio", asyncio, direct.Check.OnAsyncio}} {
		system := exercise.Behind(d.server, feedsim.AppConfig{})
		system.Front = lab.Front{}
		r := add("no nginx, "+d.name, system, []load.Load{load.Open{
			Name: "/check_feed", Path: "/check_feed", Rate: 10, Duration: 90 * time.Second, Timeout: 60 * time.Second,
		}}, 150*time.Second)
		r.add("/check_feed 200", lab.Replies(200).On("/check_feed"), d.field).Most = 900
		r.add("workers killed", lab.Exits(worker.TimedOut), direct.Check.WorkerTimeouts)
	}
	return runs
}
