// What a check has to say: who saw whose data, under which schedule, drawn.

package crosstalk

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/typeset"
)

// A finding is that a user got what another user's request had in private.
type finding struct {
	run     *run
	user    *user // who got it
	whose   owner
	part    string // of what came of its request
	plain   bool   // not in base64 or the like
	excerpt string
}

// where is the part, with how the canary is in it.
func (f finding) where() string {
	if f.plain {
		return f.part
	}
	return f.part + ", decoded"
}

// name is what a user of a run is called.
func name(user int) string { return string(rune('A' + user)) }

// report is the whole text of a check that has ended.
func (c *check) report(err error) string {
	var p typeset.Page
	switch {
	case err != nil:
		p.Hang("", "crosstalk: the check did not come to its end, so it says nothing about the handler.")
		p.Line("")
		var tr *bubble.Trouble
		if errors.As(err, &tr) {
			tr.Write(&p)
			if r := c.current.Load(); r != nil && r.mu.TryLock() {
				p.Line("")
				p.Item("schedule", r.plan.name)
				p.Item("so far", r.story())
				r.mu.Unlock()
			}
		} else {
			p.Hang("  ✗ ", err.Error())
		}
		return p.String()
	case len(c.findings) > 0:
		c.reportFinding(&p)
	case c.trouble != "":
		p.Hang("", "crosstalk: the handler panicked, though nobody saw anybody else's data.")
		p.Line("")
		p.Item("panic", c.trouble)
		p.Item("schedule", c.troubled.plan.name)
		if c.troubled.plan.moves != nil {
			p.Item("then", c.troubled.story())
		}
		p.Line("")
	case c.vacuous() != "" && !c.allowVacuous:
		p.Hang("", fmt.Sprintf("crosstalk: the check proves nothing about the handler, because %s.", c.vacuous()))
		p.Line("")
		p.Item("do", "Have newRequest make a request that the handler accepts, with the canary in what the reply shows. If this is meant, pass crosstalk.AllowVacuous().")
		p.Line("")
	default:
		p.Hang("", "crosstalk: nobody saw anybody else's data.")
	}
	p.Item("ran", c.course())
	p.Item("replies", c.outcomes())
	p.Item("stops", c.stopWords())
	for _, n := range c.notes() {
		p.Item("note", n)
	}
	return p.String()
}

func (c *check) reportFinding(p *typeset.Page) {
	f := *c.smallest
	drawn := f.run.plan.moves != nil && !c.realTime
	who, whose := "user "+name(f.user.index), f.owner()
	if !drawn {
		who, whose = "a user", "another one" // luck says which
	}
	got := who + " got"
	if f.part == aCall {
		got = "what was called for " + who + " held"
	}
	p.Hang("", fmt.Sprintf("crosstalk: the handler shows one user's data to another: %s what only %s had sent.", got, whose))
	p.Line("")
	p.Item("where", fmt.Sprintf("in %s: %s", f.where(), f.excerpt))
	if drawn {
		p.Item("schedule", fmt.Sprintf("%s; the smallest that shows it is %s", f.run.plan.name, f.run.order()))
		p.Line("")
		f.run.draw(p)
		p.Line("")
		if between := f.between(); between != "" {
			p.Item("when", between)
		}
	} else {
		p.Item("schedule", f.run.plan.name)
		p.Item("", "in real time the order of what handlers do is not known, so there is none to draw; it took some luck, and may take more next time")
	}
	if !f.run.owns(f.whose) {
		p.Item("outlives", "it outlives newHandler: the instance that had served that user was closed before. It is in a package variable, or in something that newHandler hands to each instance.")
	}
	p.Item("means", "a value that belongs to one request was kept where the other request found it: in the handler, a package variable, a pool, a cache, a connection or a closure. Keep it in a variable of the request's own, or key it by who asks.")
}

// owner says whose data it is.
func (f finding) owner() string {
	if f.run.owns(f.whose) {
		return "user " + name(f.whose.user)
	}
	return "a user of an earlier schedule"
}

// owns reports whether o is a user of the run.
func (r *run) owns(o owner) bool {
	return slices.ContainsFunc(r.users, func(u *user) bool { return r.check.tokens[u.token] == o })
}

// excerpt is the text around a canary, with the canaries in it replaced by whose
// they are.
func (c *check) excerpt(text string, at int) string {
	from, to := max(at-60, 0), min(at+90, len(text))
	for from > 0 && !utf8.RuneStart(text[from]) {
		from--
	}
	for to < len(text) && !utf8.RuneStart(text[to]) {
		to++
	}
	part := text[from:to]
	for token, o := range c.tokens {
		whose := "«" + name(o.user) + "'s canary»"
		if o.schedule != c.tokens[text[at:min(at+tokenLength, len(text))]].schedule && o.schedule != c.ran {
			continue
		}
		for n := repeats; n > 0; n-- {
			part = replaceFold(part, strings.Repeat(token, n), whose)
		}
	}
	if from > 0 {
		part = "…" + part
	}
	if to < len(text) {
		part += "…"
	}
	return strings.Join(strings.Fields(printable(part)), " ")
}

// printable is text with a dot for each run of bytes that cannot be read, such as the
// head of a websocket frame.
func printable(text string) string {
	var b strings.Builder
	dotted := false
	for _, r := range text {
		if !unicode.IsPrint(r) && !unicode.IsSpace(r) || r == utf8.RuneError {
			if !dotted {
				b.WriteString("·")
			}
			dotted = true
			continue
		}
		dotted = false
		b.WriteRune(r)
	}
	return b.String()
}

// replaceFold replaces old, whatever its case.
func replaceFold(s, old, with string) string {
	var b strings.Builder
	for len(s) >= len(old) {
		if strings.EqualFold(s[:len(old)], old) {
			b.WriteString(with)
			s = s[len(old):]
			continue
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	return b.String() + s
}

// story says the events of the run in a sentence.
func (r *run) story() string {
	var steps []string
	for i := 0; i < len(r.events); {
		user := r.events[i].user
		var did []string
		for ; i < len(r.events) && r.events[i].user == user; i++ {
			did = append(did, words[r.events[i].what])
		}
		steps = append(steps, name(user)+" "+strings.Join(did, ", "))
	}
	var lacking []string
	for _, u := range r.users {
		if u.without {
			lacking = append(lacking, name(u.index)+"'s request lacks the private fields")
		}
	}
	return strings.Join(append(steps, lacking...), "; ")
}

// words say the events of a user in a sentence.
var words = map[kind]string{
	comesIn: "comes in", reading: "is kept at reading its body", header: "is kept at writing its header",
	writing: "is kept at a write", flushing: "is kept at a flush", calling: "is kept at a call upstream",
	waiting: "waits", goesOut: "has its reply", leaving: "leaves", ends: "ends",
}

// order says who came in and went out, in order, and whose request was another.
func (r *run) order() string {
	var steps, lacking []string
	for _, e := range r.events {
		switch e.what {
		case comesIn, goesOut, leaving:
			steps = append(steps, name(e.user)+" "+string(e.what))
		}
	}
	for _, u := range r.users {
		if u.without {
			lacking = append(lacking, name(u.index))
		}
	}
	text := strings.Join(steps, ", ")
	if len(lacking) > 0 {
		text += " (" + strings.Join(lacking, ", ") + " without the private fields)"
	}
	return text
}

// A column is an event of the picture, or the same again and again.
type column struct {
	user  int
	what  kind
	times int
}

func (c column) String() string {
	if c.times > 1 {
		return fmt.Sprintf("%s×%d", c.what, c.times)
	}
	return string(c.what)
}

// columns are the events of the run, what is repeated in one.
func (r *run) columns() (all []column) {
	for _, e := range r.events {
		if n := len(all); n > 0 && all[n-1].user == e.user && all[n-1].what == e.what {
			all[n-1].times++
			continue
		}
		all = append(all, column{e.user, e.what, 1})
	}
	return all
}

// draw draws a row for each user, with a column for each event, and says what the
// events are.
func (r *run) draw(p *typeset.Page) {
	columns := r.columns()
	const most = 14
	cut := len(columns) > most
	last := map[int]int{}
	for i, c := range columns {
		last[c.user] = i
	}
	if cut {
		columns = columns[:most]
	}
	for _, u := range r.users {
		var b strings.Builder
		inside := false
		for i, c := range columns {
			label := c.String()
			if c.user == u.index {
				inside = c.what != goesOut && c.what != ends && last[u.index] > i
				b.WriteString(label)
				label = ""
			}
			fill := " "
			if inside {
				fill = "┄"
			}
			b.WriteString(strings.Repeat(fill, utf8.RuneCountInString(label)+1))
		}
		if cut {
			b.WriteString("…")
		}
		p.Line(fmt.Sprintf("    %s  %s", name(u.index), b.String()))
	}
	p.Line("")
	p.Hang("    ", "Time goes to the right. "+legend(columns))
}

// legend says what the events in a picture are.
func legend(columns []column) string {
	var stops []string
	waits := ""
	for _, c := range columns {
		switch c.what {
		case reading, header, writing, flushing, calling:
			if !slices.Contains(stops, string(c.what)) {
				stops = append(stops, string(c.what))
			}
		case waiting:
			waits = "waits: for a nap or for somebody else, of its own accord. "
		}
	}
	text := waits
	if len(stops) > 0 {
		text += strings.Join(stops, ", ") + ": the check keeps it there for a while, as a slow client or network would."
	}
	return strings.TrimSpace(text)
}

// between says where each of the two was when the other came in.
func (f finding) between() string {
	victim, whose := f.user.index, f.whose.user
	if !f.run.owns(f.whose) {
		return ""
	}
	was := map[int]event{} // the last of each so far
	for _, e := range f.run.events {
		if e.what == comesIn && (e.user == victim || e.user == whose) {
			first, second := whose, e.user
			if second == whose {
				first = victim
			}
			before, there := was[first]
			switch {
			case !there:
			case before.what == goesOut || before.what == ends:
				if first == whose {
					return fmt.Sprintf("%s had been and gone when %s came in, and found what %s had left behind", name(first), name(second), name(first))
				}
				return fmt.Sprintf("%s had its reply already when %s came in; what its handler had left running found what %s brought", name(first), name(second), name(second))
			case before.what == leaving:
				return fmt.Sprintf("%s's client had left when %s came in, and %s's handler was still at work", name(first), name(second), name(first))
			default:
				return fmt.Sprintf("%s came in while %s %s", name(second), name(first), before.doing())
			}
		}
		was[e.user] = e
	}
	return ""
}

// doing says at which stop a user was, and where in the code.
func (e event) doing() string {
	text := map[kind]string{
		comesIn: "was on its way", reading: "was reading its body", header: "was writing its header", writing: "was writing",
		flushing: "was flushing", calling: "was calling upstream", waiting: "waited",
	}[e.what]
	if e.at != "" {
		text += " at " + e.at
	}
	return text
}

// course says what was run.
func (c *check) course() string {
	server := "net/http"
	if c.server != nil {
		server = c.server.String()
	}
	clock := "virtual"
	if c.realTime {
		clock = "real"
	}
	return fmt.Sprintf("%s with %s in %s time, on %s", typeset.Plural(c.ran, "schedule", "schedules"),
		typeset.Plural(c.asked, "request", "requests"), clock, server)
}

// stopWords says where a request that is alone stops.
func (c *check) stopWords() string {
	if len(c.stops) == 0 {
		return "a request stops nowhere"
	}
	var all []string
	for i, e := range c.stops {
		if i == 6 {
			all = append(all, fmt.Sprintf("… %d more", len(c.stops)-i))
			break
		}
		text := string(e.what)
		if e.at != "" {
			text += " (" + e.at + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// notes are what a reader has to know about how far the check goes.
func (c *check) notes() (all []string) {
	if c.plain {
		all = append(all, fmt.Sprintf("the handler waits for nothing before it writes, so no schedule gets between two of its steps: it was also run for %v of real time, %d requests at once, which proves less; run it with -race as well", mostTime, users))
	}
	if why := c.vacuous(); why != "" && c.allowVacuous {
		all = append(all, "this proves nothing, which is allowed: "+why)
	}
	if !c.optional {
		all = append(all, "the canary is nowhere that can be left out, so every request had it")
	}
	if !c.overlapped && len(c.findings) == 0 {
		all = append(all, "no two requests were ever in the handler at once on this server, so this says nothing about what they would share if they were; on an event loop others come in where the handler awaits (worker.Await, worker.InThread)")
	}
	if n := len(c.stops); n > mostPoints && len(c.findings) == 0 {
		all = append(all, fmt.Sprintf("a request has %d stops or more, and others were let in at %d of them", n, mostPoints))
	}
	if c.unread {
		all = append(all, fmt.Sprintf("a reply was longer than the %d KB that are looked at", mostBody>>10))
	}
	if c.leftOut > 0 {
		all = append(all, fmt.Sprintf("there was no time for %s", typeset.Plural(c.leftOut, "more schedule", "more schedules")))
	}
	if c.leftBehind > 0 {
		all = append(all, fmt.Sprintf("%s left behind, which is no crosstalk, but a leak unless it is the app's own; give the handler a Close method to end what it starts", typeset.Plural(c.leftBehind, "goroutine was", "goroutines were")))
	}
	if c.outside != "" {
		all = append(all, c.outside+"; it cannot be used in virtual time, so the check ran in real time, with fewer schedules")
	}
	c.mu.Lock()
	if c.closeErr != nil {
		all = append(all, fmt.Sprintf("Close returned an error: %v", c.closeErr))
	}
	c.mu.Unlock()
	if c.raced {
		all = append(all, "the race detector has reported a data race, above: that is a fault of its own")
	}
	if c.trouble != "" && len(c.findings) > 0 {
		all = append(all, "the handler panicked: "+c.trouble)
	}
	return all
}
