// The course of a check: alone first, then every schedule, then what was found
// made as small as it gets.

package crosstalk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/pocserver/worker"
)

// A check is one call of Check.
type check struct {
	newHandler func() http.Handler
	newRequest func(user int, canary string) *http.Request
	server     *worker.Config
	realTime   bool
	careful    bool // look for locks at every step

	allowVacuous bool
	json         io.Writer // for the report, or nil

	firsts   int           // requests that were sent outside the bubble
	elapsed  atomic.Int64  // real time since the check began to explore
	most     time.Duration // of which this much is for schedules that are not vital
	label    string        // of the goroutines of the first request
	computes time.Duration // how long the first request took
	outside  string        // why the check runs in real time, though nobody asked for it
	progress atomic.Int64  // moves and arrivals so far
	stopped  atomic.Bool   // the check was abandoned
	mu       sync.Mutex
	closeErr error // of the app's Close; under mu

	pace     pace
	tokens   map[string]owner
	naps     map[int]time.Duration // how long a request waits that is alone, by how often it has arrived before
	looks    int
	crowd    int  // how many requests were in the handler, at most, when locks were looked for
	locked   bool // a request was seen to wait for a lock
	nested   bool // each stop has been tried: whoever runs into a lock has done so
	late     bool // something of a request stops after its end
	hijacked bool // a request takes its connection over

	current    atomic.Pointer[run]
	ran, asked int // schedules and requests
	stops      []event
	showed     int            // how many users of one schedule, at most, saw their own canaries
	replies    map[string]int // by status
	served     bool           // a reply was no error
	plain      bool           // it was also run in real time, since the handler waits for nothing
	optional   bool           // there are requests without the private fields
	leftBehind int
	overlapped bool   // two requests were in the handler at once
	status     string // of the reply to the request that was alone
	leftOut    int    // schedules for which there was no time
	unread     bool   // a reply was longer than what is looked at
	raced      bool   // the race detector has reported something
	findings   []finding
	smallest   *finding
	trouble    string // a panic of the handler
	troubled   *run   // in which it was
}

var errNoHandler = errors.New("newHandler returned no handler")

// valid returns what is wrong with the arguments.
func (c *check) valid() error {
	switch {
	case c.newHandler == nil:
		return errors.New("newHandler is nil")
	case c.newRequest == nil:
		return errors.New("newRequest is nil")
	case c.server != nil:
		if _, err := worker.New(*c.server, func() http.Handler { return nil }); err != nil {
			return fmt.Errorf("On: %w", err)
		}
	}
	return nil
}

// ask makes a user's request.
func (c *check) ask(user int, canary string, without bool) (request, error) {
	made, err := c.made(user, canary)
	if err != nil {
		return request{}, err
	}
	if made == nil || made.URL == nil {
		return request{}, fmt.Errorf("newRequest made no request for user %d", user)
	}
	r, err := read(made)
	if err != nil {
		return request{}, fmt.Errorf("the body of user %d's request: %w", user, err)
	}
	if r.Host == "" && r.URL.Host == "" {
		r.Host = "crosstalk.test"
	}
	if !r.holds(canary) {
		return request{}, fmt.Errorf("newRequest did not put user %d's canary into %s %s: without it nothing can be found", user, made.Method, made.URL)
	}
	if without {
		r, _ = r.without(canary)
	}
	if len(r.body) > 0 || r.Body != nil {
		r.set(r.body)
	}
	return r, nil
}

// misjudged reports whether err is that requests ran into a lock which they were
// taken not to run into.
func (c *check) misjudged(err error) bool { return abandoned(err) && c.lockless() }

// abandoned reports whether err is that a check was left as it was, in its bubble.
func abandoned(err error) bool {
	var tr *bubble.Trouble
	return errors.As(err, &tr) && tr.Abandoned
}

// dog watches the check. One instant may have the work of all users in it.
func (c *check) dog() bubble.Watchdog {
	w := dog
	w.Progress = &c.progress
	w.Computing = max(w.Computing, 4*users*c.computes)
	return w
}

// made is what newRequest makes, or an error of its panic.
func (c *check) made(user int, canary string) (r *http.Request, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("newRequest panicked for user %d: %v, at %s", user, p, place())
		}
	}()
	return c.newRequest(user, canary), nil
}

// run runs the check. Its error is why the check did not come to an end.
func (c *check) run(tb testing.TB) error {
	c.tokens, c.naps, c.replies = map[string]owner{}, map[int]time.Duration{}, map[string]int{}
	if err := c.first(); err != nil {
		return err
	}
	c.most = mostVirtual
	if c.realTime {
		c.most = mostRealTime
	}
	defer c.keepTime()()
	if c.realTime {
		c.pace = realPace
		var err error
		pprof.Do(context.Background(), pprof.Labels(labelFirst, c.label), func(context.Context) {
			if err = c.explore(); err == nil && c.worthAll() {
				err = c.atOnce()
			}
		})
		return err
	}
	c.pace = virtualPace
	err := bubble.Run(tb, stretch, c.dog(), func() error {
		before := len(bubble.Others())
		defer closeIdleConnections() // of the bubble's
		err := c.explore()
		if err == nil {
			err = c.linger(before)
		}
		return err
	})
	if abandoned(err) {
		c.stopped.Store(true)
	}
	if bubble.IsRace(err) {
		c.raced, err = true, nil
	}
	if err == nil || errors.Is(err, bubble.ErrStopClock) {
		err = nil
		if c.worthAll() {
			err = c.atOnce()
		}
	}
	return err
}

// keepTime sets c.elapsed until it is told to stop: in a bubble, nobody else can tell
// the real time.
func (c *check) keepTime() (stop func()) {
	begin, done := time.Now(), make(chan struct{})
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case now := <-tick.C:
				c.elapsed.Store(int64(now.Sub(begin)))
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
}

// hurried reports whether only what is vital may still be run.
func (c *check) hurried() bool { return time.Duration(c.elapsed.Load()) > c.most }

// stretch is the virtual time between two runs, which tells the watchdog that the
// check goes on.
const stretch = 10 * time.Second

// linger gives what the handlers have started time to end. What does not is no
// crosstalk, but the bubble cannot end with it.
func (c *check) linger(before int) error {
	for range 6 {
		gs := bubble.Others()
		c.leftBehind = len(gs) - before
		if c.leftBehind <= 0 {
			c.leftBehind = 0
			return nil
		}
		for _, g := range gs {
			if g.Stuck() {
				return bubble.ErrStopClock // time would not pass
			}
		}
		time.Sleep(bubble.Linger / 6)
	}
	return bubble.ErrStopClock
}

// explore runs every schedule.
func (c *check) explore() error {
	r, err := c.perform(alone)
	if err != nil {
		return err
	}
	c.hijacked = r.hijacked.Load()
	if r.noHandler.Load() {
		return errNoHandler
	}
	if err := r.users[0].called(); err != nil {
		return err
	}
	if c.realTime {
		c.pace.patience = realPatience(r)
	}
	c.judge(r)
	for _, e := range r.events {
		if e.what == goesOut {
			break
		}
		if e.what != comesIn {
			c.stops = append(c.stops, e)
		}
	}
	u := r.users[0]
	if u.received.reply != nil {
		c.status = u.received.reply.Status
	}
	if _, ok := u.request.without(u.canary); ok {
		c.optional = true
	}
	if c.trouble != "" {
		return fmt.Errorf("the handler panicked with one request, and nobody else there: %s", c.trouble)
	}
	for _, s := range schedules(len(c.stops), c.late, c.optional, c.realTime) {
		if !s.vital && c.hurried() {
			c.leftOut++
			continue
		}
		if c.locked && s.more {
			continue
		}
		c.nested = c.nested || s.nested
		r, err := c.perform(s)
		if err != nil {
			return err
		}
		c.judge(r)
		if len(c.findings) > 0 {
			break // they are tried the smallest first
		}
	}
	return c.shrink()
}

// realPatience is how long to wait for a request in real time, by how long one took
// that was alone.
func realPatience(alone *run) time.Duration {
	alone.mu.Lock()
	defer alone.mu.Unlock()
	for _, e := range alone.events {
		if e.what == goesOut {
			return 2*e.time + 100*time.Millisecond
		}
	}
	return 500 * time.Millisecond // it is not answered anyway
}

// mostRealTime is how long a check in real time goes on beginning schedules, but
// for those without which it would prove nothing. mostVirtual is the same for one in
// virtual time, where it is the handler's computing that takes long.
const (
	mostRealTime = 2 * time.Second
	mostVirtual  = 10 * time.Second
)

// shrink makes the first finding's schedule as small as it gets: without users,
// then without moves, as long as somebody still sees somebody else's data.
func (c *check) shrink() error {
	if len(c.findings) == 0 {
		return nil
	}
	first := c.findings[0]
	plan := first.run.plan
	// The same again comes first: this time it is noted where who waits.
	tries := append([]schedule{plan}, plan.smaller()...)
	begin := time.Now()
	for n := 0; n < mostTries && len(tries) > 0; n++ {
		if c.realTime && time.Since(begin) > mostRealTime/2 || !c.realTime && n > 0 && c.hurried() {
			break
		}
		plan, tries = tries[0], tries[1:]
		r, err := c.perform(plan)
		if err != nil {
			return err
		}
		if found := c.look(r); len(found) > 0 {
			first, tries = found[0], plan.smaller()
		}
	}
	c.smallest = &first
	return nil
}

// mostTries is how many schedules are tried for a smaller one.
const mostTries = 150

// smaller returns the schedules with a user or a move less.
func (s schedule) smaller() (all []schedule) {
	if len(s.moves) <= 3 && len(s.without) <= 2 {
		return nil
	}
	for u := range s.without {
		if len(s.without) == 1 {
			break
		}
		less := schedule{name: s.name}
		for v, without := range s.without {
			if v != u {
				less.without = append(less.without, without)
			}
		}
		for _, m := range s.moves {
			switch {
			case m.user > u:
				m.user--
				fallthrough
			case m.user < u:
				less.moves = append(less.moves, m)
			}
		}
		all = append(all, less)
	}
	for i := range s.moves {
		less := schedule{name: s.name, without: s.without}
		less.moves = append(append(less.moves, s.moves[:i]...), s.moves[i+1:]...)
		all = append(all, less)
	}
	return all
}

// judge keeps what a run has shown.
func (c *check) judge(r *run) {
	c.findings = append(c.findings, c.look(r)...)
	r.mu.Lock()
	defer r.mu.Unlock()
	showed := 0
	for _, u := range r.users {
		if u.showed {
			showed++
		}
		c.unread = c.unread || u.received.cut
		if u.trouble != "" && c.trouble == "" {
			c.trouble, c.troubled = u.trouble, r
		}
	}
	c.showed = max(c.showed, showed)
}

// look returns whose data of somebody else a run has shown to whom.
func (c *check) look(r *run) (found []finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.users {
		found = append(found, c.lookAt(u)...)
	}
	return found
}

// lookAt returns whose data is in what came of u's request.
func (c *check) lookAt(u *user) (found []finding) {
	for _, p := range u.parts() {
		plain := true
		for text := range reveal(p.text) {
			u.showed = u.showed || strings.Contains(strings.ToLower(text), u.token)
			owners, at := c.strangers(text, u.token)
			for i, o := range owners {
				if slices.ContainsFunc(found, func(f finding) bool { return f.whose == o && f.part == p.where }) {
					continue
				}
				found = append(found, finding{u.run, u, o, p.where, plain, c.excerpt(text, at[i])})
			}
			plain = false
		}
	}
	return found
}

// aCall is where the part is that the user never sees: what was called for it.
const aCall = "a call upstream"

// A part is a piece of what came of a request.
type part struct{ where, text string }

// parts is all that came of u's request.
func (u *user) parts() (all []part) {
	got := &u.received
	for _, early := range got.early {
		all = append(all, parts("an early reply's ", early)...)
	}
	if reply := got.reply; reply != nil {
		all = append(all, part{"the status line", reply.Status})
		all = append(all, parts("the ", reply.Header)...)
		all = append(all, part{"the body", string(got.body)})
		for _, p := range parts("the ", reply.Trailer) {
			all = append(all, part{strings.Replace(p.where, "header", "trailer", 1), p.text})
		}
	}
	all = append(all, part{"the reply, which is no HTTP", string(got.raw)},
		part{"what came after the reply", string(got.rest)},
		part{"what was written after the handler had returned", string(u.late)})
	for _, sent := range u.sent {
		all = append(all, part{aCall, sent})
	}
	return all
}

// parts are those of a header, in order.
func parts(whose string, header http.Header) (all []part) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, v := range header[name] {
			where := "header " + name
			switch {
			case name == "Set-Cookie":
				where = "cookie"
			case name == "Location":
				where = "redirect target"
			case marked(name, 0) >= 0:
				where = "name of a header"
			}
			text := v
			if where == "name of a header" {
				text = name + ": " + v
			}
			all = append(all, part{whose + where, text})
		}
	}
	return all
}

// mostLooks is after how many looks at all stacks, each of which costs more than a
// request, a check believes that requests run into no lock.
const mostLooks = 60

// lockless reports whether requests are known not to run into each other's locks.
func (c *check) lockless() bool {
	return !c.careful && !c.locked && (c.nested && c.looks > mostLooks || c.looks > 5*mostLooks)
}

// parallel reports whether the server runs two requests of one app at a time.
func (c *check) parallel() bool {
	return c.server == nil || c.server.Model == worker.ThreadPerRequest || c.server.Model == worker.Threaded && c.server.Threads > 1
}

// worthAll reports whether many requests at once, in real time, may show what no
// schedule has.
func (c *check) worthAll() bool {
	return len(c.findings) == 0 && c.waitsForNothing() && c.parallel() && !c.late && !c.hijacked
}

// waitsForNothing reports whether a request that is alone waits for nobody but its
// client.
func (c *check) waitsForNothing() bool {
	for _, e := range c.stops {
		if e.what == waiting || e.what == calling {
			return false
		}
	}
	return true
}
