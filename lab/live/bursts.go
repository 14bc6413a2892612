// Exhaustion: bursts that grow until requests wait for each other.

package live

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"example.com/outagelab/lab/typeset"
)

// A size is a burst: how many requests, and how long they nap at most. The more
// there are, the longer they nap, so that they are all there before the first ones
// leave.
type size struct {
	n     int
	sleep time.Duration
}

var (
	sizes = []size{{8, 400 * time.Millisecond}, {32, 600 * time.Millisecond}, {128, time.Second}}
	// largest is for the first view that shows no limit up to there: pools of 200 are
	// not rare.
	largest = size{300, 3 * time.Second}
)

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
	// heavy is what a request takes besides its nap that a stagger does not make up for.
	heavy = mostStagger / 2
	// longestHeavy is the longest nap that is asked for to outweigh that, longestFirst
	// how long a first burst may take.
	longestHeavy = 3 * time.Second
	longestFirst = 13 * time.Second
	fewHeavy     = 5
)

// alone is how long a request takes by itself, besides its nap: the middle one of
// a few.
func (d *diagnosis) alone(path string, times int) (time.Duration, bool) {
	const enough = 2 * time.Second
	var took []time.Duration
	for from := d.now(); len(took) < times && (len(took) == 0 || d.now()-from < enough); {
		a := d.again(path, firstReply)
		if a.err != nil {
			d.remark("a request for %s got no reply (%s), nor did it when asked again", path, a.outcome())
			return 0, false
		}
		long, _, _ := napOf(a)
		took = append(took, a.latency()-long)
	}
	slices.Sort(took)
	return took[len(took)/2], true
}

const (
	// claims is how many naps are compared with what the server says of them.
	claims    = 3
	claimNap  = 800 * time.Millisecond
	claimedBy = 55 * time.Millisecond // a nap said to one digit is up to 50 ms from it
)

// honest reports whether a view naps as it says: a few naps, alone, take what they
// are said to, the middle one of them at least.
func (d *diagnosis) honest(path string, by time.Duration) bool {
	type claim struct{ said, took, off time.Duration }
	var seen []claim
	for range claims {
		a := d.again(nap(path, claimNap, someone), firstReply)
		said, _, ok := napOf(a)
		if !ok {
			d.remark("a nap of %s, alone, was not answered as it should be (%s): nothing is made of that view", path, a.outcome())
			return false
		}
		took := max(0, a.latency()-by)
		seen = append(seen, claim{said, took, (took - said).Abs()})
	}
	slices.SortFunc(seen, func(a, b claim) int { return cmp.Compare(a.off, b.off) })
	if c := seen[claims/2]; c.off > claimedBy+by/4 {
		d.remark("a nap of %s that is said to have taken %s took %s: nothing is made of that view",
			path, typeset.Seconds(c.said.Round(time.Millisecond)), typeset.Seconds(c.took.Round(time.Millisecond)))
		return false
	}
	return true
}

// unhindered is how many requests without a nap get through in a second, and what
// that makes at a time, by Little's law: of requests that compute one for each
// processor, of a limited number that number.
func (d *diagnosis) unhindered(path string, by time.Duration) (rate, atOnce float64) {
	for n := 4; n <= 64; n *= 4 {
		answers := d.burst(n, time.Millisecond, 2*firstReply, func(int) string { return nap(path, 0, someone) })
		got, end := 0, time.Duration(0)
		for _, a := range answers {
			if a.err == nil {
				got, end = got+1, max(end, a.end)
			}
		}
		took := max(end-answers[0].sent, 1)
		rate = max(rate, float64(got)/took.Seconds())
		if took >= 2*by {
			break
		}
	}
	return rate, max(1, rate*by.Seconds())
}

// exhaust asks for a view's naps in growing bursts.
func (d *diagnosis) exhaust(path string) {
	by, ok := d.alone(nap(path, 0, someone), 5)
	if !ok {
		return
	}
	d.report.Alone[path] = by
	if !d.honest(path, by) {
		return
	}
	b := burst{path: path, by: by, rate: math.Inf(1)}
	// Where a request takes long besides its nap, naps are to be longer than that, so
	// that a limit on how many nap is not mistaken for a limit on what they take besides.
	through := 1.0
	if by > heavy {
		if b.rate, through = d.unhindered(path, by); through < 16 {
			b.least = min(6*by, longestHeavy)
		}
	}
	// Twice what a request costs at most, so that what it computes is no limit.
	b.stagger = min(max(leastStagger, 2*by), mostStagger)
	if by > mostStagger {
		b.stagger = leastStagger // it is not computing: it waits for something
	}
	if path == blockingSleep {
		b.stagger = max(b.stagger, apart)
	}
	last := d.grow(b, through)
	if last == nil {
		return
	}
	if last.Limited && last.mayGoOn() && last.Asked < largest.n/2 {
		d.doubt(last, "but most were in service at once")
	}
	if !last.doubted {
		d.at[path] = last
	}
	d.report.Concurrency = append(d.report.Concurrency, *last)
}

// grow makes bursts, each larger than the one before it, until a limit is seen, or
// there is a reason not to go on. It returns what the last one showed, nil if there
// was none. The first one is served by about so many at a time as get through.
func (d *diagnosis) grow(b burst, through float64) (last *Concurrency) {
	for i, size := range slices.Concat(sizes, []size{largest}) {
		far := i == len(sizes)
		if far && (d.lookedFar || !last.mayGoOn() || d.asked.Load()+int64(2*size.n) > mostBeforeLargest) {
			break
		}
		if last != nil && last.Limited && timesTheLimit*last.AtOnce <= last.Asked {
			break
		}
		b.n = size.n
		if far {
			b.stagger = min(b.stagger, max(leastStagger/2, 2*b.by))
		}
		b.sleep = max(size.sleep, b.least, time.Duration(b.n)*b.stagger*3/2)
		mean := b.sleep/2 + b.by
		if last == nil && time.Duration(float64(mean)*float64(b.n)/through) > longestFirst {
			b.n = fewHeavy
		}
		expected := expected(b.n, mean, last)
		if last == nil {
			expected = time.Duration(float64(expected) / through)
		}
		if last != nil && expected > longestBurst {
			break
		}
		if expected > d.left() {
			d.leaveOut(fmt.Sprintf("%d naps of %s", b.n, b.path))
			break
		}
		b.patience = min(d.left(), 2*expected+5*time.Second)
		b.late, b.times = b.sleep/10, 3
		if far { // naps are long for these, few wait, and they are many
			d.lookedFar = true
			b.late, b.times = sizes[len(sizes)-1].sleep/10, 2
		}
		c, ok := d.repeat(b)
		if !ok {
			break
		}
		// Loops that are held by one request, and have accepted others, are unsteady by
		// nature; but then there are several.
		if c.unsteady && (b.path != blockingSleep || c.AtOnce == 1) {
			d.doubt(&c, "and not for others that were in service")
		}
		if far || last == nil || c.AtOnce >= last.AtOnce || !c.Limited {
			last = &c
		} else {
			last.Limited = true // a limit that the smaller burst came as close to
		}
		if c.held {
			d.remark("%d requests for %s waited for what they take besides their nap: that says nothing of how many are in service", c.waited, b.path)
			break
		}
	}
	return last
}

// doubt makes no limit of a burst.
func (d *diagnosis) doubt(c *Concurrency, why string) {
	c.Limited, c.doubted = false, true
	d.remark("of %d requests for %s some waited, %s: no limit is made of that", c.Asked, c.Path, why)
}

// seen reports whether another view has shown the same limit.
func (d *diagnosis) seen(c Concurrency) bool {
	return slices.ContainsFunc(d.report.Concurrency, func(other Concurrency) bool { return c.alike(&other) })
}

// A burst is n naps of up to sleep, a stagger after one another.
type burst struct {
	path           string
	n, times       int // times is how often it is made at most, until there is no limit
	sleep, stagger time.Duration
	// by is what a request takes besides its nap, least what it is to nap at least for
	// that, and rate how many get through in a second that do not nap: a limit on naps
	// lets clearly fewer through.
	by, least time.Duration
	rate      float64
	// late is for how long a request has to wait to have waited, patience for how long
	// the diagnosis waits for its reply.
	late, patience time.Duration
}

// enoughFewer is the share of rate that naps may begin at for them to be limited.
// The mean nap is one and a half times to three times what a request takes besides,
// so that workers that do both in turn let two fifths to a quarter of it through; what
// is held up by the rest of its work alone begins as fast as that allows.
const enoughFewer = 0.6

// repeat makes a burst. A limit is one each time; a machine that is busy with
// something else, or a worker that is recycled, makes many wait once.
func (d *diagnosis) repeat(b burst) (Concurrency, bool) {
	c, ok := d.nap(b)
	for tries := 1; ok && tries < b.times && c.Limited && !c.certain() && !d.seen(c) && c.took < longestAgain && c.took < d.left(); tries++ {
		var again Concurrency
		if again, ok = d.nap(b); ok && (!again.Limited || c.unsteady && !again.unsteady || again.AtOnce > c.AtOnce) {
			c = again
		}
	}
	return c, ok
}

// nap puts one burst of naps on the server and measures it, if enough of them were
// answered as they should.
func (d *diagnosis) nap(b burst) (Concurrency, bool) {
	from := d.now()
	answers := d.burst(b.n, b.stagger, b.patience, func(int) string { return nap(b.path, b.sleep, someone) })
	took := d.now() - from
	d.note(fmt.Sprintf("%d naps of %s", b.n, b.path), b.path, answers)
	if d.lost.Load() && d.settle(fmt.Sprintf("%d naps of %s", b.n, b.path)) != nil {
		return Concurrency{}, false // which the next step finds, too
	}
	var all []service
	for _, a := range answers {
		if long, _, ok := napOf(a); ok {
			all = append(all, service{a.sent + b.by, a.end, long})
		}
	}
	if 2*len(all) < b.n {
		d.remark("%s answered only %d of %d requests as it should: too few to tell how many it serves at a time", b.path, len(all), b.n)
		return Concurrency{}, false
	}
	c := measure(b.path, all, b.by, max(b.sleep/40, min(b.by, b.sleep/10)), b.late)
	c.took = took
	if c.Limited && pace(all) > enoughFewer*b.rate {
		c.Limited, c.unsteady, c.held = false, false, true
	}
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
