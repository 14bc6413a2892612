// Test: a table of experiments as tests, each with its sibling.

package lab

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/lab/typeset"
)

var out = flag.String("lab.out", "", "print a table of the experiments, and write results.json to this `directory`")

// Test runs each experiment of a table as a subtest of its name, which fails
// with the whole lesson if a check does. Within it a subtest named sibling runs
// the sibling, and fails if no check of it does.
//
// A row that lacks something fails the test at once, with row and field. Rows in
// virtual time run in parallel, those in real time before them, one by one.
//
// Under the race detector rows of many requests are left out, and siblings of rows
// of some; they say so.
//
// With the flag -lab.out the siblings are left out, no row is too long, and
// when all have run the results are printed and written, to results.json and by
// also: of one table, so run only one. Whoever wants them otherwise has them from
// what Test returns, when t has ended.
func Test(t *testing.T, rows []Experiment, also ...Writer) *Results {
	t.Helper()
	if err := checkTable(rows); err != nil {
		t.Fatalf("\n%v", err)
	}
	results := &Results{make([]*Result, len(rows))}
	if *out != "" {
		t.Cleanup(func() {
			fmt.Fprint(os.Stdout, results)
			results.Save(t, also...)
		})
	}
	for i := range rows {
		e := &rows[i]
		t.Run(e.Name, func(t *testing.T) {
			t.Helper()
			if !e.RealTime {
				t.Parallel()
			}
			skipIfTooMany(t, e)
			var requests int
			results.rows[i], requests = testClaim(t, e)
			if *out == "" {
				t.Run("sibling", func(t *testing.T) {
					t.Helper()
					if racedetector.On && longSibling(requests) {
						t.Skipf("the row's %s are enough for the race detector, which a sibling shows nothing new: it needs a run without -race",
							typeset.Plural(requests, "request", "requests"))
					}
					testSibling(t, e)
				})
			}
		})
	}
	return results
}

// skipIfTooMany leaves out what the race detector would take too long for, but
// not if results are to be written: they are the same in every build.
func skipIfTooMany(t *testing.T, e *Experiment) {
	t.Helper()
	if racedetector.On && *out == "" && e.tooMany() {
		t.Skipf("about %s requests are too many for the race detector: it needs a run without -race", typeset.Number(float64(e.Requests)))
	}
}

// manyInSibling is from how many requests of a row on its sibling is left out
// under the race detector.
const manyInSibling = 200

func longSibling(requests int) bool { return requests >= manyInSibling }

// testClaim runs an experiment, fails t if its claim does not hold, and returns
// how many requests there were.
func testClaim(t *testing.T, e *Experiment) (r *Result, requests int) {
	t.Helper()
	obs, vs, err := e.judge(t)
	r = newResult(e, obs, vs, err)
	if *out == "" {
		r.Seen = nil // nobody will draw it, and it is large
	}
	if !r.Holds {
		t.Errorf("\n\n%s", e.lesson(obs, vs, err, command(t.Name())))
	}
	if obs != nil {
		requests = len(obs.Records)
	}
	return r, requests
}

// testSibling runs a row's sibling and fails t if the claim holds there as well.
// What it fails with is logged: it is what somebody learns from.
func testSibling(t *testing.T, row *Experiment) {
	t.Helper()
	s := row.Broken()
	if err := s.complete(); err != nil {
		t.Fatalf("the experiment that Sibling makes cannot run:\n%v", err)
	}
	skipIfTooMany(t, &s)
	obs, vs, err := s.judge(t)
	text := s.lesson(obs, vs, err, command(t.Name())+" -v") // it passes, so it is -v that shows it
	if err != nil {
		t.Fatalf("the sibling should fail by a check, but it went wrong:\n\n%s", text)
	}
	for _, v := range vs {
		if !v.ok {
			t.Logf("this is a sibling: the row, with its claim broken on purpose%s. It has to fail, and does:\n\n%s", s.unlike(row), text)
			return
		}
	}
	t.Fatalf("the claim holds in the sibling as well, so no check of this row can fail: change Sibling, or check something else\n\n%s", text)
}

// Try runs the experiment and says whether its claim holds, with the text of what
// was claimed, predicted and seen, and with the Lesson if it does not hold. It needs no Lesson and no Sibling; an error of
// [Experiment.Run] is in the text, and the claim does not hold then. The same goes for
// a check that is incomplete or cannot be observed, see [Experiment.Observable].
func (e Experiment) Try(tb testing.TB) (holds bool, text string) {
	if err := e.checkable(); err != nil {
		return false, e.lesson(nil, nil, err, "")
	}
	obs, vs, err := e.judge(tb)
	holds = err == nil && len(vs) > 0 && !slices.ContainsFunc(vs, func(v verdict) bool { return !v.ok })
	if holds {
		e.Lesson = Lesson{} // it says why the claim does not hold
	}
	return holds, e.lesson(obs, vs, err, "")
}

// judge runs e and measures its checks.
func (e *Experiment) judge(tb testing.TB) (*Observation, []verdict, error) {
	obs, err := e.Run(tb)
	if obs == nil || obs.Records == nil {
		return obs, nil, err
	}
	return obs, verdicts(e.Checks, obs), err
}

// Save writes the results to the directory of the flag -lab.out, as results.json
// and by also, and prints the paths. Without the flag it does nothing. What goes
// wrong fails t.
func (r *Results) Save(t testing.TB, also ...Writer) {
	if *out == "" {
		return
	}
	var paths []string
	for _, write := range append([]Writer{func(dir string, r *Results) (string, error) { return r.Write(dir) }}, also...) {
		path, err := write(*out, r)
		if err != nil {
			t.Errorf("-lab.out: %v", err)
			return
		}
		paths = append(paths, path)
	}
	fmt.Fprintf(os.Stdout, "Written: %s\n\n", strings.Join(paths, ", "))
}
