// What is measured here and not by lab: rates over the time that the loads are on,
// and what theory alone asks for.

package scenario

import (
	"time"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/synthetic"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

// window is the time that loads of these names were on, from the start of the first to the end of the last, or to the
// horizon. It is that of the run: each seed has its phases, see [lab.Experiment].
func window(o *lab.Observation, of func(name string) bool) (from, to time.Duration) {
	from = o.Horizon
	for _, l := range o.Loads() {
		if !of(l.String()) {
			continue
		}
		switch l := l.(type) {
		case load.Open:
			from, to = min(from, l.Start), max(to, l.Start+l.Duration)
		case load.Closed:
			from, to = min(from, l.Start), max(to, l.Start+l.Duration)
		}
	}
	return from, min(to, o.Horizon)
}

// anyLoad is all loads.
func anyLoad(string) bool { return true }

// phase is how much later than the file says a load began in the run.
func (s *Scenario) phase(o *lab.Observation, name string) time.Duration {
	for _, t := range s.traffic {
		if t.name == name {
			from, _ := window(o, func(other string) bool { return other == name })
			return from - t.start
		}
	}
	return 0
}

// lastGood is when the last good request of a load was sent, by the clock of a run whose load begins when the file says.
func (s *Scenario) lastGood(name string) lab.Metric {
	m := s.on(lab.LastGood, name)
	of := m.Of
	m.Of = func(o *lab.Observation) float64 { return of(o) - s.phase(o, name).Seconds() }
	return m
}

// throughput is complete replies a second while the loads are on. A load that ends
// has asked for replies that are still to come: they count if they come as soon
// after the end as they would from a server that is free, and not if it was
// behind.
func (s *Scenario) throughput(loads []traffic) lab.Metric {
	m := lab.Throughput
	m.Means, m.Of = "of the time that the loads are on", s.rate(loads, func(r load.Record) bool { return r.Complete })
	return m
}

// throughputOf is that of some loads only, by their names.
func (s *Scenario) throughputOf(loads []traffic) lab.Metric {
	m := s.throughput(loads)
	if len(loads) < len(s.traffic) {
		var names []string
		for _, t := range loads {
			names = append(names, t.name)
		}
		m.Name += " of " + typeset.List(names)
	}
	return m
}

// goodput is the same of the replies that their clients still wanted.
func (s *Scenario) goodput(loads []traffic) lab.Metric {
	m := lab.Goodput
	m.Means, m.Of = "of the time that the loads are on", s.rate(loads, load.Record.Good)
	return m
}

func (s *Scenario) rate(loads []traffic, counts func(load.Record) bool) func(*lab.Observation) float64 {
	own := map[string]time.Duration{}
	for _, t := range loads {
		own[t.name] = s.own(t)
	}
	return func(o *lab.Observation) float64 {
		from, to := window(o, func(name string) bool { _, ok := own[name]; return ok })
		n := 0.0
		for _, r := range o.Records {
			if late, ok := own[r.Load]; ok && counts(r) && r.End <= to+late {
				n++
			}
		}
		return n / (to - from).Seconds()
	}
}

// own is the time that 999 in 1,000 requests of a load take at most where nobody
// else asks.
func (s *Scenario) own(t traffic) (d time.Duration) {
	w := s.ways[t.path]
	rt := routeOf(s.routes, w.path)
	if rt == nil {
		return 0
	}
	for _, i := range w.servers {
		c := s.servers()[i]
		d = max(d, rt.Time.At(1-rare)+c.SleepOvershoot+c.CPU)
	}
	return d
}

// busy is the part of the time that the loads are on in which workers are busy with
// at least one thing, on average over all of them.
func (s *Scenario) busy() lab.Metric {
	m := lab.Busy
	m.Means, m.Of = "while the loads are on", func(o *lab.Observation) float64 {
		from, to := window(o, anyLoad)
		sum := time.Duration(0)
		done := make([]time.Duration, o.Workers) // all before it is counted: Spans are in order of their start
		for _, span := range o.Spans {
			a, b := max(span.From.Sub(o.Begin), done[span.Worker]), min(span.To.Sub(o.Begin), to)
			if b > a {
				sum += b - a
				done[span.Worker] = b
			}
		}
		return sum.Seconds() / (to - from).Seconds() / float64(o.Workers)
	}
	return m
}

const threadsName = "busy threads"

// busyThreads is the utilisation while the loads are on: of all places that workers
// have, the part that is held at a time, on average. A sync worker is one place, and
// so is an event loop, whichever of its handlers holds it; a threaded worker has a
// place for each thread that can have a connection; thread-per-request has none.
func (s *Scenario) busyThreads() lab.Metric {
	return lab.Metric{Name: threadsName, Unit: lab.Busy.Unit, Means: "of all threads, sync workers and event loops, while the loads are on", Of: func(o *lab.Observation) float64 {
		from, to := window(o, anyLoad)
		places := make([]int, o.Workers)
		all := 0
		for w := range places {
			c := o.WorkerConfig(w)
			c.Workers = 1
			places[w] = placesOf(c, synthetic.Blocking)
			all += places[w]
		}
		held := time.Duration(0)
		for _, span := range o.Spans { // of which a place has one at a time
			if places[span.Worker] > 0 {
				held += max(0, min(span.To.Sub(o.Begin), to)-span.From.Sub(o.Begin))
			}
		}
		return held.Seconds() / (to - from).Seconds() / float64(all)
	}}
}

// inService is how many requests a pool served at a time while the load lasted, on
// average: all the time that its places were held, over the load's.
func (p *pool) inService(span float64) lab.Metric {
	first, beyond := p.first, p.first+p.c.Workers
	return lab.Metric{Name: "requests in service", Unit: "requests", Of: func(o *lab.Observation) float64 {
		sum := 0.0
		for _, s := range o.Spans {
			if s.Worker >= first && s.Worker < beyond {
				sum += s.To.Sub(s.From).Seconds()
			}
		}
		return sum / span
	}}
}

// over is a metric divided by a number, under another name.
func over(m lab.Metric, name string, by float64) lab.Metric {
	return lab.Metric{Name: name, Of: func(o *lab.Observation) float64 { return m.Of(o) / by }}
}

// inFlight is how many of the load's requests were under way at a time while it
// lasted, on average.
func inFlight(f flow) lab.Metric {
	return lab.Metric{Name: "requests in flight", Unit: "requests", ByLoad: true, Of: func(o *lab.Observation) float64 {
		sum := 0.0
		for _, r := range o.Records {
			if r.Load == f.name {
				sum += r.Latency.Seconds()
			}
		}
		return sum / f.span.Seconds()
	}}
}

// killsAMinute is how many of a server's workers the arbiter killed a minute, while
// these loads lasted.
func killsAMinute(first, workers int, of func(name string) bool) lab.Metric {
	return lab.Metric{Name: "workers killed a minute", Unit: "workers", Of: func(o *lab.Observation) float64 {
		from, to := window(o, of)
		n := 0.0
		for _, e := range o.Exits {
			at := e.At.Sub(o.Begin)
			if e.Reason == worker.TimedOut && e.Worker >= first && e.Worker < first+workers && at >= from && at < to {
				n++
			}
		}
		return n / (to - from).Minutes()
	}}
}

// goodReplies is how many replies their clients still wanted.
var goodReplies = lab.Metric{Name: "good replies", Unit: "replies", Means: "complete, in time and below 400", ByLoad: true, Of: func(o *lab.Observation) float64 {
	n := 0.0
	for _, r := range o.Records {
		if r.Good() {
			n++
		}
	}
	return n
}}
