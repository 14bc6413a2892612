// A queue that gets more than it can serve, and whose clients give up.

package queueing

import "fmt"

// Overload is a queue, first in, first out, that gets more than it can serve, and
// whose clients leave after a while without telling: nginx answers 504, and the
// app server serves the request all the same. The queue is empty when the load
// begins.
//
// The k-th request comes after k/λ seconds and, with all servers busy from the
// beginning, is done after k/μ. Its client is still there if k/μ − k/λ ≤ T. So
// the first λμT/(λ−μ) requests are served in time, their service included, and
// after them nobody: the servers are busy for clients that have left.
//
// That is the fluid limit. It is too high by up to c·(λ+μ)/(λ−μ) + 1 requests, of
// c servers with a constant service time, since the servers begin one after
// another, and those that begin together end together. Where service times vary a
// single run is off, either way, by the spread of the time that so many services
// take, times λ/(λ−μ).
//
// Every method returns an error for a field that cannot be, and where Arrivals is
// not above Capacity: see [MMc] and [GGc] for such a queue.
//
// It is the arithmetic of cumulative arrivals and departures: G. F. Newell,
// Applications of Queueing Theory, 2nd edition, 1982, chapter 2, with the clients'
// patience added.
type Overload struct {
	Arrivals float64 // λ, a second
	Capacity float64 // μ: how many a second the servers can serve, servers/E[S]
	Patience float64 // T: how many seconds after its request a client leaves
}

// Served is how many requests are ever served in time: λμT/(λ−μ). The load has to
// last for LastServed seconds at least; of a shorter one all are served.
func (o Overload) Served() (float64, error) {
	last, err := o.LastServed()
	return o.Arrivals * last, err
}

// LastServed is how many seconds after the load's begin the last request comes
// that is served in time: μT/(λ−μ). Where service times vary a straggler may still
// be lucky after it.
func (o Overload) LastServed() (float64, error) {
	if err := o.check(); err != nil {
		return 0, err
	}
	return o.Capacity * o.Patience / (o.Arrivals - o.Capacity), nil
}

// ServedWithCancellation is how many are served in time, of a load that lasts
// over seconds, by handlers that end when their client leaves: the first Served,
// and of all that come later the part atOnce, whose service takes no time.
//
// Once the wait has reached T, whoever is next in the queue has just not left: who
// has is dropped in no time, and the queue moves as fast as clients give up. What
// each then has left of his patience is r, where E[min(S, r)] = c/λ with c servers
// and service times S: that is each one's share of the servers. atOnce is the part
// of the service times that are at most r, and there are two cases in which it does
// not matter that r varies from one request to the next:
//
//   - A part of the service times is nothing, and the rest far above c/λ: atOnce
//     is that part.
//   - Service times are exponential: atOnce is μ/λ, for servers that are always
//     busy with somebody who is there do all that they can.
//
// On the way there it is off by as much as Served is, either way.
//
// It returns an error too where over is less than LastServed.
func (o Overload) ServedWithCancellation(over, atOnce float64) (float64, error) {
	const of = "Overload.ServedWithCancellation"
	served, err := o.Served()
	if err := first(err, above0(of, "over", over), part(of, "atOnce", atOnce)); err != nil {
		return 0, err
	}
	if last := served / o.Arrivals; over < last {
		return 0, refuse(of, "over", over, fmt.Sprintf("want LastServed at least, %g seconds: of a shorter load all are served", last))
	}
	return served + (o.Arrivals*over-served)*atOnce, nil
}

// check returns an error that names what cannot be.
func (o Overload) check() error {
	const of = "Overload"
	err := first(above0(of, "Arrivals", o.Arrivals), above0(of, "Capacity", o.Capacity), above0(of, "Patience", o.Patience))
	if err == nil && o.Arrivals <= o.Capacity {
		err = refuse(of, "Arrivals", o.Arrivals, fmt.Sprintf("want more than Capacity, %g: a queue with less keeps up, see MMc and GGc", o.Capacity))
	}
	return err
}
