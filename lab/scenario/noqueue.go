// Theory of open loops at a server that has a place for each request: what there is
// to wait for is the CPU.

package scenario

import (
	"fmt"
	"slices"

	"example.com/outagelab/lab/typeset"
)

// nobodyQueues predicts open loops at a server that has a place for each.
func (p *pool) nobodyQueues(th *theory, flows []flow) {
	var names []string
	for _, f := range flows {
		names = append(names, f.name)
	}
	if why := p.crowded(); why != "" {
		th.none(typeset.List(names), "%s", why)
		return
	}
	if p.c.CPU == 0 {
		for _, f := range flows {
			p.inNoQueue(th, f, p.atOnce(f, "nobody waits for a place: the service time"))
		}
		return
	}
	m, why := p.mixed(flows)
	cpu, loops := p.c.CPU.Seconds(), float64(p.c.Workers)
	if used := m.rate * cpu / loops; why == "" && used >= 1-rounding {
		p.cpuBound(th, flows, m)
		return
	} else if why == "" && p.c.Workers > 1 && p.c.AcceptAgain > 0 {
		why = "one worker is favoured, and how much of the CPU's work it gets depends on who is free"
	} else if why == "" && m.regular > 1 {
		why = "several loads that come at regular intervals meet at the CPU, or do not, as they happen to begin"
	}
	if why != "" {
		th.none("latency of "+p.names(), "%s", why)
		return
	}
	q, _, why := p.cpuWait(m)
	if why == "" {
		why = unsteady(q, m.span)
	}
	if why != "" {
		th.none("latency of "+p.names(), "%s", why)
		return
	}
	for _, f := range flows {
		p.inNoQueue(th, f, approximately(q, p.byItself(f), fmt.Sprintf("no pool: the service time, and Allen and Cunneen's approximation of G/G/1 for %s of CPU", seconds(cpu))))
	}
}

// inNoQueue predicts how many requests of f are under way, and what they take. It reports whether it does.
func (p *pool) inNoQueue(th *theory, f flow, r replies) bool {
	at := len(th.predictions)
	if !p.latency(th, f, r) {
		return false
	}
	own, _ := p.service(f)
	little := prediction{metric: p.s.on(inFlight(f), f.name), low: f.rate * (own + r.wait), high: f.rate * (own + r.wait),
		formula: fmt.Sprintf("Little's law: λ·E[S] = %s/s · %s", number(f.rate), seconds(own+r.wait))}
	th.predictions = slices.Insert(th.predictions, at, little)
	return true
}
