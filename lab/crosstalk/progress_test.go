// What a run takes its users to be doing, from states that are written down here.

package crosstalk

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/pocserver/worker"
)

// kept is a user that is kept at a stop.
func kept() *user { return &user{started: true, entered: true, parked: []*parking{parkedAt(writing)}} }

func parkedAt(what kind) *parking { return &parking{what, make(chan struct{})} }

// among is a run of these users.
func among(users ...*user) *run {
	r := &run{check: &check{pace: virtualPace, naps: map[int]time.Duration{}}, users: users, plan: schedule{name: "some"}}
	for i, u := range users {
		u.run, u.index = r, i
	}
	return r
}

func TestAUserIsPendingWhileSomethingOfItGoesOn(t *testing.T) {
	for name, c := range map[string]struct {
		user    user
		pending bool
	}{
		"kept at a stop":                        {*kept(), true},
		"kept after its reply":                  {user{out: true, parked: kept().parked}, true},
		"in the handler":                        {user{started: true, entered: true}, true},
		"done":                                  {user{started: true, entered: true, out: true, returned: true, waits: true}, false},
		"done, and nothing was late when alone": {user{started: true, entered: true, out: true, returned: true}, false},
		"gone, its handler still at work":       {user{started: true, entered: true, left: true}, true},
		"gone, with its handler":                {user{started: true, entered: true, left: true, returned: true}, false},
		"gone before it was let in":             {user{started: true, left: true}, false},
	} {
		u := c.user
		assert.Equal(t, c.pending, among(&u).pending(&u), name)
	}
	done := &user{started: true, entered: true, out: true, returned: true}
	r := among(done)
	r.check.late = true
	assert.True(t, r.pending(done), "what a handler has left running may come yet")
	done.waits = true
	assert.False(t, r.pending(done), "it was waited for")
	done.waits, r.check.late, r.plan = false, false, alone
	assert.True(t, r.pending(done), "alone, a user shows whether anything comes late")
}

func TestAUserIsOutWhenNothingOfItGoesOn(t *testing.T) {
	for name, c := range map[string]struct {
		user user
		out  bool
	}{
		"in the handler":               {user{started: true, entered: true}, false},
		"answered":                     {user{out: true}, true},
		"answered, with a late write":  {user{out: true, parked: kept().parked}, false},
		"gone":                         {user{left: true}, false},
		"gone, with its handler":       {user{left: true, returned: true}, true},
		"its handler is done, no more": {user{returned: true}, false},
	} {
		u := c.user
		assert.Equal(t, c.out, among(&u).isOut(&u), name)
	}
}

func TestOnlyOneWhoIsAloneRunsIntoNoLock(t *testing.T) {
	inside, out := func() *user { return &user{started: true, entered: true} }, &user{started: true, out: true}
	assert.True(t, among(inside(), out).lonely())
	assert.True(t, among(out).lonely())
	assert.True(t, among(inside(), &user{}).lonely(), "the other has not come in")
	assert.True(t, among(inside(), &user{started: true, left: true, returned: true}).lonely())
	assert.False(t, among(inside(), inside()).lonely())
	assert.False(t, among(inside(), &user{started: true, left: true}).lonely(), "its handler is still at work")
	assert.False(t, among(kept()).lonely(), "it may hold a lock where it is kept")
	for _, change := range []func(c *check){func(c *check) { c.late = true }, func(c *check) { c.locked = true }} {
		r := among(inside())
		change(r.check)
		assert.False(t, r.lonely())
	}
}

func TestLocksAreLookedForUntilThereAreNone(t *testing.T) {
	for _, c := range []struct {
		check *check
		want  bool
	}{
		{&check{}, false},
		{&check{nested: true, looks: mostLooks}, false},
		{&check{nested: true, looks: mostLooks + 1}, true},
		{&check{looks: 5 * mostLooks}, false},
		{&check{looks: 5*mostLooks + 1}, true},
		{&check{looks: 5*mostLooks + 1, locked: true}, false},
		{&check{looks: 5*mostLooks + 1, careful: true}, false},
	} {
		assert.Equal(t, c.want, c.check.lockless(), "nested %v, %d looks", c.check.nested, c.check.looks)
	}
}

func TestInstantsAreGivenForWhatDecides(t *testing.T) {
	in, coming := &user{started: true, entered: true}, &user{started: true}
	r := among(in, coming)
	assert.Equal(t, 0, r.instants(in))
	assert.Equal(t, 4, r.instants(coming), "a connection is being made")
	server := worker.Defaults(worker.Sync)
	r.check.server = &server
	assert.Equal(t, 4, r.instants(in), "the workers decide")
	r.check.realTime = true
	assert.Equal(t, 8, r.instants(in))
}

func TestAHandlerMayHaveRunIfSomeoneIsAboutToWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		coming := &user{started: true}
		r := among(coming, &user{started: true, entered: true, waits: true, arrivals: 1, since: now})
		assert.False(t, r.mayRun(coming), "there is a connection to be made, and nobody wakes")
		assert.True(t, r.mayRun(r.users[1]), "it is in the handler")

		r.asleep = map[bubble.ID]time.Time{1: now.Add(slack)}
		assert.False(t, r.mayRun(coming))
		r.asleep[1] = now.Add(slack - 1)
		assert.True(t, r.mayRun(coming))
		r.asleep[1] = now.Add(-slack)
		assert.False(t, r.mayRun(coming))
		r.asleep = nil

		r.check.naps[1] = slack
		assert.False(t, r.mayRun(coming))
		r.check.naps[1] = slack - 1
		assert.True(t, r.mayRun(coming), "it naps as one who is alone does")
		r.users[1].waits = false
		assert.False(t, r.mayRun(coming))

		server := worker.Defaults(worker.Sync)
		r.check.server = &server
		assert.True(t, r.mayRun(coming), "workers do what they like")
		r.check.server, r.check.realTime = nil, true
		assert.True(t, r.mayRun(coming))
	})
}

func TestTheNextToWakeIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		sleeper := &user{started: true, entered: true, waits: true, arrivals: 2, since: now}
		r := among(sleeper, kept())
		next := func() time.Duration {
			at, known := r.nextWake()
			if !known {
				return -1
			}
			return at.Sub(now)
		}
		assert.EqualValues(t, -1, next())
		r.asleep = map[bubble.ID]time.Time{1: now.Add(time.Second), 2: now.Add(time.Minute), 3: now.Add(-time.Second)}
		assert.Equal(t, time.Second, next(), "the first that is not over")
		r.check.naps[2] = time.Millisecond
		assert.Equal(t, time.Millisecond, next(), "one who waits is taken to wait as long as one who is alone")
		r.check.naps[0] = time.Microsecond
		r.users[1].waits = true
		assert.Equal(t, time.Millisecond, next(), "but not one who is kept at a stop")

		r.asleep = nil
		sleeper.since = now.Add(-time.Millisecond)
		assert.Equal(t, r.check.pace.instant, next(), "it is due: an instant more for the servers")
		sleeper.since = now.Add(-time.Millisecond - slack + 1)
		assert.Equal(t, r.check.pace.instant, next())
		sleeper.since = now.Add(-time.Millisecond - slack)
		assert.EqualValues(t, -1, next(), "it was due long ago")
		sleeper.since, sleeper.waits = now, false
		assert.EqualValues(t, -1, next())

		sleeper.waits, r.check.realTime = true, true
		assert.EqualValues(t, -1, next(), "in real time nobody knows")
		r.check.realTime, r.check.nested, r.check.looks, r.check.crowd = false, true, mostLooks+1, 1
		assert.Equal(t, time.Millisecond, next(), "two are under way")
		r.check.crowd = 2
		assert.EqualValues(t, -1, next(), "nobody needs to know where there are no locks")
	})
}

func TestOneIsLetGoAtATime(t *testing.T) {
	a, b := kept(), kept()
	a.parked = append(a.parked, parkedAt(flushing))
	r := among(&user{}, a, b)
	assert.True(t, r.someParked())
	for range 3 {
		r.still = true
		assert.True(t, r.letOneGo())
		assert.False(t, r.still, "it goes on")
	}
	assert.False(t, r.letOneGo())
	assert.False(t, r.someParked())
	assert.False(t, r.isParked(a))
}

func TestWhoLeavesIsKeptNoLongerOnItsBehalf(t *testing.T) {
	u := &user{started: true, entered: true}
	r := among(u)
	for _, what := range []kind{writing, calling, reading, calling, flushing} {
		u.parked = append(u.parked, parkedAt(what))
	}
	parked := u.parked
	u.parked = append([]*parking{}, parked...)
	u.leave()
	assert.True(t, u.left)
	assert.Equal(t, []*parking{parked[0], parked[4]}, u.parked, "writes wait for a client that may still read; calls do not")
	for i, p := range parked {
		select {
		case <-p.release:
			assert.Contains(t, []int{1, 2, 3}, i)
		default:
			assert.Contains(t, []int{0, 4}, i)
		}
	}
	assert.Equal(t, []event{{what: leaving, time: r.events[0].time}}, r.events)

	u.stop(calling)
	u.stop(reading)
	assert.Len(t, u.parked, 2, "no stop for who has left")
	u.stops = mostStops
	u.stop(writing)
	assert.Len(t, u.parked, 2, "a dozen are enough")
	u.stops = 0
	r.closing.Store(true)
	u.stop(writing)
	assert.Len(t, u.parked, 2, "the run is over")
}

func TestOnlyTheHandlerIsTheHandler(t *testing.T) {
	u := &user{}
	among(u)
	assert.False(t, u.over())
	u.enter(7)
	assert.True(t, u.isHandler(7))
	assert.False(t, u.isHandler(8))
	u.leaveHandler()
	assert.True(t, u.over())
	assert.False(t, u.isHandler(7), "its ID may be another's now")
}

func TestTwoInTheHandlerOverlap(t *testing.T) {
	a, b := &user{}, &user{}
	r := among(a, b)
	a.enter(1)
	assert.False(t, r.check.overlapped)
	a.leaveHandler()
	b.enter(2)
	assert.False(t, r.check.overlapped)
	a.returned = false
	b.enter(2)
	assert.True(t, r.check.overlapped)
}

func TestAloneTellsHowLongNapsAreAndWhetherAnythingIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &user{started: true, since: time.Now()}
		r := among(u)
		r.plan = alone
		time.Sleep(time.Second)
		u.arrive(writing, "")
		assert.Empty(t, r.check.naps, "it did not wait, it was on its way")
		u.waits = true
		u.arrive(writing, "")
		assert.Equal(t, map[int]time.Duration{1: time.Second}, r.check.naps)
		assert.False(t, u.waits)
		u.out = true
		u.arrive(goesOut, "")
		assert.False(t, r.check.late)
		u.arrive(writing, "")
		assert.True(t, r.check.late)
		assert.Equal(t, 4, u.arrivals)

		r.plan, u.waits, r.check.late = schedule{name: "some"}, true, false
		u.arrive(writing, "")
		assert.Len(t, r.check.naps, 1, "with others there, a wait is no measure")
		assert.False(t, r.check.late)
	})
}

func TestManyAtOnceAreForServersThatRunThemAtOnce(t *testing.T) {
	for model, want := range map[worker.Model]bool{worker.Sync: false, worker.Evented: false, worker.ThreadPerRequest: true} {
		server := worker.Defaults(model)
		assert.Equal(t, want, (&check{server: &server}).parallel(), model)
	}
	for n, want := range map[int]bool{1: false, 2: true} {
		server := worker.Defaults(worker.Threaded)
		server.Threads = n
		assert.Equal(t, want, (&check{server: &server}).parallel(), "%d threads", n)
	}
	assert.True(t, (&check{}).worthAll())
	for name, c := range map[string]*check{
		"found already":     {findings: make([]finding, 1)},
		"it waits":          {stops: []event{{what: writing}, {what: waiting}}},
		"it calls":          {stops: []event{{what: calling}}},
		"something is late": {late: true},
		"no request":        {hijacked: true},
	} {
		assert.False(t, c.worthAll(), name)
	}
	assert.True(t, (&check{stops: []event{{what: writing}, {what: reading}}}).worthAll())
}

func TestPartsAreNamed(t *testing.T) {
	named := func(name, value string) (where []string) {
		for _, p := range parts("the ", map[string][]string{name: {value}}) {
			where = append(where, p.where+": "+p.text)
		}
		return where
	}
	assert.Equal(t, []string{"the cookie: a=b"}, named("Set-Cookie", "a=b"))
	assert.Equal(t, []string{"the redirect target: /"}, named("Location", "/"))
	assert.Equal(t, []string{"the header X-A: v"}, named("X-A", "v"))
	assert.Equal(t, []string{"the name of a header: Zqjabc: v"}, named("Zqjabc", "v"))
}
