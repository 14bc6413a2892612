// The dirty recipe, over HTTP: does one user's reply name another, how often, and
// how many memories are there?

package live

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"
)

// Crosstalk is what a view's replies said about whose they were.
type Crosstalk struct {
	Path string
	// Pairs is how many times one user asked for a nap and another was answered
	// during it; Leaked is in how many of them the first was told another's address.
	// The second had come and gone: on one memory Leaked is all of Pairs, with N
	// processes about one in N.
	Pairs, Leaked int
	// Late is how many more times one of two was told the other's address, who by our
	// clock did not certainly overlap.
	Late int
	// Crowd is how many users asked at about the same time, each with an address of
	// their own; Strangers is how many of them were told somebody else's.
	Crowd, Strangers int
	// Memories is how many memories they met in, at least: those who were told each
	// other's addresses share one. Largest is how many met in the largest.
	Memories, Largest int
}

// Leaks reports whether anybody was told a stranger's address.
func (c *Crosstalk) Leaks() bool { return c != nil && c.Leaked+c.Late+c.Strangers > 0 }

// Interval is the 95 % confidence interval of the share of pairs that leak: E. B.
// Wilson, "Probable Inference, the Law of Succession, and Statistical Inference",
// Journal of the American Statistical Association 22(158), 1927.
func (c *Crosstalk) Interval() (low, high float64) {
	const z = 1.959964
	n := float64(c.Pairs)
	if n == 0 {
		return 0, 1
	}
	p := float64(c.Leaked) / n
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(0, middle-half), min(1, middle+half)
}

const (
	pairs     = 24
	firstNaps = 200 * time.Millisecond
	forPairs  = 6 * time.Second // at most, for all of them
)

// crosstalk tries both recipes on a view.
func (d *diagnosis) crosstalk(path string, crowd int) {
	c := &Crosstalk{Path: path}
	by := d.light
	later := max(20*time.Millisecond, 2*by)
	for i, until := 0, d.now()+forPairs; i < pairs && d.now() < until && d.left() > time.Second; i++ {
		if i >= enoughPairs && c.Pairs == 0 {
			break // who is served one at a time meets nobody
		}
		d.pair(c, i, by, later)
	}
	if crowd > 0 && d.ctx.Err() == nil {
		if n := d.room(crowd); n >= smallCrowd {
			d.crowd(c, n)
		} else {
			d.leaveOut(fmt.Sprintf("a crowd of users of %s", path))
		}
	}
	d.report.Crosstalk = append(d.report.Crosstalk, c)
}

// pair is the recipe's two browsers: one asks for a long nap, the other comes a
// moment later and takes none.
func (d *diagnosis) pair(c *Crosstalk, i int, by, later time.Duration) {
	first, second := fmt.Sprintf("first%d", i), fmt.Sprintf("second%d", i)
	var a answer
	var waiting sync.WaitGroup
	waiting.Go(func() { a = d.ask(nap(c.Path, firstNaps+later, first), firstReply) })
	d.sleep(later)
	b := d.ask(nap(c.Path, 0, second), firstReply)
	waiting.Wait()
	long, told, ok := napOf(a)
	_, toldSecond, okSecond := napOf(b)
	if !ok || !okSecond {
		return
	}
	// The second wrote after it was sent, and before it was answered; the first read
	// at its nap's end, which was at most by before its answer.
	if a.end-long-by <= b.sent && b.end < a.end-by {
		c.Pairs++
		if told != first {
			c.Leaked++
		}
	} else if told != first || toldSecond != second {
		c.Late++
	}
}

// crowdNap is how long each of a crowd naps at most.
func crowdNap(n int) time.Duration {
	if n == crowdOfAll {
		return time.Second // so that all are there before the first ones leave
	}
	return 600 * time.Millisecond
}

// room is how many of a crowd there is time for.
func (d *diagnosis) room(crowd int) int {
	served := d.at[asyncSleep]
	if served == nil {
		served = d.at[dirty]
	}
	mean := crowdNap(crowd)/2 + d.light
	for crowd > 0 && expected(crowd, mean, served) > d.left()/2 {
		crowd /= 2
	}
	return crowd
}

// crowd asks for many naps at once, each for another user.
func (d *diagnosis) crowd(c *Crosstalk, n int) {
	sleep := crowdNap(n)
	name := func(i int) string { return fmt.Sprintf("user%d", i) }
	answers := d.burst(n, leastStagger, min(d.left(), firstReply+time.Duration(n)*sleep/2), func(i int) string { return nap(c.Path, sleep, name(i)) })
	d.note(fmt.Sprintf("%d users of %s", n, c.Path), c.Path, answers)
	c.meet(answers, name)
}

// A member is one of a crowd: when it wrote its name and when it read one, each
// within bounds, and whose it was told.
type member struct {
	wrote, read struct{ earliest, latest time.Duration }
	told, group int
}

// meet sorts a crowd into memories. Who was told somebody's name shares a memory
// with them. Two groups have memories of their own if somebody of one read, and was
// told a name, after somebody of the other had written a later one, and if neither
// had written all of its names before the other began: a process that is recycled
// has two memories, one after the other. Groups that are not proven to be apart count
// as one: they may be one memory's, which nobody was in for a while.
func (c *Crosstalk) meet(answers []answer, name func(int) string) {
	users := map[string]int{}
	crowd := make([]member, len(answers))
	for i := range answers {
		users[name(i)], crowd[i].group, crowd[i].told = i, i, -1
	}
	find := func(i int) int {
		for crowd[i].group != i {
			i = crowd[i].group
		}
		return i
	}
	for i, a := range answers {
		m := &crowd[i]
		long, told, ok := napOf(a)
		if !ok {
			// It may have written whenever, or not at all.
			m.wrote.earliest, m.wrote.latest = a.sent, math.MaxInt64
			continue
		}
		c.Crowd++
		m.wrote.earliest, m.wrote.latest = a.sent, a.end-long
		m.read.earliest, m.read.latest = a.sent+long, a.end
		if told != name(i) {
			c.Strangers++
		}
		if other, ok := users[told]; ok {
			m.told = other
			crowd[find(i)].group = find(other)
		}
	}
	groups := map[int][]int{}
	for i := range crowd {
		if crowd[i].told >= 0 {
			groups[find(i)] = append(groups[find(i)], i)
		}
	}
	before := func(one, other []int) bool {
		return slices.ContainsFunc(one, func(i int) bool {
			return slices.ContainsFunc(other, func(j int) bool { return crowd[i].wrote.latest < crowd[j].wrote.earliest })
		})
	}
	overtaken := func(one, other []int) bool {
		for _, i := range one {
			told := crowd[crowd[i].told]
			for _, j := range other {
				if crowd[j].wrote.earliest > told.wrote.latest && crowd[j].wrote.latest < crowd[i].read.earliest {
					return true
				}
			}
		}
		return false
	}
	apart := func(a, b []int) bool {
		return before(a, b) && before(b, a) && (overtaken(a, b) || overtaken(b, a))
	}
	bySize := slices.SortedFunc(maps.Values(groups), func(a, b []int) int { return cmp.Or(len(b)-len(a), a[0]-b[0]) })
	var memories [][]int
	for _, g := range bySize {
		c.Largest = max(c.Largest, len(g))
		if len(g) > 1 && !slices.ContainsFunc(memories, func(m []int) bool { return !apart(g, m) }) {
			memories = append(memories, g)
		}
	}
	c.Memories = len(memories)
}

const (
	crowdOfAll = 128
	smallCrowd = 8
)
