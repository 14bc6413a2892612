// What app servers were busy with, in numbers and in words.

package exercise

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

// A usage is what workers were busy with.
type usage struct {
	part float64 // of what they could be, 0 to 1
	sum  time.Duration
	by   map[string]time.Duration // by URI
}

func (u *usage) add(uri string, d time.Duration) {
	if u.by == nil {
		u.by = map[string]time.Duration{}
	}
	u.by[uri] += d
	u.sum += d
}

// uris are what they were busy with, most first.
func (u *usage) uris() []string {
	var uris []string
	for uri := range u.by {
		uris = append(uris, uri)
	}
	slices.SortFunc(uris, func(a, b string) int { return cmp.Or(cmp.Compare(u.by[b], u.by[a]), cmp.Compare(a, b)) })
	return uris
}

// main is what they were busy with most; "" if with nothing.
func (u *usage) main() string {
	if len(u.by) == 0 {
		return ""
	}
	return u.uris()[0]
}

// with says what they were busy with: ", 96 % of it with /check_feed".
func (u *usage) with() string {
	if u.sum == 0 {
		return ""
	}
	if uris := u.uris(); float64(u.by[uris[0]])/float64(u.sum) > 0.995 {
		return ", all of it with " + uris[0]
	}
	var parts []string
	for _, uri := range u.uris() {
		if part := float64(u.by[uri]) / float64(u.sum); part >= 0.005 {
			text := percent(part) + " with " + uri
			if len(parts) == 0 {
				text = percent(part) + " of it with " + uri
			}
			parts = append(parts, text)
		}
	}
	return ", " + typeset.List(parts)
}

// names says it shortly: " to /stream_feed".
func (u *usage) names() string {
	if u.sum == 0 {
		return ""
	}
	return " to " + typeset.List(u.uris())
}

// busy is what the server's workers were busy with between two instants.
func (s *server) busy(ev *evidence, from, to time.Duration) (u usage) {
	for _, span := range s.spans {
		a, b := max(ev.since(span.From), from), min(ev.since(span.To), to)
		if b > a {
			u.add(uriOf(span.What), b-a)
		}
	}
	if s.peak > 0 && to > from {
		u.part = u.sum.Seconds() / (to - from).Seconds() / float64(s.workers*s.peak)
	}
	return u
}

// all says the server's workers: "the 2 sync workers".
func (s *server) all(kind string) string {
	if s.workers == 1 {
		return "the " + kind
	}
	return fmt.Sprintf("the %d %ss", s.workers, kind)
}

// fullOnes says which of the workers had no room most of the time between two
// instants.
func (s *server) fullOnes(from, to time.Duration) string {
	n := 0
	for _, m := range s.full {
		if m.in(from, to)*2 >= to-from {
			n++
		}
	}
	switch n {
	case s.workers:
		return fmt.Sprintf("each of the %d workers", n)
	case 0, 1:
		return fmt.Sprintf("one of the %d workers", s.workers)
	}
	return fmt.Sprintf("%d of the %d workers", n, s.workers)
}

// fullPart is for how much of the time between two instants the fullest worker had
// no room.
func (s *server) fullPart(from, to time.Duration) (part float64) {
	for _, m := range s.full {
		part = max(part, m.in(from, to).Seconds()/(to-from).Seconds())
	}
	return part
}

// heldBefore is how long a worker had been busy without a break when it ended, and
// adds to u what with.
func (s *server) heldBefore(exit worker.Exit, u *usage) time.Duration {
	began := exit.At
	for i := len(s.spans) - 1; i >= 0; i-- {
		span := s.spans[i]
		if span.Worker != exit.Worker || span.Boot != exit.Boot {
			continue
		}
		if began.Sub(span.To) > time.Millisecond {
			break
		}
		began = span.From
		u.add(uriOf(span.What), span.To.Sub(span.From))
	}
	return exit.At.Sub(began)
}

// wasted says how many requests to a route the workers served to the end whose
// clients had been told something else by then.
func (s *server) wasted(ev *evidence, n *need) string {
	served := 0
	for _, span := range s.spans {
		if uriOf(span.What) == n.path && s.killed(span.To) == nil && ev.since(span.To) < ev.o.Horizon {
			served++
		}
	}
	if n := served - s.answered[n.path]; n > 0 {
		return fmt.Sprintf(" (%s of the %s requests they finished were by then nobody's)", number(n), number(served))
	}
	return ""
}

// longest is the longest that a request to uri kept a worker, or a thread of it.
func (s *server) longest(uri string) (longest time.Duration) {
	if s == nil {
		return 0
	}
	for _, span := range s.spans {
		if uriOf(span.What) == uri {
			longest = max(longest, span.To.Sub(span.From))
		}
	}
	return longest
}

// kind says what the server is: "2 threaded workers".
func (s *server) kind() string {
	return plural(s.workers, s.model.String()+" worker", s.model.String()+" workers")
}

// story says what became of the server during the run.
func (s *server) story(ev *evidence) string {
	var open []stretch
	answered := 0
	for _, f := range ev.o.Front {
		for _, t := range f.Tries {
			if t.Peer != s.address || t.Connected.IsZero() {
				continue
			}
			open = append(open, stretch{ev.since(t.Connected), ev.since(t.End)})
			if !t.Header.IsZero() {
				answered++
			}
		}
	}
	if len(open) == 0 {
		return "nobody asked it"
	}
	text := fmt.Sprintf("%s of %s answered", number(answered), plural(len(open), "request", "requests"))
	u := s.busy(ev, 0, ev.o.Horizon)
	switch {
	case u.sum == 0:
		text += fmt.Sprintf(", up to %s at a time, and none held a worker", number(most(open)))
	case s.peak > 1:
		text += fmt.Sprintf(", up to %d threads of a worker held, most by %s", s.peak, u.main())
	default:
		text += fmt.Sprintf(", busy %s of all %s%s", percent(u.part), seconds(ev.o.Horizon), u.with())
	}
	if n := len(s.exits); n > 0 {
		text += fmt.Sprintf("; %s killed by the worker timeout", plural(n, "worker", "workers"))
	}
	return text
}
