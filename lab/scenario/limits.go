// Where a formula ends: what has to be true of a pool and its load for a prediction
// to be worth a look. Each returns why there is none, or "".

package scenario

import (
	"strings"

	"gonum.org/v1/gonum/stat/distuv"

	"example.com/outagelab/lab/queueing"
	"example.com/outagelab/pocserver/worker"
)

// rare is what is left out of account: one request in a thousand.
const rare = 0.001

// worthAWord is how many requests, of the expected number, are worth a word.
const worthAWord = 0.1

// mostSCV is the squared coefficient of variation of service times up to which
// [queueing.GGc] was compared with simulations.
const mostSCV = 2

// ofOneQueue is what a queue of the pool gets: all of it, or a worker's part.
func (p *pool) ofOneQueue(m mix) (queueing.MMc, float64) {
	places, _ := p.places()
	q, room := queueing.MMc{Arrivals: m.rate, Service: m.mean, Servers: places}, float64(holds(p.c)-places)
	if !p.oneQueue() {
		w := p.c.Workers
		q.Arrivals, q.Servers, room = q.Arrivals/float64(w), places/w, room/float64(w)
	}
	return q, room
}

// oneQueue reports whether all places serve one queue: sync workers accept from one
// backlog, and the threads of a single worker have one line.
func (p *pool) oneQueue() bool { return p.c.Model == worker.Sync || p.c.Workers == 1 }

// full is that more wait at times than there is room for.
func (p *pool) full(m mix) string {
	if m.scv+m.serviceSCV == 0 && m.regular == 1 {
		return "" // nobody waits
	}
	// The wait is about exponential; its mean, and so its length, goes with how much
	// arrivals and services vary (see queueing.GGc). In it λ a second come.
	q, room := p.ofOneQueue(m)
	varied := max(m.scv+m.serviceSCV, rare) / 2
	if over, err := q.WaitTail(room / q.Arrivals / varied); err == nil && over <= rare {
		return ""
	}
	return "more than 1 in 1,000 find the workers and the backlog full, which hold " + number(float64(holds(p.c)))
}

// crowded is that more are under way at a time than the workers hold, where nobody
// queues: of requests that come at random the number is Poisson.
func (p *pool) crowded() string {
	if p.c.Model != worker.Evented {
		return ""
	}
	average, always := 0.0, 0.0
	for _, f := range p.flows {
		switch mean, _ := p.service(f); {
		case !f.open:
			always += float64(f.connections)
		case f.route.Stream:
			always += f.rate * f.span.Seconds()
		default:
			average += f.rate * mean
		}
	}
	most := float64(p.c.Workers * p.c.WorkerConnections)
	if always > most || average > 0 && (distuv.Poisson{Lambda: average}).Survival(most-always) > rare {
		return number(always+average) + " are under way at a time on average, and at times more than worker_connections allows, " + number(most)
	}
	return ""
}

// unsteady is that a load is too short for its queue to forget that it was empty:
// that takes S/((1−ρ)²c) seconds (see queueing.MMc.Deviation), more or less as much
// as arrivals and services vary, and of a mean over ten times as long the beginning
// is a tenth.
func unsteady(q queueing.GGc, span float64) string {
	u := q.Arrivals * q.Service / float64(q.Servers)
	forgets := q.Service / ((1 - u) * (1 - u) * float64(q.Servers)) * (q.ArrivalSCV + q.ServiceSCV) / 2
	if 10*forgets <= span {
		return ""
	}
	return "at a utilisation of " + number(u) + " the queue still grows after " + seconds(span) + ": a steady state takes some " + seconds(10*forgets)
}

// underWay is the part of a load's requests that have no reply at the horizon, where
// each waits for so many seconds.
func (p *pool) underWay(f flow, wait float64) float64 {
	cdf := p.byItself(f)
	from, span := (p.s.horizon - f.end()).Seconds(), f.span.Seconds()
	const steps = 10_000
	sum := 0.0
	for i := range steps {
		sum += 1 - cdf(from+span*(float64(i)+0.5)/steps-wait)
	}
	return sum / steps
}

// cutShort says that so many have no reply at the horizon that those which have one
// are no fair sample.
func cutShort(part float64) string {
	return number(100*part) + " % of the requests have no reply yet at the horizon"
}

// plainly is why a formula says nothing, in words for a report.
func plainly(err error) string {
	if text, ok := strings.CutPrefix(err.Error(), "queueing: "); ok {
		return "the formula is not for it: " + text
	}
	return err.Error()
}

// cpuWait is what a request waits for the CPU of its process on average, where so
// many processes share what comes: as at G/G/1. It goes there twice, each time for
// half of what it costs, which is as much in all as once for all of it. The queue is
// for percentiles.
func (p *pool) cpuWait(m mix) (q queueing.GGc, wait float64, why string) {
	cpu, processes := p.c.CPU.Seconds(), float64(p.c.Workers)
	if cpu == 0 {
		return q, 0, ""
	}
	scv := m.scv
	switch {
	case p.c.Workers > 1: // which of them gets a request is drawn
		scv = 1
	case m.varies: // those who come back have lost their rhythm
		scv = (1 + scv) / 2
	case scv < 1 && m.napping:
		return q, 0, "requests come and come back in a rhythm, and who meets whom at the CPU depends on it"
	}
	q = queueing.GGc{Arrivals: m.rate / processes, ArrivalSCV: scv, Service: cpu, Servers: 1}
	wait, err := q.MeanWait()
	if err != nil {
		return q, 0, plainly(err)
	}
	return q, wait, ""
}
