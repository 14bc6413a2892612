// Metrics that an experiment cannot observe. A check of one would hold, or fail, whatever happens.

package lab

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver/worker"
)

// Observable returns an error if e cannot observe m, because every run of e would give 0 or NaN. A check of such a
// metric says nothing: "no worker is killed" holds on any server without a worker timeout. For a metric that this
// package does not define, Observable knows only which load it is of.
func (e *Experiment) Observable(m Metric) error {
	if m.misused != "" {
		return errors.New(m.misused)
	}
	loads := e.Load
	if m.restricted {
		loads = slices.DeleteFunc(slices.Clone(loads), func(l load.Load) bool { return l == nil || l.String() != m.load })
		if len(loads) == 0 {
			return fmt.Errorf("%s is not observed: no load is named %q", m.Name, m.load)
		}
	}
	if m.blind == nil {
		return nil
	}
	if why := m.blind(e, loads); why != "" {
		return fmt.Errorf("%s is not observed: %s", m.Name, why)
	}
	return nil
}

// observable returns which of e's checks are of metrics that it cannot observe, except those that nothing depends on.
func (e *Experiment) observable() error {
	var errs []error
	for i, c := range e.Checks {
		if c.Within.kind == shown || c.wrong() != "" {
			continue
		}
		if err := e.Observable(c.Metric); err != nil {
			errs = append(errs, fmt.Errorf("Checks[%d].Metric: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

// checkable returns what keeps e from being judged by its checks, each an error that names a field. It is for an
// experiment that need not be a row.
func (e *Experiment) checkable() error {
	var errs []error
	for i, c := range e.Checks {
		if wrong := c.wrong(); wrong != "" {
			errs = append(errs, fmt.Errorf("Checks[%d].%s", i, wrong))
		}
	}
	if err := errors.Join(append(errs, e.observable())...); err != nil {
		return fmt.Errorf("lab: %w", inExperiment(e.Name, err))
	}
	return nil
}

// anyServer reports whether a server with a worker model has a configuration like that.
func (e *Experiment) anyServer(has func(worker.Config) bool) bool {
	return slices.ContainsFunc(e.System.servers(), func(a AppServer) bool { return !a.bare() && has(a.Server) })
}

func withoutFront(e *Experiment) string {
	if e.System.Front.Config == nil {
		return "System.Front has no Config, so there is no proxy that tries an upstream"
	}
	return ""
}

func withoutWorkers(e *Experiment) string {
	if e.System.workers() == 0 {
		return "no server has a worker model"
	}
	return ""
}

// unsent returns why a status is none that a client receives.
func unsent(status int) string {
	switch {
	case status == 499:
		return "nginx logs 499 for a client that left before its reply began, and no client receives it: " +
			"count Failures(load.Timeout)"
	case status < 200 || status > 999:
		return fmt.Sprintf("no final reply has the status %d: want 200 to 999", status)
	}
	return ""
}

// unknown returns why a name is none of those that there are.
func unknown[T ~string](what string, name T, all ...T) string {
	if slices.Contains(all, name) {
		return ""
	}
	return fmt.Sprintf("%q is no %s: want one of its constants", name, what)
}

func unknownKind(kind load.Kind) string {
	return unknown("load.Kind", kind, load.OK, load.Timeout, load.Refused, load.Reset, load.ClosedEarly, load.Unfinished,
		load.Malformed, load.Failed)
}

func unknownOutcome(outcome front.Outcome) string {
	return unknown("front.Outcome", outcome, front.Served, front.Refused, front.Unconnected, front.TimedOut, front.Reset,
		front.ClosedEarly, front.Invalid, front.Passed, front.NoLive, front.NoSlot, front.ClientGone)
}

// neverExits returns why no worker of e ends for that reason before the horizon.
func neverExits(e *Experiment, reason worker.Reason) string {
	if why := withoutWorkers(e); why != "" {
		return why
	}
	switch reason {
	case worker.TimedOut:
		if !e.anyServer(func(c worker.Config) bool { return c.Timeout > 0 }) {
			return "no server has a worker timeout, so no worker is killed"
		}
	case worker.Recycled:
		if !e.anyServer(func(c worker.Config) bool { return c.MaxRequests > 0 }) {
			return "no server has MaxRequests, so no worker is recycled"
		}
	case worker.Stopped:
		return "servers are shut down after the horizon only"
	}
	return unknown("worker.Reason", reason, worker.TimedOut, worker.Recycled)
}

// connectTimeout is how long Linux tries to connect before it gives up with ETIMEDOUT, which a client without a timeout
// reports as one: tcp_syn_retries of 6, whether or not the first four timeouts are linear.
const connectTimeout = 127 * time.Second

// neverLate returns why no request of these loads is ever over its timeout.
func neverLate(e *Experiment, loads []load.Load) string {
	for _, l := range loads {
		end, start, timeout := e.horizon(), time.Duration(0), connectTimeout
		switch l := l.(type) {
		case load.Closed:
			start, timeout = l.Start, l.Timeout
			if timeout == 0 {
				timeout = load.DefaultTimeout
			}
			if l.Duration > 0 {
				end = min(end, start+l.Duration)
			}
		case load.Open:
			start = l.Start
			if l.Timeout > 0 {
				timeout = min(timeout, l.Timeout)
			}
		}
		if start+timeout <= end {
			return ""
		}
	}
	return "every load ends before the Timeout of its first request"
}

// outOfRange returns why p is no percentile.
func outOfRange(p float64) string {
	if load.NearestRank(p, 1) == 0 {
		return fmt.Sprintf("a percentile is above 0 and at most 100, and this is %g", p)
	}
	return ""
}
