// The formulas against published values, and against other formulas for the same.

package queueing_test

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/queueing"
)

// An eye clinic: 6 patients an hour, 3 doctors, 20 minutes each. The chance that
// nobody is there is 1/9, and a patient spends 28.9 minutes there (D. Gross and C.
// M. Harris, Fundamentals of Queueing Theory, 3rd edition, 1998, page 72). All
// doctors are busy (2³/3!)·3/(3−2)·(1/9) = 4/9 of the time.
func TestMMcOfAPublishedClinic(t *testing.T) {
	must := must(t)
	clinic := queueing.MMc{Arrivals: 6. / 3600, Service: 20 * 60, Servers: 3}
	assert.InDelta(t, 28.9*60, must(clinic.MeanTime()), 0.05*60)
	assert.InDelta(t, 4./9, must(queueing.ErlangC(clinic.Servers, clinic.Arrivals*clinic.Service)), 1e-12)
	assert.InDelta(t, 4./9, must(queueing.ErlangC(3, 2)), 1e-12)
	assert.InDelta(t, 2./3, must(clinic.Utilisation()), 1e-12)
}

// One server and two have formulas of their own (L. Kleinrock, Queueing Systems,
// volume 1, 1975, sections 3.2 and 3.5): C = ρ, and C = 2ρ²/(1 + ρ).
func TestErlangCOfOneAndTwoServers(t *testing.T) {
	must := must(t)
	for _, u := range []float64{0, 0.1, 0.5, 0.9, 0.999} {
		assert.InDelta(t, u, must(queueing.ErlangC(1, u)), 1e-12)
		assert.InDelta(t, 2*u*u/(1+u), must(queueing.ErlangC(2, 2*u)), 1e-12)
	}
}

// Erlang's own form, with the powers and factorials that the recurrence is without:
// C = (a^c/c!)·c/(c−a) / (Σ a^k/k! + (a^c/c!)·c/(c−a)).
func TestErlangCIsExactForTenThousandServers(t *testing.T) {
	for _, q := range []struct {
		servers int
		erlangs float64
	}{{5, 0.01}, {10, 6}, {25, 21}, {100, 95}, {1000, 990}, {10_000, 9_900}, {10_000, 9_999}} {
		number := func(x float64) *big.Float { return new(big.Float).SetPrec(200).SetFloat64(x) }
		term, sum := number(1), number(0)
		for k := 1; k <= q.servers; k++ {
			sum.Add(sum, term)
			term.Mul(term, number(q.erlangs))
			term.Quo(term, number(float64(k)))
		}
		c := float64(q.servers)
		term.Mul(term, number(c/(c-q.erlangs)))
		want, _ := new(big.Float).Quo(term, sum.Add(sum, term)).Float64()
		assert.InEpsilon(t, want, must(t)(queueing.ErlangC(q.servers, q.erlangs)), 1e-10, "%+v", q)
	}
}

// M/M/1 has its own formulas: the time in it is exponential with the mean 1/(μ−λ)
// (Kleinrock, Queueing Systems, volume 1, 1975, chapter 5).
func TestMMcOfOneServerIsMM1(t *testing.T) {
	must := must(t)
	for _, u := range []float64{0.1, 0.5, 0.9, 0.99} {
		q := queueing.MMc{Arrivals: u / 0.25, Service: 0.25, Servers: 1}
		spare := 1/0.25 - q.Arrivals
		assert.InEpsilon(t, 1/spare, must(q.MeanTime()), 1e-12)
		assert.InEpsilon(t, u/spare, must(q.MeanWait()), 1e-12)
		for _, at := range []float64{0, 0.1, 1, 10} {
			assert.InDelta(t, math.Exp(-spare*at), must(q.Tail(at)), 1e-12)
			assert.InDelta(t, u*math.Exp(-spare*at), must(q.WaitTail(at)), 1e-12)
		}
		for _, p := range []float64{0.001, 0.5, 0.99, 0.999999} {
			assert.InEpsilon(t, -math.Log(1-p)/spare, must(q.Quantile(p)), 1e-9)
		}
	}
}

// The mean is the integral of the tail, for any distribution; also where the wait
// and the service have the same mean, and the tail is (1 + C·t/S)·exp(−t/S).
func TestTheTailOfMMcHasItsMean(t *testing.T) {
	must := must(t)
	for _, q := range []queueing.MMc{
		{Arrivals: 3, Service: 1, Servers: 4}, {Arrivals: 0.9, Service: 1, Servers: 1}, {Arrivals: 24, Service: 1, Servers: 25},
		{Arrivals: 1, Service: 1, Servers: 2}, {Arrivals: 1 + 1e-9, Service: 1, Servers: 2}, {Arrivals: 1 - 1e-12, Service: 1, Servers: 2},
	} {
		const step, until = 0.01, 200.0
		area, waitArea := 0.0, 0.0
		for at := step / 2; at < until; at += step {
			area += step * must(q.Tail(at))
			waitArea += step * must(q.WaitTail(at))
		}
		assert.InDelta(t, must(q.MeanTime()), area, 1e-4, "%+v", q) // the rule of midpoints: step²/24 a curvature
		assert.InDelta(t, must(q.MeanWait()), waitArea, 1e-4, "%+v", q)
	}
	same := queueing.MMc{Arrivals: 1, Service: 1, Servers: 2}
	assert.InDelta(t, (1+3./3)*math.Exp(-3), must(same.Tail(3)), 1e-12, "C is 1/3")
}

// The mean wait of one server and Poisson arrivals is λE[S²]/(2(1−ρ)), whatever the
// service times (Pollaczek 1930, Khinchine 1932; Kleinrock, Queueing Systems,
// volume 1, 1975, chapter 5).
func TestGGcOfOneServerAndPoissonArrivalsIsPollaczekAndKhinchine(t *testing.T) {
	for _, u := range []float64{0.1, 0.5, 0.9} {
		for _, second := range []float64{1, 4. / 3, 2, math.E, math.Exp(4)} { // E[S²]: constant, uniform, exponential, lognormal with σ of 1 and 2
			q := queueing.GGc{Arrivals: u, ArrivalSCV: 1, Service: 1, ServiceSCV: second - 1, Servers: 1}
			assert.InEpsilon(t, u*second/(2*(1-u)), must(t)(q.MeanWait()), 1e-12)
		}
	}
}

func TestGGcOfPoissonArrivalsAndExponentialServiceIsMMc(t *testing.T) {
	must := must(t)
	for _, m := range []queueing.MMc{{Arrivals: 0.5, Service: 1, Servers: 1}, {Arrivals: 3, Service: 1, Servers: 4}, {Arrivals: 95, Service: 0.25, Servers: 25}} {
		g := queueing.GGc{Arrivals: m.Arrivals, ArrivalSCV: 1, Service: m.Service, ServiceSCV: 1, Servers: m.Servers}
		assert.Equal(t, must(m.Utilisation()), must(g.Utilisation()))
		assert.InEpsilon(t, must(m.MeanWait()), must(g.MeanWait()), 1e-12)
		assert.InEpsilon(t, must(m.MeanTime()), must(g.MeanTime()), 1e-12)
		assert.InEpsilon(t, must(m.WaitTail(0.3)), must(g.WaitTail(0.3)), 1e-12)
		for _, p := range []float64{0.05, 0.5, 0.9, 0.99, 0.999} {
			x := must(g.Quantile(p, func(s float64) float64 { return -math.Expm1(-s / m.Service) }))
			assert.InDelta(t, 1-p, must(m.Tail(x)), 1e-4, "p = %g: to 0.0001 of it", p)
		}
	}
}

func TestGGcOfWhatNeverVariesNeverWaits(t *testing.T) {
	must := must(t)
	q := queueing.GGc{Arrivals: 3.9, Service: 1, Servers: 4}
	assert.Zero(t, must(q.MeanWait()))
	assert.Zero(t, must(q.WaitTail(0)))
	always := func(s float64) float64 {
		if s < 1 {
			return 0
		}
		return 1
	}
	for _, p := range []float64{0.01, 0.5, 0.99} {
		assert.InDelta(t, 1, must(q.Quantile(p, always)), 1e-9)
	}
}

// Two stations with demands of 9.2 s and 8 s, 20 customers who think for 120 s: at
// most 0.109 a second, and then a response time of 64 s (G. Bolch, S. Greiner, H. de
// Meer and K. S. Trivedi, Queueing Networks and Markov Chains, 2nd edition, 2006,
// example 9.6).
func TestClosedThroughputOfAPublishedExample(t *testing.T) {
	b, err := queueing.ClosedThroughput(20, 120, queueing.Station{Demand: 2 * 4.6, Servers: 1}, queueing.Station{Demand: 8, Servers: 1})
	require.NoError(t, err)
	assert.InDelta(t, 0.109, b.High, 0.0005)
	assert.InDelta(t, 64, 20/b.High-120, 0.5)
	assert.InDelta(t, 20/(120+20*17.2), b.Low, 1e-12, "N/(Z + N·ΣD)")
}

// The exact throughput of exponential stations of one server each, by mean value
// analysis (Reiser and Lavenberg, 1980; Lazowska et al., 1984, chapter 6).
func TestClosedThroughputHoldsTheExactOneOfSeveralStations(t *testing.T) {
	for _, think := range []float64{0, 1, 30} {
		for _, demands := range [][]float64{{1}, {1, 1}, {0.2, 3, 1}, {5, 0.01}} {
			var stations []queueing.Station
			for _, d := range demands {
				stations = append(stations, queueing.Station{Demand: d, Servers: 1})
			}
			there := make([]float64, len(demands)) // the mean number at each
			for n := 1; n <= 60; n++ {
				round := think
				for i, d := range demands {
					round += d * (1 + there[i])
				}
				exact := float64(n) / round
				for i, d := range demands {
					there[i] = exact * d * (1 + there[i])
				}
				holds(t, exact, fmt.Sprintf("%d, think %g, %v", n, think, demands), n, think, stations...)
			}
		}
	}
}

// The exact throughput of one exponential station of several servers: N machines
// that stop at random, and c repairmen (Cooper, Introduction to Queueing Theory,
// 1981, chapter 3).
func TestClosedThroughputHoldsTheExactOneOfSeveralServers(t *testing.T) {
	for _, think := range []float64{0.5, 5, 100} {
		for _, c := range []int{1, 2, 4, 25} {
			for _, n := range []int{1, 2, 3, 10, 60, 120} {
				weight, sum, busy := 1.0, 1.0, 0.0
				for k := 1; k <= n; k++ {
					serving := float64(min(k, c))
					weight *= float64(n-k+1) / think / serving
					sum += weight
					busy += weight * serving
				}
				holds(t, busy/sum, fmt.Sprintf("%d, think %g, %d servers", n, think, c), n, think, queueing.Station{Demand: 1, Servers: c})
			}
		}
	}
}

func holds(t *testing.T, exact float64, what string, customers int, think float64, stations ...queueing.Station) {
	t.Helper()
	b, err := queueing.ClosedThroughput(customers, think, stations...)
	require.NoError(t, err)
	assert.LessOrEqual(t, b.Low, exact*(1+1e-12), what)
	assert.GreaterOrEqual(t, b.High, exact*(1-1e-12), what)
}

func TestTheBoundsOfAClosedLoopMeetWhereNothingIsUnknown(t *testing.T) {
	for _, loop := range []struct {
		what      string
		customers int
		think     float64
		stations  []queueing.Station
		want      float64
	}{
		{"busy all the time: c/D", 500, 0, []queueing.Station{{Demand: 0.05, Servers: 25}}, 500},
		{"nobody waits: N/(Z + D)", 25, 1, []queueing.Station{{Demand: 0.25, Servers: 25}}, 20},
		{"no station: N/Z", 500, 0.05, nil, 10_000},
		{"one customer: 1/(Z + ΣD)", 1, 1, []queueing.Station{{Demand: 0.5, Servers: 1}, {Demand: 0.5, Servers: 3}}, 0.5},
	} {
		b, err := queueing.ClosedThroughput(loop.customers, loop.think, loop.stations...)
		require.NoError(t, err)
		assert.InEpsilon(t, loop.want, b.Low, 1e-12, loop.what)
		assert.InEpsilon(t, loop.want, b.High, 1e-12, loop.what)
	}
}

// The exercise: 10 requests a second for 120 s, two workers, polls of 0 to 5 whole
// seconds, and nginx's 60 s. Two runs of the real programs answered 44 and 58.
func TestOverloadOfTheExercise(t *testing.T) {
	must := must(t)
	o := queueing.Overload{Arrivals: 10, Capacity: 2 / 2.5, Patience: 60}
	assert.InDelta(t, 52.174, must(o.Served()), 0.001, "480/9.2")
	assert.InDelta(t, 5.2174, must(o.LastServed()), 0.0001)
	assert.InDelta(t, 243.478, must(o.ServedWithCancellation(120, 1./6)), 0.001, "52.174 + (1,200 − 52.174)/6")
	assert.InDelta(t, must(o.Served()), must(o.ServedWithCancellation(120, 0)), 1e-9, "nothing that takes no time")
	assert.InDelta(t, 1200, must(o.ServedWithCancellation(120, 1)), 1e-9, "nothing that takes time")
}

func TestRatesOfThePoC(t *testing.T) {
	must := must(t)
	assert.InDelta(t, 20, must(queueing.SyncRate(1, 0.05, 0)), 1e-9, "one worker, naps of 50 ms on average")
	assert.InDelta(t, 500, must(queueing.SyncRate(25, 0.05, 0)), 1e-9)
	assert.InDelta(t, 10_000, must(queueing.AsyncRate(1, 500, 0.05, 0)), 1e-9, "nothing but naps")
	assert.InDelta(t, 12/0.000935, must(queueing.AsyncRate(12, 500, 0.0005, 0.000935)), 1e-6, "nothing but the processor")
	nap := must(queueing.Crossover(0.000302, 0.000935, 0.000134))
	assert.InDelta(t, 0.000499, nap, 1e-9)
	assert.InDelta(t, must(queueing.SyncRate(1, nap+0.000134, 0.000302)), must(queueing.AsyncRate(1, 500, nap+0.000134, 0.000935)), 1e-6)
	assert.Equal(t, 25.0, must(queueing.Little(10, 2.5)))
}

func TestKillsOfTheExercise(t *testing.T) {
	rare := queueing.Kills{Workers: 2, Timeout: 30, Boot: 0.18, Arrivals: 0.05}
	b, err := rare.PerMinute()
	require.NoError(t, err)
	assert.InDelta(t, 3, b.Low, 1e-12, "one each")
	assert.InDelta(t, 3, b.High, 1e-12)

	many := rare
	many.Arrivals = 10
	b, err = many.PerMinute()
	require.NoError(t, err)
	assert.InDelta(t, 120/31.18, b.Low, 1e-12)
	assert.InDelta(t, 120/30.18, b.High, 1e-12)

	some := rare
	some.Arrivals = 2 / 31.0 // as many as the workers stand, if the arbiter looks at the best moment
	b, err = some.PerMinute()
	require.NoError(t, err)
	assert.InDelta(t, 120/31.18, b.Low, 1e-12)
	assert.InDelta(t, 120/31.0, b.High, 1e-12)
}
