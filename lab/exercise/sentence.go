// A cause in a sentence, with the numbers that were observed.

package exercise

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

// sentence says why, and what became of the requests; without a full stop.
func (ev *evidence) sentence(n *need, s *share) string {
	switch {
	case s.crowdedOut():
		return ev.crowdedOut(n, s)
	case s.turnedAway():
		return ev.turnedAway(s)
	}
	switch s.cause {
	case Queueing, PoolOfOne, PoolFull, LoopHeld:
		return ev.held(n, s) + ": " + ev.consequence(s)
	case Killed:
		return ev.killed(s) + ": " + ev.consequence(s)
	case Refused:
		peers := ev.refusing(s)
		if len(peers) == 0 { // all of the share were turned away for what others had met
			peers = ev.strangers()
		}
		return fmt.Sprintf("connections to %s were refused, for nobody listens there: %s", typeset.List(peers), ev.consequence(s))
	case Invalid:
		return fmt.Sprintf("nginx could not read the header of what %s sent, or had too little room for it: %s", s.peer, ev.consequence(s))
	case Looped:
		return ev.inCircles(s)
	case WrongReply:
		return ev.wrongReply(s)
	case GaveUp:
		return ev.gaveUp(n, s)
	case Buffered:
		return ev.buffered(s)
	case NoSlots:
		return ev.noSlots(s)
	case NoLocation:
		return fmt.Sprintf("nginx answered %s itself, with %s: no location of its file took %s",
			plural(len(s.all), "request", "requests"), statuses(s.all), n.path)
	}
	return ev.unexplained(s)
}

// aside is what is said of a share that is not the largest.
func (s *share) aside() string {
	atOnce, slots, lates := 0, 0, 0
	for _, c := range s.all {
		switch {
		case c.noSlot && s.cause != NoSlots:
			slots++
		case c.atOnce() && s.cause != Unexplained:
			atOnce++
		case c.fate == late:
			lates++
		}
	}
	var parts []string
	add := func(n int, one, many, what string) {
		if n > 0 {
			parts = append(parts, plural(n, "more "+one, "more "+many)+what)
		}
	}
	rest := len(s.all) - atOnce - slots
	switch s.cause {
	case Queueing:
		add(rest, "waited", "waited", " in the queue of "+s.peer)
	case PoolOfOne, PoolFull:
		add(rest, "waited", "waited", " for a thread of "+s.peer)
	case LoopHeld:
		add(rest, "waited", "waited", " for a loop of "+s.peer+" that was held")
	case Killed:
		add(rest, "ended", "ended", " with a worker of "+s.peer+" that the worker timeout killed")
	case Refused:
		add(rest, "was", "were", " refused where nobody listens")
	case Invalid:
		add(rest, "got", "got", " a header from "+s.peer+" that nginx could not read")
	case Looped:
		add(rest, "went", "went", " round in circles")
	case WrongReply:
		add(rest, "got", "got", " another reply than the route's from "+s.peer)
	case GaveUp:
		add(rest, "was", "were", " given up by nginx while "+s.peer+" was at work on them")
	case Buffered:
		add(rest, "was", "were", " kept in nginx's buffers")
	case NoSlots:
		add(rest, "found", "found", " nginx without a free connection")
	case NoLocation:
		add(rest, "was", "were", " taken by no location")
	default:
		add(lates, "came", "came", " late for a reason that nothing observed explains")
		add(rest-lates, "failed", "failed", " for a reason that nothing observed explains")
	}
	where := s.peer
	if where == "" {
		where = "the servers"
	}
	add(atOnce, "was", "were", " turned away at once, for others had failed at "+where)
	who := "those who wait"
	if s.cause == Looped {
		who = "what went round"
	}
	add(slots, "found", "found", " nginx without a free connection, for "+who+" had them")
	return strings.Join(parts, "; ")
}

// crowdedOut says who had nginx's connections when the share found none, and what
// those waited for.
func (ev *evidence) crowdedOut(n *need, s *share) string {
	crowd := s.crowd()
	paths := crowd.paths()
	what, there := "", "that waited there"
	switch s.cause {
	case Looped:
		what, there = fmt.Sprintf("nginx asked itself, at %s, and itself again", ev.front), "that went round there"
	case Killed:
		what = ev.killed(crowd)
	default:
		what = ev.held(n, crowd)
	}
	return fmt.Sprintf("%s: requests to %s %s held so many of nginx's connections that for %s none was left",
		what, typeset.List(paths), there, plural(len(s.all), "request", "requests"))
}

// turnedAway says for what failures of others nginx took all servers for dead.
func (ev *evidence) turnedAway(s *share) string {
	var dead []string
	took := " for dead, "
	ev.outs(s).each(ev, func(peers []string, why string) {
		dead = append(dead, typeset.List(peers)+took+why)
		took = ", "
	})
	return fmt.Sprintf("nginx had no live upstream left for %s when they came: it had taken %s",
		plural(len(s.all), "request", "requests"), strings.Join(dead, ", and "))
}

// inCircles says how many requests became of the share's.
func (ev *evidence) inCircles(s *share) string {
	clients := map[*request]bool{}
	for _, c := range s.all {
		clients[c.request] = true
	}
	became := 0
	for i := range ev.o.Front {
		if clients[ev.of[&ev.o.Front[i]]] {
			became++
		}
	}
	return fmt.Sprintf("nginx asked itself, at %s, and itself again: %s of clients became %s there",
		ev.front, plural(len(s.all), "request", "requests"), number(became))
}

// held says who held the workers of the server that the share waited for.
func (ev *evidence) held(n *need, s *share) string {
	srv := ev.at(s.peer)
	from, to := ev.window(s)
	busy := srv.busy(ev, from, to)
	text := busy.with()
	if busy.main() == n.path && !n.streamed() {
		text += srv.wasted(ev, n)
	}
	switch s.cause {
	case Queueing:
		return fmt.Sprintf("%s of %s were busy %s of the time%s", srv.all("sync worker"), s.peer, percent(busy.part), text)
	case PoolOfOne:
		return fmt.Sprintf("%s of %s accept everybody and have one thread each, which was held %s of the time%s",
			srv.all("worker"), s.peer, percent(busy.part), text)
	case PoolFull:
		return fmt.Sprintf("all %d threads of %s of %s were held %s of the time%s",
			srv.peak, srv.fullOnes(from, to), s.peer, percent(srv.fullPart(from, to)), text)
	}
	return fmt.Sprintf("the loops of %s were held %s of the time%s, which did not let go while it waited", s.peer, percent(busy.part), text)
}

// killed says what the workers were doing that the worker timeout killed.
func (ev *evidence) killed(s *share) string {
	srv := ev.at(s.peer)
	exits := map[worker.Exit]bool{}
	var with usage
	var longest time.Duration
	for _, c := range s.all {
		if c.exit == nil || c.root != s.root || exits[*c.exit] {
			continue
		}
		exits[*c.exit] = true
		held := srv.heldBefore(*c.exit, &with)
		longest = max(longest, held)
	}
	n := plural(len(exits), "time", "times")
	if srv.model.EventLoop() {
		return fmt.Sprintf("the loops of %s were held for up to %s on end%s, and the worker timeout killed a worker %s for giving no sign of life",
			s.peer, seconds(longest), with.with(), n)
	}
	return fmt.Sprintf("the worker timeout killed a worker of %s %s, each busy for up to %s with one request%s", s.peer, n, seconds(longest), with.names())
}

// consequence says what became of the share's requests.
func (ev *evidence) consequence(s *share) string {
	var waits []time.Duration
	waited, lates, atOnce, live, open, cut, slots := 0, 0, 0, 0, 0, 0, 0
	var next tries
	for _, c := range s.all {
		if c.noLive {
			live++
		}
		switch {
		case c.noSlot:
			slots++
		case c.to == 0:
			atOnce++
		case c.exit != nil && c.Bytes > 0 && c.Status == 200:
			cut++
		case c.cameLate():
			lates++
		default:
			waited++
			waits = append(waits, c.to-c.from)
			next.add(&c)
			if c.front != nil && ev.since(c.front.End) == ev.o.Horizon {
				open++
			}
		}
	}
	var parts []string
	add := func(n int, format string, args ...any) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	switch s.cause {
	case Refused, Invalid:
		add(waited, "%s came to nothing%s", plural(waited, "request", "requests"), next)
	case GaveUp:
	case Killed:
		add(waited, "%s that it had taken got no answer%s", plural(waited, "request", "requests"), next)
		add(cut, "%s ended in the middle", plural(cut, "stream", "streams"))
	default:
		what := "without an answer"
		if open == waited && open > 0 {
			what = "and had no answer at the end"
		}
		add(waited, "%s waited there %s %s%s", plural(waited, "request", "requests"), spread(waits), what, next)
	}
	came := "answer"
	if s.all[0].need.streamed() {
		came = "first line"
	}
	if s.cause == GaveUp {
		add(lates, "%s of these had an answer from elsewhere, late, after up to %s", number(lates), seconds(slowest(s.all)))
	} else {
		add(lates, "%s came late, after up to %s", plural(lates, came, came+"s"), seconds(slowest(s.all)))
	}
	text := strings.Join(parts, " and ")
	if live > 0 {
		if text != "" {
			text += "; "
		}
		that := "that address"
		if s.cause == Refused && len(ev.strangers()) > 1 {
			that = "those addresses"
		}
		text += "nginx then took " + that + " for dead"
		if s.cause != Refused {
			text += ev.outs(s).like(ev, s.peer)
		}
		text += ", and had no live upstream left for " + aftermath(live-atOnce, atOnce)
	}
	if slots > 0 {
		if text != "" {
			text += "; "
		}
		text += fmt.Sprintf("those who wait held so many of nginx's connections that for %s none was left", plural(slots, "request", "requests"))
	}
	return text
}

// aftermath says for whom no upstream was left: for some who had waited, and for
// some when they came.
func aftermath(waited, atOnce int) string {
	switch {
	case atOnce == 0:
		return number(waited) + " of these"
	case waited == 0:
		return plural(atOnce, "request", "requests") + " when they came"
	}
	return fmt.Sprintf("%s of these, and for %s more when they came", number(waited), number(atOnce))
}

// tries are the second tries of requests, by where they were and what came of them.
type tries struct {
	all []string
	n   map[string]int
}

func (ts *tries) add(c *charged) {
	t := c.next()
	if t == nil {
		return
	}
	text := "at " + t.Peer
	switch t.Outcome {
	case front.Refused:
		text += ", which refuses"
	case front.TimedOut, front.ClientGone:
		text += ", in vain"
	default:
		text += ", which failed too"
	}
	if c.Status != 0 {
		text += fmt.Sprintf(": %d", c.Status)
	}
	if ts.n == nil {
		ts.n = map[string]int{}
	}
	if ts.n[text]++; ts.n[text] == 1 {
		ts.all = append(ts.all, text)
	}
}

// String says what came of them: " (56 of them were tried next at A: 502)".
func (ts tries) String() string {
	if len(ts.all) == 0 {
		return ""
	}
	slices.SortFunc(ts.all, func(a, b string) int { return cmp.Or(cmp.Compare(ts.n[b], ts.n[a]), cmp.Compare(a, b)) })
	var parts []string
	for i, text := range ts.all {
		n := ts.n[text]
		switch {
		case i > 0:
			parts = append(parts, number(n)+" "+text)
		case n == 1:
			parts = append(parts, "1 of them was tried next "+text)
		default:
			parts = append(parts, number(n)+" of them were tried next "+text)
		}
	}
	return " (" + strings.Join(parts, "; ") + ")"
}

// refusing is the peers that refused some of the share's requests.
func (ev *evidence) refusing(s *share) (peers []string) {
	for _, c := range s.all {
		for _, t := range c.front.Tries {
			if t.Outcome == front.Refused && !slices.Contains(peers, t.Peer) {
				peers = append(peers, t.Peer)
			}
		}
	}
	slices.Sort(peers)
	return peers
}

// wrongReply says who answered what.
func (ev *evidence) wrongReply(s *share) string {
	text := fmt.Sprintf("%s answered %s with %s", s.peer, plural(len(s.all), "request", "requests"), statuses(s.all))
	if !slices.ContainsFunc(s.all, func(c charged) bool { return c.Status != 200 }) {
		text += ", and a page that is not this route's"
	}
	return text
}

// gaveUp says how long nginx waited, and what for.
func (ev *evidence) gaveUp(n *need, s *share) string {
	var waits []time.Duration
	between := 0
	var next tries
	for _, c := range s.all {
		switch {
		case c.to == 0:
		case c.own.While == front.ReadingBody:
			between++
		default:
			waits = append(waits, c.to-c.from)
			if c.fate != late {
				next.add(&c)
			}
		}
	}
	var parts []string
	if len(waits) > 0 {
		parts = append(parts, fmt.Sprintf("on %s that it had waited %s for", plural(len(waits), "request", "requests"), spread(waits)[len("for "):])+next.String())
	}
	if between > 0 {
		parts = append(parts, fmt.Sprintf("on %s for want of the next line", plural(between, "stream", "streams")))
	}
	text := fmt.Sprintf("nginx gave up %s, though %s was at work on them", typeset.List(parts), s.peer)
	if longest := ev.at(s.peer).longest(n.path); longest > 0 {
		text += fmt.Sprintf(" (others kept it busy for up to %s each)", seconds(longest))
	} else if longest := ev.slowestServed(n, s.peer); longest > 0 {
		text += fmt.Sprintf(" (the slowest it was given time for took %s)", seconds(longest))
	}
	if more := ev.consequence(s); more != "" {
		text += "; " + more
	}
	return text
}

// buffered says since when nginx had what its clients had not.
func (ev *evidence) buffered(s *share) string {
	var first, came []time.Duration
	none := 0
	for _, c := range s.all {
		t := c.front.Tries[len(c.front.Tries)-1]
		first = append(first, t.FirstBody.Sub(c.front.Start))
		if c.Bytes == 0 {
			none++
		} else {
			came = append(came, c.FirstByte)
		}
	}
	got := fmt.Sprintf("%s of these clients got a line in %s, after %s (median) and %s (p99)", number(len(s.all)-none), seconds(streamsHeld),
		seconds(percentile(50, came)), seconds(percentile(99, came)))
	if none == len(s.all) {
		got = fmt.Sprintf("not one of these clients had a line when it left after %s", seconds(streamsHeld))
	}
	return fmt.Sprintf("nginx had the first line of %s after %s (median) and kept it, to pass on more at a time: %s",
		plural(len(s.all), "stream", "streams"), seconds(percentile(50, first)), got)
}

// noSlots says how many requests an nginx process had when it had no place for
// another.
func (ev *evidence) noSlots(s *share) string {
	unread := 0
	fewest := len(ev.o.Front)
	for _, c := range s.all {
		if c.front.Status == 0 {
			unread++
		}
		open := 0
		for _, f := range ev.o.Front {
			if f.Process == c.front.Process && f.Start.Before(c.front.Start) && f.End.After(c.front.Start) {
				open++
			}
		}
		fewest = min(fewest, open)
	}
	text := fmt.Sprintf("an nginx process had no connection left for %s, with no more than %s under way in it",
		plural(len(s.all), "request", "requests"), plural(fewest, "request", "requests"))
	if unread > 0 {
		text += fmt.Sprintf(" (%s it hung up on unread)", number(unread))
	}
	return text
}

// unexplained says what is known, and that it is not enough.
func (ev *evidence) unexplained(s *share) string {
	seen := "the front has no record of it"
	c := s.all[0]
	if c.front != nil {
		seen = fmt.Sprintf("nginx noted %q", c.front.String())
	}
	kind := string(c.Kind)
	if kind == "" {
		kind = fmt.Sprint(c.Status)
	}
	did := "failed"
	if s.every(func(c *charged) bool { return c.fate == late }) {
		did = "came late"
	}
	return fmt.Sprintf("nothing observed explains why %s %s; of the first, sent at %s, its client saw %q and %s",
		plural(len(s.all), "request", "requests"), did, seconds(c.Scheduled), kind, seen)
}

// slowestServed is the slowest answer to a route that a peer gave in time.
func (ev *evidence) slowestServed(n *need, peer string) (longest time.Duration) {
	for _, f := range ev.o.Front {
		for _, t := range f.Tries {
			if f.URI == n.path && t.Peer == peer && t.Outcome == front.Served {
				longest = max(longest, t.Header.Sub(t.Start))
			}
		}
	}
	return longest
}

// slowest is the longest wait of those that came late.
func slowest(all []charged) (longest time.Duration) {
	for _, c := range all {
		if c.cameLate() {
			longest = max(longest, c.need.waited(c.Record))
		}
	}
	return longest
}

// spread says durations that may be all the same.
func spread(ds []time.Duration) string {
	if len(ds) == 0 {
		return "for no time"
	}
	lo, hi := seconds(slices.Min(ds)), seconds(slices.Max(ds))
	if lo == hi {
		return "for " + lo
	}
	return "for " + lo + " to " + hi
}

// statuses is what clients were told, most often first.
func statuses(all []charged) string {
	count := map[int]int{}
	for _, c := range all {
		count[c.Status]++
	}
	var codes []int
	for code := range count {
		codes = append(codes, code)
	}
	slices.SortFunc(codes, func(a, b int) int { return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b)) })
	var words []string
	for _, code := range codes {
		words = append(words, fmt.Sprint(code))
	}
	return typeset.List(words)
}
