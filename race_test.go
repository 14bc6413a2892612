// The dirty page: one user's e-mail on another user's page, on every worker
// model, with the race detector as the witness that sees half of it.

package outagelab_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

var trials = flag.Int("trials", 1, "how many `times` TestDirty… repeats each case, each with a seed and a process of its own")

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
	if !racedetector.On {
		t.Log("built without -race: whether the race detector sees it was not checked, only what the pages show")
	}
	for _, c := range dirty {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for seed := range *trials {
				child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDirtyInAChildProcess$", "-test.v")
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
