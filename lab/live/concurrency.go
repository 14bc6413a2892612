// How many requests a server has in service at a time, from what their clients saw.

package live

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Concurrency is how many requests of a path a server served at a time, when Asked
// of them came at almost the same time.
type Concurrency struct {
	Path  string
	Asked int
	// AtOnce is the most requests that were certainly in service at one moment.
	AtOnce int
	// InService is the mean number in service while there was enough to do, by
	// Little's law: throughput × service time, of a view that naps the nap (J. D. C. Little, "A Proof for the
	// Queuing Formula: L = λW", Operations Research 9(3), 1961).
	InService float64
	// Limited says that requests waited though nothing but others was in their
	// way: AtOnce is the limit. Without it AtOnce is how far the diagnosis looked.
	Limited bool

	// waited is how many requests waited. unsteady says that they did, and yet there
	// were fewer in service than there had been, or that fewer waited than would.
	// took is how long the burst took. held says that what held requests up is what
	// they take besides their nap, doubted that they waited for no reason that is
	// understood: nothing is made of that.
	waited                  int
	took                    time.Duration
	unsteady, held, doubted bool
}

// A service is one request as its client saw it: it was answered at end, and took
// long of that time by itself.
type service struct {
	sent, end, long time.Duration
}

func (s service) begin() time.Duration { return s.end - s.long }

func (s service) wait() time.Duration { return s.end - s.sent - s.long }

// measure is the concurrency of requests that came at almost the same time. A
// difference below grain is nothing: clocks and wake-ups are late now and then. A
// request has waited if it did so for more than patience.
//
// A served request is in service from end − long to end, provided that replies
// leave at once. Where a loop keeps all replies to the end of its turn, as uvloop
// does, such intervals overlap that were one after another; but then requests
// waited that seem to have been in service, and throughput × service time stays
// low. So where that is much lower than the overlap, only requests that did not
// wait are counted: both ends of those are certain.
//
// Of a view that naps the nap is the service. What a request takes by itself besides,
// more of the mean, may be before the nap or after it, may be waited for or computed,
// and so is left out; only for what is believable and steady it is added, because it
// may occupy a worker as well.
func measure(path string, all []service, more, grain, patience time.Duration) Concurrency {
	c := Concurrency{Path: path, Asked: len(all)}
	var prompt []service
	for _, s := range all {
		if s.wait() > patience {
			c.waited++
		}
		if s.wait() <= 2*grain {
			prompt = append(prompt, s)
		}
	}
	// One late wake-up makes a request wait; a limit makes many.
	c.Limited = c.waited >= max(2, len(all)/8)
	c.InService = inService(all)
	c.AtOnce = overlap(all, grain, 0)
	occupied := c.InService
	if mean := meanOf(all); mean > 0 {
		occupied *= 1 + float64(more)/float64(mean)
	}
	switch {
	case !c.Limited:
	case occupied < believable*float64(c.AtOnce):
		c.AtOnce = max(1, overlap(prompt, grain, 0), int(math.Round(c.InService)))
	default:
		c.AtOnce = max(1, overlap(all, 0, often))
	}
	c.unsteady = c.Limited && (occupied < steady*float64(c.AtOnce) || c.waited < (len(all)-c.AtOnce)/2)
	return c
}

const (
	// believable is the least share of an overlap that the mean in service must reach.
	// c servers that always have somebody waiting have c in service; servers that have
	// queues of their own, and one or the other of them nothing to do, somewhat fewer.
	believable = 0.6
	// steady is the same of a limit: gunicorn's 2 × 25 threads, which have a queue for
	// each 25, were measured at 0.83.
	steady = 0.75
	// often is the share of the time for which a limit must be reached. Where somebody
	// waits it is reached most of the time; a reply that is seen late seems to exceed
	// it, for as long as it is late.
	often = 0.2
)

func meanOf(all []service) time.Duration {
	var sum time.Duration
	for _, s := range all {
		sum += s.long
	}
	return sum / time.Duration(max(1, len(all)))
}

// pace is how many services began in a second.
func pace(all []service) float64 {
	first, last := time.Duration(math.MaxInt64), time.Duration(math.MinInt64)
	for _, s := range all {
		first, last = min(first, s.begin()), max(last, s.begin())
	}
	return float64(len(all)-1) / max(last-first, 1).Seconds()
}

// overlap is the most intervals of service, each shortened by grain at both ends,
// that have a moment in common; or moments that are more than a share of the time
// until the last of them began.
func overlap(all []service, grain time.Duration, share float64) int {
	type change struct {
		at time.Duration
		by int
	}
	var changes []change
	begin, last := time.Duration(math.MaxInt64), time.Duration(0)
	for _, s := range all {
		if from, to := s.begin()+grain, s.end-grain; from < to {
			changes = append(changes, change{from, +1}, change{to, -1})
			begin, last = min(begin, from), max(last, from)
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.by, b.by)) })
	at := make([]time.Duration, len(changes)+1) // how long there were so many
	now := 0
	for i, c := range changes {
		now += c.by
		if until := min(last, changes[min(i+1, len(changes)-1)].at); share == 0 || until > c.at {
			at[now] += max(1, until-c.at)
		}
	}
	enough := time.Duration(share * float64(last-begin))
	var longer time.Duration
	for n := len(at) - 1; n > 0; n-- {
		if longer += at[n]; longer > enough {
			return n
		}
	}
	return 0
}

// inService is throughput × mean service time, from when the first request came
// until the last one began: after that there is less to do than there are servers.
func inService(all []service) float64 {
	if len(all) == 0 {
		return 0
	}
	begin, end := all[0].sent, time.Duration(0)
	for _, s := range all {
		end = max(end, s.begin())
	}
	var busy time.Duration
	for _, s := range all {
		busy += max(0, min(s.end, end)-max(s.begin(), begin))
	}
	if end <= begin {
		return float64(len(all))
	}
	return float64(busy) / float64(end-begin)
}

// certain reports whether a limit needs no second look: all waited for one another.
func (c *Concurrency) certain() bool {
	return c.AtOnce == 1 && c.waited >= c.Asked-2 && !c.unsteady
}

// alike reports whether two limits may well be one.
func (c *Concurrency) alike(other *Concurrency) bool {
	return c.Limited && other.Limited && 5*max(c.AtOnce, other.AtOnce) <= 6*min(c.AtOnce, other.AtOnce)
}

// mayGoOn reports whether more requests might show more of them in service: none
// waited, or most were in service at once.
func (c *Concurrency) mayGoOn() bool {
	return !c.held && (!c.Limited || 2*c.AtOnce > c.Asked)
}

// clearlyLess reports whether a view is served by fewer at a time than another is,
// at least twice as many.
func (c *Concurrency) clearlyLess(other *Concurrency) bool {
	return c != nil && other != nil && c.Limited && other.AtOnce >= 2*c.AtOnce
}
