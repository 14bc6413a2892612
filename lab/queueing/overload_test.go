// Queues that get more than they can serve, against the simulator.

package queueing_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/queueing"
	"example.com/outagelab/lab/synthetic"
	"example.com/outagelab/pocserver/worker/repeatable"
)

// A rush is a queue whose clients leave after a while.
type rush struct {
	queue
	patience, over float64 // seconds
	cancels        bool    // a handler ends when its client has left
}

func (r rush) overload() queueing.Overload {
	return queueing.Overload{Arrivals: r.arrivals, Capacity: float64(r.servers()) / r.service.Mean().Seconds(), Patience: r.patience}
}

// tooHigh is what Overload says that it is too high by at most.
func (r rush) tooHigh() float64 {
	o := r.overload()
	return float64(r.servers())*(o.Arrivals+o.Capacity)/(o.Arrivals-o.Capacity) + 1
}

func (r rush) String() string {
	regular := "D"
	if r.poisson {
		regular = "M"
	}
	return fmt.Sprintf("%s %g/s, %d, %v", regular, r.arrivals, r.servers(), r.service)
}

// served is how many requests are answered in time, and when the last of them
// came, in each of so many runs.
func (r rush) served(t *testing.T, runs int) (served, last []float64) {
	t.Helper()
	app := lab.Seeded(synthetic.Instances(synthetic.Route{Path: "/", Time: r.service}))
	if r.cancels {
		app = lab.Seeded(r.cancelling)
	}
	for seed := range uint64(runs) {
		o, err := lab.Experiment{
			System:  lab.System{Server: r.server, App: app},
			Load:    []load.Load{load.Open{Path: "/", Rate: r.arrivals, Poisson: r.poisson, Duration: seconds(r.over), Timeout: seconds(r.patience)}},
			Horizon: seconds(r.over + r.patience),
			Seed:    seed,
		}.Run(t)
		require.NoError(t, err)
		at := 0.0
		for _, rec := range o.Records {
			if rec.Good() {
				at = rec.Scheduled.Seconds()
			}
		}
		served, last = append(served, lab.Replies(200).Of(o)), append(last, at)
	}
	return served, last
}

// cancelling makes instances of an app that takes the service time, unless the
// client leaves.
func (r rush) cancelling(seed uint64) func() http.Handler {
	return func() http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
			timer := time.NewTimer(r.service.At(repeatable.Draw(seed, req.Header.Get("X-Request-ID"), 0)))
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-req.Context().Done():
			}
		})
	}
}

func TestAnOverloadedQueueServesWhatTheFluidLimitSaysAndThenNobody(t *testing.T) {
	needsSpeed(t)
	must := must(t)
	var c claims
	for _, r := range []rush{
		{queue{workers(1), 2, false, feedsim.Constant(time.Second)}, 30, 45, false},
		{queue{threads(10), 10, true, feedsim.Exponential(2500 * millisecond)}, 30, 30, false},
		{queue{threads(4), 6, false, feedsim.Uniform(0, 2*time.Second)}, 20, 60, false},
		{queue{workers(2), 3.5, true, feedsim.Exponential(time.Second)}, 25, 60, false},
		{queue{threads(8), 20, false, feedsim.Constant(800 * millisecond)}, 12, 20, false},
	} {
		o := r.overload()
		served, last := r.served(t, 20)
		want, when := must(o.Served()), must(o.LastServed())
		c.between(r.String(), "Served", want-r.tooHigh(), want, served)
		c.between(r.String(), "LastServed", when-r.tooHigh()/o.Arrivals, when, last)
		c.mistaken(r.String(), "what patience has time for", o.Capacity*o.Patience-r.tooHigh(), o.Capacity*o.Patience, served)
	}
	c.verify(t)
}

func TestHandlersThatEndWithTheirClientServeWhoTakesNoTime(t *testing.T) {
	needsSpeed(t)
	must := must(t)
	second := time.Second
	var c claims
	for _, r := range []struct {
		rush
		atOnce float64
	}{
		{rush{queue{workers(2), 10, false, feedsim.WholeSeconds(0, 5)}, 30, 60, true}, 1. / 6},
		{rush{queue{threads(4), 8, true, feedsim.Steps(0, 4*second, 2*second)}, 20, 60, true}, 1. / 3},
		{rush{queue{workers(3), 9, true, feedsim.Steps(0, 4*second, 4*second)}, 40, 50, true}, 1. / 2},
		{rush{queue{workers(1), 4, false, feedsim.Exponential(500 * millisecond)}, 20, 80, true}, 1. / 2},
		{rush{queue{threads(5), 8, true, feedsim.Exponential(second)}, 15, 60, true}, 5. / 8},
	} {
		o := r.overload()
		served, _ := r.served(t, 12)
		want := must(o.ServedWithCancellation(r.over, r.atOnce))
		c.between(r.String(), "ServedWithCancellation", want-r.tooHigh(), want+r.tooHigh(), served)
		collapse := must(o.Served())
		c.mistaken(r.String(), "Served", collapse-r.tooHigh(), collapse, served)
		c.mistaken(r.String(), "atOnce of all", o.Arrivals*r.over*r.atOnce-r.tooHigh(), o.Arrivals*r.over*r.atOnce, served)
	}
	c.verify(t)
}
