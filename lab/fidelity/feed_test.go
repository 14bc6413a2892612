// The concurrency exercise against the field: each count of each case that was
// measured lies where the model's own runs say that one more run would.

package fidelity_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/assert"
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

// A count is a number that the field has once, and the model once a seed.
type count struct {
	name  string
	field []float64
	model []float64
}

// A run is one kind of run of a case, and the counts that it gives.
type run struct {
	system  lab.System
	loads   []load.Load
	horizon time.Duration
	counts  []*count
	metrics []lab.Metric
}

func (r *run) add(name string, m lab.Metric, field ...float64) {
	r.counts = append(r.counts, &count{name: name, field: field})
	r.metrics = append(r.metrics, m)
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

// got is how many streams got a line.
func got(name string) lab.Metric {
	return lab.Metric{Name: "streams that got a line", Of: func(o *lab.Observation) (n float64) {
		for _, r := range load.Of(o.Records, name) {
			if r.Status == 200 && r.Lines > 0 {
				n++
			}
		}
		return n
	}}
}

func TestFeedFidelity(t *testing.T) {
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
	var names []string // of runs, in order
	runs := map[string]*run{}
	add := func(name string, system lab.System, loads []load.Load, horizon time.Duration) *run {
		r := &run{system: system, loads: loads, horizon: horizon + up}
		names, runs[name] = append(names, name), r
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
		streams.add("/stream_feed served", got("/stream_feed"), values(func(c feedCase) float64 { return c.Streams.Served })...)
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

	// What the record says these seeds give, and what they give.
	kept := readRecord(t)
	n := few(4, 2)
	if *update && n < 200 {
		t.Fatalf("-update with -seeds=%d: the record has 200 seeds at least", n)
	}
	for _, r := range runs {
		for _, c := range r.counts {
			c.model = make([]float64, n)
		}
	}
	allOf(t, n*len(names), func(i int) error {
		r, seed := runs[names[i%len(names)]], uint64(i/len(names))
		o, err := lab.Experiment{System: r.system, Load: r.shifted(seed), Horizon: r.horizon, Seed: seed}.Run(t)
		if err != nil {
			return err
		}
		for j, c := range r.counts {
			c.model[seed] = r.metrics[j].Of(o)
		}
		return nil
	})
	if *update {
		kept = record{}
	}
	for _, name := range names {
		for _, c := range runs[name].counts {
			key := name + ": " + c.name
			if *update {
				kept[key] = c.model
				continue
			}
			require.GreaterOrEqual(t, len(kept[key]), 200, "seeds in the record of %s", key)
			for seed := range min(n, len(kept[key])) {
				assert.Equal(t, kept[key][seed], c.model[seed], "%s, seed %d, in the record and now: the model has changed, so the record does not "+
					"show it any more. make fidelity ARGS=-update makes a new one, and says whether the field is still inside", key, seed)
			}
			if n < len(kept[key]) {
				c.model = kept[key]
			}
		}
	}
	if *update {
		kept.write(t)
	}

	m := 0 // counts that are random
	for _, r := range runs {
		for _, c := range r.counts {
			if varies(c.model) {
				m++
			}
		}
	}
	table := new(strings.Builder)
	w := tabwriter.NewWriter(table, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "case\tcount\tfield\tmodel's mean\tone more run\t\n")
	all := 0
	for _, name := range names {
		for _, c := range runs[name].counts {
			all = max(all, len(c.model))
			low, high := fidelity.Interval(c.model, m)
			sum, verdict := 0.0, "inside"
			for _, v := range c.model {
				sum += v
			}
			for _, f := range c.field {
				if f < low || f > high {
					verdict = "OUTSIDE"
				}
				assert.True(t, low <= f && f <= high, "%s, %s: the field has %g, one more run of the model %g to %g", name, c.name, f, low, high)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%.1f\t%g to %g\t%s\t\n", name, c.name, strings.Trim(fmt.Sprint(c.field), "[]"),
				sum/float64(len(c.model)), max(0, low), high, verdict)
		}
	}
	w.Flush()
	t.Logf("the field against %d seeds, %d of them run now; m = %d counts are random, the others are the same at every seed\n%s", all, n, m, table)
}

// varies reports whether not all values are the same.
func varies(sample []float64) bool {
	for _, v := range sample {
		if v != sample[0] {
			return true
		}
	}
	return false
}
