// Bottlenecks: what open loops use more of than there is, and the smallest number that carries them.

package scenario

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"example.com/outagelab/lab"
	"example.com/outagelab/pocserver/worker"
)

// A bottleneck is a resource that is used by as much as there is of it or more, by Little's law.
type bottleneck struct {
	resource string  // "CPU", "threads"
	used     float64 // how many are used at a time on average
	has      float64 // how many there are
	key      string  // of the file, that gives more of it; "" if none does
	least    int     // the smallest number of it that is more than used
	why      string
	server   int // whose it is; -1 is nginx
	config   int // of nginx, the smallest worker_connections of its file
}

// utilisation is the part of the resource that the loads need.
func (b *bottleneck) utilisation() float64 { return b.used / b.has }

// needs says the smallest number that carries the loads: "CPU: needs 2 workers".
func (b *bottleneck) needs() string {
	if b.config > 0 {
		return fmt.Sprintf("%s: %s fit, %s needed", b.resource, number(b.has), number(float64(b.least)))
	}
	if b.key == "" {
		return b.resource + ": no number of the file gives more of it"
	}
	return fmt.Sprintf("%s: needs %s", b.resource, keyed(b.key, b.least))
}

// String is what it needs, and why.
func (b *bottleneck) String() string { return b.needs() + ". " + b.why }

// keyed is a number of what a key counts: "2 workers", "a thread_limit of 41".
func keyed(key string, n int) string {
	if key == "thread_limit" {
		return "a thread_limit of " + number(float64(n))
	}
	words := strings.ReplaceAll(key, "_", " ")
	if n == 1 {
		words = strings.TrimSuffix(words, "s")
	}
	return number(float64(n)) + " " + words
}

// resources are what keys give more of.
var resources = map[string]string{
	"workers": "workers", "threads": "threads", "thread_limit": "threads", "worker_connections": "worker connections",
}

// more is the least whole number, of which each of so many has one, that is more than used in all.
func more(used float64, each int) int { return int(math.Floor(used/float64(each)+rounding)) + 1 }

// bottlenecks are those of the open loops at the pool, where most of them are on at a time. The first is used most.
func (p *pool) bottlenecks() (all []bottleneck) {
	for _, first := range p.flows {
		var on []flow
		for _, f := range p.flows {
			if f.open && !f.route.Stream && f.start <= first.start && first.start < f.end() {
				on = append(on, f)
			}
		}
		for _, b := range p.used(on) {
			b.server = p.server
			i := slices.IndexFunc(all, func(other bottleneck) bool { return other.resource == b.resource })
			switch {
			case b.utilisation() < 1-rounding:
			case i < 0:
				all = append(all, b)
			case b.used > all[i].used:
				all[i] = b
			}
		}
	}
	slices.SortStableFunc(all, func(a, b bottleneck) int { return cmp.Compare(b.utilisation(), a.utilisation()) })
	return all
}

// used is how much of each resource the loads use that are on at a time.
func (p *pool) used(flows []flow) (all []bottleneck) {
	rate, held, cpu := 0.0, 0.0, 0.0
	for _, f := range flows {
		mean, _ := p.service(f)
		rate += f.rate
		held += f.rate * mean
		cpu += f.rate * p.c.CPU.Seconds()
	}
	if rate == 0 {
		return nil
	}
	places, _ := p.places()
	if p.lends() {
		held -= cpu // of the loop, without a thread
	}
	if p.c.Model == worker.Sync && p.c.MaxRequests > 0 {
		held += rate * p.replacing()
	}
	workers := p.c.Workers
	keep := func(n, has float64, what string) string {
		are := "are"
		if has == 1 {
			are = "is"
		}
		busy := number(n)
		if busy == "1" {
			what = strings.TrimSuffix(what, "s")
		}
		return fmt.Sprintf("%s requests/s of %s each keep %s %s busy, and there %s %s.",
			number(rate), seconds(n/rate), busy, what, are, number(has))
	}
	if cpu > 0 && p.c.Model != worker.Sync {
		b := bottleneck{resource: "CPU", used: cpu, has: float64(workers)}
		b.why = keep(cpu, b.has, "interpreters")
		if p.c.Model != worker.ThreadPerRequest {
			b.key, b.least = "workers", more(cpu, 1)
		}
		all = append(all, b)
	}
	if places > 0 {
		b := bottleneck{used: held, has: float64(places), key: p.searchable(), least: more(held, workers)}
		switch {
		case b.key == "workers":
			b.least = more(held, 1)
		case p.c.Model == worker.Threaded && p.c.WorkerConnections < p.c.Threads:
			b.key = "worker_connections"
		}
		b.resource = resources[b.key]
		b.why = keep(held, b.has, b.resource)
		all = append(all, b)
	}
	if places == 0 && p.c.Model == worker.Evented {
		b := bottleneck{used: held, has: float64(workers * p.c.WorkerConnections), key: "worker_connections", least: more(held, workers)}
		b.resource, b.why = resources[b.key], keep(held, b.has, "connections")
		all = append(all, b)
	}
	return all
}

// critical says how a queue grows at a utilisation of exactly 1, where it has no steady state: its length is that of a
// Brownian motion without drift, reflected at 0, of which λ(c²a+c²s) is the variance a second. After t seconds its mean
// is √(2λ(c²a+c²s)t/π). (D. Iglehart and W. Whitt, Multiple Channel Queues in Heavy Traffic I, Advances in Applied
// Probability 2(1), 1970.)
func (p *pool) critical(m mix, b bottleneck) string {
	varies := m.scv + m.serviceSCV
	text := "at a utilisation of exactly 1 the queue has no steady state: it grows without limit, like √t"
	if varies > 0 {
		long := math.Sqrt(2 * m.rate * varies * m.span / math.Pi)
		text += fmt.Sprintf(", to %s requests on average after %s, which is a wait of %s",
			number(math.Round(long)), seconds(m.span), seconds(long/m.rate))
	} else {
		text = "at a utilisation of exactly 1 nothing waits only as long as all is regular, and whatever was late once stays late"
	}
	return text + ". " + b.needs()
}

// hopeless says why no value of a search can keep all that must hold, and so need not be run; "" if one may. It is the
// bottleneck with the largest value, if what that holds back is more than chance explains.
func (s *Scenario) hopeless() string {
	if !slices.Contains(places, s.search.key) && s.search.key != "worker_connections" {
		return "" // more may be worse
	}
	th := s.with(s.search.high).theory()
	if !slices.ContainsFunc(s.holds, func(h hold) bool { return h.eased() && th.certainlyBreaks(h) }) {
		return ""
	}
	for _, b := range th.bottlenecks {
		return b.String()
	}
	return ""
}

// certainlyBreaks reports whether what comes in excess is enough to break h, by four standard deviations of what comes
// and what is served.
func (th *theory) certainlyBreaks(h hold) bool {
	for _, x := range th.excess {
		sure := x
		sure.growth -= 4 * x.deviation / x.span
		if sure.growth > 0 && (&theory{excess: []excess{sure}}).breaks(h) {
			return true
		}
	}
	return false
}

// deviation is the standard deviation of how long a queue is after the load's time, in seconds of work.
func (m mix) deviation() float64 {
	return math.Sqrt(m.span*(m.scv+m.serviceSCV)/m.rate) + m.mean
}

// cpuBound predicts open loops that need more CPU than there is.
func (p *pool) cpuBound(th *theory, flows []flow, m mix) {
	cpu, loops := p.c.CPU.Seconds(), float64(p.c.Workers)
	used := m.rate * cpu / loops
	var all []traffic
	own := 0.0
	for _, f := range flows {
		all = append(all, f.traffic)
		own = max(own, p.s.own(f.traffic).Seconds())
	}
	th.excess = append(th.excess, excess{loads: p.loads(), span: m.span, growth: used - 1, deviation: m.deviation()})
	if used > 1+rounding {
		// What comes so long after the end as a reply takes by itself counts, see Run.
		th.atMost(p.s.throughputOf(all), loops/cpu*(1+own/m.span),
			"the CPU is the limit: workers/cpu = %g/(%s); what comes within %s of the load's end counts", loops, seconds(cpu), seconds(own))
	}
	if b := p.bottlenecks(); len(b) > 0 && b[0].resource == "CPU" {
		th.lesson = lab.Lesson{
			Cause: b[0].why + " A worker computes for one request at a time, whatever else waits in it meanwhile.",
			Fix:   b[0].needs() + ".",
		}
	}
	gets := number(used) + " times what it can do"
	if used <= 1+rounding {
		gets = "exactly what it can do, and its queue grows without limit, like √t"
	}
	th.none("latency of "+p.names(), "the CPU gets %s", gets)
}
