// The picture of the workers in a sentence: who held them, and what became of
// those who waited.

package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

// holders says who held the workers, and what became of the requests.
func holders(r *lab.Result) string {
	o := r.Seen
	text := staff(o) + ", " + holding(o)
	if n := ended(o, worker.TimedOut); n > 0 {
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
func staff(o *lab.Observation) string {
	first := o.WorkerConfig(0)
	for w := range o.Workers {
		if c := o.WorkerConfig(w); c.Model != first.Model || c.Threads != first.Threads {
			return typeset.Plural(o.Workers, "worker", "workers")
		}
	}
	switch {
	case first.Model == worker.Evented:
		return typeset.Plural(o.Workers, "event loop", "event loops")
	case first.Model == worker.ThreadPerRequest:
		return typeset.Plural(o.Workers, "process", "processes") + " with a thread for each request"
	case first.Model == worker.Threaded && first.Threads > 1:
		return fmt.Sprintf("%s × %d threads", typeset.Plural(o.Workers, "worker", "workers"), first.Threads)
	}
	return typeset.Plural(o.Workers, "worker", "workers")
}

// holding says which part of the time they were held, and by whom.
func holding(o *lab.Observation) string {
	held := heldBy(o)
	var all time.Duration
	for _, d := range held {
		all += d
	}
	slots, most := slotsOf(o)
	part := all.Seconds() / (float64(slots) * o.Horizon.Seconds())
	if part < 0.005 {
		return "free nearly all the time"
	}
	by := holdersOf(held, all)
	if o.WorkerConfig(0).Model == worker.ThreadPerRequest {
		return fmt.Sprintf("up to %s of which were held at a time by %s", typeset.Number(float64(most)), by)
	}
	need, whom := slots, "all held"
	switch {
	case slots == 1:
		whom = "held"
	case slots == 2:
		whom = "both held"
	case slots >= 20:
		need = (19*slots + 19) / 20 // 95 %
		whom = fmt.Sprintf("at least %d held", need)
	}
	full := fullFor(o, need)
	switch {
	case full >= o.Horizon*95/100:
		return whom + " by " + by + " nearly all the time"
	case full >= o.Horizon/5 && slots > 1:
		return fmt.Sprintf("%s at once by %s for %s of the time", whom, by, percent(full.Seconds()/o.Horizon.Seconds()))
	}
	return fmt.Sprintf("held by %s for %s of the time", by, percent(part))
}

// slotsOf is how many requests the workers can hold at a time, and the most that
// they held.
func slotsOf(o *lab.Observation) (slots, most int) {
	for w := range o.Workers {
		c := crewOf(o, w, o.Horizon)
		slots += c.lanes
		most += c.most
	}
	return slots, most
}

// holdersOf names the routes that held the workers, the one that held them longest
// first.
func holdersOf(held map[string]time.Duration, all time.Duration) string {
	routes := slices.SortedFunc(maps.Keys(held), func(a, b string) int {
		return cmp.Or(cmp.Compare(held[b], held[a]), cmp.Compare(a, b))
	})
	part := func(route string) float64 { return held[route].Seconds() / all.Seconds() }
	if part(routes[0]) >= 0.95 {
		return routes[0]
	}
	var names []string
	for _, route := range routes {
		if part(route) >= 0.05 {
			names = append(names, fmt.Sprintf("%s (%s)", route, percent(part(route))))
		}
	}
	return join(names)
}

// fullFor is for how long so many requests, or more, held the workers.
func fullFor(o *lab.Observation, need int) (full time.Duration) {
	type change struct {
		at time.Duration
		by int
	}
	var changes []change
	for _, s := range o.Spans {
		changes = append(changes, change{max(0, s.From.Sub(o.Begin)), 1}, change{max(0, s.To.Sub(o.Begin)), -1})
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.by, b.by)) })
	held := 0
	for i, c := range changes {
		if held >= need {
			full += c.at - changes[i-1].at
		}
		held += c.by
	}
	return full
}

func percent(part float64) string { return fmt.Sprintf("%.0f %%", 100*part) }

// join is a list in words.
func join(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}

// A lot is what became of a load's requests that did not get what they wanted.
type lot struct {
	all        int
	inVain     int // they failed, a second or more after they came
	turnedAway int // they failed within a second
	late       int
	open       int           // neither answered nor failed at the end
	longest    time.Duration // that one waited who was served
	closed     bool          // who is answered asks again
}

// atOnce is what a client takes for it.
const atOnce = time.Second

func lotOf(records []load.Record) (l lot) {
	for _, r := range records {
		l.all++
		l.closed = l.closed || r.Seq > 0
		wait := r.End - r.Scheduled
		switch {
		case r.Good():
			l.longest = max(l.longest, wait)
		case streamed(r) && !r.Complete:
			l.longest = max(l.longest, r.FirstByte)
		case r.Kind == load.Unfinished:
			l.open++
		case r.Complete && r.Kind == load.Timeout && r.Status < 400:
			l.late++
		case wait >= atOnce:
			l.inVain++
		default:
			l.turnedAway++
		}
	}
	return l
}

// fates says it of all loads, a sentence for each fate.
func fates(r *lab.Result) (sentences []string) {
	var lots []lot
	for _, l := range r.Loads {
		lots = append(lots, lotOf(load.Of(r.Seen.Records, l.Name)))
	}
	say := func(of func(lot) int, what string) {
		var who []string
		for i, l := range lots {
			switch n := of(l); {
			case n == 0:
			case n == l.all && n == 1:
				who = append(who, "the request "+asked(r.Loads[i].Name))
			case n == l.all:
				who = append(who, fmt.Sprintf("all %s requests %s", typeset.Number(float64(n)), asked(r.Loads[i].Name)))
			default:
				who = append(who, fmt.Sprintf("%s of %s %s", typeset.Number(float64(n)), typeset.Plural(l.all, "request", "requests"), asked(r.Loads[i].Name)))
			}
		}
		if len(who) > 0 {
			text := join(who)
			sentences = append(sentences, strings.ToUpper(text[:1])+text[1:]+" "+what)
		}
	}
	say(func(l lot) int { return l.inVain }, "waited in vain")
	say(func(l lot) int { return l.turnedAway }, "failed at once")
	say(func(l lot) int { return l.late }, "came late")
	say(func(l lot) int {
		if l.closed {
			return 0 // as many as there are connections, whatever happens
		}
		return l.open
	}, "still waited at the end")
	var served []string
	for i, l := range lots {
		switch who := fmt.Sprintf("%s %s", typeset.Plural(l.all-l.open, "request", "requests"), asked(r.Loads[i].Name)); {
		case l.all == l.open || l.inVain+l.turnedAway+l.late > 0 || l.open > 0 && !l.closed:
		case l.longest < 10*time.Millisecond:
			served = append(served, who+" at once")
		default:
			served = append(served, who+" after "+typeset.Seconds(l.longest)+" at most")
		}
	}
	if len(served) > 0 {
		sentences = append(sentences, "Served: "+join(served))
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
