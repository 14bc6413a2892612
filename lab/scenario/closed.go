// Theory of a closed loop: throughput by the bounds of the closed network, and
// what follows from it.

package scenario

import (
	"math"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/queueing"
	"example.com/outagelab/pocserver/worker"
)

// A ring is a closed loop as the closed network's formula takes it.
type ring struct {
	customers int
	think     float64
	stations  []queueing.Station
	words     string
}

// ring is that of a loop at the pool.
func (p *pool) ring(f flow) ring {
	mean, _ := p.service(f)
	cpu := p.c.CPU.Seconds()
	places, word := p.places()
	r := ring{customers: p.accepted(f), words: "E[S] = " + seconds(mean) + ", " + word}
	r.stations = []queueing.Station{{Demand: mean, Servers: max(places, 1)}}
	switch {
	case places == 0: // the naps overlap, and the CPU does not
		r.think, r.stations = mean-cpu, []queueing.Station{{Demand: cpu, Servers: p.c.Workers}}
		r.words = "naps of " + seconds(r.think) + ", which overlap"
		if cpu > 0 {
			r.words += ", and " + seconds(cpu) + " of CPU on " + word
		}
	case (p.c.Model == worker.Threaded || p.lends()) && cpu > 0:
		r.stations = []queueing.Station{{Demand: mean - cpu, Servers: places}, {Demand: cpu, Servers: p.c.Workers}}
		r.words = "naps of " + seconds(mean-cpu) + " on " + word + ", " + seconds(cpu) + " of CPU on " + plural(p.c.Workers, "worker")
	}
	if r.customers < f.connections {
		r.words += "; worker_connections lets in no more of the " + number(float64(f.connections))
	}
	return r
}

// accepted is how many of a loop's connections the workers hold at a time.
func (p *pool) accepted(f flow) int {
	if p.c.Model == worker.Threaded || p.c.Model == worker.Evented {
		return min(f.connections, p.c.Workers*p.c.WorkerConnections)
	}
	return f.connections
}

// closedLoop predicts one closed loop that has the pool to itself.
func (p *pool) closedLoop(th *theory, f flow) {
	if f.requests > 0 {
		th.none(f.name, "each connection stops after its requests, and those that are late stop last")
		return
	}
	places, _ := p.places()
	span := f.span.Seconds()
	r := p.ring(f)
	rate, err := queueing.ClosedThroughput(r.customers, r.think, r.stations...)
	if times := p.recycles(rate.High * span); err == nil && times > 0 {
		if p.c.Model != worker.Sync {
			th.none(f.name, "about %s workers are recycled meanwhile", number(times))
			return
		}
		r.stations[0].Demand += p.replacing()
		r.words += ", and " + seconds(p.replacing()) + " of a boot each"
		rate, err = queueing.ClosedThroughput(r.customers, r.think, r.stations...)
	}
	if err != nil {
		th.none(f.name, "%s", plainly(err))
		return
	}
	n := float64(r.customers)
	response := n / rate.Low
	if why := p.notClosed(f, rate, response); why != "" {
		th.none(f.name, "%s", why)
		return
	}
	throughput := p.s.throughputOf([]traffic{f.traffic})
	if p.uneven(r.customers) {
		th.atMost(throughput, rate.High, "closed network's upper bound: N = %s, %s; a worker that gets fewer connections than the others rests at times", number(n), r.words)
		th.none("latency of "+f.name, "connections keep to their worker, and one worker has more of them than another")
		return
	}
	th.between(throughput, rate.Low, rate.High, "closed network's bounds: N = %s, %s", number(n), r.words)
	if r.customers < f.connections {
		th.none("latency of "+f.name, "connections that are let in keep their place, and the others wait for all of the time")
		return
	}
	switch late := span - f.timeout.Seconds(); {
	case response < span/10:
		th.between(p.s.on(lab.MeanLatency, f.name), n/rate.High, response, "Little's law: N/throughput")
	case response > span && places > 0 && late > 0:
		th.between(p.s.on(lab.Timeouts, f.name), rate.Low*late, rate.High*late,
			"first in, first out: all after the first %s are late, at that rate for %s", seconds(f.timeout.Seconds()), seconds(late))
		th.none("latency of "+f.name, "one round of all %s connections takes %s, longer than the load: the later a reply, the slower", number(n), seconds(response))
	default:
		th.none("latency of "+f.name, "a round of all connections takes %s, which is too much of %s for a steady state", seconds(response), seconds(span))
	}
}

// uneven reports whether some worker may have too few connections to be busy all of
// the time, as connections fall to workers: each as likely to any, so that the
// number is binomial, and less than its mean by 3.1 standard deviations in one of
// 1,000 cases.
func (p *pool) uneven(connections int) bool {
	places, _ := p.places()
	if p.oneQueue() || places == 0 && p.c.CPU == 0 {
		return false
	}
	w := float64(p.c.Workers)
	mean := float64(connections) / w
	least := mean - 3.1*math.Sqrt(mean*(1-1/w))
	return p.c.AcceptAgain > 0 || least < max(float64(places)/w, 1)
}

// notClosed is why the bounds do not apply; "" if they do. response is how long a
// request takes.
func (p *pool) notClosed(f flow, rate queueing.Bounds, response float64) string {
	places, _ := p.places()
	timeout := p.c.Timeout.Seconds()
	switch {
	case f.connections > holds(p.c):
		return "more connections than the workers and the backlog hold, " + number(float64(holds(p.c)))
	case f.patience > 0 && response > f.patience.Seconds():
		return "a round of all connections takes " + seconds(response) + ", beyond " + f.whose + " of " + seconds(f.patience.Seconds()) + ", and who leaves is served all the same"
	case f.patience > 0 && p.slow(f, response) > f.patience.Seconds():
		return "some requests may take longer than " + seconds(f.patience.Seconds()) + ", " + f.whose + ", and who leaves is served all the same"
	case timeout > 0 && p.c.Model == worker.Sync && p.outlasts(f).High*rate.High*f.span.Seconds() > worthAWord:
		return "some requests outlast the worker timeout, and are cut"
	case timeout > 0 && p.c.Model.EventLoop() && !p.lends() && places > 0 && response > timeout:
		return "a turn of all handlers that block outlasts the worker timeout: the loop is killed with all that it accepted"
	}
	return ""
}

// slow is what 999 in 1,000 requests of a closed loop take at most: their own
// service, and before it as many services as there are connections beyond the
// places, the sum of which is about normal.
func (p *pool) slow(f flow, response float64) float64 {
	mean, _ := p.service(f)
	places, _ := p.places()
	before, spread := max(0, response-mean), 0.0
	if c := float64(places); places > 0 && float64(f.connections) > c {
		spread = math.Sqrt(f.route.Time.Variance()*(float64(f.connections)-c)) / c
	}
	return before + 3.1*spread + p.s.own(f.traffic).Seconds()
}
