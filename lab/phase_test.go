// The phases in which loads begin.

package lab

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver"
)

// uniform fails the test unless the values, parts of a whole, are as even as 1,000 draws are: of the sum over 10 bins of
// (n−100)²/100, which has 9 degrees of freedom, 1 in 1,000 is above 27.9.
func uniform(t *testing.T, parts []float64, what string) {
	t.Helper()
	bins := make([]float64, 10)
	for _, x := range parts {
		bins[int(10*x)]++
	}
	sum := 0.0
	for _, n := range bins {
		sum += (n - 100) * (n - 100) / 100
	}
	assert.Less(t, sum, 27.9, "%s: %v", what, bins)
}

func TestAPhaseIsUniformInTheLoadsPeriodAndInTheArbitersSecond(t *testing.T) {
	for _, rate := range []float64{10, 3, 0.7, 0.13} {
		l := load.Open{Path: "/", Rate: rate, Duration: time.Minute}
		other := load.Open{Name: "another", Path: "/", Rate: rate, Duration: time.Minute}
		var period, second, between []float64
		for seed := range uint64(1000) {
			late := phase(l, seed)
			require.GreaterOrEqual(t, late, time.Duration(0))
			require.Less(t, late.Seconds(), 1+1/rate)
			assert.Equal(t, late, phase(l, seed), "a seed is a phase")
			part := func(x float64) float64 { return x - math.Floor(x) }
			period = append(period, part(late.Seconds()*rate))
			second = append(second, part(late.Seconds()))
			between = append(between, part((late-phase(other, seed)).Seconds()*rate))
		}
		uniform(t, period, "of its period")
		uniform(t, second, "of the arbiter's second")
		uniform(t, between, "between two loads")
	}
	for _, l := range []load.Load{load.Open{Path: "/", Rate: 0.001, Poisson: true}, load.Closed{Path: "/", Connections: 5}} {
		var second []float64
		for seed := range uint64(1000) {
			second = append(second, phase(l, seed).Seconds())
		}
		uniform(t, second, "of the arbiter's second: it has no period")
	}
}

func TestOnlyTheLoadsThatArePhasedBeginLaterAndTheHorizonFollows(t *testing.T) {
	e := Experiment{
		System: System{Server: pocserver.RunSync(), App: Seeded(pocserver.Instances)},
		Load: []load.Load{
			load.Open{Name: "a", Path: "/sync_sleep/?sleep=0", Rate: 2, Duration: 5 * time.Second},
			load.Closed{Name: "b", Path: "/sync_sleep/?sleep=0.1", Connections: 1, Duration: 5 * time.Second},
			load.Open{Name: "c", Path: "/sync_sleep/?sleep=0", Rate: 2, Start: time.Second, Duration: 5 * time.Second},
		},
		Phased: []string{"a", "b"}, Horizon: 7 * time.Second, Seed: 3,
	}
	o, err := e.Run(t)
	require.NoError(t, err)
	a, b := phase(e.Load[0], 3), phase(e.Load[1], 3)
	var starts []time.Duration
	for _, l := range o.Loads() {
		switch l := l.(type) {
		case load.Open:
			starts = append(starts, l.Start)
		case load.Closed:
			starts = append(starts, l.Start)
		}
	}
	assert.Equal(t, []time.Duration{a, b, time.Second}, starts)
	assert.Equal(t, 7*time.Second+max(a, b), o.Horizon)
	assert.InDelta(t, a, load.Of(o.Records, "a")[0].Scheduled, 10, "but for a nanosecond for each client before it")
	assert.Zero(t, e.Load[0].(load.Open).Start, "the experiment is as it was")

	e.Horizon = 0
	o, err = e.Run(t)
	require.NoError(t, err)
	assert.Equal(t, max(6*time.Second, 5*time.Second+max(a, b)), o.Horizon, "the end of the load that ends last")

	e.Phased = []string{"d"}
	_, err = e.Run(t)
	assert.ErrorContains(t, err, `Phased has "d": no load has that name`)
	e.Phased, e.Uptime = nil, -1
	_, err = e.Run(t)
	assert.ErrorContains(t, err, "Uptime is -1ns: it cannot be negative")
}
