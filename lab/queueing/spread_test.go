package queueing_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/queueing"
)

// The number in M/M/1 has the asymptotic variance 2ρ(1+ρ)/(1−ρ)⁴ in units of a
// service time (W. Whitt, Planning Queueing Simulations, Management Science
// 35(11), 1989, table 1; first by P. M. Morse, 1955).
func TestTheSpreadOfASingleServerIsTheOneThatIsPublished(t *testing.T) {
	for _, u := range []float64{0.1, 0.5, 0.8, 0.95} {
		const service, seconds = 2.0, 500.0
		q := queueing.MMc{Arrivals: u / service, Service: service, Servers: 1}
		got, err := q.Deviation(seconds, func(n int) float64 { return float64(n) })
		require.NoError(t, err)
		published := 2 * u * (1 + u) / math.Pow(1-u, 4) * service
		assert.InEpsilon(t, math.Sqrt(published/seconds), got, 1e-9, "utilisation %g", u)
	}
}

// With so many servers that nobody waits the number in the system is that of
// M/M/∞, whose covariance is a·exp(−t/S), so that its asymptotic variance is 2aS.
func TestTheSpreadWithoutWaitingIsThatOfInfinitelyManyServers(t *testing.T) {
	q := queueing.MMc{Arrivals: 5, Service: 2, Servers: 100}
	got, err := q.Deviation(1000, func(n int) float64 { return float64(n) })
	require.NoError(t, err)
	assert.InEpsilon(t, math.Sqrt(2*10*2/1000.0), got, 1e-9)
}

func TestASpreadOutsideItsRangeIsAnError(t *testing.T) {
	number := func(n int) float64 { return float64(n) }
	q := queueing.MMc{Arrivals: 1, Service: 0.5, Servers: 1}
	_, err := q.Deviation(0, number)
	assert.ErrorContains(t, err, "queueing: MMc.Deviation: seconds is 0: want a number above 0")
	_, err = q.Deviation(1, nil)
	assert.ErrorContains(t, err, "of is nil")
	_, err = q.Deviation(1, func(int) float64 { return math.NaN() })
	assert.ErrorContains(t, err, "MMc.Deviation: of is NaN")
	q.Arrivals = 3
	_, err = q.Deviation(1, number)
	assert.ErrorContains(t, err, "stable below 1 only")
}
