// The report: per route what was offered, what came of it, and whether that will
// do; and where it will not, why, and where to look next.

package exercise

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/typeset"
)

// A Report is what became of the traffic.
type Report struct {
	Routes []Route // /, /hash_me, /check_feed, /stream_feed

	setup    Setup
	servers  [][2]string // what each is, and what became of it
	log      []lab.LogCount
	refusing []string // addresses that nginx asked, and no app server has
}

// A Route is what became of the traffic to a route.
type Route struct {
	Path string
	// Offered is how many requests came, and Answered those of them that got what
	// they wanted, late or not: a 200 with the route's page, a stream that lasted.
	// The others got a 502, a 504, or something else.
	Offered, Answered, BadGateway, GatewayTimeout, Other int
	// Median and P99 are of how long clients waited until something came back,
	// whatever it said: for a stream, its first line.
	Median, P99 time.Duration
	// Healthy: all were answered, and 99 of 100 in the time that the route needs.
	Healthy bool

	// Causes is why it is not healthy, from what its users saw to where that comes
	// from. Cause says it in a sentence, and Try where to look next.
	Causes     []Cause
	Cause, Try string

	need  *need
	first time.Duration // when the first request was sent that went wrong
	next  bool          // some waited, and were then tried where nobody listens
}

// late reports whether the route fails only because of when its answers came.
func (r *Route) late() bool { return !r.Healthy && r.Answered == r.Offered }

// Healthy reports whether every route is.
func (r *Report) Healthy() bool {
	return !slices.ContainsFunc(r.Routes, func(r Route) bool { return !r.Healthy })
}

// diagnose makes a report of what was observed of servers behind a front at an
// address; it knows nothing else.
func diagnose(o *lab.Observation, servers []server, at string) *Report {
	ev := gather(o, servers, at)
	bad := ev.charge()
	r := &Report{log: o.LogCounts()}
	for _, n := range needs {
		r.Routes = append(r.Routes, ev.route(n, bad))
	}
	for _, s := range ev.servers {
		r.servers = append(r.servers, [2]string{s.address + "  " + s.kind(), s.story(ev)})
	}
	if r.refusing = ev.strangers(); len(r.refusing) > 0 {
		r.servers = append(r.servers, [2]string{"elsewhere", "nobody listens on " + typeset.List(r.refusing)})
	}
	return r
}

// strangers are the addresses that nginx asked and no app server has.
func (ev *evidence) strangers() (peers []string) {
	for _, f := range ev.o.Front {
		for _, t := range f.Tries {
			if t.Peer != "" && ev.at(t.Peer) == nil && !slices.Contains(peers, t.Peer) && t.Outcome == front.Refused {
				peers = append(peers, t.Peer)
			}
		}
	}
	slices.Sort(peers)
	return peers
}

// route is what became of a route, some of whose requests are among the bad ones.
func (ev *evidence) route(n *need, bad []charged) Route {
	r := Route{Path: n.path, need: n, first: ev.o.Horizon}
	var waits []time.Duration
	var fates []fate
	for _, a := range ev.asked {
		if a.need != n {
			continue
		}
		r.Offered++
		fates = append(fates, a.fate)
		waits = append(waits, n.waited(a.Record))
		switch {
		case a.fate != failed:
			r.Answered++
		case a.Status == 502:
			r.BadGateway++
		case a.Status == 504:
			r.GatewayTimeout++
		default:
			r.Other++
		}
	}
	r.Median, r.P99 = percentile(50, waits), percentile(99, waits)
	r.Healthy = r.Offered > 0 && !tooMany(fates)
	if r.Healthy || r.Offered == 0 {
		return r
	}
	var mine []charged
	for _, c := range bad {
		if c.need == n {
			mine = append(mine, c)
			r.first = min(r.first, c.Scheduled)
		}
	}
	f := ev.find(n, mine)
	r.Causes, r.Cause, r.Try, r.next = f.causes, f.cause, f.try, f.next
	return r
}

// usageNote says how to go on.
const usageNote = "Change a copy of feedsim/nginx.conf, and make exercise CONF=that. What no nginx.conf can change about the " +
	"servers is in ARGS: -threads=N for each worker of the threaded one, -awaiting for the handlers of the evented one; " +
	"-one-address for a localhost without ::1."

// noLiveNote explains what is not a cause of its own, once for all routes.
const noLiveNote = "Why 502 at once, and not 504 after a wait: a server of an upstream that has failed is left alone " +
	"for a while, and where nginx leaves all of them alone, everybody is turned away. How many servers are there in that " +
	"upstream, and which of them has ever answered?"

// nextNote is the same for a 502 after a wait.
const nextNote = "Why 502 after a wait, and not 504: where a server has no answer, nginx asks the next of that upstream, and its " +
	"client hears what came of that. How many servers are there in that upstream, and which of them has ever answered?"

// luckNote is for a file that nothing went wrong with, yet.
const luckNote = "One thing is left: nginx counts %s among its servers, and is refused there. The first time-out of the others " +
	"will leave it without any, and that is a 502 for everybody for ten seconds. What does that name stand for?"

// String is the report as make exercise prints it.
func (r *Report) String() string {
	var b strings.Builder
	b.WriteString(r.setup.words())
	fmt.Fprintf(&b, "\n%-14s%8s %8s %6s %6s %6s %9s %9s  %s\n", "route", "offered", "answered", "502", "504", "other", "median", "p99", "verdict")
	for _, o := range r.Routes {
		verdict := "healthy"
		if !o.Healthy {
			verdict = "fails"
			if o.late() {
				verdict = "fails: late"
			}
		}
		fmt.Fprintf(&b, "%-14s%8s %8s %6s %6s %6s %9s %9s  %s\n", o.Path, number(o.Offered), number(o.Answered),
			number(o.BadGateway), number(o.GatewayTimeout), number(o.Other), fixed(o.Median), fixed(o.P99), verdict)
	}
	b.WriteString("(median and p99: until something came back, whatever it said; of a stream, its first line)\n")

	var ill []Route
	for _, o := range r.Routes {
		if !o.Healthy {
			ill = append(ill, o)
		}
	}
	if len(ill) > 0 {
		first := slices.Clone(ill)
		slices.SortStableFunc(first, func(a, b Route) int { return cmp.Compare(a.first, b.first) })
		var order []string
		for _, o := range first {
			order = append(order, fmt.Sprintf("%s at %s", o.Path, seconds(o.first)))
		}
		b.WriteString("\n" + hang("", "First to go wrong, by when the request was sent: "+strings.Join(order, ", ")+"."))
	}
	for _, o := range ill {
		b.WriteString("\n" + o.Path)
		if o.late() {
			b.WriteString(", which needs " + o.need.String())
		}
		b.WriteString("\n")
		b.WriteString(hang("  cause: ", o.Cause))
		b.WriteString(hang("  try:   ", o.Try))
	}
	if slices.ContainsFunc(ill, func(o Route) bool { return slices.Contains(o.Causes, NoLive) }) {
		b.WriteString("\n" + hang("", noLiveNote))
	} else if slices.ContainsFunc(ill, func(o Route) bool { return o.next }) {
		b.WriteString("\n" + hang("", nextNote))
	}
	b.WriteString("\nThe app servers meanwhile\n")
	for _, s := range r.servers {
		b.WriteString(hang(fmt.Sprintf("  %-36s", s[0]), s[1]))
	}
	var p typeset.Page
	lab.WriteLog(&p, r.log)
	b.WriteString(p.String())
	if len(ill) == 0 {
		b.WriteString("\nEvery route is healthy.\n")
		if len(r.refusing) > 0 {
			b.WriteString("\n" + hang("", fmt.Sprintf(luckNote, typeset.List(r.refusing))))
		}
	} else {
		b.WriteString("\n" + hang("", fmt.Sprintf("%d of %d routes fail. %s", len(ill), len(r.Routes), usageNote)))
	}
	return b.String()
}

// fixed is a duration in a column.
func fixed(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
