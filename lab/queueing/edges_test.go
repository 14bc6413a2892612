// What holds on the edges of the formulas' ranges.

package queueing_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/queueing"
)

func TestALoadAsLongAsItsLastServedIsServed(t *testing.T) {
	o := queueing.Overload{Arrivals: 10, Capacity: 0.8, Patience: 60}
	served, err := o.Served()
	require.NoError(t, err)
	got, err := o.ServedWithCancellation(served/o.Arrivals, 1)
	require.NoError(t, err)
	assert.Equal(t, served, got)
	_, err = o.ServedWithCancellation(math.Nextafter(served/o.Arrivals, 0), 1)
	assert.Error(t, err)
}

// A distribution with steps reaches 1, and has quantiles at which it is exactly p.
func TestTheQuantileOfServicesOfOneLength(t *testing.T) {
	regular := queueing.GGc{Arrivals: 3, Service: 1, Servers: 4} // nobody waits
	step := func(s float64) float64 { return math.Floor(min(s, 2)) / 2 }
	for p, want := range map[float64]float64{0.1: 1, 0.5: 1, 0.501: 2, 0.999: 2} {
		got, err := regular.Quantile(p, step)
		require.NoError(t, err)
		assert.InDelta(t, want, got, 1e-9, "p = %g", p)
	}
	certain := func(s float64) float64 { return min(1, math.Floor(s)) }
	got, err := regular.Quantile(0.5, certain)
	require.NoError(t, err)
	assert.InDelta(t, 1, got, 1e-9)
}

func TestWithoutAStationNothingLimitsALoop(t *testing.T) {
	for _, stations := range [][]queueing.Station{nil, {{Demand: 0, Servers: 1}}} {
		b, err := queueing.ClosedThroughput(7, 2, stations...)
		require.NoError(t, err)
		assert.Equal(t, queueing.Bounds{Low: 3.5, High: 3.5}, b)
	}
}

func TestTheLargestSystemOfADeviation(t *testing.T) {
	needsSpeed(t)
	const servers = 1_000_000
	at := func(more float64) error { // numbers in the system: servers and as many more
		q := queueing.MMc{Arrivals: servers * math.Exp(-40/more), Service: 1, Servers: servers}
		_, err := q.Deviation(1, func(int) float64 { return 1 })
		return err
	}
	assert.NoError(t, at(8_999_999.5), "10,000,000 is the most")
	assert.ErrorContains(t, at(9_000_000.5), "want less")
}

func TestTheMostThatServicesMayVary(t *testing.T) {
	q := queueing.GGc{Arrivals: 3, ArrivalSCV: 1, Service: 1, ServiceSCV: 2, Servers: 4}
	wait, err := q.MeanWait()
	require.NoError(t, err)
	assert.Positive(t, wait)
	q.ServiceSCV = math.Nextafter(2, 3)
	_, err = q.MeanWait()
	assert.ErrorContains(t, err, "want 2 at most")
}
