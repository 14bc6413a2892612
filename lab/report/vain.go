// Work in vain: a worker does not know that its client has left, and goes on.

package report

import (
	"cmp"
	"math"
	"slices"
	"time"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
)

// A call is somebody who waits for a worker's reply: a client, or the front for
// one. Instants count from the beginning of the run.
type call struct {
	what     string // as in a span; "" where that is not known
	from     time.Duration
	began    time.Duration // when the reply did, or never
	end      time.Duration
	answered bool // it was the server that ended it, with a reply or by dying
}

// never is an instant before all others.
const never = time.Duration(math.MinInt64)

// callsOf are those who waited, as far as they reached a server: what the front
// asked for, or the clients where there is none. What is open at the horizon
// has not left.
func callsOf(o *lab.Observation) (calls []call) {
	for _, r := range o.Front {
		for _, t := range r.Tries {
			if t.Connected.IsZero() {
				continue
			}
			c := call{what: r.Method + " " + r.URI, from: t.Connected.Sub(o.Begin), began: never, end: t.End.Sub(o.Begin)}
			c.answered = t.Outcome != front.TimedOut && t.Outcome != front.ClientGone
			if !t.Header.IsZero() {
				c.began = t.Header.Sub(o.Begin)
			}
			calls = append(calls, c)
		}
	}
	if len(o.Front) == 0 {
		for _, r := range o.Records {
			c := call{from: r.Scheduled, began: never, end: r.End}
			switch {
			case r.Complete, r.Kind == load.Reset, r.Kind == load.ClosedEarly, r.Kind == load.Malformed:
				c.answered = true
			case r.Kind != load.Timeout && r.Kind != load.Unfinished:
				continue
			}
			if r.FirstByte > 0 {
				c.began = firstByte(r)
			}
			calls = append(calls, c)
		}
	}
	for i := range calls {
		if calls[i].end >= o.Horizon {
			calls[i].end, calls[i].answered = o.Horizon, true
		}
	}
	return calls
}

// firstByte is the instant at which the first byte of a reply's body came.
func firstByte(r load.Record) time.Duration { return r.End - r.Latency + r.FirstByte }

// sameInstant is how far apart the two ends of a connection see one thing happen:
// in virtual time some nanoseconds.
const sameInstant = time.Microsecond

// leavings says of each of the run's spans from when on it was work in vain; that
// is its end where it was not.
//
// A reply that somebody waits for ends his waiting when it ends the span. So a span
// at whose end nobody was answered had lost its client by then. If no byte of its
// reply had come to anybody, all of it was in vain; else, as with a stream, what
// came after the client left. There must be as many who left as there are such
// spans, or nothing is said at all. On an event loop a request makes several spans,
// and nobody needs to be answered when one ends: there a span is in vain that
// nobody at all was waiting for. In real time instants are not exact, and nothing
// is said either.
func leavings(r *lab.Result) []time.Duration {
	o := r.Seen
	left := make([]time.Duration, len(o.Spans))
	of := map[string][]int{}
	for i, s := range o.Spans {
		left[i] = s.To.Sub(o.Begin)
		of[s.What] = append(of[s.What], i)
	}
	if r.RealTime {
		return left
	}
	calls := map[string][]call{}
	for _, c := range callsOf(o) {
		calls[c.what] = append(calls[c.what], c)
	}
	if anybody, ok := calls[""]; ok { // then all of one kind are
		all := make([]int, len(o.Spans))
		for i := range all {
			all[i] = i
		}
		of, calls = map[string][]int{"": all}, map[string][]call{"": anybody}
	}
	for what, spans := range of {
		leave(o, spans, calls[what], left)
	}
	return left
}

// leave does it for the spans and the calls of one request line.
func leave(o *lab.Observation, spans []int, calls []call, left []time.Duration) {
	from := func(i int) time.Duration { return o.Spans[i].From.Sub(o.Begin) }
	to := func(i int) time.Duration { return o.Spans[i].To.Sub(o.Begin) }
	var answered, gone []call
	for _, c := range calls {
		if c.answered {
			answered = append(answered, c)
		} else {
			gone = append(gone, c)
		}
	}
	byEnd := func(a, b call) int { return cmp.Compare(a.end, b.end) }
	slices.SortStableFunc(answered, byEnd)
	slices.SortStableFunc(gone, byEnd)
	anybody := presence(calls)

	var unanswered []int // in order of their end
	next := 0
	for _, i := range slices.SortedStableFunc(slices.Values(spans), func(a, b int) int { return cmp.Compare(to(a), to(b)) }) {
		if o.WorkerConfig(o.Spans[i].Worker).Model.EventLoop() {
			if !anybody(from(i)-sameInstant, to(i)) {
				left[i] = from(i)
			}
			continue
		}
		for next < len(answered) && answered[next].end < to(i)-sameInstant {
			next++
		}
		if next < len(answered) && answered[next].end <= to(i)+sameInstant {
			next++
			continue
		}
		unanswered = append(unanswered, i)
	}
	for n, i := range unanswered {
		if n >= len(gone) || gone[n].end > to(i)+sameInstant {
			return // somebody else was served, in a way that is not known here
		}
	}

	// Each reply that began was to one who left, and the first to the first.
	fed := gone
	slices.SortStableFunc(fed, func(a, b call) int { return cmp.Compare(a.began, b.began) })
	slices.SortStableFunc(unanswered, func(a, b int) int { return cmp.Compare(from(a), from(b)) })
	for _, i := range unanswered {
		left[i] = from(i)
		for len(fed) > 0 && fed[0].began < from(i) {
			fed = fed[1:]
		}
		if len(fed) > 0 && fed[0].began <= to(i) {
			left[i] = min(fed[0].end, to(i))
			fed = fed[1:]
		}
	}
}

// presence returns whether anybody is waiting at some moment between two.
func presence(calls []call) func(from, to time.Duration) bool {
	calls = slices.SortedStableFunc(slices.Values(calls), func(a, b call) int { return cmp.Compare(a.from, b.from) })
	last := make([]time.Duration, len(calls)) // end of those who have come so far
	for i, c := range calls {
		last[i] = c.end
		if i > 0 {
			last[i] = max(last[i], last[i-1])
		}
	}
	return func(from, to time.Duration) bool {
		n, _ := slices.BinarySearchFunc(calls, to+1, func(c call, at time.Duration) int { return cmp.Compare(c.from, at) })
		return n > 0 && last[n-1] >= from
	}
}
