// Theory of a closed loop: throughput by the bounds of the closed network, and
// what follows from it.

package scenario

import (
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/queueing"
	"example.com/outagelab/pocserver/worker"
)

// closedLoop predicts one closed loop that has the pool to itself.
func (p *pool) closedLoop(th *theory, f flow) {
	mean, _ := p.service(f)
	cpu := p.c.CPU.Seconds()
	places, word := p.places()
	n, span := float64(f.connections), f.span.Seconds()

	think, stations := 0.0, []queueing.Station{{Demand: mean, Servers: max(places, 1)}}
	said := "E[S] = " + seconds(mean) + ", " + word
	switch {
	case places == 0: // the naps overlap, and the CPU does not
		think, stations = mean-cpu, []queueing.Station{{Demand: cpu, Servers: p.c.Workers}}
		said = "naps of " + seconds(think) + ", which overlap, and " + seconds(cpu) + " of CPU on " + word
		if cpu == 0 {
			said = "naps of " + seconds(think) + ", which overlap"
		}
	case p.c.Model == worker.Threaded && cpu > 0:
		stations = []queueing.Station{{Demand: mean - cpu, Servers: places}, {Demand: cpu, Servers: p.c.Workers}}
		said = "naps of " + seconds(mean-cpu) + " on " + word + ", " + seconds(cpu) + " of CPU on " + plural(p.c.Workers, "worker")
	}
	if f.requests > 0 {
		th.none(f.name, "each connection stops after its requests, and those that are late stop last")
		return
	}
	rate, err := queueing.ClosedThroughput(f.connections, think, stations...)
	if err != nil {
		th.none(f.name, "%v", err)
		return
	}
	if times := p.recycles(rate.High * span); times > 0 {
		if p.c.Model != worker.Sync {
			th.none(f.name, "about %s workers are recycled meanwhile", number(times))
			return
		}
		stations[0].Demand += p.replacing()
		said += ", and " + seconds(p.replacing()) + " of a boot each"
		if rate, err = queueing.ClosedThroughput(f.connections, think, stations...); err != nil {
			th.none(f.name, "%v", err)
			return
		}
	}
	response := n / rate.Low
	if why := p.notClosed(f, response); why != "" {
		th.none(f.name, "%s", why)
		return
	}
	th.between(p.s.on(lab.Throughput, f.name), rate.Low, rate.High, "closed network's bounds: N = %s, %s", number(n), said)
	switch late := span - f.timeout.Seconds(); {
	case response >= span/10 && response <= span && places > 0:
		th.none("latency of "+f.name, "a round of all connections takes %s, which is too much of %s for a steady state", seconds(response), seconds(span))
	case response < span/10:
		th.between(p.s.on(lab.MeanLatency, f.name), n/rate.High, response, "Little's law: N/throughput")
	case places > 0 && late > 0:
		th.between(p.s.on(lab.Timeouts, f.name), rate.Low*late, rate.High*late,
			"first in, first out: all after the first %s are late, at that rate for %s", seconds(f.timeout.Seconds()), seconds(late))
		th.none("latency of "+f.name, "one round of all %s connections takes %s, longer than the load: the later a reply, the slower", number(n), seconds(response))
	}
}

// notClosed is why the bounds do not apply; "" if they do. response is how long a
// request takes.
func (p *pool) notClosed(f flow, response float64) string {
	places, _ := p.places()
	timeout := p.c.Timeout.Seconds()
	switch {
	case f.connections > holds(p.c):
		return "more connections than the workers and the backlog hold, " + number(float64(holds(p.c)))
	case f.patience > 0 && response > f.patience.Seconds():
		return "a round of all connections takes " + seconds(response) + ", beyond " + f.whose + " of " + seconds(f.patience.Seconds()) + ", and who leaves is served all the same"
	case timeout > 0 && p.c.Model == worker.Sync && f.route.Time.CDF(timeout) < 1:
		return "some requests outlast the worker timeout, and are cut"
	case timeout > 0 && p.c.Model == worker.Evented && places > 0 && response > timeout:
		return "a turn of all handlers that block outlasts the worker timeout: the loop is killed with all that it accepted"
	}
	return ""
}
