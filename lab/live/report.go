// What the diagnosis found, and how it reads.

package live

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/outagelab/lab/typeset"
)

// A Report is what a diagnosis has found out.
type Report struct {
	Target   string
	Took     time.Duration
	Requests int

	// Server is what the server calls itself, which decides nothing.
	Server string
	// Routes are those of the PoC and of the exercise that it has.
	Routes []string
	// Alone is what a request takes by itself, besides its nap, by path.
	Alone map[string]time.Duration
	// Rate is how many of the lightest requests it answers in a second when asked by
	// 16 connections at once; 0 if that was not measured.
	Rate float64
	// Concurrency is what was measured of each path.
	Concurrency []Concurrency
	// Crosstalk is what the views with a user said.
	Crosstalk []*Crosstalk
	// Kept says whether a connection is kept after its reply; nil if unknown.
	Kept *bool
	// Idle is what connections without a request hold, Streams what streams hold; nil
	// if unknown.
	Idle, Streams *Hold
	// Lines is how many streams got a line while all were open.
	Lines int

	// Possible are the models that the evidence leaves, and RuledOut the others.
	Possible, RuledOut []Verdict
	// Deployments are those of the PoC that fit: run.dev, run.sync, run.async,
	// run.async12.
	Deployments []string
	// Remarks are what went otherwise than planned.
	Remarks []string

	proxy  string        // that has named itself
	status int           // of the first reply
	light  time.Duration // what the lightest request takes alone
	scenes []scene
}

// A report names the models that are left if they are no more than enough, or if no
// more than few of them are left without a condition.
const (
	enough = 3
	few    = 2
)

// Headline is the diagnosis in one sentence.
func (r *Report) Headline() string {
	if len(r.Possible) == 0 {
		return "not enough to tell: what was seen contradicts itself"
	}
	if !r.Conclusive() {
		return "not enough to tell"
	}
	var firm, other []string
	for _, v := range r.Possible {
		if v.Why == "" {
			firm = append(firm, v.Name)
		} else {
			condition, _, _ := strings.Cut(v.Why, ": ")
			other = append(other, v.Name+" "+condition)
		}
	}
	text := "behaves like " + strings.Join(append(firm, other...), ", or like ")
	switch c := r.narrowest(); {
	case c != nil && c.InService < believable*float64(c.AtOnce):
		text += fmt.Sprintf(": up to %s in service at %s", typeset.Plural(c.AtOnce, "request", "requests"), c.Path)
	case c != nil && len(r.Concurrency) > 1:
		text += fmt.Sprintf(": %.2f requests in service at %s", c.InService, c.Path)
	case c != nil:
		text += fmt.Sprintf(": %.2f requests in service", c.InService)
	case r.most() > 0:
		text += fmt.Sprintf(": at least %d requests in service", r.most())
	}
	return text
}

// Conclusive reports whether there is enough evidence to name worker models.
func (r *Report) Conclusive() bool {
	firm := 0
	for _, v := range r.Possible {
		if v.Why == "" {
			firm++
		}
	}
	told := len(r.Possible) > 0 && len(r.Possible) <= enough || firm > 0 && firm <= few
	held := r.Idle != nil && r.Idle.Up || r.Streams != nil && r.Streams.Up
	return told && (r.most() > 0 || held)
}

// narrowest is the measurement in which the fewest were served at a time.
func (r *Report) narrowest() *Concurrency {
	var least *Concurrency
	for i, c := range r.Concurrency {
		if c.Limited && !c.doubted && (least == nil || c.AtOnce < least.AtOnce) {
			least = &r.Concurrency[i]
		}
	}
	return least
}

// String is what make live prints.
func (r *Report) String() string {
	var p typeset.Page
	between := " "
	if !r.Conclusive() || len(r.Possible) == 0 {
		between = ": "
	}
	p.Line(r.Target + between + r.Headline())
	p.Line("")
	r.facts(&p)
	p.Line("")
	r.verdicts(&p)
	if len(r.scenes) > 0 {
		p.Line("")
		p.Line("  what came back, and when")
		for _, s := range r.scenes {
			s.write(&p)
		}
	}
	return p.String()
}

func (r *Report) facts(p *typeset.Page) {
	p.Item("asked", fmt.Sprintf("%s in %.0f s", typeset.Plural(r.Requests, "request", "requests"), r.Took.Seconds()))
	if r.Server != "" {
		p.Item("says it is", quote(r.Server))
	}
	if len(r.Routes) > 0 {
		p.Item("routes", strings.Join(r.Routes, " "))
	} else {
		p.Item("routes", fmt.Sprintf("none of the PoC's or the exercise's; / answers %d", r.status))
	}
	for _, c := range r.Concurrency {
		p.Item("at a time", c.words(r.Alone[c.Path]))
	}
	if r.Rate > 0 {
		p.Item("cost", fmt.Sprintf("%s replies a second without a nap, to 16 connections: %s of the server for each",
			typeset.Number(r.Rate), typeset.Seconds(time.Duration(1e9/r.Rate))))
	} else if r.light >= tooShort {
		p.Item("cost", fmt.Sprintf("too few replies came to 16 connections to tell; alone a light request takes %s", typeset.Seconds(r.light.Round(10*time.Microsecond))))
	}
	if r.Kept != nil {
		p.Item("keep-alive", map[bool]string{true: "kept open after a reply", false: "closed after each reply"}[*r.Kept]+r.idleFact())
	}
	if r.Streams != nil {
		text := fmt.Sprintf("%s open, %d with lines, and a light request is still answered", typeset.Plural(r.Streams.Most, "stream", "streams"), r.Lines)
		if r.Streams.Up {
			text = fmt.Sprintf("%s held everything up: a light request got no reply until they were closed", typeset.Plural(r.Streams.Most, "open stream", "open streams"))
		}
		p.Item("streams", text)
	}
	for _, c := range r.Crosstalk {
		p.Item("crosstalk", c.words())
	}
	for _, remark := range r.Remarks {
		p.Item("but", remark)
	}
}

func (r *Report) idleFact() string {
	switch {
	case r.Idle == nil:
		return ""
	case r.Idle.Up && r.Idle.Most > r.Idle.Fewer+1:
		return fmt.Sprintf("; %d that had sent nothing held everybody up, %d did not", r.Idle.Most, r.Idle.Fewer)
	case r.Idle.Up:
		return fmt.Sprintf("; %d that had sent nothing held everybody up", r.Idle.Most)
	}
	return fmt.Sprintf("; %d that had sent nothing held nobody up", r.Idle.Most)
}

func (c Concurrency) words(alone time.Duration) string {
	text := fmt.Sprintf("%s serves at least %d (of %d that came together), and no limit was seen", c.Path, c.AtOnce, c.Asked)
	if c.Limited {
		text = fmt.Sprintf("%s serves %d: of %d that came together the others waited, with %.2f in service on average (Little's law)",
			c.Path, c.AtOnce, c.Asked, c.InService)
	}
	what := " besides its nap"
	if c.Path == front {
		what = ""
	}
	return fmt.Sprintf("%s; alone a request takes %s%s", text, typeset.Seconds(alone.Round(10*time.Microsecond)), what)
}

func (c *Crosstalk) words() string {
	if c.Pairs == 0 && c.Crowd == 0 && !c.Leaks() {
		return c.Path + " showed none: no two users were served at the same time"
	}
	low, high := c.Interval()
	var seen []string
	switch {
	case c.Pairs > 0 && c.Leaks():
		seen = append(seen, fmt.Sprintf("%d of %d who were overtaken (%.0f to %.0f %% with 95 %% confidence)", c.Leaked, c.Pairs, 100*low, 100*high))
	case c.Pairs > 0:
		seen = append(seen, fmt.Sprintf("0 of %d who were overtaken (at most %.0f %% with 95 %% confidence)", c.Pairs, 100*high))
	}
	if c.Late > 0 {
		seen = append(seen, fmt.Sprintf("%d who may have been overtaken", c.Late))
	}
	if c.Crowd > 0 {
		seen = append(seen, fmt.Sprintf("%d of a crowd of %d", c.Strangers, c.Crowd))
	}
	text := c.Path + map[bool]string{true: " tells one user another's address: ", false: " showed none: "}[c.Leaks()] + strings.Join(seen, ", ")
	if c.Memories > 0 {
		text += ", who met in at least " + typeset.Plural(c.Memories, "memory", "memories")
	}
	return text
}

func (r *Report) verdicts(p *typeset.Page) {
	for i, v := range r.Possible {
		text := v.Name
		if v.Why != "" {
			text += ", " + v.Why
		}
		p.Item(map[bool]string{true: "possible", false: ""}[i == 0], text)
	}
	if len(r.Deployments) > 0 {
		p.Item("fits", "make "+strings.Join(r.Deployments, ", make "))
	}
	for i, v := range r.RuledOut {
		p.Item(map[bool]string{true: "ruled out", false: ""}[i == 0], v.Name+": "+v.Why)
	}
	if len(r.Possible) > 1 {
		for i, next := range r.next() {
			p.Item(map[bool]string{true: "to tell", false: ""}[i == 0], next)
		}
	}
}

// wouldTell says why a view did not tell what it would.
func (r *Report) wouldTell(path string) string {
	if slices.Contains(r.Routes, path) {
		return " would tell, which was not asked or gave no clear answer"
	}
	return " would tell, which the target lacks"
}

// next are the probes that would tell apart what is left.
func (r *Report) next() []string {
	left := map[Model]bool{}
	for _, v := range r.Possible {
		left[v.Model] = true
	}
	var next []string
	if (left[OneLoop] || left[Loops]) && (left[Unlimited] || left[OneSync] || left[SyncWorkers] || left[Pool]) {
		if r.of(asyncSleep) == nil && r.of(dirty) == nil && !left[Unlimited] {
			next = append(next, asyncSleep+r.wouldTell(asyncSleep)+": naps that wait for each other are no loop's")
		} else if r.of(blockingSleep) == nil {
			next = append(next, blockingSleep+r.wouldTell(blockingSleep)+": one at a time is one loop, a few are as many loops, all at a time are threads")
		}
	}
	shared := len(r.Crosstalk) > 0
	if !shared && (left[OneLoop] && left[Loops] || left[SyncWorkers] && left[Pool]) {
		next = append(next, dirty+r.wouldTell(dirty)+": users meet in as many memories as there are processes, and on sync workers in none")
	}
	if r.Streams != nil && r.Streams.Up && left[Pool] {
		next = append(next, "one stream held open for longer than the worker timeout (gunicorn's is 30 s) would tell: sync workers and a loop that is held are killed, threads are not")
	}
	if r.proxy != "" {
		next = append(next, "asking the server behind "+r.proxy+" would tell more: what becomes of connections is the proxy's doing")
	}
	return next
}
