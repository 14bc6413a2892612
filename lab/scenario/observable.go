// Objectives that cannot fail, or cannot hold, whatever happens: the metric is 0 or undefined in every run of the
// system, or the bound is one that every number keeps.

package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/lab/synthetic"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

// unobservable says why a metric of these loads is the same in every run of s, and what to use instead; "" means that it
// is not. n is the number in the metric's name.
type unobservable func(s *Scenario, loads []traffic, n float64) string

// The reasons, by metric. A metric that is not here can be observed in every system.
var unobservables = map[string]unobservable{
	"replies N":        neverSent,
	"throughput":       neverComplete,
	"goodput":          neverComplete,
	"good replies":     neverComplete,
	"streams":          noStreams,
	"timeouts":         neverLate,
	"refused":          neverRefused,
	"reset":            neverCut,
	"closed early":     neverCut,
	"unfinished":       neverUnfinished,
	"workers killed":   neverKilled,
	"workers recycled": neverRecycled,
}

// observable notes the objectives that say nothing. A search asks for both ends of its range.
func (r *reading) observable(s *Scenario) {
	variants := []*Scenario{s}
	if s.search != nil {
		variants = []*Scenario{s.with(s.search.low), s.with(s.search.high)}
	}
	for _, h := range s.holds {
		for _, v := range variants {
			if why := v.unobservable(h); why != "" {
				r.bad(h.node, "metric is %q, which says nothing here: %s", h.node.Value, why)
				break
			}
		}
	}
}

// unobservable returns why an objective says nothing of s.
func (s *Scenario) unobservable(h hold) string {
	if never := unobservables[h.generic]; never != nil {
		if why := never(s, h.loads, h.number); why != "" {
			return why
		}
	}
	e := lab.Experiment{System: s.system, Horizon: s.horizon}
	for _, t := range s.traffic {
		e.Load = append(e.Load, t.load)
	}
	if err := e.Observable(h.metric); err != nil {
		return err.Error()
	}
	return ""
}

// bound notes a bound that every number keeps. Of times there may be none, and then no bound holds.
func (r *reading) bound(h hold) {
	switch {
	case h.metric.Unit == "s":
	case !h.most && h.bound == 0:
		r.bad(h.at, "at_least is 0: %s is never less, want more", h.metric.Name)
	case h.most && h.bound == 1 && h.metric.Unit == lab.Busy.Unit:
		r.bad(h.at, "at_most is 1: %s is never more, want less", h.metric.Name)
	}
}

// neverSent is for statuses. The app answers 200, and 404 where it has no route, which is an error of the file. nginx
// adds 500 when it has no connection left, 502 and 504.
func neverSent(s *Scenario, loads []traffic, status float64) string {
	possible, words := []float64{200}, "the app answers 200: want replies 200"
	if s.system.Front.Config != nil {
		possible, words = []float64{200, 500, 502, 504}, "the app answers 200, and nginx 500, 502 or 504 besides"
	}
	switch {
	case status == 499:
		return "nginx logs 499 for a client that left, and sends it to nobody: want timeouts, of a load with a timeout"
	case !slices.Contains(possible, status):
		return words
	case status == 200:
		return neverComplete(s, loads, status)
	}
	return ""
}

// neverComplete is for what counts complete replies. A stream without nginx has none: only a proxy may take its cut
// connection for its end.
func neverComplete(s *Scenario, loads []traffic, _ float64) string {
	for _, t := range loads {
		if !s.routeTo(t).Stream || s.system.Front.Config != nil {
			return ""
		}
	}
	return "a stream has no end, so no reply is ever complete: want streams, or first byte p99"
}

func noStreams(s *Scenario, loads []traffic, _ float64) string {
	for _, t := range loads {
		if s.routeTo(t).Stream {
			return ""
		}
	}
	return fmt.Sprintf("no request of %s is to a route with stream: true: want good replies", names(loads))
}

func neverLate(s *Scenario, loads []traffic, _ float64) string {
	var short *traffic
	for i, t := range loads {
		end := s.horizon
		if !t.open {
			end = min(end, t.end())
		}
		switch {
		case t.timeout == 0:
		case t.start+t.timeout <= end:
			return ""
		default:
			short = &loads[i]
		}
	}
	if short != nil {
		return fmt.Sprintf("%s ends before the first timeout of %s: want a longer for, or a shorter timeout", short.name, typeset.Seconds(short.timeout))
	}
	return fmt.Sprintf("no client of %s has a timeout: give the load one, such as timeout: 10s, or want p99", names(loads))
}

func neverRefused(s *Scenario, _ []traffic, _ float64) string {
	switch {
	case s.system.Front.Config != nil:
		return "nginx refuses no client. It answers 502 where a server refuses: want replies 502"
	case s.system.Overflow != simnet.Refuse:
		return "a full backlog drops connections, and the clients try again: want timeouts, or overflow: refuse"
	}
	return ""
}

// neverCut is for what only a worker's end or nginx does to a client's connection.
func neverCut(s *Scenario, loads []traffic, n float64) string {
	if s.system.Front.Config != nil || neverKilled(s, loads, n) == "" || neverRecycled(s, loads, n) == "" {
		return ""
	}
	return "no worker is killed or recycled and there is no nginx, so nothing cuts a connection: want timeouts or unfinished"
}

func neverUnfinished(s *Scenario, loads []traffic, _ float64) string {
	for _, t := range loads {
		if !t.open || t.timeout == 0 || t.end()+t.timeout > s.horizon {
			return ""
		}
	}
	return fmt.Sprintf("every client of %s gives up before the experiment ends: want timeouts", names(loads))
}

func neverKilled(s *Scenario, _ []traffic, _ float64) string {
	var all []string
	for i, c := range s.servers() {
		why := s.immortal(i, c)
		if why == "" {
			return ""
		}
		if !slices.Contains(all, why) {
			all = append(all, why)
		}
	}
	return strings.Join(all, ", and ") + ": want p99 or timeouts"
}

// immortal returns why no worker of server i misses its worker timeout; see the models' heartbeats in the package worker.
func (s *Scenario) immortal(i int, c worker.Config) string {
	blocks := slices.ContainsFunc(s.traffic, func(t traffic) bool {
		return slices.Contains(s.ways[t.path].servers, i) && s.routeTo(t).Waits == synthetic.Blocking
	})
	switch {
	case c.Model == worker.ThreadPerRequest:
		return "a thread-per-request server has no worker timeout"
	case c.Timeout == 0:
		return "the worker timeout is 0"
	case c.Model == worker.Threaded:
		return "the main thread of a threaded worker beats however long its threads take"
	case c.Model.EventLoop() && !blocks && c.CPU == 0 && c.Heartbeat < c.Timeout-time.Second:
		return "handlers that wait with await or thread never hold the loop, and cpu is 0"
	}
	return ""
}

func neverRecycled(s *Scenario, _ []traffic, _ float64) string {
	if slices.ContainsFunc(s.servers(), func(c worker.Config) bool { return c.MaxRequests > 0 }) {
		return ""
	}
	return "no server has max_requests, so no worker is recycled"
}

// routeTo is the route that a load's requests come to.
func (s *Scenario) routeTo(t traffic) *route { return routeOf(s.routes, s.ways[t.path].path) }

// names are those of loads, in words.
func names(loads []traffic) string {
	var all []string
	for _, t := range loads {
		all = append(all, t.name)
	}
	return typeset.List(all)
}
