// What an experiment saw: at the clients' edge and at the workers', the only two
// places where anything is observed.

package lab

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver/worker"
)

// An Observation is what a run saw. Its order is the same at every run.
type Observation struct {
	// Records is what clients saw, by load, client and sequence.
	Records []load.Record
	// Spans is what the workers were busy with, by start and then by worker, cut
	// at the horizon; those that took no time are left out. A server without a
	// worker model has none.
	Spans []worker.Span
	// Exits is how workers ended before the horizon, by time and then by worker.
	Exits []worker.Exit
	// Front is what the front wrote down of the requests that reached it before
	// the horizon, by connection and sequence. Those that were open then end at
	// the horizon or after it.
	Front []front.Record
	// FrontLog is the front's error log up to the horizon, by instant and connection.
	// It is nil if there is no front.
	FrontLog []front.LogLine

	// Begin is when the load began: instants in Records count from there.
	Begin time.Time
	// Horizon is when, from Begin, the experiment ended.
	Horizon time.Duration
	// Workers is how many workers the servers have together; 0 without a worker
	// model.
	Workers int

	only   bool // of one load: see On
	loads  []load.Load
	labels []string        // what to call each worker
	kinds  []worker.Config // what each worker is
}

// On returns what was observed of the load of that name alone. Spans, Exits, Front and FrontLog remain those of all
// loads, because neither a worker nor a proxy knows for which load it works. A metric of this package that counts them is
// therefore NaN for what On returns.
func (o *Observation) On(name string) *Observation {
	of := *o
	of.only = true
	of.Records = load.Of(o.Records, name)
	of.loads = nil
	for _, l := range o.loads {
		if l.String() == name {
			of.loads = append(of.loads, l)
		}
	}
	return &of
}

// Loads returns the loads as they were put on the system, each with the Start that it had in this run.
func (o *Observation) Loads() []load.Load { return slices.Clone(o.loads) }

// WorkerName is what to call worker w, from 0, in a picture: by its number, and by
// its server's port where there are several servers.
func (o *Observation) WorkerName(w int) string {
	if w < len(o.labels) {
		return o.labels[w]
	}
	return fmt.Sprintf("worker %d", w)
}

// WorkerConfig is what worker w, from 0, is configured as; the zero Config where
// that is not known.
func (o *Observation) WorkerConfig(w int) worker.Config {
	if w < len(o.kinds) {
		return o.kinds[w]
	}
	return worker.Config{}
}

// window is when the loads could get replies, counted from Begin: a closed
// loop's last replies are those at its end, an open loop waits for its own to
// the horizon.
func (o *Observation) window() (from, to time.Duration) {
	from = o.Horizon
	for _, l := range o.loads {
		switch l := l.(type) {
		case load.Closed:
			end := o.Horizon
			if l.Duration > 0 {
				end = min(end, l.Start+l.Duration)
			}
			from, to = min(from, l.Start), max(to, end)
		case load.Open:
			from, to = min(from, l.Start), o.Horizon
		}
	}
	return from, max(from, to)
}

// busy is the part of the horizon, 0 to 1, in which worker w was busy with at
// least one thing.
func (o *Observation) busy(w int) float64 {
	return o.busyIn(w, 0, o.Horizon).Seconds() / o.Horizon.Seconds()
}

// busyIn is for how long worker w was busy between two instants.
func (o *Observation) busyIn(w int, from, to time.Duration) (busy time.Duration) {
	done := from // all before it is counted: Spans are in order of their start
	for _, s := range o.Spans {
		if s.Worker != w {
			continue
		}
		a, b := max(s.From.Sub(o.Begin), done), min(s.To.Sub(o.Begin), to)
		if b > a {
			busy += b - a
			done = b
		}
	}
	return busy
}

// A notebook is the worker.Observer of a run. Workers report from many
// goroutines; the lock is never held across a wait.
type notebook struct {
	mu    sync.Mutex
	spans []worker.Span
	exits []worker.Exit
	front []front.Record
	log   []front.LogLine // nil without a front
}

// numbered is the notebook as one server's observer: its workers are numbered
// from first on.
type numbered struct {
	*notebook
	first int
}

func (n numbered) Busy(s worker.Span) {
	s.Worker += n.first
	n.notebook.Busy(s)
}

func (n numbered) Exit(e worker.Exit) {
	e.Worker += n.first
	n.notebook.Exit(e)
}

// passed is told of the requests that a front is done with.
func (n *notebook) passed(r front.Record) {
	n.mu.Lock()
	n.front = append(n.front, r)
	n.mu.Unlock()
}

// logged is told of the lines of a front's error log.
func (n *notebook) logged(l front.LogLine) {
	n.mu.Lock()
	n.log = append(n.log, l)
	n.mu.Unlock()
}

func (n *notebook) Busy(s worker.Span) {
	if !s.To.After(s.From) {
		return // an event loop has two of these for each request that only naps
	}
	n.mu.Lock()
	n.spans = append(n.spans, s)
	n.mu.Unlock()
}

func (n *notebook) Exit(e worker.Exit) {
	n.mu.Lock()
	n.exits = append(n.exits, e)
	n.mu.Unlock()
}

// into puts what was noted into o, in an order that does not depend on which
// goroutine came first, and leaves out how the experiment's own end looked.
func (n *notebook) into(o *Observation) {
	n.mu.Lock()
	defer n.mu.Unlock()
	end := o.Begin.Add(o.Horizon)
	for _, s := range n.spans {
		if !s.From.Before(end) {
			continue
		}
		if s.To.After(end) {
			s.To = end
		}
		o.Spans = append(o.Spans, s)
	}
	for _, e := range n.exits {
		if e.At.Before(end) {
			o.Exits = append(o.Exits, e)
		}
	}
	for _, r := range n.front {
		if r.Start.Before(end) {
			o.Front = append(o.Front, r)
		}
	}
	slices.SortFunc(o.Front, func(a, b front.Record) int {
		return cmp.Or(cmp.Compare(a.Conn, b.Conn), cmp.Compare(a.Seq, b.Seq))
	})
	if n.log != nil {
		o.FrontLog = slices.DeleteFunc(n.log, func(l front.LogLine) bool { return !l.At.Before(end) })
	}
	slices.SortFunc(o.FrontLog, func(a, b front.LogLine) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Process, b.Process), cmp.Compare(a.Conn, b.Conn),
			cmp.Compare(a.Message, b.Message))
	})
	slices.SortFunc(o.Spans, func(a, b worker.Span) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Worker, b.Worker), cmp.Compare(a.Boot, b.Boot),
			a.To.Compare(b.To), cmp.Compare(a.What, b.What))
	})
	slices.SortFunc(o.Exits, func(a, b worker.Exit) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Worker, b.Worker), cmp.Compare(a.Boot, b.Boot))
	})
}
