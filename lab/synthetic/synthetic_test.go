package synthetic_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/synthetic"
	"example.com/outagelab/pocserver/worker"
)

func TestMain(m *testing.M) {
	bubble.Tune()
	goleak.VerifyTestMain(m)
}

// on runs requests for a path, all at once, on a server.
func on(t *testing.T, model worker.Model, path string, requests float64, routes ...synthetic.Route) *lab.Observation {
	t.Helper()
	o, err := lab.Experiment{
		System:  lab.System{Server: worker.Defaults(model), App: lab.Seeded(synthetic.Instances(routes...))},
		Load:    []load.Load{load.Open{Path: path, Rate: requests * 1e6, Duration: time.Microsecond}},
		Horizon: 10500 * time.Millisecond,
	}.Run(t)
	require.NoError(t, err)
	return o
}

func TestTheLongestPathDecides(t *testing.T) {
	routes := []synthetic.Route{
		{Path: "/", Time: feedsim.Constant(time.Second)},
		{Path: "/slow", Time: feedsim.Constant(5 * time.Second)},
	}
	assert.InDelta(t, 1, lab.MeanLatency.Of(on(t, worker.ThreadPerRequest, "/anything", 1, routes...)), 1e-3)
	assert.InDelta(t, 5, lab.MeanLatency.Of(on(t, worker.ThreadPerRequest, "/slow/too", 1, routes...)), 1e-3)
	assert.Equal(t, 1.0, lab.Replies(404).Of(on(t, worker.ThreadPerRequest, "/", 1, routes[1])), "on no route")
}

// Three requests of a second each on an event loop: one after another if they
// block, together if they await or have threads.
func TestHowARequestWaitsIsWhatAnEventLoopSees(t *testing.T) {
	for waits, slowest := range map[synthetic.Waits]float64{synthetic.Blocking: 3, synthetic.Awaiting: 1, synthetic.InThread: 1} {
		o := on(t, worker.Evented, "/", 3, synthetic.Route{Path: "/", Time: feedsim.Constant(time.Second), Waits: waits})
		assert.InDelta(t, slowest, lab.Latency(100).Of(o), 1e-3, waits)
	}
}

func TestAStreamIsALineForEachTimeThatPasses(t *testing.T) {
	o := on(t, worker.ThreadPerRequest, "/stream", 1, synthetic.Route{Path: "/stream", Time: feedsim.Constant(time.Second), Stream: true})
	assert.Equal(t, 10, o.Records[0].Lines, "in 10.5 s")
	assert.Equal(t, load.Unfinished, o.Records[0].Kind)
}

func TestTimesAreDrawnFromTheSeedAndTheRequest(t *testing.T) {
	latencies := func() (all []time.Duration) {
		o := on(t, worker.ThreadPerRequest, "/", 5, synthetic.Route{Path: "/", Time: feedsim.Exponential(time.Second)})
		for _, r := range o.Records {
			all = append(all, r.Latency)
		}
		return all
	}
	first := latencies()
	assert.Equal(t, first, latencies(), "the same at every run")
	for i := range first[1:] {
		assert.NotEqual(t, first[i], first[i+1], "each request draws its own")
	}
}

func TestRoutesThatCannotBePanic(t *testing.T) {
	for message, routes := range map[string][]synthetic.Route{
		`synthetic: the path "x" does not begin with a slash`:                         {{Path: "x"}},
		`synthetic: two routes are at /`:                                              {{Path: "/"}, {Path: "/"}},
		`synthetic: the time of /, always -1ns: a poll cannot take less than no time`: {{Path: "/", Time: feedsim.Constant(-1)}},
		`synthetic: the stream at / takes no time for a line, so it would never end`:  {{Path: "/", Time: feedsim.Constant(0), Stream: true}},
	} {
		assert.PanicsWithValue(t, message, func() { synthetic.Instances(routes...) })
	}
}

func TestWaysToWaitAreReadByName(t *testing.T) {
	for _, name := range []string{"block", "await", "thread"} {
		var w synthetic.Waits
		require.NoError(t, w.UnmarshalText([]byte(name)))
		assert.Equal(t, name, w.String())
	}
	var w synthetic.Waits
	assert.EqualError(t, w.UnmarshalText([]byte("sleep")), `unknown way to wait "sleep": want block, await or thread`)
}
