// Theory of open loops that queue for a place: those that the server keeps up with.

package scenario

import (
	"fmt"
	"math"

	"example.com/outagelab/lab/queueing"
	"example.com/outagelab/pocserver/worker"
)

// A mix is several open loops at one pool, as one.
type mix struct {
	rate       float64 // a second
	scv        float64 // of the times between two arrivals
	regular    int     // how many of the loads come at regular intervals
	mean       float64 // seconds of service
	serviceSCV float64
	boots      float64 // seconds of mean for which there is no service, but a worker that boots
	bootPart   float64 // of the service's second moment
	napping    bool    // a part of the service is no CPU
	varies     bool    // and is not always the same
	span       float64 // seconds
	loads      string  // in words
}

// mixed is the flows as one: rates add up, and the service time's moments are
// weighted by them. How regular the arrivals are is weighted the same way, which is
// right in the long run (W. Whitt, The Queueing Network Analyzer, Bell System
// Technical Journal 62(9), 1983, section 4.3, the asymptotic method). The error
// is why they cannot be one.
func (p *pool) mixed(flows []flow) (m mix, why string) {
	var second float64
	for _, f := range flows {
		if f.start != flows[0].start || f.span != flows[0].span {
			return m, "the loads on one pool are not on at the same time"
		}
		mean, squares := p.service(f)
		m.rate += f.rate
		m.mean += f.rate * mean
		second += f.rate * squares
		if f.poisson {
			m.scv += f.rate
		} else {
			m.regular++
		}
		m.napping = m.napping || mean > p.c.CPU.Seconds()
		m.varies = m.varies || f.route.Time.Variance() > 0
	}
	m.mean /= m.rate
	m.scv /= m.rate
	m.span = flows[0].span.Seconds()
	if m.mean > 0 {
		if m.serviceSCV = second/m.rate/m.mean/m.mean - 1; m.serviceSCV < rounding {
			m.serviceSCV = 0
		}
	}
	m.loads = fmt.Sprintf("λ = %s/s, E[S] = %s", number(m.rate), seconds(m.mean))
	if len(flows) > 1 {
		m.loads += " over all that come"
	}
	return m, ""
}

// rounding is more than what is left of nothing where numbers of the order of 1 are
// subtracted.
const rounding = 1e-9

// replaced adds to the service what a worker is away for, boot, after so many
// requests.
func (m *mix) replaced(boot, requests float64) {
	more := (2*m.mean + boot) * boot / requests
	second := (m.serviceSCV+1)*m.mean*m.mean + more
	m.boots, m.bootPart = boot/requests, more/second
	m.mean += m.boots
	m.serviceSCV = second/m.mean/m.mean - 1
}

// queue predicts open loops at a pool with so many places.
func (p *pool) queue(th *theory, flows []flow) {
	m, why := p.mixed(flows)
	places, word := p.places()
	if why == "" && m.mean == 0 {
		why = "the requests take no time"
	}
	if why == "" && p.recycles(m.rate*m.span) > 0 {
		if p.c.Model == worker.Sync {
			m.replaced(p.c.BootTime.Seconds(), p.lives())
		} else {
			why = "workers are recycled meanwhile"
		}
	}
	if why != "" {
		th.none(p.names(), "%s", why)
		return
	}
	if p.c.Model == worker.Threaded && m.rate*p.c.CPU.Seconds() >= float64(p.c.Workers)*(1-rounding) {
		p.cpuBound(th, flows, m)
		return
	}
	if p.killed(th, flows, m) {
		return
	}
	switch u := m.rate * m.mean / float64(places); {
	case math.Abs(u-1) < rounding:
		th.critical = true
		if b := p.bottlenecks(); len(b) > 0 {
			th.none(p.names(), "%s", p.critical(m, b[0]))
		}
	case u > 1:
		p.overload(th, flows, m)
	default:
		p.keepsUp(th, flows, m, places, word)
	}
}

// keepsUp predicts a queue with a utilisation below 1.
func (p *pool) keepsUp(th *theory, flows []flow, m mix, places int, word string) {
	if why := p.full(m); why != "" {
		th.none(p.names(), "%s", why)
		return
	}
	var cpu queueing.GGc
	var contended float64
	if p.c.Model == worker.Threaded { // a thread is held while its request waits for the CPU
		var why string
		if cpu, contended, why = p.cpuWait(m); why == "" && contended > 0 {
			why = unsteady(cpu, m.span)
		}
		if why != "" {
			th.none(p.names(), "%s", why)
			return
		}
	}
	if contended > 0 {
		m.mean += contended
		m.loads += fmt.Sprintf(" and %s of waiting for the CPU", seconds(contended))
	}
	c := float64(places)
	if m.rate*m.mean >= c {
		th.none(p.names(), "the threads are held by requests that wait for the workers' CPU")
		return
	}
	latency := p.latency
	if p.lends() { // who holds a thread is not observed, only who holds the loop
		latency = p.inNoQueue
	} else {
		busy := p.inService(m.span)
		served := m.mean - m.boots
		th.predict(p.at(busy), m.rate*served, "Little's law: λ·E[S], %s", m.loads)
		th.predict(p.at(over(busy, "utilisation", c)), m.rate*served/c, "λ·E[S]/c, on %s", word)
	}
	if why := p.noWaits(m, contended); why != "" {
		th.none("latency of "+p.names(), "%s", why)
		return
	}
	if !p.oneQueue() && contended == 0 {
		for _, f := range flows {
			latency(th, f, p.atOnce(f, "a place is always free: the service time"))
		}
		return
	}
	exact := queueing.MMc{Arrivals: m.rate, Service: m.mean, Servers: places}
	q := queueing.GGc{Arrivals: m.rate, ArrivalSCV: m.scv, Service: m.mean, ServiceSCV: m.serviceSCV, Servers: places}
	formula := fmt.Sprintf("Allen and Cunneen's approximation of G/G/c, on %s: squared coefficients of variation %s of arrivals, %s of service",
		word, number(m.scv), number(m.serviceSCV))
	if contended > 0 {
		q, formula = cpu, fmt.Sprintf("a thread is always free: the service time, and Allen and Cunneen's approximation of G/G/1 for %s of CPU", seconds(cpu.Service))
	}
	if len(flows) == 1 && flows[0].poisson && flows[0].route.exponential && p.c.CPU == 0 && p.c.SleepOvershoot == 0 {
		f := flows[0]
		wait, err := exact.MeanWait()
		r := replies{wait: wait, err: err, quantile: exact.Quantile, exact: true, formula: "M/M/c, Erlang's C, on " + word}
		r.cdf = func(t float64) float64 {
			later, err := exact.Tail(max(t, 0))
			if err != nil {
				return math.NaN()
			}
			return 1 - later
		}
		latency(th, f, r)
		return
	}
	for _, f := range flows {
		r := approximately(q, p.byItself(f), formula)
		if len(flows) > 1 && m.scv < 0.9 {
			r.meanOnly = "who comes at regular intervals and who comes at random wait differently"
		}
		latency(th, f, r)
	}
}

// noWaits is why there is no formula for what requests of a queue wait.
func (p *pool) noWaits(m mix, contended float64) string {
	places, _ := p.places()
	// A worker that gets its share by a fair draw gets it at random.
	q, _ := p.ofOneQueue(m)
	wait, err := q.MeanWait()
	free := err == nil && wait <= rare*m.mean && (p.oneQueue() || p.c.AcceptAgain == 0)
	switch {
	case !p.oneQueue() && !free:
		return "each worker has a queue of its own, and who comes to a busy one waits though another is free"
	case m.regular > 1 && (contended > 0 || !free):
		return "several loads that come at regular intervals meet, or do not, as they happen to begin"
	case m.bootPart > 0.1:
		return "workers are recycled meanwhile, and much of what requests wait for is that one boots"
	case m.serviceSCV > mostSCV && places > 1:
		return tooVaried(m.serviceSCV)
	case contended > 0 && !free:
		return "requests wait for a thread, and for the CPU as well"
	}
	return unsteady(queueing.GGc{Arrivals: m.rate, ArrivalSCV: m.scv, Service: m.mean, ServiceSCV: m.serviceSCV, Servers: places}, m.span)
}

// tooVaried says why there is no formula for service times that vary so much.
func tooVaried(scv float64) string {
	return fmt.Sprintf("the service time varies too much: its squared coefficient of variation is %s, and the approximation is good up to %d", number(scv), mostSCV)
}
