// The open loop: a rate, whatever the replies, as vegeta's.

package load

import (
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// maxArrivals bounds what one open loop may ask for: each request costs a
// record, and a rate a thousand times too high should be an error, not a
// machine without memory.
const maxArrivals = 10_000_000

// Open is an open loop: requests at a rate, whatever becomes of the replies,
// each from a client of its own on a connection of its own. Latency counts from
// the scheduled instant (as vegeta's does from the tick, lib/attack.go), so
// neither a dial that hangs nor a late load generator flatters the server.
type Open struct {
	Name string  // in records and tables; default: made from the numbers and the path
	Path string  // request target: "/check_feed"
	Rate float64 // requests per second

	// Poisson draws exponential gaps, with mean 1/Rate, from the target's seed;
	// the number of requests is then random too. Otherwise request k, from 0,
	// comes k/Rate after Start, and there are Rate×Duration of them, rounded
	// down.
	Poisson bool

	// Start is when the load begins, counted from the run's begin; its last
	// request comes before Start+Duration. The replies are waited for beyond
	// that. What would be sent at the run's horizon or after it is not sent and
	// leaves no record.
	Start, Duration time.Duration

	// Timeout is how long after the scheduled instant the client gives up and
	// closes its connection, wherever it is, dialling included; 0 waits to the
	// horizon.
	Timeout time.Duration

	KeepBody bool        // keep each reply's body in its record
	Header   http.Header // sent with each request, besides Host and X-Request-ID
}

// Probe is a light request at regular intervals for as long as duration, to see
// what a bystander sees: the front page while another route is under load. It
// waits for its replies to the horizon; set Start or Timeout on what it returns
// for less.
func Probe(name, path string, every, duration time.Duration) Open {
	return Open{Name: name, Path: path, Rate: 1 / every.Seconds(), Duration: duration}
}

// String returns Name, or one like "open 10/s /check_feed".
func (o Open) String() string {
	if o.Name != "" {
		return o.Name
	}
	return fmt.Sprintf("open %g/s %s", o.Rate, o.Path)
}

func (o Open) check(horizon time.Duration) error {
	if !(o.Rate > 0) || math.IsInf(o.Rate, 0) { // so that NaN is caught too
		return wrong("Rate", "is %v: it must be a number more than 0", o.Rate)
	}
	if o.Timeout < 0 {
		return wrong("Timeout", "is %v: it must be 0 or more", o.Timeout)
	}
	if err := checkSpan(o.Start, o.Duration, horizon); err != nil {
		return err
	}
	switch n := o.Rate * o.Duration.Seconds(); {
	case n > maxArrivals:
		return wrong("Rate × Duration", "is %.3g requests: %d is the most", n, maxArrivals)
	case !o.Poisson && o.count() == 0:
		return wrong("Rate × Duration", "is %.3g: not one request", n)
	}
	if err := checkPath(o.Path); err != nil {
		return err
	}
	return checkHeader(o.Header)
}

// count is Rate×Duration rounded down, where a rate like 1/0.3 must not lose its
// last request to the rounding of a float.
func (o Open) count() int { return int(math.Floor(o.Rate*o.Duration.Seconds() + 1e-6)) }

// arrivals are the instants of the requests, counted from Start, ascending, no
// two the same.
func (o Open) arrivals(seed uint64, load int) []time.Duration {
	if !o.Poisson {
		at := make([]time.Duration, o.count())
		for k := range at {
			at[k] = time.Duration(math.Round(float64(k) / o.Rate * 1e9))
		}
		return at
	}
	var at []time.Duration
	sum, last := 0.0, time.Duration(-1)
	for k := 0; ; k++ {
		sum += -math.Log1p(-uniform(seed, uint64(load), uint64(k))) / o.Rate
		if sum >= o.Duration.Seconds() {
			return at
		}
		last = max(time.Duration(math.Round(sum*1e9)), last+1)
		at = append(at, last)
	}
}

func (o Open) plan(r *run, p place) planned {
	at := o.arrivals(r.target.Seed, p.index)
	for i, t := range at {
		if t += o.Start + p.offset; t >= r.horizon {
			at = at[:i]
			break
		}
		at[i] = t
	}
	name, head := o.String(), requestHead(o.Path, r.target.Host, o.Header)
	return planned{
		clients: len(at),
		width:   1,
		start: func() []Record {
			records := make([]Record, len(at))
			sent := 0
			var wg sync.WaitGroup
			for k, scheduled := range at {
				if !r.sleepUntil(scheduled) {
					break
				}
				cl := &client{run: r, load: name, id: p.client + k, head: head, keepBody: o.KeepBody}
				if !cl.start(true, scheduled) {
					break
				}
				sent++
				wg.Go(func() { records[k] = o.one(cl) })
			}
			wg.Wait()
			return records[:sent]
		},
	}
}

// one lets a client make its one request.
func (o Open) one(cl *client) Record {
	defer cl.close()
	horizon, until := cl.run.horizon, cl.run.horizon
	if o.Timeout > 0 && o.Timeout < horizon-cl.scheduled {
		until = cl.scheduled + o.Timeout
	}
	rec := cl.do(request{scheduled: cl.scheduled, until: until, end: horizon, fromScheduled: true})
	rec.Latency = rec.End - rec.Scheduled
	return rec
}

// uniform is a number in [0,1) that depends on its arguments and on nothing else.
func uniform(seed, load, k uint64) float64 {
	next := func(x uint64) uint64 { return repeatable.Mix(x + repeatable.Weyl) }
	x := next(next(next(seed)^load) ^ k)
	return float64(x>>11) / (1 << 53)
}
