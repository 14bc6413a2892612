// Dirty and leaking: the PoC's dirty page on every worker model, and the matrix
// of hazards and detectors, in which the race detector is one witness of several.

package outagelab_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/atomicfile"
	"example.com/outagelab/lab/hazard"
	"example.com/outagelab/lab/lesson"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/outage"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

var trials = flag.Int("trials", 1, "how many `times` TestDirty… and TestMatrix repeat each case; TestMatrix no fewer than 3")

// dirty is the recipe on each model: what it shows, and what -race says of it.
var dirty = []struct {
	name         string
	server       worker.Config
	view         string
	contaminated bool // a page names somebody else
	race         bool // the race detector reports it
	why          string
}{
	{"thread-per-request", pocserver.RunDev(), "/dirty/", true, true,
		"two threads of one process write one session with nothing between them: a race condition, and a data race"},
	{"threaded", threads(1, 2), "/dirty/", true, true,
		"two threads of one worker share its memory like any two goroutines"},
	{"threaded with one thread", threads(1, 1), "/dirty/", false, false,
		"one thread serves one request from its start to its end: nobody is in between"},
	{"evented", pocserver.RunAsync(), "/dirty/", true, false,
		"the loop hands itself from task to task, so each access happens before the next and the race detector is rightly silent; but the page is composed after an await, and somebody else was there meanwhile: a race condition that is no data race"},
	{"sync", pocserver.RunSync(), "/dirty/", false, false,
		"one request at a time: the session is shared, and never by two at once"},

	{"thread-per-request, fixed", pocserver.RunDev(), "/dirty_fixed/", false, false, "the session is the request's"},
	{"threaded, fixed", threads(1, 2), "/dirty_fixed/", false, false, "the session is the request's"},
	{"evented, fixed", pocserver.RunAsync(), "/dirty_fixed/", false, false, "the session is the request's"},
	{"sync, fixed", pocserver.RunSync(), "/dirty_fixed/", false, false, "the session is the request's"},
}

// recipe is the PoC's: one browser asks for sleep=7 and email=test, again and
// again, another reloads sleep=0.3 and email=dev.
func recipe(server worker.Config, view string, seed uint64) lab.Experiment {
	return lab.Experiment{
		Name:   "dirty",
		Seed:   seed,
		System: lab.System{Server: server, App: lab.Seeded(numbered)},
		// dev outlasts test, so that whatever dev did to a page of test's is on record.
		Load: []load.Load{
			load.Closed{Name: "test", Path: view + "?sleep=7&email=test", Connections: 1, Duration: time.Minute, KeepBody: true},
			load.Closed{Name: "dev", Path: view + "?sleep=0.3&email=dev", Connections: 1, Start: 100 * time.Millisecond, Duration: 62 * time.Second, KeepBody: true},
		},
	}
}

// numbered is the PoC's app, each of whose pages says which instance made it.
func numbered(seed uint64) func() http.Handler {
	instances, n := pocserver.Instances(seed), 0
	return func() http.Handler {
		app, me := instances(), n
		n++
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			app.ServeHTTP(w, r)
			fmt.Fprintf(w, " (instance %d)", me)
		})
	}
}

// pages are the complete replies of a run, sorted by whether they name the user
// who asked.
func pages(records []load.Record) (right, wrong []load.Record) {
	for _, r := range records {
		switch {
		case !r.Complete || r.Status != http.StatusOK: // late pages are pages
		case strings.Contains(r.Body, "- user "+r.Load+"@django-poc.com"):
			right = append(right, r)
		default:
			wrong = append(wrong, r)
		}
	}
	return right, wrong
}

// TestDirty runs the recipe in a child process, this test binary again: a race
// that is reported fails the process it is reported in, and is reported once in
// each.
func TestDirty(t *testing.T) {
	require.Positive(t, *trials, "-trials")
	if !racedetector.On {
		t.Log("built without -race: whether the race detector sees it was not checked, only what the pages show")
	}
	for _, c := range dirty {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for seed := range *trials {
				child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDirtyInAChildProcess$", "-test.v", "-test.timeout=2m")
				child.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%d", childCase, c.name, seed), "GORACE=atexit_sleep_ms=0")
				printed, err := child.CombinedOutput()
				text := string(printed)
				require.Contains(t, text, "pages of somebody else: ", "seed %d: the child process ended early (%v):\n%s", seed, err, text)

				assert.Equal(t, c.contaminated, !strings.Contains(text, "pages of somebody else: 0\n"),
					"seed %d: does a page show one user's address to the other? %s\n%s", seed, c.why, text)
				if racedetector.On {
					assert.Equal(t, c.race, strings.Contains(text, "WARNING: DATA RACE"),
						"seed %d: does the race detector report it? %s\n%s", seed, c.why, text)
				}
				if seed == 0 {
					t.Logf("%s\n%s: %s", said(text), c.name, c.why)
				}
				if c.race && racedetector.On {
					assert.Contains(t, text, "pocserver.(*session).set", "seed %d: the race that is reported is the session's", seed)
				} else {
					assert.NoError(t, err, "seed %d: the child process\n%s", seed, text)
				}
			}
		})
	}
}

// said is what a child process printed, without what every race report holds.
func said(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		for _, telling := range []string{" asked at ", "pages of somebody else", "WARNING: DATA RACE", "pocserver.(*session)"} {
			if strings.Contains(line, telling) {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
	}
	return strings.Join(lines, "\n")
}

// childCase names what a child process is to run: a case and a seed.
const childCase = "OUTAGELAB_DIRTY_CASE"

func TestDirtyInAChildProcess(t *testing.T) {
	name, seed, ok := strings.Cut(os.Getenv(childCase), "|")
	if !ok {
		t.Skip("a part of TestDirty: it needs " + childCase)
	}
	for _, c := range dirty {
		if c.name == name {
			var n uint64
			_, err := fmt.Sscan(seed, &n)
			require.NoError(t, err)
			o, err := recipe(c.server, c.view, n).Run(t)
			assert.NoError(t, err) // a race that was reported is one
			require.NotNil(t, o)
			right, wrong := pages(o.Records)
			require.NotEmpty(t, right, "some pages are right on any model")
			if len(wrong) > 0 {
				fmt.Printf("%s asked at %v and got: %s\n", wrong[0].Load, wrong[0].Start, wrong[0].Body)
			}
			fmt.Printf("pages of somebody else: %d\n", len(wrong))
			return
		}
	}
	t.Fatalf("no case is called %q", name)
}

// trialEnv names the trials that a child process is to run: a hazard, a variant,
// how many trials, and the detectors.
const trialEnv = "OUTAGELAB_TRIALS"

// TestMatrix puts each hazard, broken and fixed, under every detector, and holds
// the record to it: what is always or never seen there has to be so here. With
// -update and -trials=100 it makes the record.
func TestMatrix(t *testing.T) {
	record, err := hazard.Measured()
	require.NoError(t, err)
	var mu sync.Mutex
	now := hazard.Record{}
	n := max(*trials, 3)
	t.Cleanup(func() {
		if *update && !t.Failed() {
			writeMatrix(t, now, n)
		}
	})
	for _, h := range hazard.All() {
		t.Run(h.Name, func(t *testing.T) {
			t.Parallel()
			seenAlways := false
			for _, v := range []hazard.Variant{hazard.Broken, hazard.Fixed} {
				for d, cell := range detect(t, h.Name, v, n) {
					mu.Lock()
					now.Set(h.Name, v, d, cell)
					mu.Unlock()
					if v == hazard.Fixed {
						assert.Zero(t, cell.Seen, "%s: %s sees something in the fixed handler, in %d trials of %d", h.Name, d, cell.Seen, cell.Of)
					}
					seenAlways = seenAlways || v == hazard.Broken && cell.Class() == hazard.Always
					was, ok := record.Get(h.Name, v, d)
					if *update || ok && was.Class() == hazard.Sometimes || !ok && d == hazard.LeakProfile {
						t.Logf("%s, %v: %s saw it in %d trials of %d; the record says %v", h.Name, v, d, cell.Seen, cell.Of, was)
						continue
					}
					if assert.True(t, ok, "%s, %v, %s: not in the record: run make matrix", h.Name, v, d) {
						assert.Equal(t, was.Class(), cell.Class(),
							"%s, %v: %s saw it in %d trials of %d, where the table in README says %s. If that is right: make matrix",
							h.Name, v, d, cell.Seen, cell.Of, was.Class())
					}
				}
			}
			if racedetector.On {
				assert.True(t, seenAlways, "%s: no detector sees the broken handler every time", h.Name)
			}
		})
	}
}

// detect runs n trials of each detector on a handler. Each trial of the race
// detector is a process of its own, since a pair of stacks is reported once a
// process, and so is each of the leak profile, which would find what trials before
// it have left. The others share one: a trial's three with a broken handler, which
// may leave goroutines behind, and five trials' with a fixed one.
func detect(t *testing.T, name string, v hazard.Variant, n int) map[hazard.Detector]hazard.Cell {
	t.Helper()
	cells := map[hazard.Detector]hazard.Cell{}
	try := func(binary string, batch int, detectors ...string) string {
		text := trialsInAChild(t, binary, name, v, batch, detectors...)
		for _, d := range detectors {
			cell := cells[hazard.Detector(d)]
			seen := strings.Count(text, "trial: "+d+": seen\n")
			require.Equal(t, batch, seen+strings.Count(text, "trial: "+d+": nothing\n"), "%s, %v: %s could not tell:\n%s", name, v, d, text)
			cell.Seen, cell.Of = cell.Seen+seen, cell.Of+batch
			cells[hazard.Detector(d)] = cell
		}
		return text
	}
	together := 5
	if v == hazard.Broken {
		together = 1
	}
	for done := 0; done < n; done += together {
		try(withoutRace(t), min(together, n-done), string(hazard.Crosstalk), string(hazard.Stall), string(hazard.Leak))
	}
	for range n {
		if slices.Contains(hazard.Detectors(), hazard.LeakProfile) {
			try(withoutRace(t), 1, string(hazard.LeakProfile))
		}
		if !racedetector.On {
			continue
		}
		if text := try(os.Args[0], 1, string(hazard.Race)); strings.Contains(text, "WARNING: DATA RACE") {
			require.Contains(t, text, "/lab/hazard/"+v.String()+"/", "%s, %v: the race is not the handler's", name, v)
			cell := cells[hazard.Race]
			cell.Seen++
			cells[hazard.Race] = cell
		}
	}
	return cells
}

// withoutRace is this test binary, built without the race detector: with it all
// that is not the race detector's to see takes four times as long.
func withoutRace(t *testing.T) string {
	t.Helper()
	if !racedetector.On {
		return os.Args[0]
	}
	binary, err := plainBinary()
	require.NoError(t, err)
	return binary
}

// plainBinary builds it once, into a folder that TestMain removes.
var plainBinary = sync.OnceValues(func() (path string, err error) {
	if plainFolder, err = os.MkdirTemp("", "outagelab"); err != nil {
		return "", err
	}
	path = filepath.Join(plainFolder, "plain.test")
	text, err := exec.Command("go", "test", "-c", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the tests without the race detector: %w\n%s", err, text)
	}
	return path, nil
})

var plainFolder string

// trialsInAChild runs trials in a process of its own, and returns what it
// printed.
func trialsInAChild(t *testing.T, binary, name string, v hazard.Variant, n int, detectors ...string) string {
	t.Helper()
	child := exec.CommandContext(t.Context(), binary, "-test.run=^TestTrialsInAChildProcess$", "-test.timeout=2m")
	child.Env = trialsEnviron(name, v, n, detectors...)
	text, err := child.CombinedOutput()
	require.Contains(t, string(text), "trials: done\n", "%s, %v: the child process ended early (%v)", name, v, err)
	return string(text)
}

// trialsEnviron is the environment of a process that is to run trials.
func trialsEnviron(name string, v hazard.Variant, n int, detectors ...string) []string {
	return append(os.Environ(), fmt.Sprintf("%s=%s|%v|%d|%s", trialEnv, name, v, n, strings.Join(detectors, ",")), "GORACE=atexit_sleep_ms=0")
}

func TestTrialsInAChildProcess(t *testing.T) {
	if os.Getenv(trialEnv) == "" {
		t.Skip("a part of TestMatrix: it needs " + trialEnv)
	}
	what := strings.Split(os.Getenv(trialEnv), "|")
	require.Len(t, what, 4)
	h, err := hazard.Named(what[0])
	require.NoError(t, err)
	n, err := strconv.Atoi(what[2])
	require.NoError(t, err)
	for d := range strings.SplitSeq(what[3], ",") {
		for range n {
			seen, text, err := h.Try(hazard.Detector(d), what[1] == hazard.Fixed.String())
			switch {
			case err != nil:
				fmt.Println(err)
			case seen:
				fmt.Printf("%strial: %s: seen\n", text, d)
			default:
				fmt.Printf("trial: %s: nothing\n", d)
			}
		}
	}
	fmt.Println("trials: done")
}

// writeMatrix makes what was measured the record, if it is all of it.
func writeMatrix(t *testing.T, now hazard.Record, n int) {
	if n < 100 || !racedetector.On || len(now) != len(hazard.All()) {
		t.Errorf("-update: the record is of 100 trials or more, with -race, of every hazard: make matrix")
		return
	}
	text, err := json.MarshalIndent(now, "", "\t")
	require.NoError(t, err)
	require.NoError(t, atomicfile.Write("lab/hazard/testdata/matrix.json", append(text, '\n'), 0o644))
}

// TestDirtyIsConfinedToAWorker: twelve processes do not cure the bug, each has
// it to itself. Whose page names somebody else was served by a worker that also
// served that somebody.
func TestDirtyIsConfinedToAWorker(t *testing.T) {
	instance := func(r load.Record) string {
		return r.Body[strings.LastIndex(r.Body, "(instance "):]
	}
	for seed := range uint64(*trials) {
		e := recipe(pocserver.RunAsync12(), "/dirty/", seed)
		for i, connections := range []int{48, 2} { // test's and dev's
			l := e.Load[i].(load.Closed)
			l.Connections = connections
			e.Load[i] = l
		}
		o, err := e.Run(t)
		require.NoError(t, err)

		devWasThere := map[string]bool{}
		for _, r := range load.Of(o.Records, "dev") {
			if r.Complete {
				devWasThere[instance(r)] = true
			}
		}
		right, wrong := pages(load.Of(o.Records, "test"))
		assert.NotEmpty(t, wrong, "seed %d: 48 of test's connections on 12 workers, and none where one of dev's 2 is: once in (12/10)^48 = 6,000", seed)
		for _, r := range wrong {
			assert.True(t, devWasThere[instance(r)], "seed %d: test got %q, but dev was never on that worker", seed, r.Body)
		}
		clean := map[string]bool{}
		for _, r := range right {
			if !devWasThere[instance(r)] {
				clean[instance(r)] = true
			}
		}
		assert.NotEmpty(t, clean, "seed %d: workers that dev never met have shown test nothing but test", seed)
	}
}

var (
	lessonName  = flag.String("lesson", "", "the `name` of the lesson that TestLesson runs; without one it lists them all")
	lessonFixed = flag.Bool("lesson.fixed", false, "run the lesson on what is fixed")
)

// TestLesson is make lesson: without a name it lists the lessons, with one it
// runs that one, which fails until it is fixed.
func TestLesson(t *testing.T) {
	if !asked("lesson") {
		t.Skip("make lesson; TestLessons runs those on hazards, lab/lesson tests those on outages")
	}
	if *lessonName == "" {
		fmt.Print(lesson.Index())
		return
	}
	l, err := lesson.Find(*lessonName)
	if err != nil {
		t.Fatal(err)
	}
	if l.Name != *lessonName {
		fmt.Printf("\n%s is %s here; make lesson lists the others.\n", *lessonName, l.Name)
	}
	v := hazard.Variant(*lessonFixed)
	holds, text, err := l.Run(t, v, raceInAChild)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Print("\n", text, "\n")
	if !holds {
		t.Fail()
	}
}

// asked reports whether a flag was given.
func asked(name string) (yes bool) {
	flag.Visit(func(f *flag.Flag) { yes = yes || f.Name == name })
	return yes
}

// raceInAChild is a lesson.Racer: in a build without the race detector it makes
// one that has it.
func raceInAChild(h *hazard.Hazard, v hazard.Variant) (string, error) {
	child := exec.Command(os.Args[0], "-test.run=^TestTrialsInAChildProcess$", "-test.timeout=2m")
	if !racedetector.On {
		child = exec.Command("go", "test", "-race", "-count=1", "-timeout=2m", "-v", "-run=^TestTrialsInAChildProcess$", ".")
	}
	child.Env = trialsEnviron(h.Name, v, 1, string(hazard.Race))
	text, err := child.CombinedOutput() // a race makes it fail
	if !strings.Contains(string(text), "trials: done\n") {
		return "", fmt.Errorf("the child process that has the race detector ended early (%v):\n%s", err, text)
	}
	return string(text), nil
}

// TestLessons runs each lesson on a hazard as make lesson does, in a process of
// its own: it fails on the broken handler, saying claim, cause and fix, and passes
// on the fixed one. (Those on outages are tested in lab/lesson.)
func TestLessons(t *testing.T) {
	for _, h := range hazard.All() {
		t.Run(h.Name, func(t *testing.T) {
			t.Parallel()
			binary := withoutRace(t) // as make lesson
			if h.Name == "stalling/map-write" && racedetector.On {
				binary = os.Args[0] // it needs the race detector, and would build one
			}
			text, status := lessonInAChild(t, binary, h.Name)
			assert.NotZero(t, status, "it fails on purpose, but: %s", text)
			for what, said := range map[string]string{"question": h.Question, "claim": h.Claim, "cause": h.Cause, "fix": h.Fix} {
				assert.Contains(t, oneLine(text), oneLine(said), "the %s", what)
			}
			for _, part := range []string{"--- lab/hazard/broken/" + h.Source, "+++ lab/hazard/fixed/" + h.Source, "make lesson NAME=" + h.Name + " FIXED=1"} {
				assert.Contains(t, text, part)
			}
			text, status = lessonInAChild(t, binary, h.Name, "-lesson.fixed")
			assert.Zero(t, status, "it passes once fixed, but: %s", text)
			assert.Contains(t, text, "the claim holds")
		})
	}
}

// TestEveryExperimentHasALesson: each row of the table of outages is what some
// outage covers, and nothing else is.
func TestEveryExperimentHasALesson(t *testing.T) {
	covers := func(pattern, name string) bool {
		return pattern == name || strings.HasSuffix(pattern, "/") && strings.HasPrefix(name, pattern)
	}
	for _, e := range table() {
		n := 0
		for _, o := range outage.All() {
			for _, pattern := range o.Covers {
				if covers(pattern, e.Name) {
					n++
				}
			}
		}
		assert.Equal(t, 1, n, "%s is covered by %d outages", e.Name, n)
	}
	for _, o := range outage.All() {
		for _, pattern := range o.Covers {
			assert.True(t, slices.ContainsFunc(table(), func(e lab.Experiment) bool { return covers(pattern, e.Name) }), "%s covers %q, which is no experiment", o.Name, pattern)
		}
	}
}

// TestTheLeakProfileSeesALateResult is what the column of Go's own leak profile
// rests on.
func TestTheLeakProfileSeesALateResult(t *testing.T) {
	if !slices.Contains(hazard.Detectors(), hazard.LeakProfile) {
		t.Skip("it needs a build with GOEXPERIMENT=goroutineleakprofile")
	}
	for v, want := range map[hazard.Variant]string{hazard.Broken: "seen", hazard.Fixed: "nothing"} {
		text := trialsInAChild(t, os.Args[0], "leaking/late-result", v, 1, string(hazard.LeakProfile))
		assert.Contains(t, text, "trial: leak profile: "+want, "%v", v)
	}
}

// oneLine undoes the wrapping of a text.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// lessonInAChild runs a lesson in a process of its own.
func lessonInAChild(t *testing.T, binary, name string, flags ...string) (printed string, status int) {
	t.Helper()
	child := exec.CommandContext(t.Context(), binary, append([]string{"-test.run=^TestLesson$", "-test.timeout=3m", "-lesson=" + name}, flags...)...)
	child.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	text, err := child.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return string(text), child.ProcessState.ExitCode()
}
