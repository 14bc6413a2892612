// How lessons are found and listed, that those on outages fail until they are
// fixed, and what the race detector's report is trimmed to. Those on hazards leave
// goroutines behind, and are tested at the top, in processes of their own.

package lesson

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/hazard"
	"example.com/outagelab/lab/hazard/broken"
	"example.com/outagelab/lab/hazard/fixed"
	"example.com/outagelab/lab/outage"
	"example.com/outagelab/lab/racedetector"
)

func TestMain(m *testing.M) {
	bubble.Tune()
	goleak.VerifyTestMain(m)
}

func TestALessonIsFoundByNamePartAndTheme(t *testing.T) {
	for name, want := range map[string]string{
		"dirty/mutex":     "dirty/mutex",
		"mutex":           "dirty/mutex",
		"dirty":           "dirty/session",
		"leaking":         "leaking/stream",
		"polls":           "polls/two-workers",
		"lock-across-io":  "stalling/lock-across-io",
		"one-worker":      "", // of two themes
		"two-users":       "two-users/one-worker",
		"dirty/sessions":  "",
		"nothing of this": "",
		"":                "",
	} {
		l, err := Find(name)
		if want == "" {
			assert.Error(t, err, "%q", name)
			continue
		}
		require.NoError(t, err, "%q", name)
		assert.Equal(t, want, l.Name, "%q", name)
	}
	_, err := Find("one-worker")
	assert.ErrorContains(t, err, `no lesson is called "one-worker"; there is exhaustion/one-worker, two-users/one-worker`)
	_, err = Find("pool")
	assert.ErrorContains(t, err, "dirty/pooled-object")
	_, err = Find("nothing of this")
	assert.ErrorContains(t, err, "make lesson lists them")
}

func TestTheIndexAsksEveryQuestionOnce(t *testing.T) {
	index := Index()
	for _, l := range All() {
		assert.Equal(t, 1, strings.Count(index, "  "+l.Name+" "), l.Name)
		assert.Contains(t, index, l.Question)
		assert.NotEmpty(t, about[l.theme()], "what the theme %s is about", l.theme())
	}
	for _, line := range strings.Split(index, "\n") {
		assert.LessOrEqual(t, len([]rune(line)), 140, line)
	}
}

func TestNoTwoLessonsHaveOneName(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range All() {
		assert.False(t, seen[l.Name], l.Name)
		seen[l.Name] = true
	}
}

func TestALessonOnAnOutageFailsUntilItIsFixed(t *testing.T) {
	for _, o := range outage.All() {
		l, err := Find(o.Name)
		require.NoError(t, err)
		t.Run(o.Name, func(t *testing.T) {
			t.Run("broken", func(t *testing.T) {
				t.Parallel()
				if racedetector.On && strings.HasPrefix(o.Name, "queue/") {
					t.Skip("2,800 requests are too many for the race detector: it needs a run without -race")
				}
				holds, text, err := l.Run(t, hazard.Broken, nil)
				require.NoError(t, err)
				assert.False(t, holds, "%s", text)
				assert.Contains(t, text, "the claim does not hold", "it fails by its checks, and does not go wrong")
				for _, said := range []string{o.Question, o.Experiment.Claim, o.Experiment.Lesson.Cause, o.Experiment.Lesson.Fix} {
					assert.Contains(t, words(text), words(said))
				}
				for _, part := range []string{"--- lab/outage/broken/" + o.Source, "+++ lab/outage/fixed/" + o.Source, again(o.Name), "read next"} {
					assert.Contains(t, text, part)
				}
			})
			t.Run("fixed", func(t *testing.T) {
				t.Parallel()
				if racedetector.On {
					t.Skip("the same load on a server that others have tried: it needs a run without -race")
				}
				holds, text, err := l.Run(t, hazard.Fixed, nil)
				require.NoError(t, err)
				assert.True(t, holds, "%s", text)
			})
		})
	}
}

// words is a text without its line breaks.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestALessonThatNeedsTheRaceDetectorSaysSo(t *testing.T) {
	l, err := Find("map-write")
	require.NoError(t, err)
	_, _, err = l.Run(t, hazard.Broken, nil)
	require.ErrorContains(t, err, "go test -race")

	printed := "noise\n" + raceReport
	holds, text, err := l.Run(t, hazard.Broken, func(*hazard.Hazard, hazard.Variant) (string, error) { return printed, nil })
	require.NoError(t, err)
	assert.False(t, holds)
	assert.Contains(t, text, "WARNING: DATA RACE")
	printed = "nothing to report"
	holds, _, err = l.Run(t, hazard.Fixed, func(*hazard.Hazard, hazard.Variant) (string, error) { return printed, nil })
	require.NoError(t, err)
	assert.True(t, holds)
}

const raceReport = `==================
WARNING: DATA RACE
Read at 0x00c0002a4150 by goroutine 45:
  runtime.mapaccess1_faststr()
      /usr/local/go/src/internal/runtime/maps/runtime_faststr.go:103 +0x28c
  example.com/outagelab/lab/hazard/broken.(*mapWriteViews).count()
      /home/me/lab/hazard/broken/mapwrite.go:19 +0x64
  example.com/outagelab/lab/hazard.(*drive).serve.func2()
      /home/me/lab/hazard/traffic.go:160 +0x4a

Previous write at 0x00c0002a4150 by goroutine 38:
  example.com/outagelab/lab/hazard/broken.(*mapWriteViews).count()
      /home/me/lab/hazard/broken/mapwrite.go:19 +0x9c

Goroutine 45 (running) created at:
  net/http.(*Server).Serve()
      /usr/local/go/src/net/http/server.go:3464 +0x889
==================
`

func TestARaceReportIsTrimmedToTheHandler(t *testing.T) {
	assert.Equal(t, `WARNING: DATA RACE
Read:
  lab/hazard/broken/mapwrite.go:19
Previous write by another goroutine:
  lab/hazard/broken/mapwrite.go:19
`, trimRace(raceReport))
	assert.Empty(t, trimRace("PASS\n"))
}

func TestTheDiffIsOfTheTwoSources(t *testing.T) {
	d, err := diff("lab/hazard", "session.go", broken.Sources, fixed.Sources)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(d, "--- lab/hazard/broken/session.go\n+++ lab/hazard/fixed/session.go\n@@ "), d)
	assert.NotContains(t, d, "package", "the packages' names are no part of the fix")
	_, err = diff("lab/hazard", "nothing.go", broken.Sources, fixed.Sources)
	assert.ErrorContains(t, err, "the broken source")
	d, err = diff("lab/hazard", "store.go", broken.Sources, fixed.Sources)
	require.NoError(t, err)
	assert.Empty(t, d, "the two are one")
}
