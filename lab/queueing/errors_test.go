// What is refused, and in what words.

package queueing_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/queueing"
)

func TestWhatCannotBeIsRefusedByName(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	mmc, ggc := queueing.MMc{Arrivals: 3, Service: 1, Servers: 4}, queueing.GGc{Arrivals: 3, Service: 1, Servers: 4}
	overload := queueing.Overload{Arrivals: 10, Capacity: 0.8, Patience: 60}
	kills := queueing.Kills{Workers: 2, Timeout: 30, Boot: 0.18, Arrivals: 1}
	uniform := func(s float64) float64 { return min(1, s/2) }
	station := func(demand float64, servers int) (queueing.Bounds, error) {
		return queueing.ClosedThroughput(5, 1, queueing.Station{Demand: 1, Servers: 1}, queueing.Station{Demand: demand, Servers: servers})
	}
	const tooVaried = "want 2 at most: of service times that vary more, only the mean wait for one server is known"
	number := func(x float64, err error) error { assert.Zero(t, x); return err }
	bounds := func(b queueing.Bounds, err error) error { assert.Zero(t, b); return err }

	for _, c := range []struct {
		err  error
		says string
	}{
		{number(queueing.Little(-1, 1)), "Little: rate is -1: want a number of 0 or more"},
		{number(queueing.Little(1, nan)), "Little: seconds is NaN: want a number of 0 or more"},
		{number(queueing.Little(inf, 1)), "Little: rate is +Inf: want a number of 0 or more"},

		{bounds(queueing.ClosedThroughput(0, 1)), "ClosedThroughput: customers is 0: want 1 to 1,000,000"},
		{bounds(queueing.ClosedThroughput(1, -1)), "ClosedThroughput: think is -1: want a number of 0 or more"},
		{bounds(station(nan, 1)), "ClosedThroughput: stations[1].Demand is NaN: want a number of 0 or more"},
		{bounds(station(1, 0)), "ClosedThroughput: stations[1].Servers is 0: want 1 to 1,000,000"},
		{bounds(queueing.ClosedThroughput(1, 0, queueing.Station{Servers: 1})), "ClosedThroughput: think is 0: want some time there or as a Demand: a round that takes none has no rate"},

		{number(queueing.ErlangC(0, 0)), "ErlangC: servers is 0: want 1 to 1,000,000"},
		{number(queueing.ErlangC(1_000_001, 1)), "ErlangC: servers is 1000001: want 1 to 1,000,000"},
		{number(queueing.ErlangC(4, -1)), "ErlangC: erlangs is -1: want a number of 0 or more"},
		{number(queueing.ErlangC(4, 4)), "ErlangC: erlangs is 4: a queue is stable below the number of servers only, 4; see Overload"},

		{number(queueing.MMc{Service: 1, Servers: 1}.Utilisation()), "MMc: Arrivals is 0: want a number above 0"},
		{number(queueing.MMc{Arrivals: 1, Service: 1}.MeanWait()), "MMc: Servers is 0: want 1 to 1,000,000"},
		{number(queueing.MMc{Arrivals: 4.8, Service: 1, Servers: 4}.MeanTime()), "MMc: utilisation is 1.2: a queue is stable below 1 only; see Overload"},
		{number(queueing.MMc{Arrivals: 4, Service: 1, Servers: 4}.Tail(1)), "MMc: utilisation is 1: a queue is stable below 1 only; see Overload"},
		{number(queueing.MMc{Arrivals: inf, Service: 1, Servers: 4}.Quantile(0.5)), "MMc: Arrivals is +Inf: want a number above 0"},
		{number(queueing.MMc{}.WaitTail(1)), "MMc: Arrivals is 0: want a number above 0"},
		{number(mmc.WaitTail(-1)), "MMc.WaitTail: seconds is -1: want a number of 0 or more"},
		{number(mmc.Tail(nan)), "MMc.Tail: seconds is NaN: want a number of 0 or more"},
		{number(mmc.Quantile(99)), "MMc.Quantile: p is 99: want a part, above 0 and below 1: 0.99 is 99 in 100"},
		{number(mmc.Quantile(0)), "MMc.Quantile: p is 0: want a part, above 0 and below 1: 0.99 is 99 in 100"},

		{number(queueing.GGc{Arrivals: 4, Service: 1, Servers: 4}.Utilisation()), "GGc: utilisation is 1: a queue is stable below 1 only; see Overload"},
		{number(queueing.GGc{Arrivals: 3, ArrivalSCV: -1, Service: 1, Servers: 4}.MeanWait()), "GGc: ArrivalSCV is -1: want a number of 0 or more"},
		{number(queueing.GGc{Arrivals: 3, ArrivalSCV: 1.5, Service: 1, Servers: 4}.MeanTime()), "GGc: ArrivalSCV is 1.5: want 0 to 1: the approximation is for arrivals no more irregular than Poisson"},
		{number(queueing.GGc{Arrivals: 3, ServiceSCV: nan, Service: 1, Servers: 4}.WaitTail(0)), "GGc: ServiceSCV is NaN: want a number of 0 or more"},
		{number(queueing.GGc{Arrivals: 3, ServiceSCV: 2.5, Service: 1, Servers: 4}.MeanWait()), "GGc: ServiceSCV is 2.5: " + tooVaried},
		{number(queueing.GGc{Arrivals: 3, ServiceSCV: 2.5, Service: 1, Servers: 4}.MeanTime()), "GGc: ServiceSCV is 2.5: " + tooVaried},
		{number(queueing.GGc{Arrivals: 0.5, ServiceSCV: 2.5, Service: 1, Servers: 1}.WaitTail(0)), "GGc: ServiceSCV is 2.5: " + tooVaried},
		{number(queueing.GGc{Arrivals: 0.5, ServiceSCV: 2.5, Service: 1, Servers: 1}.Quantile(0.5, uniform)), "GGc: ServiceSCV is 2.5: " + tooVaried},
		{number(ggc.WaitTail(inf)), "GGc.WaitTail: seconds is +Inf: want a number of 0 or more"},
		{number(queueing.GGc{}.Quantile(0.5, uniform)), "GGc: Arrivals is 0: want a number above 0"},
		{number(ggc.Quantile(1, uniform)), "GGc.Quantile: p is 1: want a part, above 0 and below 1: 0.99 is 99 in 100"},
		{number(ggc.Quantile(0.9999, uniform)), "GGc.Quantile: p is 0.9999: want 0.999 at most: the approximation does not know what is rarer"},
		{number(ggc.Quantile(0.5, nil)), "GGc.Quantile: serviceCDF is nil: want the distribution of the service times"},
		{number(ggc.Quantile(0.5, func(float64) float64 { return 2 })), "GGc.Quantile: serviceCDF(1) is 2: want a part, from 0 to 1"},
		{number(ggc.Quantile(0.5, func(float64) float64 { return nan })), "GGc.Quantile: serviceCDF(1) is NaN: want a part, from 0 to 1"},
		{number(ggc.Quantile(0.5, func(float64) float64 { return 0.4 })), "GGc.Quantile: serviceCDF is 0.4: want it to reach 1, and not to be there after 1.073741824e+09 seconds"},

		{number(queueing.Overload{Capacity: 1, Patience: 1}.Served()), "Overload: Arrivals is 0: want a number above 0"},
		{number(queueing.Overload{Arrivals: 1, Patience: 1}.LastServed()), "Overload: Capacity is 0: want a number above 0"},
		{number(queueing.Overload{Arrivals: 1, Capacity: 0.5, Patience: inf}.LastServed()), "Overload: Patience is +Inf: want a number above 0"},
		{number(queueing.Overload{Arrivals: 1, Capacity: 1, Patience: 1}.Served()), "Overload: Arrivals is 1: want more than Capacity, 1: a queue with less keeps up, see MMc and GGc"},
		{number(queueing.Overload{Arrivals: 1, Capacity: 2, Patience: 1}.ServedWithCancellation(1, 0)), "Overload: Arrivals is 1: want more than Capacity, 2: a queue with less keeps up, see MMc and GGc"},
		{number(overload.ServedWithCancellation(5, 0)), "Overload.ServedWithCancellation: over is 5: want LastServed at least, 5.217391304347826 seconds: of a shorter load all are served"},
		{number(overload.ServedWithCancellation(nan, 0)), "Overload.ServedWithCancellation: over is NaN: want a number above 0"},
		{number(overload.ServedWithCancellation(120, 1.1)), "Overload.ServedWithCancellation: atOnce is 1.1: want a part, from 0 to 1"},

		{bounds(func() (queueing.Bounds, error) { k := kills; k.Workers = 0; return k.PerMinute() }()), "Kills: Workers is 0: want 1 to 1,000,000"},
		{bounds(func() (queueing.Bounds, error) { k := kills; k.Timeout = 0; return k.PerMinute() }()), "Kills: Timeout is 0: want a number above 0"},
		{bounds(func() (queueing.Bounds, error) { k := kills; k.Boot = -1; return k.PerMinute() }()), "Kills: Boot is -1: want a number of 0 or more"},
		{bounds(func() (queueing.Bounds, error) { k := kills; k.Arrivals = nan; return k.PerMinute() }()), "Kills: Arrivals is NaN: want a number above 0"},

		{number(queueing.SyncRate(0, 1, 1)), "SyncRate: workers is 0: want 1 to 1,000,000"},
		{number(queueing.SyncRate(1, -1, 1)), "SyncRate: nap is -1: want a number of 0 or more"},
		{number(queueing.SyncRate(1, 1, nan)), "SyncRate: cpu is NaN: want a number of 0 or more"},
		{number(queueing.SyncRate(1, 0, 0)), "SyncRate: nap is 0: want some time there or as cpu: what takes none has no rate"},
		{number(queueing.AsyncRate(0, 1, 1, 1)), "AsyncRate: loops is 0: want 1 to 1,000,000"},
		{number(queueing.AsyncRate(1, 0, 1, 1)), "AsyncRate: connections is 0: want 1 to 1,000,000"},
		{number(queueing.AsyncRate(1, 1, nan, 1)), "AsyncRate: nap is NaN: want a number of 0 or more"},
		{number(queueing.AsyncRate(1, 1, 1, inf)), "AsyncRate: cpu is +Inf: want a number of 0 or more"},
		{number(queueing.AsyncRate(1, 1, 0, 0)), "AsyncRate: nap is 0: want some time there or as cpu: what takes none has no rate"},
		{number(queueing.Crossover(-1, 1, 0)), "Crossover: syncCPU is -1: want a number of 0 or more"},
		{number(queueing.Crossover(1, nan, 0)), "Crossover: asyncCPU is NaN: want a number of 0 or more"},
		{number(queueing.Crossover(1, 2, inf)), "Crossover: overshoot is +Inf: want a number of 0 or more"},
		{number(queueing.Crossover(0.5, 1, 0.5)), "Crossover: asyncCPU is 1: want more than syncCPU and overshoot, 1: otherwise there is no nap at which a sync worker answers more"},
	} {
		assert.EqualError(t, c.err, "queueing: "+c.says)
	}
}
