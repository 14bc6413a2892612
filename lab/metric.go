// What can be measured on an observation, each with a name and a unit: a failing
// check says which it was.

package lab

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver/worker"
)

// A Metric is a number that an observation gives. A row may bring its own.
type Metric struct {
	Name string // "throughput"
	Unit string // "replies/s"; "" for a plain number
	// Means says in other words what the name means, where that is not plain:
	// "the slowest reply".
	Means string
	// ByLoad says that Of reads nothing of the observation but Records, Begin and Horizon, which [Observation.On]
	// restricts to one load. Only such a metric has an On.
	ByLoad bool
	// Of measures. NaN means that there was nothing to measure, and fails any
	// check.
	Of func(*Observation) float64

	restricted bool   // by On, to load
	load       string // its name
	misused    string // why On does not apply
	// blind says why Of is 0 or NaN in every run of an experiment with these loads; "" means that it need not be. A nil
	// blind does not know.
	blind func(e *Experiment, loads []load.Load) string
}

// On returns the metric of one load alone, by the load's name. m must be ByLoad: neither a worker nor a proxy knows
// for which load it works. Otherwise, or if m is of one load already, the metric that On returns measures NaN, and a
// check of it is an error, see [Experiment.Observable]. It also measures NaN if no load has that name.
func (m Metric) On(name string) Metric {
	of, measure := m, m.Of
	of.Name = m.Name + " of " + name
	of.restricted, of.load = true, name
	of.Of = func(o *Observation) float64 {
		only := o.On(name)
		if len(only.loads) == 0 {
			return math.NaN()
		}
		return measure(only)
	}
	switch {
	case m.restricted:
		of.misused = fmt.Sprintf("%s is of one load already: call On once", m.Name)
	case !m.ByLoad:
		of.misused = fmt.Sprintf("%s is of the whole system, and On(%q) cannot tell loads apart in it: "+
			"measure it without On, or set ByLoad if Of reads nothing but Records", m.Name, name)
	}
	if of.misused != "" {
		of.Of = func(*Observation) float64 { return math.NaN() }
	}
	return of
}

// ofSystem makes the Of of a metric that reads more than Records: NaN for the observation of one load.
func ofSystem(of func(*Observation) float64) func(*Observation) float64 {
	return func(o *Observation) float64 {
		if o.only {
			return math.NaN()
		}
		return of(o)
	}
}

// counts reports whether the metric is a number of things, of which there can be
// none.
func (m *Metric) counts() bool { return singular[m.Unit] != "" }

// slowest says what a percentile of times is.
func slowest(p float64, one, many string) string {
	if p == 100 {
		return "the slowest " + one
	}
	return fmt.Sprintf("%g in 100 %s are no slower", p, many)
}

// Throughput is complete replies a second, late ones included, whatever they
// say: as wrk counts. A closed loop is measured while it runs, an open loop to
// the horizon.
var Throughput = Metric{Name: "throughput", Unit: "replies/s", ByLoad: true, Of: func(o *Observation) float64 {
	return perSecond(o, func(r load.Record) bool { return r.Complete })
}}

// Goodput is replies a second that the client still wanted: complete, in time,
// and below 400.
var Goodput = Metric{Name: "goodput", Unit: "replies/s", ByLoad: true, Of: func(o *Observation) float64 {
	return perSecond(o, load.Record.Good)
}}

// Timeouts is requests that took longer than their client's timeout, answered
// later or never: wrk's "timeout".
var Timeouts = func() Metric {
	m := Failures(load.Timeout)
	m.Name = "timeouts"
	m.Means = "replies that came late, as wrk counts them; who still waits in the end is not counted"
	return m
}()

// MeanLatency is of all complete replies; NaN if there are none.
var MeanLatency = Metric{Name: "mean latency", Unit: "s", Means: "of the complete replies", ByLoad: true, Of: meanLatency}

func meanLatency(o *Observation) float64 {
	sum, n := 0.0, 0.0
	for _, r := range o.Records {
		if r.Complete {
			sum += r.Latency.Seconds()
			n++
		}
	}
	return sum / n // NaN if there were none
}

// LastGood is when the last request was sent that got what its client wanted,
// counted from the load's begin; NaN if none did.
var LastGood = Metric{Name: "last good request", Unit: "s", Means: "when it was sent", ByLoad: true, Of: lastGood}

func lastGood(o *Observation) float64 {
	last := math.NaN()
	for _, r := range o.Records {
		if r.Good() && !(r.Scheduled.Seconds() < last) {
			last = r.Scheduled.Seconds()
		}
	}
	return last
}

// Replies is how many replies with that status were complete, late ones
// included.
func Replies(status int) Metric {
	return Metric{
		Name: fmt.Sprintf("replies %d", status), Unit: "replies", ByLoad: true,
		Of: func(o *Observation) float64 {
			return count(o, func(r load.Record) bool { return r.Complete && r.Status == status })
		},
		blind: func(*Experiment, []load.Load) string { return unsent(status) },
	}
}

// Failures is how many requests ended in that way.
func Failures(kind load.Kind) Metric {
	return Metric{
		Name: "requests " + kindWord(kind), Unit: "requests", Means: kindMeans[kind], ByLoad: true,
		Of: func(o *Observation) float64 { return count(o, func(r load.Record) bool { return r.Kind == kind }) },
		blind: func(e *Experiment, loads []load.Load) string {
			if kind == load.Timeout {
				return neverLate(e, loads)
			}
			return unknownKind(kind)
		},
	}
}

// Latency is the p-th percentile, 0 < p ≤ 100, of the latency of all complete
// replies: the smallest latency that p % of them do not exceed.
func Latency(p float64) Metric {
	return Metric{
		Name: fmt.Sprintf("latency p%g", p), Unit: "s", Means: slowest(p, "reply", "replies"), ByLoad: true,
		Of: func(o *Observation) float64 {
			return percentile(o, p, func(r load.Record) bool { return r.Complete }, latency)
		},
		blind: func(*Experiment, []load.Load) string { return outOfRange(p) },
	}
}

// WrkLatency is the p-th percentile as wrk prints it with --latency: of those
// replies only that came within the timeout, since its histogram holds no
// others, in whole microseconds, and with its correction for coordinated
// omission. See load.Summary.
func WrkLatency(p float64) Metric {
	return Metric{
		Name: fmt.Sprintf("latency p%g as wrk prints it", p), Unit: "s", ByLoad: true,
		Of: func(o *Observation) float64 {
			from, to := o.window()
			if s := load.Summarize(to-from, o.Records); s.Requests > s.Timeouts && outOfRange(p) == "" {
				return s.Percentile(p).Seconds()
			}
			return math.NaN()
		},
		blind: func(*Experiment, []load.Load) string { return outOfRange(p) },
	}
}

// Streaming is how many streams got something: replies below 400 with at least a
// line in their body, whether or not they ended.
var Streaming = Metric{Name: "streams that got a line", Unit: "streams", ByLoad: true, Of: streaming}

func streaming(o *Observation) float64 {
	return count(o, func(r load.Record) bool { return r.Status != 0 && r.Status < 400 && r.Lines > 0 })
}

// FirstByte is the p-th percentile, 0 < p ≤ 100, of the time to the first byte of
// the body, of all replies below 400 that had one.
func FirstByte(p float64) Metric {
	return Metric{
		Name: fmt.Sprintf("first byte p%g", p), Unit: "s", ByLoad: true,
		Means: slowest(p, "first byte of a reply", "first bytes of replies"),
		Of: func(o *Observation) float64 {
			return percentile(o, p, func(r load.Record) bool { return r.Bytes > 0 && r.Status < 400 }, firstByte)
		},
		blind: func(*Experiment, []load.Load) string { return outOfRange(p) },
	}
}

// Tries is how many tries of the front's at an upstream ended in that way: lines
// of nginx's error log.
func Tries(outcome front.Outcome) Metric {
	return Metric{
		Name: "tries: " + string(outcome), Unit: "tries",
		Of: ofSystem(func(o *Observation) float64 {
			n := 0
			for _, r := range o.Front {
				for _, t := range r.Tries {
					if t.Outcome == outcome {
						n++
					}
				}
			}
			return float64(n)
		}),
		blind: func(e *Experiment, _ []load.Load) string { return cmp.Or(withoutFront(e), unknownOutcome(outcome)) },
	}
}

// Exits is how many workers ended for that reason before the horizon.
func Exits(reason worker.Reason) Metric {
	return Metric{
		Name: "workers ended by " + string(reason), Unit: "workers",
		Of: ofSystem(func(o *Observation) float64 {
			n := 0
			for _, e := range o.Exits {
				if e.Reason == reason {
					n++
				}
			}
			return float64(n)
		}),
		blind: func(e *Experiment, _ []load.Load) string { return neverExits(e, reason) },
	}
}

// Concurrency is the effective concurrency: how many requests were in service at
// a time, by Little's law throughput × service time, the mean time that one
// request takes when nobody else asks. One worker that serves one at a time
// shows 1, however many wait.
func Concurrency(service time.Duration) Metric {
	return Metric{
		Name: "effective concurrency", Unit: "requests", ByLoad: true,
		Of: func(o *Observation) float64 { return Throughput.Of(o) * service.Seconds() },
		blind: func(*Experiment, []load.Load) string {
			if service <= 0 {
				return fmt.Sprintf("the service time is %v: want more than 0", service)
			}
			return ""
		},
	}
}

// Busy is the part of the time, 0 to 1, in which workers were busy, on average
// over all of them: a sync worker with a request, an event loop with a task that
// holds it, napping or not.
var Busy = Metric{
	Name: "busy workers", Unit: "of the time",
	Of: ofSystem(func(o *Observation) float64 {
		sum := 0.0
		for w := range o.Workers {
			sum += o.busy(w)
		}
		return sum / float64(o.Workers) // NaN without workers
	}),
	blind: func(e *Experiment, _ []load.Load) string { return withoutWorkers(e) },
}

// BusyWorker is the part of the time, 0 to 1, in which worker w, from 0, was
// busy.
func BusyWorker(w int) Metric {
	return Metric{
		Name: fmt.Sprintf("worker %d busy", w), Unit: "of the time",
		Of: ofSystem(func(o *Observation) float64 {
			if w < 0 || w >= o.Workers {
				return math.NaN()
			}
			return o.busy(w)
		}),
		blind: func(e *Experiment, _ []load.Load) string {
			if n := e.System.workers(); w < 0 || w >= n {
				return fmt.Sprintf("there is no worker %d: workers are numbered from 0, and there are %d", w, n)
			}
			return ""
		},
	}
}

func count(o *Observation, counts func(load.Record) bool) float64 {
	n := 0
	for _, r := range o.Records {
		if counts(r) {
			n++
		}
	}
	return float64(n)
}

func perSecond(o *Observation, counts func(load.Record) bool) float64 {
	from, to := o.window()
	return count(o, counts) / (to - from).Seconds()
}

func latency(r load.Record) time.Duration   { return r.Latency }
func firstByte(r load.Record) time.Duration { return r.FirstByte }

// percentile is [load.Percentile] in seconds; NaN if it has no value.
func percentile(o *Observation, p float64, counts func(load.Record) bool, of func(load.Record) time.Duration) float64 {
	var all []time.Duration
	for _, r := range o.Records {
		if counts(r) {
			all = append(all, of(r))
		}
	}
	slices.Sort(all)
	d, ok := load.Percentile(all, p)
	if !ok {
		return math.NaN()
	}
	return d.Seconds()
}

// kindMeans says in other words how requests failed.
var kindMeans = map[load.Kind]string{
	load.ClosedEarly: "the connection was closed before the reply was complete",
	load.Reset:       "the other side cut the connection off",
	load.Unfinished:  "neither answered nor failed when the experiment ended",
}

// kindWord says how requests ended.
func kindWord(kind load.Kind) string {
	switch kind {
	case load.OK:
		return "answered in time"
	case load.Timeout:
		return "over the timeout"
	}
	return string(kind)
}
