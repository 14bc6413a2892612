package queueing_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/queueing"
	"example.com/outagelab/lab/racedetector"
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
	for _, servers := range []int{100, 2_000, 100_000} {
		q := queueing.MMc{Arrivals: float64(servers) / 4, Service: 2, Servers: servers}
		got, err := q.Deviation(1000, func(n int) float64 { return float64(n) })
		require.NoError(t, err)
		assert.InEpsilon(t, math.Sqrt(2*float64(servers)/2*2/1000), got, 1e-9, "%d servers, half busy", servers)
	}
}

// The asymptotic variance is twice the integral of the covariance over all time
// (Whitt, Asymptotic Formulas for Markov Processes, 1992). Here it is summed over
// the steps of the chain that jumps, or stays, at the rate of the busiest state (A.
// Jensen, Markoff Chains as an Aid in the Study of Markoff Processes, 1953), for
// 800 servers that are sometimes all busy.
func TestTheSpreadOfManyServersIsTheIntegralOfTheCovariance(t *testing.T) {
	if racedetector.On {
		t.Skip("tens of millions of steps are too many for the race detector: it needs a run without -race")
	}
	const servers, erlangs, most = 800, 720.0, 1_100 // above, 0.9³⁰⁰ is nothing
	var likely, number [most + 1]float64
	sum, mean := 0.0, 0.0
	for n := range likely {
		inService := min(n, servers)
		factorial, _ := math.Lgamma(float64(inService) + 1)
		likely[n] = math.Exp(float64(n)*math.Log(erlangs) - factorial - float64(n-inService)*math.Log(servers) - erlangs)
		sum += likely[n]
		mean += float64(n) * likely[n]
	}
	mean /= sum
	for n := range number {
		number[n] = float64(n) - mean
	}
	const fastest = erlangs + servers
	variance, began := 0.0, 0.0
	for expected := number; ; {
		covariance := 0.0
		for n, p := range likely {
			covariance += p / sum * number[n] * expected[n]
		}
		variance += 2 * covariance / fastest
		if began = max(began, covariance); covariance < began*1e-6 {
			break
		}
		below := expected[0]
		for n, here := range expected {
			up, down := erlangs/fastest, float64(min(n, servers))/fastest
			if n == most {
				up = 0
			}
			expected[n] = (1-up-down)*here + down*below + up*expected[min(n+1, most)]
			below = here
		}
	}
	got, err := queueing.MMc{Arrivals: erlangs, Service: 1, Servers: servers}.Deviation(1000, func(n int) float64 { return float64(n) })
	require.NoError(t, err)
	// The sum of the steps is the integral; what is left of it when only a part of
	// 10⁻⁶ of the covariance is left is about as small.
	assert.InEpsilon(t, math.Sqrt(variance/1000), got, 2e-6, "720 requests of a second each second, on 800 servers")
	assert.Greater(t, got, math.Sqrt(2*erlangs/1000)*(1+2e-3), "it is not told from the spread of infinitely many servers")
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
	_, err = queueing.MMc{Arrivals: 1 - 1e-14, Service: 1, Servers: 1}.Deviation(1, number)
	assert.EqualError(t, err, "queueing: MMc.Deviation: utilisation is 0.99999999999999: want less: 4e+15 numbers in the system would matter, and 10,000,000 is the most")
	q.Arrivals = 3
	_, err = q.Deviation(1, number)
	assert.ErrorContains(t, err, "stable below 1 only")
}
