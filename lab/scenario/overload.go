// Theory of open loops that are more than can be served: the fluid collapse.

package scenario

import (
	"fmt"
	"math"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/queueing"
	"example.com/outagelab/pocserver/worker"
)

// overload predicts a queue that gets more than can be served.
func (p *pool) overload(th *theory, flows []flow, m mix) {
	places, word := p.places()
	capacity := float64(places) / m.mean
	need := int(math.Floor(m.rate*m.mean)) + 1
	th.overloaded = true
	th.lesson = lab.Lesson{
		Cause: fmt.Sprintf("%s requests/s come, and %s can serve %s/s: places·1/E[S], with E[S] = %s. Who waits in the queue is served in turn, whether or not he still waits.",
			number(m.rate), word, number(capacity), seconds(m.mean)),
		Fix: fmt.Sprintf("By Little's law %s requests are in service at a time: %d places at the very least, and some to spare. search: {%s: 1..%d} finds how many.",
			number(m.rate*m.mean), need, p.searchable(), min(2*need, mostThreads)),
	}
	if p.c.Model == worker.Evented {
		th.lesson.Fix = "Await: a loop whose handlers await serves all of them at a time."
	}
	patience, whose := flows[0].patience, flows[0].whose
	for _, f := range flows {
		if f.patience != patience {
			th.none(p.names(), "more than can be served, and not all clients leave after the same time")
			return
		}
	}
	end := p.s.horizon.Seconds() - flows[0].start.Seconds()
	share := func(f flow) float64 { return f.rate / m.rate }
	if patience == 0 {
		served := min(m.rate*m.span, capacity*end)
		for _, f := range flows {
			th.predict(p.s.on(goodReplies, f.name), served*share(f), "more than can be served, and nobody leaves: E[S] = %s on %s until the horizon", seconds(m.mean), word)
		}
		return
	}
	q := queueing.Overload{Arrivals: m.rate, Capacity: capacity, Patience: patience.Seconds()}
	served, err := q.Served()
	last, err2 := q.LastServed()
	if err != nil || err2 != nil {
		th.none(p.names(), "%v", err)
		return
	}
	if capacity*patience.Seconds() > float64(holds(p.c)) {
		th.none(p.names(), "the backlog is full before the wait is as long as %s, %s", whose, seconds(patience.Seconds()))
		return
	}
	if last >= m.span {
		for _, f := range flows {
			th.predict(p.s.on(goodReplies, f.name), f.rate*m.span, "all: the load ends before the wait is as long as %s, %s", whose, seconds(patience.Seconds()))
		}
		return
	}
	inputs := fmt.Sprintf("λ = %s/s, μ = %s/s, T = %s, %s", number(m.rate), number(capacity), seconds(patience.Seconds()), whose)
	for _, f := range flows {
		th.predict(p.s.on(goodReplies, f.name), served*share(f), "collapse, λμT/(λ−μ): %s%s", inputs, part(share(f)))
	}
	for _, f := range flows {
		th.predict(p.s.on(lastGood, f.name), flows[0].start.Seconds()+last, "collapse, μT/(λ−μ): whoever comes later is served when he has left")
	}
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
	if p.c.Model == worker.Threaded {
		return "threads"
	}
	return "workers"
}
