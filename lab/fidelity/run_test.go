// One kind of run of the model, and what is counted in it.

package fidelity_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/fidelity"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver/worker"
	"example.com/outagelab/pocserver/worker/repeatable"
)

// A count is what is judged, and how the model is counted.
type count struct {
	fidelity.Count
	metric lab.Metric
}

// A run is one kind of run of a case, and the counts that it gives.
type run struct {
	name    string
	system  lab.System
	loads   []load.Load
	horizon time.Duration
	counts  []*count

	// recorded is how many seeds the record has of it, fixed before anybody looked.
	recorded int
	// heavy: it takes long under the race detector, which has runs enough without it.
	heavy bool
}

// add adds a count of whole things.
func (r *run) add(name string, m lab.Metric, field ...float64) *count {
	c := &count{fidelity.Count{Case: r.name, Name: name, Field: field}, m}
	r.counts = append(r.counts, c)
	return c
}

// addFine adds a time in seconds or a rate.
func (r *run) addFine(name string, step float64, m lab.Metric, field ...float64) *count {
	c := r.add(name, m, field...)
	c.Step = step
	return c
}

// with runs it with a seed.
func (r *run) with(t *testing.T, seed uint64) (*lab.Observation, error) {
	return inOneRun(lab.Experiment{System: r.system, Load: r.loads, Horizon: r.horizon, Seed: seed}).Run(t)
}

// inOneRun is an experiment as it is at its seed: on the machine of that run, and with servers that have been up for a
// while when the loads begin. The loads themselves begin when they say, and their windows with them: a case's scenario
// has drawn their phases already, see [lab.Experiment].
func inOneRun(e lab.Experiment) lab.Experiment {
	e.System.Server = fidelity.Vary(e.System.Server, e.Seed)
	e.System.Others = slices.Clone(e.System.Others)
	longest := beats(e.System.Server)
	for i := range e.System.Others {
		server := &e.System.Others[i].Server
		*server = fidelity.Vary(*server, e.Seed)
		longest = max(longest, beats(*server))
	}
	e.Uptime = time.Duration(repeatable.Draw(e.Seed, "up", 0) * float64(longest))
	return e
}

// beats is how often anything happens by itself in a server that may kill its
// workers. The arbiter looks once a second; uvicorn's loops beat every 15 s, and
// how long ago the last beat was is how much sooner a held loop is killed.
func beats(server worker.Config) time.Duration {
	if server.Timeout == 0 {
		return 0
	}
	if server.Model == worker.Uvicorn {
		return max(time.Second, server.Timeout/2)
	}
	return time.Second
}

// of is what is counted, a hundred times as fine as it is judged, so that the
// record is short.
func (c *count) of(o *lab.Observation) float64 {
	fine := 100.0
	if c.Step > 0 {
		fine /= c.Step
	}
	return math.Round(c.metric.Of(o)*fine) / fine
}
