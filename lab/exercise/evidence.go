// What was observed, arranged so that one can ask it questions: which client's
// request is which of the front's records, and when an app server had no room.
//
// Nothing here, and nothing that builds on it, has seen the nginx.conf.

package exercise

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver/worker"
)

// evidence is an observation.
type evidence struct {
	o       *lab.Observation
	asked   []*request // all routes', as they were sent
	servers []*server

	front string // where clients ask, and the front listens
	// of is whose request a record of the front's is part of: its client's, or, for
	// one that nginx made to itself, that of the client it began with.
	of map[*front.Record]*request

	// failed are the tries that nginx counted as failures of a peer, by when it
	// did: each process counts for itself, an upstream at a time.
	failed map[view][]failure
}

// failure is a try that failed, and what was asked for.
type failure struct {
	uri string
	front.Try
}

// A view is a process's view of an upstream.
type view struct {
	process  int
	upstream string
}

// A request is what its client and the front saw of it.
type request struct {
	load.Record
	need  *need
	fate  fate
	front *front.Record // nil if the front saw nothing of it
}

// A server is an app server: where it is, and what its workers did.
type server struct {
	address string
	model   worker.Model
	workers int
	first   int // its workers' numbers in the observation begin here

	spans []worker.Span
	exits []worker.Exit
	peak  int     // how many spans of one worker were open at a time, at most
	full  []meter // when a newcomer found no room, by worker that it may be with

	// Of requests, by URI: when they came, when they began, and how many got an
	// answer.
	came, begun map[string][]time.Duration
	answered    map[string]int
}

// gather arranges an observation of traffic, made with these servers and a front
// at an address.
func gather(o *lab.Observation, servers []server, at string) *evidence {
	ev := &evidence{o: o, front: at, of: map[*front.Record]*request{}, failed: map[view][]failure{}}
	for _, r := range o.Records {
		i := slices.IndexFunc(needs, func(n *need) bool { return n.path == r.Load })
		if i < 0 {
			continue
		}
		ev.asked = append(ev.asked, &request{Record: r, need: needs[i], fate: needs[i].fateOf(r)})
	}
	slices.SortFunc(ev.asked, func(a, b *request) int {
		return cmp.Or(cmp.Compare(a.Scheduled, b.Scheduled), cmp.Compare(a.Client, b.Client))
	})
	ev.match()
	for i := range o.Front {
		f := &o.Front[i]
		for _, t := range f.Tries {
			switch t.Outcome {
			case front.Served, front.ClientGone, front.NoLive, front.NoSlot:
			default:
				g := view{f.Process, f.Upstream}
				ev.failed[g] = append(ev.failed[g], failure{f.URI, t})
			}
		}
	}
	for _, tries := range ev.failed {
		slices.SortStableFunc(tries, func(a, b failure) int { return a.End.Compare(b.End) })
	}
	for _, s := range servers {
		ev.servers = append(ev.servers, s.measured(o))
	}
	for _, f := range o.Front {
		for _, t := range f.Tries {
			if s := ev.at(t.Peer); s != nil && !t.Connected.IsZero() {
				s.came[f.URI] = append(s.came[f.URI], t.Connected.Sub(o.Begin))
				if !t.Header.IsZero() {
					s.answered[f.URI]++
				}
			}
		}
	}
	for _, s := range ev.servers {
		for _, came := range s.came {
			slices.Sort(came)
		}
	}
	return ev
}

// match finds each client's record at the front. Every request has a connection of
// its own, and the front counts connections in the order in which they come: its
// clients', from the instant at which they are scheduled, and those that it makes
// to itself, from the instant at which a try begins. (From there to the accept is
// as long for the one as for the other.)
func (ev *evidence) match() {
	type circle struct {
		*front.Record // that tried to ask the front
		at            time.Time
	}
	var circles []circle
	byConn := map[int]*front.Record{}
	for i := range ev.o.Front {
		f := &ev.o.Front[i]
		if f.Seq == 0 {
			byConn[f.Conn] = f
		}
		for _, t := range f.Tries {
			if t.Peer == ev.front && !t.Connected.IsZero() {
				circles = append(circles, circle{f, t.Start})
			}
		}
	}
	slices.SortFunc(circles, func(a, b circle) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.Conn, b.Conn)) })

	asked := ev.asked
	for conn := 1; len(asked)+len(circles) > 0; conn++ {
		f := byConn[conn]
		own := len(circles) == 0
		if !own && len(asked) > 0 {
			at := ev.o.Begin.Add(asked[0].Scheduled)
			own = at.Before(circles[0].at) || at.Equal(circles[0].at) && f != nil && f.URI == asked[0].need.path
		}
		if own {
			if r := asked[0]; f != nil && (f.URI == "" || f.URI == r.need.path) {
				r.front, ev.of[f] = f, r
			}
			asked = asked[1:]
			continue
		}
		// Of several at one instant, nobody knows who was first; the URI says something.
		nth := 0
		for i := range circles {
			if !circles[i].at.Equal(circles[0].at) {
				break
			}
			if f != nil && circles[i].URI == f.URI {
				nth = i
				break
			}
		}
		if f != nil {
			ev.of[f] = ev.of[circles[nth].Record]
		}
		circles[nth] = circles[0]
		circles = circles[1:]
	}
}

// at is the server that listens on an address, nil if none does.
func (ev *evidence) at(address string) *server {
	for _, s := range ev.servers {
		if s.address == address {
			return s
		}
	}
	return nil
}

// since counts an instant from the begin of the run, and cuts it at the horizon:
// what was open then has an end that says nothing.
func (ev *evidence) since(t time.Time) time.Duration {
	if t.IsZero() {
		return ev.o.Horizon
	}
	return min(t.Sub(ev.o.Begin), ev.o.Horizon)
}

// came is when a try reached its peer, or when it was begun if it never did.
func (ev *evidence) came(t *front.Try) time.Duration {
	if t.Connected.IsZero() {
		return ev.since(t.Start)
	}
	return ev.since(t.Connected)
}

// mark returns the try for which nginx had marked a peer of the request's upstream
// as failed when the request came: the last, and rather one at a peer that takes
// connections than one at a peer that refuses.
func (ev *evidence) mark(r *front.Record) *failure {
	var refused *failure
	tries := ev.failed[view{r.Process, r.Upstream}]
	for i := len(tries) - 1; i >= 0; i-- {
		t := &tries[i]
		switch {
		case t.End.After(r.End):
		case t.Outcome != front.Refused:
			return t
		case refused == nil:
			refused = t
		}
	}
	return refused
}

// measured is the server with what its workers did.
func (s server) measured(o *lab.Observation) *server {
	mine := func(w int) bool { return w >= s.first && w < s.first+s.workers }
	for _, span := range o.Spans {
		if mine(span.Worker) {
			s.spans = append(s.spans, span)
		}
	}
	for _, exit := range o.Exits {
		if mine(exit.Worker) && exit.Reason == worker.TimedOut {
			s.exits = append(s.exits, exit)
		}
	}

	s.came, s.begun, s.answered = map[string][]time.Duration{}, map[string][]time.Duration{}, map[string]int{}
	each := make([][]stretch, s.workers)
	for _, span := range s.spans {
		uri := uriOf(span.What)
		s.begun[uri] = append(s.begun[uri], span.From.Sub(o.Begin))
		w := span.Worker - s.first
		each[w] = append(each[w], stretch{span.From.Sub(o.Begin), span.To.Sub(o.Begin)})
	}
	var boots []stretch
	for _, exit := range s.exits {
		boots = append(boots, s.boot(exit, o))
	}
	if s.model == worker.Sync {
		// Whoever is idle accepts the next: there is room while one worker is.
		s.peak = 1
		s.full = []meter{atLeast(s.workers, append(slices.Concat(each...), boots...))}
		return &s
	}
	// A connection stays with the worker that accepted it, however idle another.
	for _, stretches := range each {
		s.peak = max(s.peak, most(stretches))
	}
	for w, stretches := range each {
		for i, exit := range s.exits {
			for range s.peak {
				if exit.Worker == s.first+w {
					stretches = append(stretches, boots[i])
				}
			}
		}
		if s.peak > 0 {
			s.full = append(s.full, atLeast(s.peak, stretches))
		}
	}
	return &s
}

// uriOf is the URI of what a worker was busy with.
func uriOf(what string) string { return what[strings.IndexByte(what, ' ')+1:] }

// boot is the time from a worker's end to its replacement's first request, in
// which it had no room either; nothing if that came much later. Requests that take
// no time leave no span: then it is the time to the server's next reply, which may
// be another worker's, and sooner.
func (s *server) boot(exit worker.Exit, o *lab.Observation) stretch {
	at := exit.At.Sub(o.Begin)
	for _, span := range s.spans {
		if next := span.From.Sub(o.Begin); span.Worker == exit.Worker && next >= at && next < at+time.Second {
			return stretch{at, next}
		}
	}
	first := at + time.Second
	for _, f := range o.Front {
		for _, t := range f.Tries {
			if t.Peer == s.address && t.Header.After(exit.At) {
				first = min(first, t.Header.Sub(o.Begin))
			}
		}
	}
	if first == at+time.Second {
		first = at
	}
	return stretch{at, first}
}

// queued reports whether a request to uri that was with this server between two
// instants waited there for its turn, for this long at least: whether there was no
// room until it began. (Or hardly any: a worker takes a moment from one request to
// the next.)
func (s *server) queued(uri string, from, to, atLeast time.Duration) bool {
	return s.noRoom(from, min(to, s.began(uri, from, to)), atLeast)
}

// noRoom reports whether a worker had no room from one instant to another, which is
// this long at least.
func (s *server) noRoom(from, until, atLeast time.Duration) bool {
	return until-from >= max(atLeast, 1) && slices.ContainsFunc(s.full, func(full meter) bool {
		return full.in(from, until) >= (until-from)*9/10
	})
}

// serving returns when the request to uri began whose reply came at an instant; ok
// is false if none is known that ended then.
func (s *server) serving(ev *evidence, uri string, at time.Duration) (from time.Duration, ok bool) {
	for _, span := range s.spans {
		if uriOf(span.What) == uri && (ev.since(span.To)-at).Abs() <= time.Microsecond {
			return ev.since(span.From), true
		}
	}
	return 0, false
}

// never is after the end of any run.
const never = time.Duration(math.MaxInt64)

// began is when a request to uri began at the latest, as far as one can tell from
// how many had come and how many had begun.
func (s *server) began(uri string, from, to time.Duration) time.Duration {
	begun := s.begun[uri]
	if len(begun) < s.answered[uri] {
		return never // they take no time to speak of, and leave no trace
	}
	ahead := to // of all that had come by then, any may have been the last to begin
	if s.model == worker.Sync {
		ahead = from // one after another, in the order in which they came
	}
	nth, _ := slices.BinarySearch(s.came[uri], ahead+1)
	if nth == 0 || nth > len(begun) || begun[nth-1] < s.came[uri][nth-1] {
		return never // or others came too, under another URI
	}
	return begun[nth-1]
}

// killed returns the worker's end that coincides with an instant, nil if none does.
func (s *server) killed(at time.Time) *worker.Exit {
	for i, exit := range s.exits {
		if at.Sub(exit.At).Abs() <= time.Millisecond {
			return &s.exits[i]
		}
	}
	return nil
}

// stretch is a stretch of time, counted from the begin of the run.
type stretch struct{ from, to time.Duration }

// meter adds up stretches of time that do not overlap, in their order.
type meter struct {
	stretches []stretch
	sum       []time.Duration // of all before the stretch
}

// in is how much of the time between two instants the meter counts.
func (m meter) in(from, to time.Duration) time.Duration { return m.until(to) - m.until(from) }

func (m meter) until(t time.Duration) time.Duration {
	i, _ := slices.BinarySearchFunc(m.stretches, t, func(s stretch, t time.Duration) int { return cmp.Compare(s.from, t) })
	if i == 0 {
		return 0
	}
	last := m.stretches[i-1]
	return m.sum[i-1] + min(t, last.to) - last.from
}

// atLeast measures the time in which at least n of the stretches were open.
func atLeast(n int, stretches []stretch) (m meter) {
	var sum time.Duration
	var from time.Duration
	sweep(stretches, func(at time.Duration, before, open int) {
		switch {
		case before < n && open >= n:
			from = at
		case before >= n && open < n && at > from:
			m.stretches, m.sum = append(m.stretches, stretch{from, at}), append(m.sum, sum)
			sum += at - from
		}
	})
	return m
}

// most is how many of the stretches were open at a time, at most.
func most(stretches []stretch) (n int) {
	sweep(stretches, func(_ time.Duration, _, open int) { n = max(n, open) })
	return n
}

// sweep calls f at every instant at which the number of open stretches changes. At
// one instant, those that end do so before others begin.
func sweep(stretches []stretch, f func(at time.Duration, before, open int)) {
	type change struct {
		at time.Duration
		by int
	}
	var changes []change
	for _, s := range stretches {
		changes = append(changes, change{s.from, +1}, change{s.to, -1})
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.by, b.by)) })
	open := 0
	for i := 0; i < len(changes); {
		at, before := changes[i].at, open
		for ; i < len(changes) && changes[i].at == at; i++ {
			open += changes[i].by
		}
		if open != before {
			f(at, before, open)
		}
	}
}
