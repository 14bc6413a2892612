// The worker models as queues: an open load on a server, request by request.

package queueing_test

import (
	"sort"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/lab/synthetic"
	"example.com/outagelab/pocserver/worker"
)

// needsSpeed skips what makes too many requests for the race detector.
func needsSpeed(t *testing.T) {
	t.Helper()
	if racedetector.On {
		t.Skip("tens of thousands of requests are too many for the race detector: it needs a run without -race")
	}
}

// seconds is so many seconds.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// threads is a server that serves n at a time, and workers is another.
func threads(n int) worker.Config {
	c := worker.Defaults(worker.Threaded)
	c.Threads, c.Timeout = n, 0
	return c
}

func workers(n int) worker.Config {
	c := worker.Defaults(worker.Sync)
	c.Workers, c.Timeout = n, 0
	return c
}

// ofTheModel is the time that the model takes to accept and to decide, at most.
const ofTheModel = 1e-6

// A queue is a server, who comes, and how long each takes.
type queue struct {
	server   worker.Config
	arrivals float64 // a second
	poisson  bool
	service  feedsim.Delay
}

// A queueing history: in order of arrival what each request waited for, and what
// it took in all, in seconds; and at regular instants how many requests there were.
type history struct {
	waits, times []float64
	inFlight     []float64
}

// run lets about so many requests come. Points that share a seed share their luck.
func (q queue) run(t *testing.T, seed uint64, requests float64) (h history) {
	t.Helper()
	over := requests / q.arrivals
	o, err := lab.Experiment{
		System:  lab.System{Server: q.server, App: lab.Seeded(synthetic.Instances(synthetic.Route{Path: "/", Time: q.service}))},
		Load:    []load.Load{load.Open{Path: "/", Rate: q.arrivals, Poisson: q.poisson, Duration: seconds(over)}},
		Horizon: seconds(over) + 500*q.service.Mean(),
		Seed:    seed,
	}.Run(t)
	require.NoError(t, err)
	require.Len(t, o.Spans, len(o.Records), "every request was served")

	came, ended := make([]float64, len(o.Records)), make([]float64, len(o.Records))
	for i, r := range o.Records {
		// First in, first out: who came as the i-th is served as the i-th.
		came[i], ended[i] = r.Scheduled.Seconds(), r.End.Seconds()
		require.InDelta(t, ended[i], o.Spans[i].To.Sub(o.Begin).Seconds(), ofTheModel, "request %d", i)
		h.waits = append(h.waits, o.Spans[i].From.Sub(o.Begin).Seconds()-came[i])
		h.times = append(h.times, ended[i]-came[i])
	}
	sort.Float64s(ended)
	until := func(instants []float64, at float64) float64 { return float64(sort.SearchFloat64s(instants, at)) }
	for at := 0.0; at < over; at += q.service.Mean().Seconds() / 2 {
		h.inFlight = append(h.inFlight, until(came, at)-until(ended, at))
	}
	return h
}

// above says of each value whether it is above a limit.
func above(limit float64, values []float64) (is []float64) {
	for _, v := range values {
		if v > limit {
			is = append(is, 1)
		} else {
			is = append(is, 0)
		}
	}
	return is
}
