// A closed loop: so many customers go round, whatever the replies.

package queueing

import "fmt"

// A Station is a place where requests queue: workers, threads, a loop's CPU, a
// feed that works on so many at a time.
type Station struct {
	Demand  float64 // seconds of service that a request needs there in all, waiting not counted
	Servers int     // how many requests it serves at a time
}

// Bounds are what a number lies between.
type Bounds struct{ Low, High float64 }

// ClosedThroughput is what a closed loop of so many customers (connections) gets
// in replies a second. Each spends think seconds where nobody queues, such as its
// own pauses and naps that await, and Demand seconds of service at each station.
//
// With N customers, Z seconds of thinking, and demand D and c servers of each
// station,
//
//	High = min(N/(Z + ΣD), the least c/D)
//	Low  = N/(Z + Σ D·max(1, N/c))
//
// High is the two asymptotes: nobody ever waits, and the bottleneck never rests.
// Low is the pessimistic one: whoever comes to a station finds all others there
// before him, of whom N − c have to leave before one of its c servers takes him.
// At one station and without thinking both are c/D as soon as N ≥ c, and the
// throughput is known; with N ≤ c everywhere both are N/(Z + ΣD).
//
// High holds for any service times. Low follows, for exponential ones, from what
// somebody who comes to a station finds there: what is there in a loop with one
// customer less (M. Reiser and S. S. Lavenberg, Mean-Value Analysis of Closed
// Multichain Queuing Networks, Journal of the ACM 27(2), 1980); it is no proof for
// others. There has to be some time: think or a Demand above 0.
//
// P. J. Denning and J. P. Buzen, The Operational Analysis of Queueing Network
// Models, ACM Computing Surveys 10(3), 1978, Bottleneck Analysis; E. D.
// Lazowska, J. Zahorjan, G. S. Graham and K. C. Sevcik, Quantitative System
// Performance, 1984, section 5.2, Asymptotic Bounds, which is for one server a
// station: there Low is N/(Z + N·ΣD).
func ClosedThroughput(customers int, think float64, stations ...Station) (Bounds, error) {
	const of = "ClosedThroughput"
	if err := first(counted(of, "customers", customers), atLeast0(of, "think", think)); err != nil {
		return Bounds{}, err
	}
	n := float64(customers)
	alone, behindAll := think, think // a round's seconds
	var bottleneck float64           // seconds a request, of the station that is busiest
	for i, s := range stations {
		where := fmt.Sprintf("stations[%d].", i)
		if err := first(atLeast0(of, where+"Demand", s.Demand), counted(of, where+"Servers", s.Servers)); err != nil {
			return Bounds{}, err
		}
		c := float64(s.Servers)
		alone += s.Demand
		behindAll += s.Demand * max(1, n/c)
		bottleneck = max(bottleneck, s.Demand/c)
	}
	if alone == 0 {
		return Bounds{}, refuse(of, "think", think, "want some time there or as a Demand: a round that takes none has no rate")
	}
	// Without a station 1/bottleneck is infinite, and no bound.
	return Bounds{Low: n / behindAll, High: min(n/alone, 1/bottleneck)}, nil
}
