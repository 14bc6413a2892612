// Experiments that run: on every worker model, on net/http, in virtual time and
// in real time, and the same each time.

package lab

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
	"example.com/outagelab/pocserver/worker/repeatable"
)

// crowd is 20 connections that nap for up to 0.1 s for two seconds, with a
// bystander, on the PoC's app.
func crowd(server worker.Config) Experiment {
	return Experiment{
		Name:   "crowd",
		System: System{Server: server, App: Seeded(pocserver.Instances)},
		Load: []load.Load{
			load.Closed{Name: "crowd", Path: "/sync_sleep/?sleep=0.1", Connections: 20, Duration: 2 * time.Second},
			load.Probe("bystander", "/async_sleep/?sleep=0", 100*time.Millisecond, 2*time.Second),
		},
	}
}

func TestTheSameSeedGivesTheSameObservation(t *testing.T) {
	killed := pocserver.RunSync() // within the run, of naps that are far too long
	killed.Timeout, killed.Workers = 10*time.Millisecond, 3
	recycled := pocserver.RunAsync12()
	recycled.MaxRequests, recycled.MaxRequestsJitter, recycled.AcceptAgain = 20, 5, 0.3
	threads := worker.Defaults(worker.Threaded)
	threads.Workers, threads.Threads, threads.CPU = 2, 5, time.Millisecond
	for name, server := range map[string]worker.Config{
		"net/http": {}, "dev": pocserver.RunDev(), "sync": pocserver.RunSync(), "async": pocserver.RunAsync(),
		"async12": pocserver.RunAsync12(), "killed": killed, "recycled": recycled, "threads": threads,
	} {
		t.Run(name, func(t *testing.T) {
			e := crowd(server)
			e.Seed = 7
			run := func() *Observation {
				obs, err := e.Run(t)
				require.NoError(t, err)
				return obs
			}
			first := run()
			require.NotEmpty(t, first.Records)
			if racedetector.On {
				require.Equal(t, first, run())
				return // the rest takes long, and is of the same servers
			}
			// Two at a time have two processors, if there are two.
			var both [2]*Observation
			var wg sync.WaitGroup
			for i := range both {
				wg.Go(func() { both[i], _ = e.Run(nil) })
			}
			wg.Wait()
			require.Equal(t, first, both[0])
			require.Equal(t, first, both[1])
			e.Seed = 8
			require.NotEqual(t, first.Records, run().Records, "another seed, other naps")
		})
	}
}

func TestWorkersAreObserved(t *testing.T) {
	obs, err := crowd(pocserver.RunSync()).Run(t)
	require.NoError(t, err)
	assert.Equal(t, 1, obs.Workers)
	assert.Greater(t, Busy.Of(obs), 0.9)
	assert.Equal(t, "GET /sync_sleep/?sleep=0.1", obs.Spans[0].What)

	obs, err = crowd(worker.Config{}).Run(t)
	require.NoError(t, err)
	assert.Zero(t, obs.Workers)
	assert.Empty(t, obs.Spans)
}

func TestASmallBacklogDropsOrRefuses(t *testing.T) {
	server := worker.Defaults(worker.Sync)
	server.Backlog = 2
	e := Experiment{
		Name:   "full",
		System: System{Server: server, App: Always(http.HandlerFunc(naps))},
		Load:   []load.Load{load.Open{Path: "/", Rate: 100, Duration: 100 * time.Millisecond, Timeout: 500 * time.Millisecond}},
		// Long enough for nobody to be unfinished.
		Horizon: 2 * time.Second,
	}
	obs, err := e.Run(t)
	require.NoError(t, err)
	assert.Equal(t, 10.0, Timeouts.Of(obs), "a SYN that is dropped is sent again after a second")

	e.System.Overflow = simnet.Refuse
	obs, err = e.Run(t)
	require.NoError(t, err)
	assert.Equal(t, 6.0, Failures(load.Refused).Of(obs), "all but one in service and three in the backlog")
}

func TestRunNeedsNoTest(t *testing.T) {
	obs, err := crowd(pocserver.RunDev()).Run(nil)
	require.NoError(t, err)
	assert.NotEmpty(t, obs.Records)
}

func TestRealTimeRunsTheSameExperiment(t *testing.T) {
	e := crowd(pocserver.RunSync())
	e.Load = []load.Load{load.Closed{Path: "/sync_sleep/?sleep=0.001", Connections: 3, Requests: 5}}
	e.Horizon = time.Minute // which all of it is far from reaching
	virtual, err := e.Run(t)
	require.NoError(t, err)
	e.RealTime = true
	real, err := e.Run(t)
	require.NoError(t, err)
	for _, m := range []Metric{Replies(200), Failures(load.OK)} {
		assert.Equal(t, 15.0, m.Of(real), m.Name)
		assert.Equal(t, 15.0, m.Of(virtual), m.Name)
	}
	assert.Len(t, real.Spans, 15)
	assert.WithinRange(t, real.Begin, time.Now().Add(-time.Minute), time.Now())
}

func TestAnExperimentThatCannotRunSaysWhy(t *testing.T) {
	e := crowd(pocserver.RunSync())
	e.System.Server.Workers = 0
	_, err := e.Run(t)
	require.ErrorContains(t, err, "lab: experiment crowd: System.Server: worker: Config.Workers is 0")

	e = crowd(pocserver.RunSync())
	e.Load[0] = load.Closed{Path: "nowhere", Connections: 1, Duration: time.Second}
	_, err = e.Run(t)
	require.ErrorContains(t, err, `Path "nowhere" does not begin with a slash`)

	e = crowd(pocserver.RunSync())
	e.System.App = Seeded(func(uint64) func() http.Handler { return nil })
	_, err = e.Run(t)
	require.ErrorContains(t, err, "the server: App returned nil")
}

// A part of an experiment draws with SplitMix64's numbers of the experiment's seed, so that results stay what they
// are: the first of seed 0 is published with the algorithm, and in the tests of java.util.SplittableRandom's ports.
func TestDrawIsSplitMix64(t *testing.T) {
	assert.Equal(t, uint64(0xe220a8397b1dcdaf), draw(0, 1))
	assert.Equal(t, uint64(0x6e789e6aa1b965f4), draw(0, 2))
	assert.Equal(t, draw(repeatable.Weyl, 1), draw(0, 2))
}

func TestANilHandlerIsAnError(t *testing.T) {
	e := outages()[1]
	e.System.App = func(Env) (func() http.Handler, error) { return func() http.Handler { return nil }, nil }
	_, err := e.Run(t)
	assert.ErrorContains(t, err, "the server: what App returned made a nil handler")
}
