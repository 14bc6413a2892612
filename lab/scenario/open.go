// Theory of open loops: a queue that keeps up, one that does not, and a server at
// which nobody queues.

package scenario

import (
	"fmt"
	"math"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/queueing"
	"example.com/outagelab/pocserver/worker"
)

// A mix is several open loops at one pool, as one.
type mix struct {
	rate       float64 // a second
	scv        float64 // of the times between two arrivals
	mean       float64 // seconds of service
	serviceSCV float64
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
		}
	}
	m.mean /= m.rate
	m.scv /= m.rate
	m.span = flows[0].span.Seconds()
	if m.mean > 0 {
		m.serviceSCV = second/m.rate/m.mean/m.mean - 1
	}
	m.loads = fmt.Sprintf("λ = %s/s, E[S] = %s", number(m.rate), seconds(m.mean))
	if len(flows) > 1 {
		m.loads += " over all that come"
	}
	return m, ""
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
			m.mean += p.replacing()
		} else {
			why = "workers are recycled meanwhile"
		}
	}
	if why == "" && p.c.Model == worker.Threaded && m.rate*p.c.CPU.Seconds() >= float64(p.c.Workers) {
		why = "the workers' CPU is the limit, and not their threads"
	}
	if why != "" {
		th.none(p.names(), "%s", why)
		return
	}
	if p.killed(th, flows, m) {
		return
	}
	switch u := m.rate * m.mean / float64(places); {
	case u > 1:
		p.overload(th, flows, m)
	case u == 1:
		th.overloaded = true
		th.none(p.names(), "at a utilisation of 1 a queue grows, and there is no saying how fast")
	default:
		p.keepsUp(th, flows, m, places, word)
	}
}

// worthAWord is how many requests, of the expected number, are worth a word.
const worthAWord = 0.1

// killed predicts what the worker timeout does to requests that outlast it, and
// reports whether that is all that can be said.
func (p *pool) killed(th *theory, flows []flow, m mix) bool {
	if p.c.Timeout == 0 || p.c.Model == worker.Threaded {
		return false
	}
	timeout := p.c.Timeout.Seconds()
	outlast := 0.0
	for _, f := range flows {
		outlast += f.rate * (1 - f.route.Time.CDF(timeout))
	}
	held := p.c.Model == worker.Evented
	if outlast*m.span < worthAWord {
		if !held || m.rate*m.mean < float64(p.c.Workers) {
			return false
		}
		th.none(p.names(), "a loop that blocks accepts all that wait, and when their handlers together outlast the worker timeout of %s it is killed with all of them", seconds(timeout))
		return true
	}
	kills, err := queueing.Kills{Workers: p.c.Workers, Timeout: timeout, Boot: p.c.BootTime.Seconds(), Arrivals: outlast}.PerMinute()
	if err != nil {
		th.none(p.names(), "%v", err)
		return true
	}
	from, to := flows[0].start.Seconds(), flows[0].end().Seconds()
	ends := 60 * float64(p.c.Workers) / m.span // a worker may be about to be killed when the load ends
	th.between(p.at(killsAMinute(p.first, p.c.Workers, from, to)), max(0, kills.Low-ends), kills.High,
		"workers·60/(worker timeout + up to 1 s + boot), or as many as outlast it, but for one a worker at the end: %s, %s, %s/s",
		plural(p.c.Workers, "worker"), seconds(timeout), number(outlast))
	th.none(p.names(), "%s %% of the requests outlast the worker timeout of %s, and take their worker with them", number(100*outlast/m.rate), seconds(timeout))
	return true
}

// keepsUp predicts a queue with a utilisation below 1.
func (p *pool) keepsUp(th *theory, flows []flow, m mix, places int, word string) {
	c := float64(places)
	busy := p.inService(m.span)
	th.predict(p.at(busy), m.rate*m.mean, "Little's law: λ·E[S], %s", m.loads)
	th.predict(p.at(over(busy, "utilisation", c)), m.rate*m.mean/c, "λ·E[S]/c, on %s", word)

	exact := queueing.MMc{Arrivals: m.rate, Service: m.mean, Servers: places}
	approximately := queueing.GGc{Arrivals: m.rate, ArrivalSCV: m.scv, Service: m.mean, ServiceSCV: m.serviceSCV, Servers: places}
	markov := len(flows) == 1 && flows[0].poisson && flows[0].route.exponential && p.c.CPU == 0 && p.c.SleepOvershoot == 0 && p.oneQueue()
	formula := "M/M/c, Erlang's C, on " + word
	if !markov {
		formula = fmt.Sprintf("Allen and Cunneen's approximation of G/G/c, on %s: squared coefficients of variation %s of arrivals, %s of service",
			word, number(m.scv), number(m.serviceSCV))
		if !p.oneQueue() {
			formula += "; as if all workers had one queue"
		}
	}
	for _, f := range flows {
		own, _ := p.service(f)
		shift := p.c.CPU.Seconds() + p.c.SleepOvershoot.Seconds()
		cdf := func(t float64) float64 { return f.route.Time.CDF(t - shift) }
		wait, err := approximately.MeanWait()
		tail := approximately.WaitTail
		quantile := func(part float64) (float64, error) { return approximately.Quantile(part, cdf) }
		if markov {
			wait, err = exact.MeanWait()
			tail, quantile = exact.WaitTail, exact.Quantile
			th.latencies = append(th.latencies, lab.Distribution{Load: f.name, Formula: formula, CDF: func(t float64) float64 {
				later, err := exact.Tail(max(t, 0))
				if err != nil {
					return math.NaN()
				}
				return 1 - later
			}})
		}
		if err != nil {
			th.none("latency of "+f.name, "%v", err)
			continue
		}
		if f.patience > 0 {
			if gone, err := tail(f.patience.Seconds()); err == nil && gone > 0.001 {
				th.none("latency of "+f.name, "%s %% would wait longer than %s, %s, and leave", number(100*gone), f.whose, seconds(f.patience.Seconds()))
				continue
			}
		}
		th.predict(p.s.on(lab.MeanLatency, f.name), wait+own, "%s", formula)
		for _, part := range p.s.percentiles(f.name) {
			if q, err := quantile(part / 100); err != nil {
				th.none(fmt.Sprintf("p%g of %s", part, f.name), "%v", err)
			} else {
				th.predict(p.s.on(p.s.latency(part), f.name), q, "the same, of the wait and the service")
			}
		}
	}
}

// oneQueue reports whether all places serve one queue: sync workers accept from one
// backlog, and the threads of a single worker have one line.
func (p *pool) oneQueue() bool { return p.c.Model == worker.Sync || p.c.Workers == 1 }

// percentiles are those of a load that are worth a prediction: the 99th, and those
// that must hold; all below 100, for theory knows no slowest.
func (s *Scenario) percentiles(load string) []float64 {
	all := []float64{99}
	for _, h := range s.holds {
		if h.percentile > 0 && h.percentile < 100 && h.percentile != 99 && (h.load == load || len(s.traffic) == 1) {
			all = append(all, h.percentile)
		}
	}
	return all
}

// nobodyQueues predicts open loops at a server that has a place for each.
func (p *pool) nobodyQueues(th *theory, flows []flow) {
	m, why := p.mixed(flows)
	cpu := p.c.CPU.Seconds()
	if why != "" && cpu > 0 {
		th.none(p.names(), "%s", why)
		return
	}
	if p.c.Model == worker.Evented && m.rate*m.mean > float64(p.c.Workers*p.c.WorkerConnections) {
		th.none(p.names(), "more are under way at a time than worker_connections allows")
		return
	}
	var wait float64
	var q queueing.GGc
	if cpu > 0 {
		loops := float64(p.c.Workers)
		used := m.rate * cpu / loops
		if used >= 1 {
			th.atMost(lab.Throughput, loops/cpu, "no pool, and the CPU is the limit: loops/cpu = %g/(%s)", loops, seconds(cpu))
			th.none("latency of "+p.names(), "the CPU gets %s times what it can do", number(used))
			return
		}
		scv := 1.0 // which loop a request gets is drawn
		if p.c.Workers == 1 {
			scv = m.scv
		}
		q = queueing.GGc{Arrivals: m.rate / loops, ArrivalSCV: scv, Service: cpu, Servers: 1}
		var err error
		if wait, err = q.MeanWait(); err != nil {
			th.none(p.names(), "%v", err)
			return
		}
	}
	for _, f := range flows {
		own, _ := p.service(f)
		over := p.c.SleepOvershoot.Seconds()
		cdf := func(t float64) float64 { return f.route.Time.CDF(t - cpu - over) }
		formula := "nobody waits for a place: the service time"
		if cpu > 0 {
			formula = fmt.Sprintf("no pool: the service time, and Allen and Cunneen's approximation of G/G/1 for %s of CPU", seconds(cpu))
		} else {
			th.latencies = append(th.latencies, lab.Distribution{Load: f.name, Formula: formula, CDF: cdf})
		}
		if f.patience > 0 && 1-cdf(f.patience.Seconds()) > 0.001 {
			th.none("latency of "+f.name, "%s %% take longer than %s, %s", number(100*(1-cdf(f.patience.Seconds()))), f.whose, seconds(f.patience.Seconds()))
			continue
		}
		th.predict(p.s.on(inFlight(f), f.name), f.rate*(own+wait), "Little's law: λ·E[S] = %s/s · %s", number(f.rate), seconds(own))
		th.predict(p.s.on(lab.MeanLatency, f.name), own+wait, "%s", formula)
		for _, part := range p.s.percentiles(f.name) {
			metric := p.s.on(p.s.latency(part), f.name)
			if cpu == 0 {
				th.predict(metric, (f.route.Time.At(part/100)).Seconds()+over, "the service time's own")
			} else if x, err := q.Quantile(part/100, cdf); err == nil {
				th.predict(metric, x, "the same")
			}
		}
	}
}
