// Test itself: tables that hold, that fail, that have holes, that leak; and what
// it prints and writes.

package lab

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver"
)

func TestATableThatHoldsPasses(t *testing.T) {
	Test(t, outages())
}

func TestAFailingRowTeaches(t *testing.T) {
	t.Parallel()
	text, status := runChild(t, "table that fails")
	assert.Equal(t, 1, status)
	flat := oneLine(text)
	e := outages()[0]
	for _, part := range []string{
		"--- FAIL: TestChild/naps/sync",
		"naps/sync: the claim does not hold. replies 200: 18 replies (predicted: 8 replies).",
		e.Claim, "2 sync workers", "2 requests/s for /nap",
		"✗ replies 200", "predicted 8 replies, from " + e.Checks[0].Formula,
		"allowed exactly 8", "observed 18 replies: 2.2 times as much",
		"worker 1", "A is GET /nap",
		e.Lesson.Cause, e.Lesson.Fix,
		"go test -count=1 -run '^TestChild$/^naps$/^sync$' .",
		// The other row holds, but cannot fail.
		"--- FAIL: TestChild/naps/net-http/sibling",
		"the claim holds in the sibling as well, so no check of this row can fail",
	} {
		assert.Contains(t, flat, part)
	}
	assert.NotContains(t, flat, "naps/net-http: the claim does not hold")
}

func TestAFailureLooksLikeThis(t *testing.T) {
	e := outages()[0].Broken()
	obs, vs, err := e.judge(t)
	require.NoError(t, err)
	text := e.lesson(obs, vs, nil, command("TestExperiments/naps/sync"))
	golden(t, "lesson.txt", text)
	for _, line := range strings.Split(text, "\n") {
		if !strings.Contains(line, "go test") { // which is to be copied
			assert.LessOrEqual(t, len([]rune(line)), typeset.Width, line)
		}
	}
}

func TestATableWithHolesNamesThem(t *testing.T) {
	t.Parallel()
	text, status := runChild(t, "table with holes")
	assert.Equal(t, 1, status)
	for _, field := range []string{"Claim", "System.App", "Load", "Checks", "Lesson.Cause", "Lesson.Fix", "Sibling"} {
		assert.Contains(t, text, "row 0 (empty): "+field+" is ")
	}
}

func TestALeakIsAFailedCheck(t *testing.T) {
	t.Parallel()
	text, status := runChild(t, "table with a leak")
	assert.Equal(t, 1, status)
	flat := oneLine(text)
	assert.Contains(t, flat, "✗ nothing is left behind")
	assert.Contains(t, flat, "in lab.leak.func1")
	assert.Contains(t, flat, "✗ replies 200", "what was checked is shown as well")
	assert.Contains(t, flat, "the sibling should fail by a check, but it went wrong")
	assert.NotContains(t, flat, "panic")
}

func TestResultsAreTheSameBytesEachTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var first string
	for _, procs := range []string{"1", "2", "2"} {
		out := filepath.Join(dir, procs)
		text, status := runChild(t, "table", "-lab.out="+out, "-test.cpu="+procs)
		require.Zero(t, status)
		assert.Contains(t, text, "2 experiments, 5 predictions, 20.5 s of virtual time: all hold.")
		assert.NotContains(t, text, "sibling")
		for _, line := range strings.Split(text, "\n") {
			assert.LessOrEqual(t, len([]rune(line)), 120, line)
		}
		written, err := os.ReadFile(filepath.Join(out, "results.json"))
		require.NoError(t, err)
		if first == "" {
			first = string(written)
		}
		require.Equal(t, first, string(written))
	}
	golden(t, "results.json", first)
}

func TestResultsOfAFailedRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text, status := runChild(t, "table with a leak", "-lab.out="+dir)
	assert.Equal(t, 1, status)
	assert.Contains(t, text, "FAILS: not so: nothing is left behind")
	assert.Contains(t, text, "none holds")
	written, err := os.ReadFile(filepath.Join(dir, "results.json"))
	require.NoError(t, err)
	assert.Contains(t, string(written), `"trouble": "not so: nothing is left behind"`)
	assert.NotRegexp(t, `goroutine \d`, string(written), "numbers of goroutines differ from run to run")
}

func TestChecksThatHoldDoNotExcuseALeak(t *testing.T) {
	e := outages()[0]
	obs, vs, err := e.judge(t)
	require.True(t, newResult(&e, obs, vs, err).Holds)
	r := newResult(&e, obs, vs, &bubble.Trouble{Name: "nothing is left behind"})
	assert.False(t, r.Holds)
	assert.Contains(t, table([]*Result{r}), "FAILS: not so: nothing is left behind")
	assert.Contains(t, e.lesson(obs, vs, &bubble.Trouble{Name: "nothing is left behind"}, ""),
		"naps/sync: the experiment went wrong: not so: nothing is left behind.")
}

func TestEveryErrorIsInTheLesson(t *testing.T) {
	e := outages()[0]
	err := errors.Join(errors.Join(errors.New("one"), errors.New("two")), &bubble.Trouble{Name: "three"})
	text := e.lesson(nil, nil, err, "")
	for _, part := range []string{"✗ one", "✗ two", "✗ three"} {
		assert.Contains(t, text, part)
	}
}

func TestTheTable(t *testing.T) {
	var results []*Result
	for _, e := range outages() {
		obs, vs, err := e.judge(t)
		results = append(results, newResult(&e, obs, vs, err))
	}
	golden(t, "table.txt", table(results))
}

func TestRowsInRealTimeAreNotInTheResults(t *testing.T) {
	e := outages()[0]
	e.RealTime = true
	path, err := writeResults(t.TempDir(), []*Result{newResult(&e, nil, nil, nil)})
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.JSONEq(t, `{"experiments": []}`, string(text))
}

func TestTheCommandRunsOneTestOnly(t *testing.T) {
	pattern := regexp.MustCompile(`-run '(.*)' `).FindStringSubmatch(command("TestExperiments/exhaustion/sync+1"))
	require.NotNil(t, pattern)
	assert.Equal(t, `^TestExperiments$/^exhaustion$/^sync\+1$`, pattern[1])
}

func TestALongRowNeedsARunWithoutRace(t *testing.T) {
	for requests, want := range map[int]bool{0: true, 3_999: true, 4_000: !racedetector.On} {
		ran := false
		t.Run(typeset.Number(float64(requests)), func(t *testing.T) {
			skipIfTooMany(t, &Experiment{Requests: requests})
			ran = true
		})
		assert.Equal(t, want, ran, "%d requests", requests)
	}
}

func TestASiblingSaysWhatItBroke(t *testing.T) {
	row := crowd(pocserver.RunSync())
	for want, change := range map[string]func(e *Experiment){
		"": func(e *Experiment) { e.Seed++ },
		": “3 sync workers” where the row has “1 sync worker”": func(e *Experiment) { e.System.Server.Workers = 3 },
		": “recycled after 500 requests” is left out":          func(e *Experiment) { e.System.Server.MaxRequests = 0 },
		": “of two minds” is new":                              func(e *Experiment) { e.System.Variant = "of two minds" },
		": “crowd: 1 connection asking for / once; a reply after 2 s is late” where the row has “crowd: 20 connections, each asking for " +
			"/sync_sleep/?sleep=0.1 again as soon as it is answered, for 2 s; a reply after 2 s is late”": func(e *Experiment) {
			e.Load[0] = load.Closed{Name: "crowd", Path: "/", Connections: 1, Requests: 1}
		},
	} {
		sibling := row
		sibling.Load = slices.Clone(row.Load)
		change(&sibling)
		assert.Equal(t, want, sibling.unlike(&row))
	}
}

func TestTrySaysWhetherTheClaimHolds(t *testing.T) {
	e := outages()[0]
	holds, text := e.Try(t)
	assert.True(t, holds)
	assert.Contains(t, text, "naps/sync: the claim holds.")
	assert.NotContains(t, oneLine(text), e.Lesson.Cause, "it says why a claim does not hold")

	s := e.Broken()
	holds, text = s.Try(t)
	assert.False(t, holds)
	assert.Contains(t, oneLine(text), e.Lesson.Cause)

	e.Checks = nil
	holds, _ = e.Try(t)
	assert.False(t, holds, "nothing was checked")

	e = outages()[0]
	e.Horizon = -1
	holds, text = e.Try(t)
	assert.False(t, holds)
	assert.Contains(t, oneLine(text), "Horizon is -1ns: it cannot be negative")
	assert.NotContains(t, text, "\n\n\n")
}

func TestALongSiblingIsLeftOutUnderRace(t *testing.T) {
	assert.False(t, longSibling(199))
	assert.True(t, longSibling(200))
}
