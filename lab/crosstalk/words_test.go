// The words and the picture of a report, each from a run that is written down here.

package crosstalk

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

// ranAs is a run of two or more users with these events.
func ranAs(users int, events ...event) *run {
	c := &check{tokens: map[string]owner{}, ran: 1}
	r := &run{check: c, events: events}
	for i := range users {
		u := &user{run: r, index: i}
		u.canary, u.token = c.newCanary(owner{1, i})
		r.users = append(r.users, u)
	}
	return r
}

// at are the events of a text such as "A in, B in, B out".
func at(text string) (events []event) {
	for step := range strings.SplitSeq(text, ", ") {
		who, what, _ := strings.Cut(step, " ")
		events = append(events, event{user: int(who[0] - 'A'), what: kind(what)})
	}
	return events
}

// seen is the finding that user sees the data of whose in a run.
func seen(r *run, user, whose int) finding {
	return finding{run: r, user: r.users[user], whose: owner{1, whose}, part: "the body", plain: true, excerpt: "text"}
}

func TestWhereTheOtherWasIsSaid(t *testing.T) {
	for _, c := range []struct {
		events      string
		user, whose int
		want        string
	}{
		{"A in, A out, B in, B out", 1, 0, "A had been and gone when B came in, and found what A had left behind"},
		{"A in, A leaves, A end, B in, B out", 1, 0, "A had been and gone when B came in, and found what A had left behind"},
		{"A in, A out, B in, B out", 0, 1, "A had its reply already when B came in; what its handler had left running found what B brought"},
		{"A in, A waits, A leaves, B in, B out", 1, 0, "A's client had left when B came in, and A's handler was still at work"},
		{"A in, A waits, B in, B out, A out", 0, 1, "B came in while A waited"},
		{"A in, A write, B in, B out, A out", 1, 0, "B came in while A was writing"},
		{"B in, B read, A in, A out", 0, 1, "A came in while B was reading its body"},
		{"A in, B in, C in, C out", 2, 0, "C came in while A was on its way"},
		{"A in, C in, B in, B out", 1, 0, "B came in while A was on its way"},
		{"A in, A out", 0, 1, ""},
	} {
		r := ranAs(3, at(c.events)...)
		assert.Equal(t, c.want, seen(r, c.user, c.whose).between(), c.events)
	}
	f := seen(ranAs(2, at("A in, A out, B in, B out")...), 1, 0)
	f.whose.schedule = 7
	assert.Empty(t, f.between(), "it is of an earlier schedule")
	assert.Equal(t, "a user of an earlier schedule", f.owner())
}

func TestWhatAUserDoesIsSaid(t *testing.T) {
	assert.Equal(t, "waited at a.go:1", event{what: waiting, at: "a.go:1"}.doing())
	r := ranAs(2, at("A in, A write, B in, B out, A out")...)
	assert.Equal(t, "A comes in, is kept at a write; B comes in, has its reply; A has its reply", r.story())
	assert.Equal(t, "A in, B in, B out, A out", r.order())
	r.users[1].without = true
	assert.Equal(t, "A comes in, is kept at a write; B comes in, has its reply; A has its reply; B's request lacks the private fields", r.story())
	assert.Equal(t, "A in, B in, B out, A out (B without the private fields)", r.order())
	r.users[0].without = true
	assert.Equal(t, "A in, B in, B out, A out (A, B without the private fields)", r.order())
}

// drawn is the picture of a run, with what is below it.
func drawn(r *run) string {
	var p typeset.Page
	r.draw(&p)
	return p.String()
}

func TestARunIsDrawn(t *testing.T) {
	assert.Equal(t, `    A  in┄waits┄┄┄┄┄┄┄┄┄┄out
    B           in┄write┄┄┄┄┄out

    Time goes to the right. waits: for a nap or for somebody else, of its own accord.
    write: the check keeps it there for a while, as a slow client or network would.
`, drawn(ranAs(2, at("A in, A waits, B in, B write, A out, B out")...)))
	assert.Equal(t, `    A  in┄write×3┄leaves┄end
    B                        in┄out

    Time goes to the right. write: the check keeps it there for a while, as a slow client
    or network would.
`, drawn(ranAs(2, at("A in, A write, A write, A write, A leaves, A end, B in, B out")...)))
	assert.Equal(t, `    A  in┄out
    B         in┄out

    Time goes to the right.
`, strings.ReplaceAll(drawn(ranAs(2, at("A in, A out, B in, B out")...)), "right. \n", "right.\n"))
}

func TestALongRunIsCut(t *testing.T) {
	fourteen := strings.TrimSuffix(strings.Repeat("A read, A write, ", 6), ", ")
	assert.NotContains(t, drawn(ranAs(1, at("A in, "+fourteen+", A out")...)), "…")
	text := drawn(ranAs(1, at("A in, "+fourteen+", A read, A out")...))
	assert.Contains(t, text, "write┄read┄…\n")
	assert.NotContains(t, text, "out")
}

func TestStopsAreExplainedOnce(t *testing.T) {
	columns := ranAs(2, at("A in, A read, B in, B read, B write, A flush, A header, A call")...).columns()
	assert.Equal(t, "read, write, flush, header, call: the check keeps it there for a while, as a slow client or network would.", legend(columns))
	assert.Empty(t, legend(nil))
	columns = ranAs(2, at("A in, A write, B write, B write, A out")...).columns()
	assert.Equal(t, []column{{0, comesIn, 1}, {0, writing, 1}, {1, writing, 2}, {0, goesOut, 1}}, columns)
	assert.Equal(t, "write×2", columns[2].String())
	assert.Equal(t, "write", columns[1].String())
}

func TestAnExcerptNamesTheOwners(t *testing.T) {
	r := ranAs(2)
	c, a, b := r.check, r.users[0], r.users[1]
	assert.Equal(t, "hello «A's canary»!", c.excerpt("hello "+a.canary+"!", 6))
	assert.Equal(t, "hello «A's canary»!", c.excerpt("hello "+strings.ToUpper(a.canary)+"!", 6))
	assert.Equal(t, "«B's canary» and «A's canary»", c.excerpt(b.canary+" and "+a.token, len(b.canary)+5), "a part of a canary as well")

	long := strings.Repeat("é", 60) + a.token + strings.Repeat("é", 60)
	assert.Equal(t, "…"+strings.Repeat("é", 30)+"«A's canary»"+strings.Repeat("é", 41)+"…", c.excerpt(long, 120))
	assert.Equal(t, "…"+strings.Repeat("é", 30)+"x«A's canary»", c.excerpt(strings.Repeat("é", 60)+"x"+a.token, 121),
		"no character is cut in two")
	assert.Equal(t, "a b «A's canary» ·", c.excerpt("a\n b "+a.token+" \xff", 5))

	old, _ := c.newCanary(owner{0, 4})
	assert.Contains(t, c.excerpt(a.token+" "+old, 0), old, "the users of other schedules are no matter here")
	assert.Equal(t, "«E's canary»", c.excerpt(old, 0), "but if it is theirs")
}

func TestWhatWasRunIsSaid(t *testing.T) {
	c := &check{ran: 1, asked: 1}
	assert.Equal(t, "1 schedule with 1 request in virtual time, on net/http", c.course())
	server := worker.Defaults(worker.Sync)
	c = &check{ran: 2, asked: 3, realTime: true, server: &server}
	assert.Equal(t, "2 schedules with 3 requests in real time, on 1 sync worker", c.course())
}

func TestStopsAreListed(t *testing.T) {
	c := &check{}
	assert.Equal(t, "a request stops nowhere", c.stopWords())
	c.stops = []event{{what: waiting, at: "a.go:1"}, {what: writing}}
	assert.Equal(t, "waits (a.go:1), write", c.stopWords())
	c.stops = make([]event, 6)
	assert.NotContains(t, c.stopWords(), "more")
	c.stops = make([]event, 8)
	assert.Contains(t, c.stopWords(), ", … 2 more")
}

func TestNotesSayHowFarACheckGoes(t *testing.T) {
	full := func() *check {
		return &check{showed: 2, served: true, asked: 2, replies: map[string]int{"200 OK": 2}, optional: true, overlapped: true}
	}
	assert.Empty(t, full().notes())
	for want, change := range map[string]func(c *check){
		"is nowhere that can be left out":            func(c *check) { c.optional = false },
		"no two requests were ever":                  func(c *check) { c.overlapped = false },
		"7 stops or more, and others were let in at": func(c *check) { c.stops = make([]event, 7) },
		"longer than the 256 KB":                     func(c *check) { c.unread = true },
		"no time for 1 more schedule":                func(c *check) { c.leftOut = 1 },
		"1 goroutine was left behind":                func(c *check) { c.leftBehind = 1 },
		"has reported a data race":                   func(c *check) { c.raced = true },
		"it was also run for 8ms":                    func(c *check) { c.plain = true },
		"the handler panicked: no database":          func(c *check) { c.trouble, c.findings = "no database", make([]finding, 1) },
	} {
		c := full()
		change(c)
		notes := c.notes()
		if assert.Len(t, notes, 1, want) {
			assert.Contains(t, notes[0], want)
		}
	}
	c := full()
	c.stops = make([]event, 6)
	assert.Empty(t, c.notes())
	for _, change := range []func(c *check){
		func(c *check) { c.overlapped = false },
		func(c *check) { c.stops = make([]event, 7) },
	} {
		c := full()
		c.findings = make([]finding, 1)
		change(c)
		assert.Empty(t, c.notes(), "that is no matter where a finding is")
	}
}

func TestAFindingIsReportedWithItsPart(t *testing.T) {
	r := ranAs(2, at("A in, A out, B in, B out")...)
	r.plan = schedule{name: "one after another", moves: []move{{0, toTheEnd}, {1, toTheEnd}}}
	f := seen(r, 1, 0)
	report := func() string {
		c := r.check
		c.findings, c.smallest = []finding{f}, &f
		return strings.Join(strings.Fields(c.report(nil)), " ")
	}
	assert.Contains(t, report(), "to another: user B got what only user A had sent. where in the body: text schedule one after another; the smallest that shows it is A in, A out, B in, B out")
	assert.Contains(t, report(), "A in┄out")
	f.plain = false
	assert.Contains(t, report(), "in the body, decoded: text")
	f.part = aCall
	assert.Contains(t, report(), "what was called for user B held what only user A had sent")
	r.check.realTime = true
	assert.Contains(t, report(), "what was called for a user held what only another one had sent")
	assert.NotContains(t, report(), "A in┄out")
	r.check.realTime, r.plan.moves = false, nil
	assert.Contains(t, report(), "there is none to draw")
}

func TestAnErrorIsReportedAlone(t *testing.T) {
	c := &check{}
	text := strings.Join(strings.Fields(c.report(errors.New("no luck"))), " ")
	assert.Equal(t, "crosstalk: the check did not come to its end, so it says nothing about the handler. ✗ no luck", text)
}

func TestPatienceInRealTimeGrowsWithARequest(t *testing.T) {
	r := ranAs(1, event{what: comesIn}, event{what: writing, time: time.Second}, event{what: goesOut, time: 2 * time.Second})
	assert.Equal(t, 4*time.Second+100*time.Millisecond, realPatience(r))
	assert.Equal(t, 500*time.Millisecond, realPatience(ranAs(1, event{what: comesIn}, event{what: writing, time: time.Second})))
}

func TestThePlaceIsTheAuthorsOwn(t *testing.T) {
	frame := func(fn, file string) bubble.Frame {
		return bubble.FrameOf(runtime.Frame{Function: fn, File: file, Line: 7})
	}
	gin, shop := frame("github.com/gin-gonic/gin.(*Context).Next", "/x/gin/context.go"), frame("shop.example/cart.Show", "/x/cart/show.go")
	ours := frame("example.com/outagelab/lab/crosstalk.(*writer).Write", "/x/crosstalk/gate.go")
	assert.Equal(t, "cart/show.go:7", theirs([]bubble.Frame{ours, gin, shop}, "shop.example"))
	assert.Equal(t, "gin/context.go:7", theirs([]bubble.Frame{ours, gin, shop}, "other.example"), "another module")
	assert.Equal(t, "gin/context.go:7", theirs([]bubble.Frame{gin, shop}, ""), "the module is not known")
	assert.Empty(t, theirs([]bubble.Frame{ours}, "shop.example"))
	assert.Equal(t, "example.com/outagelab", module)
}

func TestATextIsReplacedInAnyCase(t *testing.T) {
	assert.Equal(t, "x", replaceFold("aB", "ab", "x"))
	assert.Equal(t, "\x81İxx-a", replaceFold("\x81İABab-a", "ab", "x"), "letters of other lengths before it")
	assert.Empty(t, replaceFold("", "ab", "x"))
}

func TestWhatCannotBeReadIsADot(t *testing.T) {
	assert.Equal(t, "·a é\n·", printable("\x81\x00\x1ea é\n\xff"))
}
