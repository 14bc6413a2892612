// Closed loops against the simulator: the bounds, and what sync workers and event
// loops make of them.

package queueing_test

import (
	"fmt"
	"math"
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

// A loop is so many connections on a server whose requests nap.
type loop struct {
	server      worker.Config
	connections int
	nap         feedsim.Delay
}

// cpu is the processor's seconds a request.
func (l loop) cpu() float64 { return l.server.CPU.Seconds() }

// costs is an evented or sync server whose requests cost so much of the processor,
// on a connection each.
func costs(c worker.Config, cpu time.Duration) worker.Config {
	c.CPU, c.KeepAlive, c.Timeout = cpu, 0, 0
	return c
}

func evented(cpu time.Duration) worker.Config { return costs(worker.Defaults(worker.Evented), cpu) }

// rates are the replies a second in 40 stretches of a run of about so many
// requests; a stretch before them is left out.
func (l loop) rates(t *testing.T, seed uint64, requests, perSecond float64) (rates []float64) {
	t.Helper()
	over := requests / perSecond
	o, err := lab.Experiment{
		System: lab.System{Server: l.server, App: lab.Seeded(synthetic.Instances(synthetic.Route{Path: "/", Time: l.nap, Waits: synthetic.Awaiting}))},
		Load:   []load.Load{load.Closed{Path: "/", Connections: l.connections, Duration: seconds(over)}},
		Seed:   seed,
	}.Run(t)
	require.NoError(t, err)
	stretch := over / 41
	replies := make([]float64, 41)
	for _, r := range o.Records {
		if r.Complete {
			replies[min(40, int(r.End.Seconds()/stretch))]++
		}
	}
	for _, n := range replies[1:] {
		rates = append(rates, n/stretch)
	}
	return rates
}

const millisecond = time.Millisecond

func TestClosedThroughputIsWithinItsBounds(t *testing.T) {
	needsSpeed(t)
	var c claims
	for i, p := range []struct {
		loop
		queues bool // so much so that it is told from one in which nobody waits
	}{
		{loop{workers(3), 2, feedsim.Exponential(50 * millisecond)}, false},
		{loop{workers(3), 20, feedsim.Exponential(50 * millisecond)}, true},
		{loop{threads(8), 8, feedsim.Uniform(0, 100*millisecond)}, false},
		{loop{evented(2 * millisecond), 10, feedsim.Exponential(100 * millisecond)}, false},
		{loop{evented(2 * millisecond), 50, feedsim.Exponential(100 * millisecond)}, false},
		{loop{evented(2 * millisecond), 200, feedsim.Uniform(0, 200*millisecond)}, true},
	} {
		think, station := 0.0, queueing.Station{Demand: p.nap.Mean().Seconds(), Servers: p.server.Workers * p.server.Threads}
		if p.server.Model == worker.Evented { // what naps there waits for nobody, the processor does
			think, station = p.nap.Mean().Seconds(), queueing.Station{Demand: p.cpu(), Servers: 1}
		}
		b, err := queueing.ClosedThroughput(p.connections, think, station)
		require.NoError(t, err)
		rates := p.rates(t, uint64(i), 3_000, b.High)
		point := fmt.Sprintf("%d on %v", p.connections, p.server)
		c.between(point, "ClosedThroughput", b.Low, b.High, rates)
		if p.queues {
			nobodyWaits := float64(p.connections) / (think + station.Demand)
			c.mistaken(point, "nobody waits", nobodyWaits, nobodyWaits, rates)
		}
	}
	c.verify(t)
}

func TestSyncAndAsyncRatesAreWhatTheWorkerModelsGive(t *testing.T) {
	needsSpeed(t)
	must := must(t)
	var c claims
	seed := uint64(0)
	for _, p := range []struct {
		workers  int
		nap, cpu float64 // in milliseconds
	}{{1, 50, 0}, {1, 5, 0.3}, {1, 0.5, 0.3}, {2, 2, 1}, {4, 20, 2}, {1, 0, 0.3}} {
		seed++
		want := must(queueing.SyncRate(p.workers, p.nap/1e3, p.cpu/1e3))
		l := loop{costs(workers(p.workers), seconds(p.cpu/1e3)), 30, feedsim.Uniform(0, seconds(2*p.nap/1e3))}
		rates := l.rates(t, seed, 2_000, want)
		point := fmt.Sprintf("%v, nap %g ms, cpu %g ms", l.server, p.nap, p.cpu)
		c.between(point, "SyncRate", want*(1-oneOf(2_000)), want*(1+oneOf(2_000)), rates)
		if p.nap > 0 && p.cpu >= 0.3 {
			free := float64(p.workers) / (p.nap / 1e3)
			c.mistaken(point, "the nap alone", free, free, rates)
		}
	}
	for _, p := range []struct {
		loops, connections int
		nap, cpu           float64
	}{{1, 20, 50, 0.5}, {1, 30, 100, 1}, {1, 50, 1, 0.9}, {1, 100, 10, 0.5}, {1, 50, 0, 0.9}, {4, 200, 1, 0.9}} {
		seed++
		want := must(queueing.AsyncRate(p.loops, p.connections, p.nap/1e3, p.cpu/1e3))
		l := loop{evented(seconds(p.cpu / 1e3)), p.connections, feedsim.Uniform(0, seconds(2*p.nap/1e3))}
		l.server.Workers = p.loops
		rates := l.rates(t, seed, 2_000, want)
		point := fmt.Sprintf("%d on %v, nap %g ms, cpu %g ms", p.connections, l.server, p.nap, p.cpu)
		c.between(point, "AsyncRate", want*(1-oneOf(2_000)), want*(1+oneOf(2_000)), rates)
		sync := must(queueing.SyncRate(p.loops, p.nap/1e3, p.cpu/1e3))
		if p.nap > 0 {
			c.mistaken(point, "of sync workers", sync, sync, rates)
		}
	}
	c.verify(t)
}

// oneOf is what a count of n can be off by, as a part, for what is under way at
// either end of each of 40 stretches: of one request each.
func oneOf(n float64) float64 { return 40 / n }

// Where the two asymptotes meet, N = 1 + nap/cpu, the loop rests now and then. With
// exponential costs it does so as often as none of N machines that stop at random
// waits for their one repairman, which is Erlang's B(N, nap/cpu) (Cooper,
// Introduction to Queueing Theory, 1981, chapter 3).
func TestWhereTheAsymptotesMeetTheLoopRestsNoMoreThanStated(t *testing.T) {
	for _, n := range []float64{50, 500} {
		b := 1.0
		for k := 1.0; k <= n; k++ {
			b = (n - 1) * b / (k + (n-1)*b)
		}
		stated := math.Sqrt(2 / (math.Pi * n))
		assert.Less(t, b, stated, "%g connections", n)
		assert.Greater(t, b, 0.8*stated, "%g connections: it is stated too high", n)
	}
}

func TestTheCrossoverIsWhereTheRatesAreEqual(t *testing.T) {
	needsSpeed(t)
	must := must(t)
	var c claims
	for i, p := range []struct{ sync, async, overshoot float64 }{ // in milliseconds
		{0.3, 0.9, 0.1}, {0.3, 0.9, 0}, {0.5, 5, 0.5}, {0, 1, 0.2}, {0.6, 3, 0.3},
	} {
		nap := must(queueing.Crossover(p.sync/1e3, p.async/1e3, p.overshoot/1e3))
		measured := func(server worker.Config, cpu float64, nap feedsim.Delay) []float64 {
			server.SleepOvershoot = seconds(p.overshoot / 1e3)
			return loop{costs(server, seconds(cpu/1e3)), 60, nap}.rates(t, uint64(i), 2_000, 1e3/p.async)
		}
		// Constant naps would keep all connections of a loop together.
		async := measured(worker.Defaults(worker.Evented), p.async, feedsim.Uniform(0, seconds(2*nap)))
		part := func(nap float64) (parts []float64) {
			for j, sync := range measured(worker.Defaults(worker.Sync), p.sync, feedsim.Constant(seconds(nap))) {
				parts = append(parts, (sync-async[j])*p.async/1e3)
			}
			return parts
		}
		point := fmt.Sprintf("cpu %g and %g ms, overshoot %g ms", p.sync, p.async, p.overshoot)
		c.between(point, "sync has more at it, as part", -oneOf(2_000), oneOf(2_000), part(nap))
		c.mistaken(point, "the same at 2/3 of it", -oneOf(2_000), oneOf(2_000), part(nap*2/3))
	}
	c.verify(t)
}
