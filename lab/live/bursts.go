// Exhaustion: bursts that grow until requests wait for each other.

package live

import (
	"fmt"
	"slices"
	"time"
)

// A size is a burst: how many requests, and how long they nap at most. The more
// there are, the longer they nap, so that they are all there before the first ones
// leave.
type size struct {
	n     int
	sleep time.Duration
}

var sizes = []size{{8, 400 * time.Millisecond}, {32, 600 * time.Millisecond}, {128, time.Second}}

const (
	// leastStagger is how long after another a request is sent: time enough for a
	// process that got one to be busy, so that another gets the next.
	leastStagger = 4 * time.Millisecond
	mostStagger  = 20 * time.Millisecond
	// longestBurst is how long a burst after the first may be expected to take.
	longestBurst = 8 * time.Second
	// longestAgain is how long a burst may have taken that is repeated.
	longestAgain = 4 * time.Second
	// apart is the least stagger of requests that block: a process that is idle needs
	// time to wake up on a busy machine, or the one that is awake takes two.
	apart = 12 * time.Millisecond
	// timesTheLimit is how many times as big as its limit a burst should be, for the
	// limit to be seen well.
	timesTheLimit = 4
)

// alone is how long a request takes by itself, besides its nap: the middle one of
// a few.
func (d *diagnosis) alone(path string, times int) (time.Duration, bool) {
	const enough = 2 * time.Second
	var took []time.Duration
	for from := d.now(); len(took) < times && (len(took) == 0 || d.now()-from < enough); {
		a := d.ask(path, firstReply)
		long, _, _ := napOf(a)
		if a.err != nil {
			return 0, false
		}
		took = append(took, a.latency()-long)
	}
	slices.Sort(took)
	return took[len(took)/2], true
}

// exhaust asks for a view's naps in growing bursts.
func (d *diagnosis) exhaust(path string) {
	by, ok := d.alone(nap(path, 0, someone), 5)
	if !ok {
		return
	}
	d.report.Alone[path] = by
	// Twice what a request costs at most, so that what it computes is no limit.
	stagger := min(max(leastStagger, 2*by), mostStagger)
	if by > mostStagger {
		stagger = leastStagger // it is not computing: it waits for something
	}
	if path == blockingSleep {
		stagger = max(stagger, apart)
	}
	var last *Concurrency
	for _, size := range sizes {
		if last != nil && last.Limited && timesTheLimit*last.AtOnce <= last.Asked {
			break
		}
		sleep := max(size.sleep, time.Duration(size.n)*stagger*3/2)
		expected := expected(size.n, sleep/2+by, last)
		if last != nil && expected > longestBurst {
			break
		}
		if expected > d.left() {
			d.leaveOut(fmt.Sprintf("%d naps of %s", size.n, path))
			break
		}
		c, ok := d.nap(path, size.n, sleep, stagger, by, 2*expected+5*time.Second)
		// A limit is one each time. A machine that is busy with something else, or a
		// worker that is recycled, makes many wait once.
		for tries := 1; ok && tries < 3 && c.Limited && !c.certain() && !d.seen(c) && c.took < longestAgain && c.took < d.left(); tries++ {
			var again Concurrency
			if again, ok = d.nap(path, size.n, sleep, stagger, by, 2*expected+5*time.Second); ok && (!again.Limited || c.unsteady && !again.unsteady || again.AtOnce > c.AtOnce) {
				c = again
			}
		}
		// Loops that are held by one request, and have accepted others, are unsteady by
		// nature; but then there are several.
		if c.unsteady && (path != blockingSleep || c.AtOnce == 1) {
			c.Limited = false
			d.remark("of %d requests for %s some waited, and not for others that were in service: no limit is made of that", size.n, path)
		}
		if !ok {
			break
		}
		if last == nil || c.AtOnce >= last.AtOnce || !c.Limited {
			last = &c
		} else {
			last.Limited = true // a limit that the smaller burst came as close to
		}
	}
	if last != nil {
		if last.Limited && 2*last.AtOnce > last.Asked {
			last.Limited = false
			d.remark("of %d requests for %s some waited, but most were in service at once: no limit is made of that", last.Asked, path)
		}
		d.at[path] = last
		d.report.Concurrency = append(d.report.Concurrency, *last)
	}
}

// seen reports whether another view has shown the same limit.
func (d *diagnosis) seen(c Concurrency) bool {
	return slices.ContainsFunc(d.report.Concurrency, func(other Concurrency) bool { return c.alike(&other) })
}

// nap puts one burst of naps on the server and measures it, if enough of them were
// answered as they should.
func (d *diagnosis) nap(path string, n int, sleep, stagger, by, patience time.Duration) (Concurrency, bool) {
	from := d.now()
	answers := d.burst(n, stagger, patience, func(int) string { return nap(path, sleep, someone) })
	took := d.now() - from
	d.note(fmt.Sprintf("%d naps of %s", n, path), path, answers)
	var all []service
	for _, a := range answers {
		if long, _, ok := napOf(a); ok {
			all = append(all, service{a.sent, a.end, long + by})
		}
	}
	if 2*len(all) < n {
		d.remark("%s answered only %d of %d requests as it should: too few to tell how many it serves at a time", path, len(all), n)
		return Concurrency{}, false
	}
	c := measure(path, all, max(sleep/40, min(by, sleep/10)), sleep/10)
	c.took = took
	return c, true
}

// expected is how long n requests may take, mean each, going by the burst before
// them; before the first, one after another.
func expected(n int, mean time.Duration, last *Concurrency) time.Duration {
	atOnce := 1.0
	if last != nil {
		atOnce = max(1, last.InService)
		if !last.Limited {
			atOnce = float64(last.Asked)
		}
	}
	return time.Duration(float64(mean) * float64(n) / atOnce)
}
