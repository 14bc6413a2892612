// Open loops that can be served, against the simulator: Little's law, M/M/c and
// G/G/c.

package queueing_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab/queueing"
)

// mmcPoints are five servers, half full to seven tenths.
var mmcPoints = []queue{
	{server: workers(1), arrivals: 0.5},
	{server: threads(2), arrivals: 1},
	{server: workers(4), arrivals: 2.8},
	{server: threads(8), arrivals: 5.6},
	{server: threads(25), arrivals: 18},
}

func (q queue) servers() int { return q.server.Workers * q.server.Threads }

// mmcRequests is about how many requests each point gets.
const mmcRequests = 10_250

// mmcHistories are what became of them, once it is known: two tests look at it.
var mmcHistories = make([]history, len(mmcPoints))

// mmc is the i-th of mmcPoints in theory and in practice, and how many seconds a
// batch is.
func mmc(t *testing.T, i int) (q queueing.MMc, h history, batch float64) {
	t.Helper()
	p := mmcPoints[i]
	q = queueing.MMc{Arrivals: p.arrivals, Service: 1, Servers: p.servers()}
	if mmcHistories[i].times == nil {
		p.service, p.poisson = feedsim.Exponential(time.Second), true
		mmcHistories[i] = p.run(t, uint64(i), mmcRequests)
	}
	// What the number in M/M/1 was is forgotten with the relaxation time S/(1 − √ρ)² (P.
	// M. Morse, Queues, Inventories and Maintenance, 1958), and in a busy M/M/c c
	// times as fast.
	batch = mmcRequests / q.Arrivals / 41
	require.Greater(t, batch, 5/(float64(q.Servers)*math.Pow(1-math.Sqrt(must(t)(q.Utilisation())), 2)), "a batch of %+v", q)
	return q, mmcHistories[i], batch
}

func TestMMcIsWhatTheWorkerModelsDo(t *testing.T) {
	needsSpeed(t)
	must := must(t)
	var c claims
	for i := range mmcPoints {
		q, h, _ := mmc(t, i)
		waits, times := batches(t, h.waits), batches(t, h.times)
		point := fmt.Sprintf("M/M/%d, %g busy", q.Servers, must(q.Utilisation()))

		c.holds(point, "Waits", must(queueing.ErlangC(q.Servers, q.Arrivals*q.Service)), batches(t, above(ofTheModel, h.waits)))
		c.holds(point, "MeanWait", must(q.MeanWait()), waits)
		c.holds(point, "MeanTime", must(q.MeanTime()), times)
		c.holds(point, "WaitTail(1/2)", must(q.WaitTail(0.5)), batches(t, above(0.5, h.waits)))
		c.holds(point, "Tail(2)", must(q.Tail(2)), batches(t, above(2, h.times)))
		c.holds(point, "above Quantile(0.9)", 0.1, batches(t, above(must(q.Quantile(0.9)), h.times)))
		c.holds(point, "Little: in flight", must(queueing.Little(q.Arrivals, must(q.MeanTime()))), batches(t, h.inFlight))
		if q.Servers > 1 {
			one := queueing.MMc{Arrivals: q.Arrivals, Service: 1 / float64(q.Servers), Servers: 1}
			c.mistaken(point, "Waits of one fast server", must(queueing.ErlangC(one.Servers, one.Arrivals*one.Service)), must(queueing.ErlangC(one.Servers, one.Arrivals*one.Service)), batches(t, above(ofTheModel, h.waits)))
			c.mistaken(point, "MeanTime of one fast server", must(one.MeanTime()), must(one.MeanTime()), times)
		}
	}
	c.verify(t)
}

// The means of batches are off by Deviation: the sum of their squares over its own
// is chi-squared.
func TestDeviationIsHowFarOffTheMeansOfBatchesAre(t *testing.T) {
	needsSpeed(t)
	for i := range mmcPoints {
		q, h, batch := mmc(t, i)
		number, err := queueing.Little(q.Arrivals, must(t)(q.MeanTime()))
		require.NoError(t, err)
		deviation, err := q.Deviation(batch, func(n int) float64 { return float64(n) })
		require.NoError(t, err)
		means, sum := batches(t, h.inFlight), 0.0
		for _, mean := range means {
			sum += math.Pow((mean-number)/deviation, 2)
		}
		chance := byChance / float64(len(mmcPoints)) / 2
		chi := distuv.ChiSquared{K: float64(len(means))}
		t.Logf("M/M/%d: %d squares are %.1f, between %.1f and %.1f was predicted", q.Servers, len(means), sum, chi.Quantile(chance), chi.Quantile(1-chance))
		assert.Greater(t, sum, chi.Quantile(chance), "%+v: means are less far off", q)
		assert.Less(t, sum, chi.Quantile(1-chance), "%+v: means are farther off", q)
	}
}

func TestGGcIsWhatTheWorkerModelsDoWithinItsStatedError(t *testing.T) {
	needsSpeed(t)
	must := must(t)
	second := time.Second
	var c claims
	for i, p := range []struct {
		name string
		queue
		likeMMc bool // so much so that the sample does not tell them apart
	}{
		{"D/M/1", queue{server: workers(1), arrivals: 0.5, service: feedsim.Exponential(second)}, false},
		{"D/U/1", queue{server: threads(1), arrivals: 0.8, service: feedsim.Uniform(0, 2*second)}, false},
		{"M/D/2", queue{server: workers(2), arrivals: 1.4, poisson: true, service: feedsim.Constant(second)}, false},
		{"M/U/4", queue{server: threads(4), arrivals: 2.8, poisson: true, service: feedsim.Uniform(0, 2*second)}, true},
		{"D/lognormal/4", queue{server: threads(4), arrivals: 3, service: feedsim.LogNormal(second, 1)}, true},
		{"M/lognormal/10", queue{server: threads(10), arrivals: 7, poisson: true, service: feedsim.LogNormal(second, 1)}, true},
		{"D/U/25", queue{server: threads(25), arrivals: 9, service: feedsim.Uniform(0, 5*second)}, false},
	} {
		mean := p.service.Mean().Seconds()
		q := queueing.GGc{Arrivals: p.arrivals, Service: mean, ServiceSCV: p.service.Variance() / mean / mean, Servers: p.servers()}
		tailTooLow, tailTooHigh := 0.1, 0.18
		if p.poisson {
			q.ArrivalSCV, tailTooLow, tailTooHigh = 1, 0.06, 0.06
		}
		h := p.run(t, uint64(i), 6_150)
		point := fmt.Sprintf("%s, %.2g busy", p.name, must(q.Utilisation()))

		// A tenth of the true wait and so much of a service time.
		besides := 0.07
		if q.ServiceSCV > 1 {
			besides = 0.1
		}
		within := func(wait float64) (low, high float64) {
			return max(0, (wait-besides*mean)/1.1), (wait + besides*mean) / 0.9
		}
		low, high := within(must(q.MeanWait()))
		c.between(point, "MeanWait", low, high, batches(t, h.waits))
		c.between(point, "MeanTime", mean+low, mean+high, batches(t, h.times))
		for _, after := range []float64{ofTheModel, mean} {
			tail := must(q.WaitTail(after))
			c.between(point, fmt.Sprintf("WaitTail(%.1f)", after), max(0, tail-tailTooHigh), tail+tailTooLow, batches(t, above(after, h.waits)))
		}
		part := 0.3
		if q.Servers >= 4 {
			part = 0.1
		}
		x := must(q.Quantile(0.9, p.service.CDF))
		c.between(point, "above Quantile(0.9), lowest", 0.1, 1, batches(t, above(x/(1+part), h.times)))
		c.between(point, "above Quantile(0.9), highest", 0, 0.1, batches(t, above(x/(1-part), h.times)))

		if !p.likeMMc {
			m := queueing.MMc{Arrivals: q.Arrivals, Service: mean, Servers: q.Servers}
			low, high := within(must(m.MeanWait()))
			c.mistaken(point, "MeanWait of M/M/c", low, high, batches(t, h.waits))
		}
		if !p.poisson && q.Servers == 1 {
			low, high := within(must(queueing.MMc{Arrivals: q.Arrivals, Service: mean, Servers: 1}.MeanWait()) * q.ServiceSCV / 2)
			c.mistaken(point, "uncorrected MeanWait", low, high, batches(t, h.waits))
		}
	}
	c.verify(t)
}

// What GGc says it is off by at most is what it is off by, where the truth is known.
// E_k/M/1 (and D/M/1, k without end) waits σ/(μ(1−σ)) on average, and with
// probability σ, the root below 1 of σ = A*(μ − μσ), A* being the Laplace transform
// of the times between arrivals: (kλ/(kλ + s))^k and exp(−s/λ) (L. Kleinrock,
// Queueing Systems, volume 1, 1975, chapter 6). Their SCV is 1/k.
func TestGGcOfOneServerIsWithinItsStatedErrorOfErlangArrivals(t *testing.T) {
	must := must(t)
	for _, k := range []float64{1, 2, 3, 4, 8, 16, math.Inf(1)} {
		for _, u := range []float64{0.5, 0.6, 0.7, 0.8, 0.9, 0.95} {
			transform := func(s float64) float64 {
				if math.IsInf(k, 1) {
					return math.Exp(-s / u)
				}
				return math.Pow(k*u/(k*u+s), k)
			}
			sigma := 0.0
			for range 2_000 { // each brings it nearer by a twentieth at least
				sigma = transform(1 - sigma)
			}
			wait := sigma / (1 - sigma)
			q := queueing.GGc{Arrivals: u, ArrivalSCV: 1 / k, Service: 1, ServiceSCV: 1, Servers: 1}
			point := fmt.Sprintf("E%g/M/1, %g busy", k, u)

			off := must(q.MeanWait())/wait - 1
			assert.GreaterOrEqual(t, off, -1e-9, "%s: MeanWait is too low", point)
			assert.LessOrEqual(t, off, 0.09, "%s: MeanWait is too high", point)
			off = must(q.WaitTail(0)) - sigma
			assert.GreaterOrEqual(t, off, -0.025, "%s: too few have to wait", point)
			assert.LessOrEqual(t, off, 0.002, "%s: too many have to wait", point)
			if k > 1 && u <= 0.7 {
				uncorrected := must(queueing.MMc{Arrivals: u, Service: 1, Servers: 1}.MeanWait()) * (1 + 1/k) / 2
				assert.Greater(t, uncorrected/wait-1, 0.09, "%s: the correction makes no difference", point)
			}
		}
	}
}
