// The picture of the workers in a sentence: who held them, and what became of
// those who waited.

package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

// holders says who held the workers, and what became of the requests.
func holders(r *lab.Result, c *crew) string {
	text := c.staff() + ", " + c.holding()
	if n := ended(c.o, worker.TimedOut); n > 0 {
		times := "once"
		if n > 1 {
			times = typeset.Number(float64(n)) + " times"
		}
		text += ", and killed " + times + " by the worker timeout"
	}
	return strings.Join(append([]string{text}, fates(r)...), ". ") + "."
}

func ended(o *lab.Observation, reason worker.Reason) (n int) {
	for _, e := range o.Exits {
		if e.Reason == reason {
			n++
		}
	}
	return n
}

// staff says what workers there are.
func (c *crew) staff() string {
	n := c.o.Workers
	first := c.o.WorkerConfig(0)
	for w := range n {
		if other := c.o.WorkerConfig(w); other.Model != first.Model || other.Threads != first.Threads {
			return typeset.Plural(n, "worker", "workers")
		}
	}
	switch {
	case first.Model.EventLoop():
		return typeset.Plural(n, "event loop", "event loops")
	case first.Model == worker.ThreadPerRequest:
		return typeset.Plural(n, "process", "processes") + " with a thread for each request"
	case first.Model == worker.Threaded && first.Threads > 1:
		return fmt.Sprintf("%s × %d threads", typeset.Plural(n, "worker", "workers"), first.Threads)
	}
	return typeset.Plural(n, "worker", "workers")
}

// Of a part of the time, a headline says what is hardly any and what is nearly all.
const (
	hardly = 0.005
	nearly = 0.95
)

// holding says which part of the time they were held, by whom and for whom.
func (c *crew) holding() string {
	part := c.part(func(int) bool { return true })
	if part < hardly {
		return "free nearly all the time"
	}
	return c.heldBy(part) + c.vain()
}

// heldBy says it of workers that were held for a part of the time.
func (c *crew) heldBy(part float64) string {
	by := holdersOf(c.held())
	slots, peak := c.slots(), c.peak()
	if c.o.WorkerConfig(0).Model == worker.ThreadPerRequest {
		return fmt.Sprintf("up to %s at a time, held by %s", typeset.Number(float64(peak)), by)
	}
	whom := "all held"
	switch {
	case slots == 1:
		whom = "held"
	case peak < slots && slots > c.o.Workers:
		whom = fmt.Sprintf("%d of %d threads held", peak, slots)
	case peak < slots:
		whom = fmt.Sprintf("%d held", peak)
	case slots == 2:
		whom = "both held"
	}
	full := c.fullFor(peak).Seconds() / c.o.Horizon.Seconds()
	switch {
	case part >= nearly:
		return whom + " by " + by + " nearly all the time"
	case slots == 1:
		return fmt.Sprintf("held by %s for %s of the time", by, percent(part))
	case peak > 1 && full >= 0.2:
		return fmt.Sprintf("%s by %s at the same time for %s of the time", whom, by, percent(full))
	}
	return c.some(by)
}

// some says it where not all are held at the same time: of those that are held at
// all, if they are few, and else of all.
func (c *crew) some(by string) string {
	var names []string
	busy := func(w int) bool { return c.part(func(v int) bool { return v == w }) >= hardly }
	slots := 0
	for w := range c.o.Workers {
		if busy(w) {
			names = append(names, c.o.WorkerName(w))
			slots += c.lanes[w]
		}
	}
	if len(names) == 0 || len(names) > 3 || len(names) == c.o.Workers {
		whose := "workers'"
		if c.slots() > c.o.Workers {
			whose = "threads'"
		}
		return fmt.Sprintf("held by %s for %s of the %s time", by, percent(c.part(func(int) bool { return true })), whose)
	}
	was, whose := "was", "the"
	if len(names) > 1 {
		was, whose = "were", "their"
	}
	if slots > len(names) {
		whose += " threads'"
	}
	return fmt.Sprintf("of which %s %s held by %s for %s of %s time", typeset.List(names), was, by, percent(c.part(busy)), whose)
}

// part is the part of the time for which these workers' lanes were held.
func (c *crew) part(of func(w int) bool) float64 {
	var held time.Duration
	lanes := 0
	for _, s := range c.stays {
		if of(s.worker) {
			held += s.to - s.from
		}
	}
	for w, n := range c.lanes {
		if of(w) {
			lanes += n
		}
	}
	return held.Seconds() / (float64(lanes) * c.o.Horizon.Seconds())
}

// peak is the most requests that held the workers at a time.
func (c *crew) peak() (most int) {
	held := 0
	for _, ch := range c.changes() {
		held += ch.by
		most = max(most, held)
	}
	return most
}

// vain says how much of the time was for clients that left before it was over.
func (c *crew) vain() string {
	var all, vain, after, last time.Duration
	for _, s := range c.stays {
		all += s.to - s.from
		vain += s.to - s.left
		if s.left > s.from {
			last = max(last, s.left)
		}
	}
	for _, s := range c.stays {
		after += max(0, s.to-max(s.left, last))
	}
	switch {
	case vain.Seconds() < 0.05*all.Seconds():
		return ""
	case after.Seconds() >= 0.9*vain.Seconds() && last > 0:
		return fmt.Sprintf(", from %s on only with work for clients that had left before it was done", typeset.Number(math.Round(last.Seconds()))+" s")
	}
	how := percent(vain.Seconds() / all.Seconds())
	if vain == all {
		how = "all"
	}
	return fmt.Sprintf(", %s of that with work for clients that had left before it was done", how)
}

// holdersOf names the routes that held the workers, the one that held them longest
// first.
func holdersOf(held map[string]time.Duration) string {
	routes := slices.SortedFunc(maps.Keys(held), func(a, b string) int {
		return cmp.Or(cmp.Compare(held[b], held[a]), cmp.Compare(a, b))
	})
	var all time.Duration
	for _, d := range held {
		all += d
	}
	part := func(route string) float64 { return held[route].Seconds() / all.Seconds() }
	if part(routes[0]) >= nearly {
		return routes[0]
	}
	var names []string
	for _, route := range routes {
		if part(route) >= 1-nearly {
			names = append(names, fmt.Sprintf("%s (%s)", route, percent(part(route))))
		}
	}
	return typeset.List(names)
}

func percent(part float64) string { return fmt.Sprintf("%.0f %%", 100*part) }

// A lot is what became of a load's requests that did not get what they wanted.
type lot struct {
	all        int
	inVain     int // they failed, a second or more after they came
	turnedAway int // they failed within a second
	cut        int // they got a part of their reply
	late       int
	open       int           // neither answered nor failed at the end
	longest    time.Duration // that one waited who was served
	closed     bool          // who is answered asks again
}

// patience is what a client hardly notices.
const patience = time.Second

func lotOf(records []load.Record) (l lot) {
	for _, r := range records {
		l.all++
		l.closed = l.closed || r.Seq > 0
		wait := r.End - r.Scheduled
		switch {
		case r.Good():
			l.longest = max(l.longest, wait)
		case streamed(r):
			l.longest = max(l.longest, r.FirstByte)
		case r.Kind == load.Unfinished:
			l.open++
		case r.Complete && r.Kind == load.Timeout && r.Status < 400:
			l.late++
		case !r.Complete && r.Kind != load.Timeout && r.FirstByte > 0:
			l.cut++
		case wait >= patience:
			l.inVain++
		default:
			l.turnedAway++
		}
	}
	return l
}

// quick is what is too short for a headline.
const quick = 10 * time.Millisecond

// fates says it of all loads, a sentence for each fate.
func fates(r *lab.Result) (sentences []string) {
	var lots []lot
	for _, l := range r.Loads {
		lots = append(lots, lotOf(load.Of(r.Seen.Records, l.Name)))
	}
	// who is the requests of one fate, and how many they are.
	who := func(of func(lot) int) (names []string, all int) {
		for i, l := range lots {
			n := of(l)
			all += n
			switch {
			case n == 0:
			case n == l.all && n == 1:
				names = append(names, "the request "+asked(r.Loads[i].Name))
			case n == l.all:
				names = append(names, fmt.Sprintf("all %s requests %s", typeset.Number(float64(n)), asked(r.Loads[i].Name)))
			default:
				names = append(names, fmt.Sprintf("%s of %s %s", typeset.Number(float64(n)), typeset.Plural(l.all, "request", "requests"), asked(r.Loads[i].Name)))
			}
		}
		return names, all
	}
	say := func(of func(lot) int, what string) {
		if names, n := who(of); n > 0 {
			text := typeset.List(names)
			sentences = append(sentences, strings.ToUpper(text[:1])+text[1:]+" "+what)
		}
	}
	say(func(l lot) int { return l.inVain }, "waited in vain")
	say(func(l lot) int { return l.turnedAway }, "failed within a second")
	say(func(l lot) int { return l.cut }, "got a part of the reply only")
	if names, n := who(func(l lot) int { return l.late }); n > 0 {
		replies := "The replies"
		if n == 1 {
			replies = "The reply"
		}
		sentences = append(sentences, replies+" to "+typeset.List(names)+" came late")
	}
	say(func(l lot) int {
		if l.closed {
			return 0 // as many as there are connections, whatever happens
		}
		return l.open
	}, "had no complete reply at the end")
	var served []string
	for i, l := range lots {
		switch who := fmt.Sprintf("%s %s", typeset.Plural(l.all-l.open, "request", "requests"), asked(r.Loads[i].Name)); {
		case l.all == l.open || l.inVain+l.turnedAway+l.cut+l.late > 0 || l.open > 0 && !l.closed:
		case l.longest < quick:
			served = append(served, who+" within "+typeset.Seconds(quick))
		default:
			served = append(served, who+" after "+typeset.Seconds(l.longest)+" at most")
		}
	}
	if len(served) > 0 {
		sentences = append(sentences, "Served: "+typeset.List(served))
	}
	return sentences
}

// asked says whom a load's requests are to: a load may be named after its route.
func asked(load string) string {
	if strings.HasPrefix(load, "/") {
		return "to " + load
	}
	return "of " + load
}
