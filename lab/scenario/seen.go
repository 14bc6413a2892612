// What is measured for theory alone: how many requests a pool had in service, and
// what became of them.

package scenario

import (
	"math"

	"example.com/outagelab/lab"
	"example.com/outagelab/pocserver/worker"
)

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
	return lab.Metric{Name: "requests in flight", Unit: "requests", Of: func(o *lab.Observation) float64 {
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
// its load lasted.
func killsAMinute(first, workers int, from, to float64) lab.Metric {
	return lab.Metric{Name: "workers killed a minute", Unit: "workers", Of: func(o *lab.Observation) float64 {
		n := 0.0
		for _, e := range o.Exits {
			at := e.At.Sub(o.Begin).Seconds()
			if e.Reason == worker.TimedOut && e.Worker >= first && e.Worker < first+workers && at >= from && at < to {
				n++
			}
		}
		return 60 * n / (to - from)
	}}
}

// lastGood is when the last request came that was answered well.
var lastGood = lab.Metric{Name: "last good request", Unit: "s", Means: "when it was sent", Of: func(o *lab.Observation) float64 {
	last := math.NaN()
	for _, r := range o.Records {
		if r.Good() && !(r.Scheduled.Seconds() < last) {
			last = r.Scheduled.Seconds()
		}
	}
	return last
}}

// goodReplies is how many replies their clients still wanted.
var goodReplies = lab.Metric{Name: "good replies", Unit: "replies", Means: "complete, in time and below 400", Of: func(o *lab.Observation) float64 {
	n := 0.0
	for _, r := range o.Records {
		if r.Good() {
			n++
		}
	}
	return n
}}
