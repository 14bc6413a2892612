// Theory of open loops that are more than can be served: the fluid collapse.

package scenario

import (
	"fmt"
	"math"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/queueing"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

// overload predicts a queue that gets more than can be served.
func (p *pool) overload(th *theory, flows []flow, m mix) {
	places, word := p.places()
	capacity := float64(places) / m.mean
	th.excess = append(th.excess, excess{loads: p.loads(), span: m.span, growth: m.rate/capacity - 1, deviation: m.deviation()})
	th.lesson = p.tooFew(m, capacity, word)
	if why := p.noCollapse(flows, m, capacity); why != "" {
		th.none(p.names(), "%s", why)
		return
	}
	start, until := flows[0].start.Seconds(), p.s.horizon.Seconds()-flows[0].start.Seconds()
	share := func(f flow) float64 { return f.rate / m.rate }
	inputs := fmt.Sprintf("λ = %s/s, μ = %s/s", number(m.rate), number(capacity))
	all := m.rate * m.span
	patience, whose := flows[0].patience.Seconds(), flows[0].whose
	q := queueing.Overload{Arrivals: m.rate, Capacity: capacity, Patience: patience}
	served, last := all, m.span
	if patience > 0 {
		var err, err2 error
		served, err = q.Served()
		if last, err2 = q.LastServed(); err != nil || err2 != nil {
			th.none(p.names(), "more than can be served, and by so little that no formula says what becomes of it")
			return
		}
	}
	good := func(replies float64, formula string, args ...any) {
		for _, f := range flows {
			th.predict(p.s.on(goodReplies, f.name), replies*share(f), formula+"%s", append(args, part(share(f)))...)
		}
	}
	switch {
	case capacity*until < min(served, all):
		good(capacity*until, "more than can be served: μ until the horizon, %s", inputs)
		for _, f := range flows {
			th.predict(p.s.lastGood(f.name), start+capacity*until/m.rate, "who comes later is still waiting at the horizon")
		}
	case patience == 0:
		good(all, "all: nobody leaves, and the horizon is when all are served, %s", inputs)
	case last >= m.span:
		good(all, "all: the load ends before the wait is as long as %s, %s", whose, seconds(patience))
	default:
		good(served, "collapse, λμT/(λ−μ): %s, T = %s, %s", inputs, seconds(patience), whose)
		for _, f := range flows {
			// Of those who come after it, one whose service is short may still be lucky.
			lucky := last * (1 + (m.mean-f.route.Time.At(0).Seconds())/patience)
			th.between(p.s.lastGood(f.name), start+last, start+min(lucky, m.span), "collapse, μT/(λ−μ), or by as much later as a service may be shorter than the mean: then all have left when they are served")
		}
	}
}

// noCollapse is why the fluid limit says nothing.
func (p *pool) noCollapse(flows []flow, m mix, capacity float64) string {
	patience := flows[0].patience
	for _, f := range flows {
		if f.patience != patience {
			return "more than can be served, and not all clients leave after the same time"
		}
		if patience > 0 && len(f.astray) > 0 {
			return "more than can be served, and nginx asks " + typeset.List(f.astray) + " in its place, where nobody listens"
		}
		if slow := 1 - p.byItself(f)(patience.Seconds()); patience > 0 && slow > rare {
			return "more than can be served, and " + number(100*slow) + " % take longer than " + seconds(patience.Seconds()) + ", " + f.whose + ", by themselves"
		}
	}
	queue, when := (m.rate-capacity)*m.span, "when the load ends"
	if byThen := capacity * patience.Seconds(); patience > 0 && byThen < queue {
		queue, when = byThen, "when the wait is as long as "+seconds(patience.Seconds())+", "+flows[0].whose
	}
	if most := float64(holds(p.c)); queue > most {
		return number(queue) + " are in the queue " + when + ", and the workers and the backlog hold " + number(most)
	}
	return ""
}

// tooFew is the lesson of a pool with too few places.
func (p *pool) tooFew(m mix, capacity float64, word string) lab.Lesson {
	need := int(math.Floor(m.rate*m.mean)) + 1
	lesson := lab.Lesson{
		Cause: fmt.Sprintf("%s requests/s come, and %s can serve %s/s: places·1/E[S], with E[S] = %s. Who waits in the queue is served in turn, whether or not he still waits.",
			number(m.rate), word, number(capacity), seconds(m.mean)),
		Fix: fmt.Sprintf("By Little's law %s requests are in service at a time: %d places at the very least, and some to spare. search: {%s: 1..%d} finds how many.",
			number(m.rate*m.mean), need, p.searchable(), min(2*need, worker.MaxThreads)),
	}
	if p.c.Model.EventLoop() && !p.lends() {
		lesson.Fix = "Await: a loop whose handlers await serves all of them at a time."
	}
	return lesson
}

// part says which part of all requests a load's are.
func part(share float64) string {
	if share == 1 {
		return ""
	}
	return fmt.Sprintf("; %s %% of all are of this load", number(100*share))
}

// searchable is the parameter that gives the pool more places.
func (p *pool) searchable() string {
	switch {
	case p.c.Model == worker.Threaded:
		return "threads"
	case p.lends():
		return "thread_limit"
	}
	return "workers"
}
