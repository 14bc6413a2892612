// What theory says of a scenario, from lab/queueing: for each server and the loads
// that reach it the formula that applies, or why none does.

package scenario

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/synthetic"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

// theory is all that theory says, and what it has no formula for.
type theory struct {
	predictions []prediction
	without     []string // what there is no formula for, and why
	latencies   []lab.Distribution
	lesson      lab.Lesson
	excess      []excess // the pools that get more than they can serve
	bottlenecks []bottleneck
	critical    bool     // a pool gets exactly as much as it can serve
	notes       []string // what else there is to say
}

// An excess is what a pool gets beyond what it can serve.
type excess struct {
	loads []string
	span  float64 // for how many seconds
	// growth is the seconds by which the queue gets longer in a second, λ/μ − 1.
	growth float64
	// deviation is the standard deviation of how much longer or shorter it is in the end, in seconds.
	deviation float64
}

// breaks reports whether what comes in excess is enough to break h, where places is
// all that may be too little: the k-th request then waits for k/μ − k/λ at least.
func (th *theory) breaks(h hold) bool {
	return h.most && h.percentile > 0 && slices.ContainsFunc(th.excess, func(x excess) bool {
		return slices.Contains(x.loads, h.load) && h.percentile/100*x.span*x.growth > h.bound
	})
}

// A prediction is a number, or the two that it is between, and where it is from.
type prediction struct {
	metric    lab.Metric
	low, high float64
	atMost    bool // high is a bound, and nothing is said below it
	formula   string
}

// check is the prediction as a check that nothing is held to.
func (p prediction) check() lab.Check {
	return lab.Check{Metric: p.metric, Want: p.high, Formula: p.formula, Within: lab.Shown("theory is compared, and nothing is held to it")}
}

func (th *theory) predict(metric lab.Metric, x float64, formula string, args ...any) {
	th.between(metric, x, x, formula, args...)
}

func (th *theory) between(metric lab.Metric, low, high float64, formula string, args ...any) {
	th.predictions = append(th.predictions, prediction{metric: metric, low: low, high: high, formula: fmt.Sprintf(formula, args...)})
}

func (th *theory) atMost(metric lab.Metric, x float64, formula string, args ...any) {
	th.predictions = append(th.predictions, prediction{metric: metric, low: x, high: x, atMost: true, formula: fmt.Sprintf(formula, args...)})
}

// none notes that there is no formula for something, and why.
func (th *theory) none(what, why string, args ...any) {
	if text := what + ": " + fmt.Sprintf(why, args...); !slices.Contains(th.without, text) {
		th.without = append(th.without, text)
	}
}

// A pool is a server, and the loads that reach it.
type pool struct {
	s      *Scenario
	server int
	first  int // its first worker's number
	c      worker.Config
	flows  []flow
}

// A flow is one load as a server sees it.
type flow struct {
	traffic
	route *route
	// patience is after how long nobody waits any more, and whose; 0 is for ever.
	patience time.Duration
	whose    string
	way
}

// predicted is what can be predicted of s.
func (s *Scenario) predicted() *theory {
	th := new(theory)
	first := 0
	var pools []pool
	for i, c := range s.servers() {
		p := pool{s: s, server: i, first: first, c: c}
		first += c.Workers
		split := false
		for _, t := range s.traffic {
			w := s.ways[t.path]
			for _, at := range w.servers {
				if at == i {
					p.flows = append(p.flows, s.flow(t, w))
					split = split || len(w.servers) > 1
				}
			}
		}
		if split {
			th.none(p.names(), "nginx sends them to several servers in turn")
		} else if len(p.flows) > 0 {
			pools = append(pools, p)
		}
	}
	var all []*theory
	for i := range pools {
		own := new(theory)
		own.bottlenecks = pools[i].bottlenecks()
		pools[i].predict(own)
		pools[i].alone(own)
		all = append(all, own)
		th.excess = append(th.excess, own.excess...)
	}
	short := s.nginxConnections(pools)
	for i, own := range all {
		if short != nil {
			th.none(pools[i].names(), "%s", short.needs())
			th.bottlenecks = append(th.bottlenecks, own.bottlenecks...)
			continue
		}
		if len(pools) > 1 && len(th.excess) > len(own.excess) {
			th.none(pools[i].names(), "another server behind the same nginx gets more than it can serve, and who waits there takes of nginx's worker_connections")
			continue
		}
		th.predictions = append(th.predictions, own.predictions...)
		th.without = append(th.without, own.without...)
		th.latencies = append(th.latencies, own.latencies...)
		th.critical = th.critical || own.critical
		th.bottlenecks = append(th.bottlenecks, own.bottlenecks...)
		th.notes = append(th.notes, own.notes...)
		if len(own.excess) > 0 {
			th.lesson = own.lesson
		}
	}
	if short != nil {
		th.bottlenecks = append(th.bottlenecks, *short)
		th.lesson = short.lesson()
	}
	if s.cpuIsUnsaid() && slices.ContainsFunc(pools, func(p pool) bool { return p.c.Model.EventLoop() }) {
		th.notes = append(th.notes, "no CPU is counted: cpu is 0; the field's gunicorn took 0.3 ms a request and uvicorn with Django 0.94 ms")
	}
	return th
}

// cpuIsUnsaid reports whether no server says what a request costs it of CPU. An
// event loop has no limit then.
func (s *Scenario) cpuIsUnsaid() bool {
	return !slices.ContainsFunc(s.given, func(keys map[string]*yaml.Node) bool { return keys["cpu"] != nil })
}

// alone notes what requests take by themselves where that is more than must hold:
// no server is fast enough for that.
func (p *pool) alone(th *theory) {
	for _, f := range p.flows {
		for _, h := range p.s.holds {
			if !h.most || h.percentile == 0 || h.percentile == 100 || h.load != f.name {
				continue
			}
			if own := f.route.Time.At(h.percentile / 100).Seconds(); own > h.bound {
				th.notes = append(th.notes, fmt.Sprintf("the p%g of the service time alone is %s: no number of places brings it to %s", h.percentile, seconds(own), seconds(h.bound)))
			}
		}
	}
}

// flow is a load on its way, as far as the horizon.
func (s *Scenario) flow(t traffic, w way) flow {
	f := flow{traffic: t, route: routeOf(s.routes, w.path), way: w, patience: w.patience, whose: "nginx's proxy_read_timeout"}
	f.span = min(f.span, s.horizon-f.start)
	if own := t.timeout; own > 0 && (t.open || t.giveUp) && (f.patience == 0 || own < f.patience) {
		f.patience, f.whose = own, "the clients' timeout"
	}
	return f
}

// loads are the names of the loads that reach the pool, and names is them in words.
func (p *pool) loads() (all []string) {
	for _, f := range p.flows {
		all = append(all, f.name)
	}
	return all
}

// has reports whether the load of that name reaches the pool.
func (p *pool) has(name string) bool { return slices.Contains(p.loads(), name) }

func (p *pool) names() string { return typeset.List(p.loads()) }

// on is a metric of one load: where there is one only, of all.
func (s *Scenario) on(m lab.Metric, name string) lab.Metric {
	if len(s.traffic) == 1 {
		return m
	}
	return m.On(name)
}

// at is a metric of one server's workers: with its port, where several have loads.
func (p *pool) at(m lab.Metric) lab.Metric {
	if len(p.s.system.Others) == 0 {
		return m
	}
	address := p.s.addresses()[p.server]
	m.Name += " at " + address[strings.LastIndex(address, ":"):]
	return m
}

// placesOf is how many requests a server serves at a time, where that is a number;
// 0 is as many as come.
func placesOf(c worker.Config, waits synthetic.Waits) int {
	switch c.Model {
	case worker.Sync:
		return c.Workers
	case worker.Threaded:
		return c.Workers * min(c.Threads, c.WorkerConnections)
	case worker.Evented, worker.Uvicorn:
		switch waits {
		case synthetic.Blocking:
			return c.Workers
		case synthetic.InThread:
			return c.Workers * c.ThreadLimit
		}
	}
	return 0
}

// places is that of the pool, and what a place is called.
func (p *pool) places() (n int, word string) {
	n = placesOf(p.c, p.flows[0].route.Waits)
	switch p.c.Model {
	case worker.Sync:
		return n, plural(n, "worker")
	case worker.Threaded:
		return n, plural(n, "thread")
	case worker.ThreadPerRequest:
		return n, "one process"
	}
	if p.lends() {
		return n, plural(n, "thread")
	}
	return n, plural(p.c.Workers, "loop")
}

// lends reports whether requests wait for the threads of a pool beside their loop: see worker.Config.ThreadLimit.
func (p *pool) lends() bool {
	return p.c.Model.EventLoop() && p.c.ThreadLimit > 0 && p.flows[0].route.Waits == synthetic.InThread
}

func plural(n int, one string) string { return typeset.Plural(n, one, one+"s") }

// predict says what theory says of the pool.
func (p *pool) predict(th *theory) {
	open, closed, streams := 0, 0, 0
	for _, f := range p.flows {
		switch {
		case f.route.Stream:
			streams++
		case f.open:
			open++
		default:
			closed++
		}
		first := p.flows[0].route.Waits
		switch waits := f.route.Waits; {
		case !p.c.Model.EventLoop() || waits == first:
		case waits == synthetic.Blocking || first == synthetic.Blocking:
			th.none(p.names(), "handlers that block share a loop with handlers that await")
			return
		case p.c.ThreadLimit > 0:
			th.none(p.names(), "handlers in threads share a loop with handlers that await")
			return
		}
	}
	places, _ := p.places()
	switch {
	case streams > 0 && places > 0 && len(p.flows) > 1:
		th.none(p.names(), "streams, which have no end, share a pool with others")
		return
	case streams > 0 && len(p.flows) > 1 && p.c.CPU > 0:
		th.none(p.names(), "streams share a loop's CPU with others")
		return
	case streams > 0:
		for _, f := range p.flows {
			if f.route.Stream {
				p.streams(th, f)
			}
		}
	case open > 0 && closed > 0 && (places > 0 || p.c.CPU > 0):
		th.none(p.names(), "open and closed loops share a pool")
		return
	case closed > 1 && (places > 0 || p.c.CPU > 0):
		th.none(p.names(), "several closed loops share a pool")
		return
	}
	if streams > 0 && places > 0 {
		return
	}
	var opens []flow
	for _, f := range p.flows {
		switch {
		case f.route.Stream:
		case f.open:
			opens = append(opens, f)
		default:
			p.closedLoop(th, f)
		}
	}
	switch {
	case len(opens) == 0:
	case p.lends():
		p.lent(th, opens)
	case places > 0:
		p.queue(th, opens)
	default:
		p.nobodyQueues(th, opens)
	}
}

// service is what requests take of a place: the mean in seconds and the second
// moment.
func (p *pool) service(f flow) (mean, second float64) {
	mean = f.route.Time.Mean().Seconds() + p.c.SleepOvershoot.Seconds()*(1-f.route.Time.CDF(0)) + p.c.CPU.Seconds()
	return mean, f.route.Time.Variance() + mean*mean
}

// lives is how many requests a worker serves before it is recycled, on average.
func (p *pool) lives() float64 {
	return float64(p.c.MaxRequests) + float64(p.c.MaxRequestsJitter)/2
}

// recycles is how many times workers are recycled by so many requests.
func (p *pool) recycles(requests float64) float64 {
	if p.c.MaxRequests == 0 {
		return 0
	}
	return math.Floor(requests / p.lives())
}

// replacing is what a request costs a sync worker on average for being replaced
// after so many, in seconds.
func (p *pool) replacing() float64 { return p.c.BootTime.Seconds() / p.lives() }

// seconds says a number of seconds in the unit that suits it.
func seconds(x float64) string {
	return typeset.Seconds(time.Duration(math.Round(x * 1e9)))
}

// number says a number.
func number(x float64) string { return typeset.Number(x) }
