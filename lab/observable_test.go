package lab

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver/worker"
)

// twoLoads is one sync worker behind a proxy, with two loads, of which the second has no timeout.
func twoLoads(t *testing.T) Experiment {
	t.Helper()
	conf, err := front.Parse("nginx.conf", strings.NewReader(
		"events {}\nhttp { server { listen 8080; location / { proxy_pass http://localhost:8000; } } }"))
	require.NoError(t, err)
	e := outages()[0]
	e.System.Front.Config = conf
	e.Load = append(e.Load, load.Open{Name: "bystander", Path: "/", Rate: 1, Duration: 10 * time.Second})
	return e
}

// A metric of the system that is given a load's name is an error, and no number.
func TestAMetricOfTheSystemHasNoLoad(t *testing.T) {
	o := byHand()
	for _, m := range []Metric{
		Exits(worker.TimedOut), Exits(worker.Recycled), Tries(front.Refused), Busy, BusyWorker(0),
		{Name: "spans", Of: func(o *Observation) float64 { return float64(len(o.Spans)) }},
	} {
		of := m.On("users")
		assert.True(t, math.IsNaN(of.Of(o)), "%s: got %v", of.Name, of.Of(o))
		e := twoLoads(t)
		e.Checks[1] = Check{Metric: of, Want: 0, Formula: "none", Within: AtMost("the claim")}
		err := checkTable([]Experiment{e})
		require.Error(t, err, of.Name)
		want := "row 0 (naps/sync): Checks[1].Metric: " + m.Name + " is of the whole system, " +
			`and On("users") cannot tell loads apart in it`
		assert.Contains(t, err.Error(), want)

		holds, text := e.Try(t)
		assert.False(t, holds)
		assert.Contains(t, strings.Join(strings.Fields(text), " "), m.Name+" is of the whole system")
		r := Judge(t, e)
		assert.False(t, r.Holds)
		assert.Contains(t, r.Trouble, "lab: experiment naps/sync: Checks[1].Metric: "+m.Name)
		assert.Nil(t, r.Seen, "it does not run")
	}
	for _, m := range []Metric{Exits(worker.TimedOut), Tries(front.Refused), Busy, BusyWorker(0)} {
		assert.True(t, math.IsNaN(m.Of(o.On("users"))), "%s of an observation of one load", m.Name)
		assert.False(t, math.IsNaN(m.Of(o)), m.Name)
	}
	twice := Replies(200).On("users").On("bystander")
	assert.True(t, math.IsNaN(twice.Of(o)))
	c := Check{Metric: twice, Want: 1, Formula: "one", Within: Exactly()}
	assert.Equal(t, "Metric: replies 200 of users is of one load already: call On once", c.wrong())
}

func TestWhatASystemCannotShowIsAnError(t *testing.T) {
	direct := func(e *Experiment) { e.System.Front = Front{} }
	bare := func(e *Experiment) { e.System.Server = worker.Config{} }
	for _, c := range []struct {
		metric Metric
		change func(*Experiment)
		says   string
	}{
		{Tries(front.Refused), direct, "System.Front has no Config"},
		{Tries("refused"), nil, `"refused" is no front.Outcome: want one of its constants`},
		{Exits(worker.TimedOut), bare, "no server has a worker model"},
		{Exits(worker.TimedOut), func(e *Experiment) { e.System.Server.Timeout = 0 },
			"no server has a worker timeout, so no worker is killed"},
		{Exits(worker.Recycled), nil, "no server has MaxRequests, so no worker is recycled"},
		{Exits(worker.Stopped), nil, "servers are shut down after the horizon only"},
		{Exits("tired"), nil, `"tired" is no worker.Reason`},
		{Busy, bare, "no server has a worker model"},
		{BusyWorker(0), bare, "there is no worker 0: workers are numbered from 0, and there are 0"},
		{BusyWorker(1), nil, "there is no worker 1: workers are numbered from 0, and there are 1"},
		{BusyWorker(-1), nil, "there is no worker -1"},
		{Replies(499), nil, "nginx logs 499 for a client that left before its reply began"},
		{Replies(199), nil, "no final reply has the status 199"},
		{Replies(1000), nil, "no final reply has the status 1000"},
		{Replies(200).On("nobody"), nil, `no load is named "nobody"`},
		{Failures("late"), nil, `"late" is no load.Kind`},
		{Timeouts.On("bystander"), nil, "every load ends before the Timeout of its first request"},
		{Timeouts, func(e *Experiment) { e.Load = e.Load[1:] }, "every load ends before the Timeout of its first request"},
		{Latency(0), nil, "a percentile is above 0 and at most 100, and this is 0"},
		{FirstByte(101), nil, "and this is 101"},
		{WrkLatency(-1), nil, "and this is -1"},
		{Concurrency(0), nil, "the service time is 0s: want more than 0"},
	} {
		e := twoLoads(t)
		if c.change != nil {
			c.change(&e)
		}
		e.Checks = []Check{{Metric: c.metric, Want: 0, Formula: "none", Within: AtMost("the claim")}}
		err := checkTable([]Experiment{e})
		if assert.Error(t, err, c.metric.Name) {
			assert.Contains(t, err.Error(), "row 0 (naps/sync): Checks[0].Metric: "+c.metric.Name+" is not observed: ")
			assert.Contains(t, err.Error(), c.says)
		}
		assert.Contains(t, Judge(t, e).Trouble, c.says)
		_, text := e.Try(t)
		assert.Contains(t, strings.Join(strings.Fields(text), " "), c.metric.Name+" is not observed")

		e.Checks[0].Within = Shown("for interest")
		assert.NoError(t, e.checkable(), "nothing depends on it")
	}
}

func TestWhatASystemCanShow(t *testing.T) {
	e := twoLoads(t)
	e.System.Server.MaxRequests = 3
	metrics := []Metric{
		Throughput, Goodput, MeanLatency, LastGood, Timeouts, Timeouts.On("users"), Streaming,
		FirstByte(100), Latency(0.1), WrkLatency(50), Busy, BusyWorker(0), Exits(worker.TimedOut), Exits(worker.Recycled),
		Concurrency(time.Second),
		Replies(200), Replies(498), Replies(500), Replies(999), Replies(504).On("bystander"),
		{Name: "their own", Of: func(*Observation) float64 { return 0 }},
	}
	for _, o := range []front.Outcome{
		front.Served, front.Refused, front.Unconnected, front.TimedOut, front.Reset, front.ClosedEarly, front.Invalid,
		front.Passed, front.NoLive, front.NoSlot, front.ClientGone,
	} {
		metrics = append(metrics, Tries(o))
	}
	for _, k := range []load.Kind{
		load.OK, load.Timeout, load.Refused, load.Reset, load.ClosedEarly, load.Unfinished, load.Malformed, load.Failed,
	} {
		metrics = append(metrics, Failures(k))
	}
	for _, m := range metrics {
		assert.NoError(t, e.Observable(m), m.Name)
	}
}

func TestWhenATimeoutCanPass(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		load    load.Load
		horizon time.Duration
		late    bool
	}{
		{load.Open{Duration: 10 * s, Timeout: 5 * s}, 0, true},
		{load.Open{Duration: 10 * s, Timeout: 10 * s}, 0, true},
		{load.Open{Duration: 10 * s, Timeout: 10*s + 1}, 0, false},
		{load.Open{Duration: 10 * s, Timeout: 12 * s}, 20 * s, true},
		{load.Open{Start: 9 * s, Duration: 10 * s, Timeout: 12 * s}, 20 * s, false},
		{load.Open{Duration: 10 * s}, 126 * s, false},
		{load.Open{Duration: 10 * s}, 127 * s, true},
		{load.Open{Duration: 10 * s, Timeout: 500 * s}, 127 * s, true},
		{load.Closed{Duration: 2 * s}, 0, true},
		{load.Closed{Duration: 2*s - 1}, 20 * s, false},
		{load.Closed{Start: s, Duration: 2 * s}, 3 * s, true},
		{load.Closed{Start: s, Duration: 9 * s}, 3*s - 1, false},
		{load.Closed{Duration: 4 * s, Timeout: 5 * s}, 20 * s, false},
		{load.Closed{Requests: 2, Timeout: 5 * s}, 20 * s, true},
	} {
		e := Experiment{Load: []load.Load{c.load}, Horizon: c.horizon}
		assert.Equal(t, c.late, e.Observable(Timeouts) == nil, "%+v until %v", c.load, e.horizon())
	}
}

func TestABoundThatEveryCountKeepsIsNone(t *testing.T) {
	c := Check{Metric: Replies(200), Want: 0, Formula: "none", Within: AtLeast("nothing")}
	assert.Equal(t, "Within allows every number of replies: want a bound that some run could miss", c.wrong())
	c.Want = 1
	assert.Empty(t, c.wrong())
	c = Check{Metric: MeanLatency, Want: 0, Formula: "none", Within: AtLeast("there may be no reply")}
	assert.Empty(t, c.wrong())
}

// A sibling may take away what a row observes: its checks have to fail, and a check of nothing does.
func TestASiblingNeedNotObserve(t *testing.T) {
	e := outages()[0]
	e.Sibling = func(e *Experiment) { e.System = System{App: Always(http.HandlerFunc(naps))} }
	testSibling(t, &e)
}
