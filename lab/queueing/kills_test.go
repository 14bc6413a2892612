// Workers that are killed, against the simulator.

package queueing_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/queueing"
	"example.com/outagelab/lab/synthetic"
	"example.com/outagelab/pocserver/worker"
)

// killed is how many workers are killed until the horizon by what comes.
func killed(t *testing.T, k queueing.Kills, seed uint64, horizon time.Duration, comes []load.Load, routes ...synthetic.Route) float64 {
	t.Helper()
	server := worker.Defaults(worker.Sync)
	server.Workers, server.Timeout, server.BootTime = k.Workers, seconds(k.Timeout), seconds(k.Boot)
	o, err := lab.Experiment{
		System:  lab.System{Server: server, App: lab.Seeded(synthetic.Instances(routes...))},
		Load:    comes,
		Horizon: horizon,
		Seed:    seed,
	}.Run(t)
	require.NoError(t, err)
	return lab.Exits(worker.TimedOut).Of(o)
}

var forever = synthetic.Route{Path: "/", Time: feedsim.Constant(time.Hour)}

// In the long run a worker is killed at most once between two of its requests that
// outlast the timeout: no statistics, but one kill more or less for each worker.
func TestKillsAreWhatTheArbiterDoes(t *testing.T) {
	needsSpeed(t)
	for _, k := range []queueing.Kills{
		{Workers: 1, Timeout: 2.5, Boot: 4, Arrivals: 10},
		{Workers: 4, Timeout: 30, Boot: 0.18, Arrivals: 10},
		{Workers: 2, Timeout: 9.5, Boot: 2.2, Arrivals: 1},
		{Workers: 12, Timeout: 5, Boot: 1, Arrivals: 100},
		{Workers: 3, Timeout: 30, Boot: 0.18, Arrivals: 0.05},
		{Workers: 6, Timeout: 5.5, Boot: 3, Arrivals: 0.4},
	} {
		const minutes = 20
		// As many as workers can be killed, and those who wait meanwhile.
		comes := []load.Load{load.Open{Path: "/", Rate: min(k.Arrivals, 2), Duration: minutes * time.Minute}}
		b, err := k.PerMinute()
		require.NoError(t, err)
		kills := killed(t, k, 0, minutes*time.Minute, comes, forever)
		t.Logf("%+v: predicted %.4g…%.4g a minute, measured %.4g", k, b.Low, b.High, kills/minutes)
		atTheEnd := float64(k.Workers)
		assert.GreaterOrEqual(t, kills, minutes*b.Low-atTheEnd, "%+v", k)
		assert.LessOrEqual(t, kills, minutes*b.High+atTheEnd, "%+v", k)
		if k.Boot >= 1 && b.Low < b.High {
			assert.Less(t, kills+atTheEnd, minutes*60*atTheEnd/(k.Timeout+1), "%+v: the sample does not tell that a boot takes time", k)
		}
	}
}

// Half of the requests that take the timeout and half a second are over when the
// arbiter looks.
func TestARequestThatIsOverWhenTheArbiterLooksKillsNobody(t *testing.T) {
	needsSpeed(t)
	const rate = 0.3
	var c claims
	for _, p := range []struct {
		service       feedsim.Delay
		kills, longer float64 // parts of all requests: P(S > 2.5 s + U), P(S > 2.5 s)
	}{
		{feedsim.Constant(3 * time.Second), 1. / 2, 1},
		{feedsim.Uniform(0, 5*time.Second), 2. / 5, 1. / 2},
	} {
		k := queueing.Kills{Workers: 3, Timeout: 2.5, Boot: 0.18, Arrivals: p.kills * rate}
		b, err := k.PerMinute()
		require.NoError(t, err)
		require.Equal(t, b.Low, b.High, "there are workers enough")
		const minutes = 10
		comes := []load.Load{load.Open{Path: "/", Rate: rate, Poisson: true, Duration: minutes * time.Minute}}
		var perMinute []float64
		for seed := range uint64(15) {
			perMinute = append(perMinute, killed(t, k, seed, (minutes+1)*time.Minute, comes, synthetic.Route{Path: "/", Time: p.service})/minutes)
		}
		c.holds(fmt.Sprint(p.service), "PerMinute", b.Low, perMinute)
		c.mistaken(fmt.Sprint(p.service), "of all that outlast it", 60*rate*p.longer, 60*rate*p.longer, perMinute)
	}
	c.verify(t)
}

// Low is for sync workers and requests that kill, alone: six that take half a second
// come for each of them.
func TestOtherRequestsLeaveFewerKillsThanLow(t *testing.T) {
	needsSpeed(t)
	const minutes = 5
	k := queueing.Kills{Workers: 4, Timeout: 5.5, Boot: 1, Arrivals: 1}
	b, err := k.PerMinute()
	require.NoError(t, err)
	kills := killed(t, k, 0, minutes*time.Minute, []load.Load{
		load.Open{Path: "/", Rate: 1, Poisson: true, Duration: minutes * time.Minute},
		load.Open{Path: "/short", Rate: 6, Poisson: true, Duration: minutes * time.Minute},
	}, forever, synthetic.Route{Path: "/short", Time: feedsim.Constant(500 * millisecond)})
	assert.LessOrEqual(t, kills, minutes*b.High, "High holds all the same")
	assert.Less(t, kills+float64(k.Workers), minutes*b.Low, "Low would hold too: PerMinute says that it does not")
}
