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
	"example.com/outagelab/pocserver/worker/repeatable"
)

// A feedCase is what feed.json says of one deployment.
type feedCase struct {
	Case  string
	Check struct {
		Status         map[string]float64
		OnUvloop       float64 `json:"answered_200_on_uvloop"`
		OnAsyncio      float64 `json:"answered_200_on_asyncio"`
		WorkerTimeouts float64 `json:"worker_timeouts_in_each_run"`
	} `json:"check_feed"`
	RootDuringCheck struct {
		Status map[string]float64
	} `json:"root_probe_during_check"`
	RootDuringStreams struct {
		Status map[string]float64
	} `json:"root_probe_during_streams"`
	Streams struct {
		Status map[string]float64
		Served float64 `json:"streams_that_got_a_line"`
	} `json:"stream_feed"`
}

// A count is a number that the field has once, or twice, and the model once a seed.
type count struct {
	run, name string
	metric    lab.Metric
	field     []float64
	model     []float64
	most      float64 // as many as there were to count, if that is known
	// calibrated: one of the model's parameters was chosen by this count, so that
	// it is no prediction.
	calibrated bool
}

func (c *count) String() string { return c.run + ": " + c.name }

// A run is one kind of run of a case, and the counts that it gives.
type run struct {
	name    string
	system  lab.System
	loads   []load.Load
	horizon time.Duration
	counts  []*count
}

func (r *run) add(name string, m lab.Metric, field ...float64) *count {
	c := &count{run: r.name, name: name, metric: m, field: field, most: math.Inf(1)}
	for _, l := range r.loads {
		if l := l.(load.Open); strings.HasPrefix(name, l.Name+" ") {
			c.most = math.Round(l.Rate * l.Duration.Seconds())
		}
	}
	r.counts = append(r.counts, c)
	return c
}

// up is for how long, at most, the servers of the field had been up when a load
// began, as far as it matters: uvicorn's loops beat every 15 s, and how long ago
// the last beat was is how much sooner a held loop is killed.
const up = 15 * time.Second

// shifted is the loads, beginning somewhere in up.
func (r *run) shifted(seed uint64) []load.Load {
	by := time.Duration(repeatable.Draw(seed, "up", 0) * float64(up))
	loads := make([]load.Load, len(r.loads))
	for i, l := range r.loads {
		l := l.(load.Open)
		l.Start += by
		loads[i] = l
	}
	return loads
}

// with runs it with a seed.
func (r *run) with(t *testing.T, seed uint64) (*lab.Observation, error) {
	return lab.Experiment{System: r.system, Load: r.shifted(seed), Horizon: r.horizon, Seed: seed}.Run(t)
}

// feedRuns is every run of every case of feed.json.
func feedRuns(t *testing.T) []*run {
	t.Helper()
	var file struct{ Cases []feedCase }
	field(t, "feed.json", &file)
	cases := map[string]feedCase{}
	for _, c := range file.Cases {
		cases[c.Case] = c
	}
	require.Len(t, cases, 7)
	one := func(name string) feedCase {
		c, ok := cases[name]
		require.True(t, ok, "a case %q in feed.json", name)
		return c
	}

	gthread := feedsim.Threaded()
	gthread.Threads, gthread.AcceptAgain = 25, fidelity.AcceptAgain
	uvicorn := feedsim.Evented()
	uvicorn.Replies, uvicorn.Heartbeat = worker.EndOfTurn, uvicorn.Timeout/2
	asyncio := uvicorn
	asyncio.Replies = worker.AtOnce

	conf, err := front.Parse("the field's", strings.NewReader(strings.Replace(feedsim.Shipped,
		"worker_processes 4", fmt.Sprintf("worker_processes %d", fidelity.NginxProcesses), 1)))
	require.NoError(t, err)
	var runs []*run
	add := func(name string, system lab.System, loads []load.Load, horizon time.Duration) *run {
		r := &run{name: name, system: system, loads: loads, horizon: horizon + up}
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
	}

	// What fidelity.NginxProcesses and fidelity.AcceptAgain were chosen by.
	for _, r := range runs {
		for _, c := range r.counts {
			c.calibrated = strings.HasPrefix(c.run, "prefork2_two_addr") && strings.HasSuffix(c.name, " 504") ||
				c.run == "threaded25, streams" && c.name == "/stream_feed served"
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
		r.add("/check_feed 200", lab.Replies(200).On("/check_feed"), d.field)
		r.add("workers killed", lab.Exits(worker.TimedOut), direct.Check.WorkerTimeouts)
	}
	return runs
}
