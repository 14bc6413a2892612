// What the package is, and an experiment: a claim, a number predicted from it, a
// run, and the lesson if the number does not come.

// Package lab runs experiments on web servers: each is a row of a table that
// claims something, predicts a number from it, puts a load on a system, and
// compares. A check that fails prints a lesson: what was claimed, predicted and
// observed, a picture of what happened, the cause and the fix.
//
// An experiment runs in virtual time, ten seconds in a few milliseconds of real
// time, the same at every run. What it asks of an app:
//
//   - Everything the app waits for is virtual too: naps, timers, channels,
//     sync.Cond, and the connections it is given. Real sockets, files and
//     terminals are not.
//   - It does not hold a sync.Mutex while it waits: the clock would stand still.
//     The experiment then fails within five seconds and names the goroutines.
//   - What it starts ends, at the latest a minute of virtual time after the
//     server was closed. What does not is listed as a leak.
//
// An app that cannot do so runs in real time, over loopback TCP: see
// [Experiment.RealTime].
//
// In the tests that call [Test], the flag -lab.out=DIR prints a table of all
// that was predicted and measured, and writes DIR/results.json.
package lab

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/simnet"
)

// An Experiment is one row of a table. A row needs Name, Claim, System, Load,
// Checks, Lesson and Sibling; the rest has defaults.
type Experiment struct {
	// Name is a path such as "exhaustion/sync", and with it the name of a test.
	Name string
	// Claim is what the experiment holds to be true, in one sentence.
	Claim string

	System System
	// Load is put on the system all at once. Loads are told apart by their names.
	Load []load.Load
	// Horizon is when the experiment ends: what is open then is unfinished.
	// 0 means the end of the load that ends last.
	Horizon time.Duration
	// Phased names the loads that begin up to a second and a period of theirs later than
	// their Start, by an amount drawn from the seed. Clients of a real
	// server begin at any instant of its arbiter's second and of each other's period. If
	// a load always begins in the same phase, the numbers of several seeds are too alike. The
	// Horizon is later by as much as the latest of them.
	Phased []string
	// Uptime is for how long the server has run when the load begins, besides the moment
	// that it always has.
	Uptime time.Duration

	Checks []Check
	Lesson Lesson
	// Latencies, if theory gives them, are drawn beside those that were measured.
	Latencies []Distribution

	// Sibling changes the experiment, a copy, into one in which the claim does
	// not hold. It proves that the checks can fail: at least one of them must.
	Sibling func(*Experiment)

	// Seed decides all that is random. The same seed gives the same result.
	Seed uint64
	// Requests is about how many requests the experiment makes, if that is many:
	// a row of 4,000 or more is left out under the race detector, where it takes
	// ten times as long and finds nothing that a short row would not.
	Requests int
	// RealTime runs the experiment over loopback TCP and on the real clock. It
	// then takes as long as it says, and is no part of results.json.
	RealTime bool
	// Progress, if not nil, follows the experiment's runs, those of its sibling and of other seeds as well.
	Progress *Progress

	seeds int // of how many runs the numbers are the means, if Judge runs it
}

// A Lesson is what somebody who sees the claim fail needs to know.
type Lesson struct {
	Cause string // why the system does what the claim says
	Fix   string // what to do about it
}

// A Distribution is what theory says of the latencies of one load's complete
// replies.
type Distribution struct {
	Load    string // the load's name
	Formula string // where it comes from: "M/M/4: …"
	// CDF is the part of the replies, 0 to 1, that take no longer than so many
	// seconds.
	CDF func(seconds float64) float64
}

// manyRequests is where a row becomes too long for the race detector.
const manyRequests = 4_000

// tooMany reports whether e is left out under the race detector.
func (e *Experiment) tooMany() bool { return e.Requests >= manyRequests }

// horizon is the end of the experiment.
func (e *Experiment) horizon() time.Duration {
	if e.Horizon != 0 {
		return e.Horizon
	}
	var end time.Duration
	for _, l := range e.Load {
		switch l := l.(type) {
		case load.Closed:
			end = max(end, l.Start+l.Duration)
		case load.Open:
			end = max(end, l.Start+l.Duration)
		}
	}
	return end
}

// Broken returns a deep copy of e that Sibling has changed, in which the claim should not hold. The two share no map,
// slice or pointer but a *front.Config, which nothing changes, and Progress, so a row and its sibling may run at the same
// time.
// Sibling must be set.
func (e *Experiment) Broken() Experiment {
	s := deepCopy(e)
	e.Sibling(&s)
	return s
}

// runnable returns what keeps e from running, each an error that names a field.
func (e *Experiment) runnable() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if err := e.System.check(); err != nil {
		errs = append(errs, err)
	}
	if len(e.Load) == 0 {
		bad("Load is empty: nobody would ask the server for anything")
	}
	if e.Uptime < 0 {
		bad("Uptime is %v: it cannot be negative", e.Uptime)
	}
	names := make(map[string]bool)
	for i, l := range e.Load {
		switch {
		case l == nil:
			bad("Load[%d] is nil", i)
			return errors.Join(errs...)
		case names[l.String()]:
			bad("Load[%d] is named %q, and so is one before it: set its Name", i, l)
		}
		names[l.String()] = true
	}
	for _, name := range e.Phased {
		if !names[name] {
			bad("Phased has %q: no load has that name", name)
		}
	}
	switch {
	case e.Horizon < 0:
		bad("Horizon is %v: it cannot be negative", e.Horizon)
	case e.horizon() == 0 && len(e.Load) > 0:
		bad("Horizon is 0, and no load has a Duration that says when to end")
	}
	for _, a := range e.System.servers() {
		if e.RealTime && a.Overflow != simnet.Drop {
			bad("the Overflow of the server at %s is set, but in real time the kernel decides: want simnet.Drop, which is what it does", a.Address)
		}
	}
	return errors.Join(errs...)
}

// complete returns what keeps e from being a row, each an error that names a
// field.
func (e *Experiment) complete() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch {
	case e.Name == "":
		bad("Name is empty")
	case strings.ContainsAny(e.Name, " \t\n'\"$") || strings.Contains("/"+e.Name+"/", "//"):
		bad("Name %q is not one for a test: use words, -, _ and / between them", e.Name)
	}
	if e.Claim == "" {
		bad("Claim is empty: say in a sentence what the experiment holds to be true")
	}
	if err := e.runnable(); err != nil {
		errs = append(errs, err)
	}
	if len(e.Checks) == 0 {
		bad("Checks is empty: an experiment that measures nothing cannot fail")
	}
	for i, c := range e.Checks {
		if wrong := c.wrong(); wrong != "" {
			bad("Checks[%d].%s", i, wrong)
		} else if c.Within.kind == shown {
			bad("Checks[%d].Within is Shown: a check of a table has to be able to fail", i)
		}
	}
	for i, d := range e.Latencies {
		switch {
		case d.CDF == nil || d.Formula == "":
			bad("Latencies[%d] lacks its CDF or its Formula", i)
		case !slices.ContainsFunc(e.Load, func(l load.Load) bool { return l != nil && l.String() == d.Load }):
			bad("Latencies[%d].Load is %q: no load has that name", i, d.Load)
		}
	}
	if e.Lesson.Cause == "" {
		bad("Lesson.Cause is empty: say why the claim holds")
	}
	if e.Lesson.Fix == "" {
		bad("Lesson.Fix is empty: say what to do about it")
	}
	if e.Sibling == nil {
		bad("Sibling is nil: change the experiment so that its claim does not hold")
	}
	if e.Requests < 0 {
		bad("Requests is %d: it cannot be negative", e.Requests)
	}
	return errors.Join(errs...)
}

// checkTable returns what is wrong with the rows of a table, by row and field.
func checkTable(rows []Experiment) error {
	var errs []error
	if len(rows) == 0 {
		errs = append(errs, errors.New("the table has no rows"))
	}
	seen := make(map[string]int)
	for i := range rows {
		e := &rows[i]
		row := fmt.Sprintf("row %d (%s)", i, e.Name)
		if e.Name == "" {
			row = fmt.Sprintf("row %d", i)
		}
		err := e.complete()
		if err == nil {
			err = e.observable()
		}
		if err != nil {
			for _, line := range strings.Split(err.Error(), "\n") {
				errs = append(errs, fmt.Errorf("%s: %s", row, line))
			}
		}
		if before, twice := seen[e.Name]; twice && e.Name != "" {
			errs = append(errs, fmt.Errorf("%s: Name is that of row %d too", row, before))
		} else {
			seen[e.Name] = i
		}
	}
	return errors.Join(errs...)
}
