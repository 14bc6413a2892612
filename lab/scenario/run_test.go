// Scenarios that are run: the examples' verdicts, the search against brute force,
// the same bytes twice.

package scenario_test

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/lab/scenario"
)

func parse(t *testing.T, text string) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Parse("testdata/test.yaml", []byte(text))
	require.NoError(t, err)
	return s
}

func run(t *testing.T, s *scenario.Scenario) *scenario.Report {
	t.Helper()
	r, err := s.Run(t)
	require.NoError(t, err)
	return r
}

// measured is what was measured, by metric.
func measured(t *testing.T, r *scenario.Report) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for _, row := range r.Results().Rows() {
		for _, c := range row.Checks {
			all[c.Metric] = math.NaN()
			if c.Observed != nil {
				all[c.Metric] = *c.Observed
			}
		}
	}
	return all
}

// words is a report without its line breaks.
func words(r *scenario.Report) string { return strings.Join(strings.Fields(r.String()), " ") }

func example(t *testing.T, name string) *scenario.Report {
	t.Helper()
	if racedetector.On {
		t.Skip("an example is thousands of requests: it needs a run without -race")
	}
	s, err := scenario.Read("examples/" + name + ".yaml")
	require.NoError(t, err)
	r := run(t, s)
	for i, line := range strings.Split(r.String(), "\n") {
		assert.LessOrEqual(t, len([]rune(line)), 100, "line %d of the report is too long: %s", i+1, line)
	}
	return r
}

func TestThePoCHoldsOneRequestAtATime(t *testing.T) {
	r := example(t, "poc")
	assert.True(t, r.Holds(), "%s", r)
	// The field's own run had 195 replies in 10.03 s, 155 of them late.
	// σ of 5 seeds' mean of 200 naps: 4·20/√(3·200·5), and of 160 of them.
	assert.InDelta(t, 20, measured(t, r)["throughput"], 1.5)
	assert.InDelta(t, 160, measured(t, r)["timeouts"], 13)
}

func TestTheExerciseDoesNotHoldAsShipped(t *testing.T) {
	r := example(t, "exercise")
	assert.False(t, r.Holds())
	// 4σ of 52 polls, σ of one being 0.683 of the mean, times λ/(λ−μ), over √5 seeds.
	assert.InDelta(t, 52.17, measured(t, r)["good replies of polls"], 4*0.683*math.Sqrt(52.17)*1.087/math.Sqrt(5))
	text := r.String()
	for _, part := range []string{
		"exercise: the claim does not hold", "✗ replies 200 of polls", "nginx, with the nginx.conf as shipped",
		"what the workers were busy with", "collapse, λμT/(λ−μ): λ = 11/s, μ = 0.88/s, T = 60 s, nginx's proxy_read_timeout",
		"2 workers can serve 0.88/s",
	} {
		assert.Contains(t, text, part)
	}
}

func TestTheSizingQuestionHasAnAnswer(t *testing.T) {
	r := example(t, "sizing")
	assert.True(t, r.Holds(), "%s", r)
	assert.Contains(t, r.String(), "sizing: 29 threads are enough; fewer may be.")
	assert.Contains(t, r.String(), "Theory's answer is 28. 29 holds, and 28 is undecided.")
	assert.Contains(t, words(r), "Fewer than 29 may be enough")

}

func TestAnHourIsReadAndItsFirstMinuteRuns(t *testing.T) {
	s, err := scenario.Read("examples/hour.yaml")
	require.NoError(t, err)
	e := s.Experiment(1)
	hour := e.Load[0].(load.Open)
	assert.Equal(t, 360_000.0, hour.Rate*hour.Duration.Seconds())
	if racedetector.On {
		t.Skip("6,000 requests are too many for the race detector: the rest needs a run without -race")
	}
	hour.Duration = time.Minute
	e.Load, e.Horizon = []load.Load{hour}, 0
	assert.Empty(t, lab.Judge(t, e, 1).Trouble)
}

// small is a question whose answer is small enough to try all numbers.
const small = `
service: {distribution: uniform, from: 0s, to: 2s}
load: {path: /, rate: 3, for: 1m, arrivals: poisson}
`

func TestASearchFindsWhatTryingAllFinds(t *testing.T) {
	if racedetector.On {
		t.Skip("nine runs are too many for the race detector: it needs a run without -race")
	}
	for _, hold := range []string{
		"hold: {metric: p99, at_most: 2500ms}", // which theory predicts
		"hold: {metric: p100, at_most: 3s}",    // which it does not
		"hold: [{metric: p99, at_most: 2500ms}, {metric: p50, at_most: 1100ms}]",
	} {
		smallest := 0
		for threads := 9; threads >= 1; threads-- {
			if !run(t, parse(t, fmt.Sprintf("server: {model: threaded, threads: %d}%s%s", threads, small, hold))).Holds() {
				smallest = threads + 1
				break
			}
		}
		require.Greater(t, smallest, 2)
		require.Less(t, smallest, 10)
		r := run(t, parse(t, "server: {model: threaded}"+small+hold+"\nsearch: {threads: 1..9}"))
		assert.True(t, r.Holds())
		assert.Contains(t, r.String(), fmt.Sprintf(" %d holds, and %d does not.", smallest, smallest-1), "%s", hold)
	}
}

func TestASearchSaysWhenNothingHolds(t *testing.T) {
	r := run(t, parse(t, `
server: {model: threaded}
service: {distribution: exponential, mean: 1s}
load: {path: /, rate: 3, for: 1m, arrivals: poisson}
hold: {metric: p99, at_most: 2s}
search: {threads: 1..9}`))
	assert.False(t, r.Holds())
	text := words(r)
	assert.Contains(t, text, "By theory none is enough. None of these holds: 1, 2, 4, 8 and 9.")
	assert.NotContains(t, text, "were not run", "theory knows of them")
	assert.Contains(t, text, "the p99 of the service time alone is 4.605 s: no number of places brings it to 2 s")
}

func TestASearchFindsWhatHoldsWhereMoreIsWorse(t *testing.T) {
	r := run(t, parse(t, `
server: {model: sync, overflow: refuse}
service: {distribution: constant, time: 100ms}
load: {path: /, rate: 20, arrivals: constant, for: 1m}
hold: {metric: mean latency, at_most: 1s}
search: {backlog: 1..2000}`))
	assert.True(t, r.Holds())
	text := words(r)
	assert.Contains(t, text, "test: a backlog of 1 is enough.")
	assert.Contains(t, text, "Theory has no answer. The least of them, 1, holds already.")
	assert.Contains(t, text, "more is not better here: 2,000 does not hold.")
}

func TestASearchFindsWhatHoldsBetweenTooFewAndTooMany(t *testing.T) {
	r := run(t, parse(t, `
server: {model: sync}
service: {distribution: constant, time: 100ms}
load: {path: /, rate: 15, arrivals: constant, for: 60s, timeout: 5s}
hold: [{metric: busy workers, at_least: 0.45}, {metric: p99, at_most: 1s}]
search: {workers: 1..20}`))
	assert.True(t, r.Holds())
	text := r.String()
	assert.Contains(t, text, "test: 2 workers are enough.")
	assert.Contains(t, text, "Theory needs more than 1. 2 holds, and 1 does not.")
	assert.Contains(t, text, "more is not better here: 20 does not hold.")
	assert.NotContains(t, text, "A smaller value", "all below it were run")
	assert.Contains(t, text, "\n  workers    predicted busy workers   measured   holds\n", "columns do not run together")
}

func TestASearchWhereNothingHoldsSaysWhatItHasNotRun(t *testing.T) {
	r := run(t, parse(t, `
server: {model: sync}
service: {distribution: constant, time: 100ms}
load: {path: /, rate: 5, arrivals: constant, for: 10s}
hold: {metric: unfinished, at_least: 1}
search: {workers: 1..9}`))
	assert.False(t, r.Holds())
	assert.Contains(t, words(r), "Theory has no answer. None of these holds: 1, 2, 4, 8 and 9. The values between them were not run: where")
}

// Ten requests a second, which all are answered: after 2.5 s, the last ones after
// the load's end.
func TestRatesAreOfTheTimeThatTheLoadsAreOn(t *testing.T) {
	const keepsUp = `
server: {model: threaded, threads: 50}
service: {distribution: constant, time: 2500ms}
load: {path: /, rate: 10, arrivals: constant, for: 20s, start: 5s}
hold: [{metric: throughput, at_least: 1}, {metric: goodput, at_least: 1}, {metric: busy workers, at_most: 0.9999}]
`
	got := measured(t, run(t, parse(t, keepsUp)))
	assert.Equal(t, 10.0, got["throughput"])
	assert.Equal(t, 10.0, got["goodput"])
	assert.InDelta(t, 1, got["busy workers"], 1e-6, "a thread is, all of the time")

	got = measured(t, run(t, parse(t, keepsUp+"horizon: 15s")))
	assert.InDelta(t, 10*7.5/10, got["throughput"], 0.11, "of 10 s, in the first 2.5 of which nobody has a reply yet, but for one")
	assert.InDelta(t, 1, got["busy workers"], 1e-6)

	got = measured(t, run(t, parse(t, `
server: {model: sync, workers: 2}
service: {distribution: constant, time: 200ms}
load: [{name: a, path: /, rate: 20, arrivals: constant, for: 20s, start: 0s}, {name: b, path: /, rate: 2, arrivals: constant, for: 10s, start: 100s}]
hold:
  - {metric: throughput, of: a, at_least: 1}
  - {metric: throughput, of: b, at_least: 1}
  - {metric: throughput, at_least: 1}
  - {metric: busy workers, at_most: 0.9999}`)))
	assert.InDelta(t, 10, got["throughput of a"], 0.2, "what is served after the end is not: two workers give 10/s, and 0.2 s later as well")
	assert.Equal(t, 2.0, got["throughput of b"])
	assert.InDelta(t, (400+20.0)/110, got["throughput"], 1e-9, "all of it, from the first to the end of the last")
	assert.InDelta(t, (40+4/2.0)/110, got["busy workers"], 1e-6)
}

func TestBusyThreadsAreThePlacesThatAreHeld(t *testing.T) {
	// 10/s for 2.5 s each are 25 of 50; but in the last 2.5 s 25 come of which 0, 0.1 …
	// 2.4 s are after the end, which is 30 s of 500.
	got := measured(t, run(t, parse(t, `
server: {model: threaded, threads: 50}
service: {distribution: constant, time: 2500ms}
load: {path: /, rate: 10, arrivals: constant, for: 20s, start: 5s}
hold: [{metric: busy workers, at_most: 0.9999}, {metric: busy threads, at_most: 0.9999}]`)))
	assert.InDelta(t, (500-30)/20.0/50, got["busy threads"], 1e-6)
	assert.InDelta(t, 1, got["busy workers"], 1e-6, "a thread is, all of the time")

	// What is no place of a request has no part: threads beyond worker_connections. Two
	// workers of 4 places and a sync one, which has 1 of these 20 s to do.
	got = measured(t, run(t, parse(t, `
servers: [{model: threaded, workers: 2, threads: 5, worker_connections: 4, address: 127.0.0.1:8001}, {model: sync, address: 127.0.0.1:8002}]
nginx: app.conf
routes: {/inner: {service: {distribution: constant, time: 500ms}}, /: {service: {distribution: constant, time: 1s}}}
load: [{name: a, path: /app/, rate: 2, arrivals: constant, for: 20s, start: 0s}, {name: b, path: /second, rate: 0.05, arrivals: constant, for: 20s, start: 0s}]
hold: {metric: busy threads, at_most: 0.9999}`)))
	assert.InDelta(t, (40*0.5+1)/20/9, got["busy threads"], 1e-6)

	// Thread-per-request has none, and takes nothing from the others' part.
	got = measured(t, run(t, parse(t, `
servers: [{model: thread-per-request, address: 127.0.0.1:8001}, {model: sync, workers: 2, address: 127.0.0.1:8002}]
nginx: app.conf
service: {distribution: constant, time: 1s}
load: [{name: a, path: /app/, rate: 5, arrivals: constant, for: 20s, start: 0s}, {name: b, path: /second, rate: 0.5, arrivals: constant, for: 20s, start: 0s}]
hold: {metric: busy threads, at_most: 0.9999}`)))
	assert.InDelta(t, 10/20.0/2, got["busy threads"], 1e-6)

	// A loop is held by the CPU of its handlers that await, 20 ms of each 100.
	got = measured(t, run(t, parse(t, `
server: {model: evented, cpu: 20ms}
service: {distribution: constant, time: 1s}
waits: await
load: {path: /, rate: 10, arrivals: constant, for: 20s, start: 0s}
hold: {metric: busy threads, at_most: 0.9999}`)))
	assert.InDelta(t, (200*0.02-10*0.01)/20, got["busy threads"], 1e-6, "of the last 10 the second half of the CPU comes after the end")

	// And by handlers that block, for all of the time, one after the other; so is it by
	// a reply that waits for the end of a turn, and by one that outlasts its worker.
	got = measured(t, run(t, parse(t, `
server: {model: evented, workers: 2, cpu: 20ms, replies: end-of-turn, timeout: 3s}
service: {distribution: exponential, mean: 500ms}
waits: block
load: {path: /, rate: 10, arrivals: constant, for: 20s, start: 0s}
hold: [{metric: busy workers, at_most: 0.9999}, {metric: busy threads, at_most: 0.9999}]`)))
	assert.InDelta(t, got["busy workers"], got["busy threads"], 1e-12, "a loop is held once at a time")
	assert.Greater(t, got["busy threads"], 0.5)
}

func TestAnEventedServersCPUThatNobodySaidIsSpokenOf(t *testing.T) {
	const note = "– no CPU is counted: cpu is 0; the field's gunicorn took 0.3 ms a request and uvicorn with Django 0.94 ms"
	const rest = `
service: {distribution: constant, time: 1s}
waits: await
load: {path: /, rate: 1, arrivals: constant, for: 10s}`
	assert.Contains(t, words(run(t, parse(t, "server: {model: evented}"+rest))), note)
	assert.NotContains(t, words(run(t, parse(t, "server: {model: evented, cpu: 0s}"+rest))), note, "it was said")
	assert.NotContains(t, words(run(t, parse(t, "server: {model: evented, cpu: 1ms}"+rest))), note)
	assert.NotContains(t, words(run(t, parse(t, "server: {model: sync}"+rest))), note)
	const two = `servers: [{model: evented, address: 127.0.0.1:8001}, {model: sync, address: 127.0.0.1:8002}]
nginx: app.conf
service: {distribution: constant, time: 100ms}
waits: await
load: {rate: 1, arrivals: constant, for: 10s, path: `
	assert.Contains(t, words(run(t, parse(t, two+"/app/}"))), note)
	assert.NotContains(t, words(run(t, parse(t, two+"/second}"))), note, "nobody asks the evented one")
}

// Two loads at regular intervals meet at one worker, or do not. Before loads had phases every seed gave the same number,
// which was said to be certain.
func TestLoadsBeginInAPhaseOfTheirOwnUnlessTheySayWhen(t *testing.T) {
	samples := func(start string) []float64 {
		r := run(t, parse(t, strings.ReplaceAll(`
server: {model: sync}
service: {distribution: constant, time: 100ms}
load:
  - {name: a, path: /, rate: 4, arrivals: constant, for: 10sSTART}
  - {name: b, path: /, rate: 4, arrivals: constant, for: 10sSTART}
hold: {metric: mean latency, at_most: 1s}
seeds: 8`, "START", start)))
		return r.Results().Rows()[0].Checks[0].Samples
	}
	one := samples(", start: 0s")
	for _, x := range one {
		assert.InDelta(t, one[0], x, 1e-9, "they begin at the same time at each seed")
	}
	assert.InDelta(t, 0.15, one[0], 1e-3, "and always meet: every other request waits for 0.1 s")
	least, most := slices.Min(samples("")), slices.Max(samples(""))
	assert.InDelta(t, 0.1, least, 1e-3, "they meet at no seed of some")
	assert.Greater(t, most, 0.12, "and at others they do")
}

func TestOneSeedSaysThatItIsOne(t *testing.T) {
	const note = "– one seed says nothing about how much another run would differ; seeds: 5 does"
	const rest = `
server: {model: sync}
service: {distribution: constant, time: 1s}
load: {path: /, rate: 0.5, arrivals: constant, for: 10s}`
	for _, hold := range []string{"hold: {metric: p99, at_most: 1h}", "hold: {metric: p99, at_most: 1ms}"} {
		assert.Contains(t, words(run(t, parse(t, hold+rest))), note, hold)
		assert.Contains(t, words(run(t, parse(t, hold+"\nseeds: [7]"+rest))), note, hold)
		assert.NotContains(t, words(run(t, parse(t, hold+"\nseeds: 2"+rest))), note, hold)
	}
	assert.NotContains(t, words(run(t, parse(t, rest))), note, "nothing must hold")
}

// nginx's error log is in a report whether or not all holds.
func TestNginxsErrorLogIsAlwaysShown(t *testing.T) {
	const rest = `
server: {model: threaded, threads: 20}
service: {distribution: constant, time: 1s}
nginx: b12.conf
load: {path: /, arrivals: constant, for: 10s, rate: `
	alert := "[alert] 12 worker_connections are not enough"
	full := words(run(t, parse(t, "hold: {metric: reset, at_most: 0}"+rest+"10}")))
	assert.Contains(t, full, "the claim does not hold")
	assert.Contains(t, full, alert)
	full = words(run(t, parse(t, "hold: {metric: reset, at_least: 1}"+rest+"10}")))
	assert.Contains(t, full, "all holds")
	assert.Contains(t, full, alert)
	assert.Contains(t, words(run(t, parse(t, "hold: {metric: reset, at_most: 0}"+rest+"2}"))), "nginx's error log is empty")
}

func TestWhatMustHoldIsNoPredictionOfAnybody(t *testing.T) {
	r := run(t, parse(t, `
server: {model: sync}
service: {distribution: constant, time: 1s}
load: {path: /, rate: 1, arrivals: constant, for: 10s}
hold: {metric: p99, at_most: 500ms}`))
	assert.Contains(t, r.String(), "demanded   0.5 s, from what the file says must hold")
	assert.Contains(t, r.String(), "0.5 s or less: at_most, says the file")
}

func TestASearchSaysWhenTheLeastHolds(t *testing.T) {
	r := run(t, parse(t, `
server: {model: sync}
service: {distribution: constant, time: 1s}
load: {path: /, rate: 1, arrivals: constant, for: 10s}
hold: {metric: p99, at_most: 2s}
search: {workers: 3..9}`))
	assert.True(t, r.Holds())
	assert.Contains(t, r.String(), "3 workers are enough.")
	assert.Contains(t, r.String(), "The least of them, 3, holds already.")
}

func TestTheSameFileGivesTheSameReport(t *testing.T) {
	const file = `
server: {model: threaded, workers: 2, threads: 3}
service: {distribution: lognormal, mean: 1s, deviation: 1s}
load: [{name: a, path: /, rate: 3, for: 20s, arrivals: poisson}, {name: b, path: /, rate: 1, arrivals: constant, for: 20s}]
hold: {metric: p90, of: a, at_most: 3s}
seeds: 2`
	once, again := run(t, parse(t, file)), run(t, parse(t, file))
	assert.Equal(t, once.String(), again.String())
	written := func(r *scenario.Report) string {
		path, err := r.Results().Write(t.TempDir())
		require.NoError(t, err)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		return string(text)
	}
	assert.Equal(t, written(once), written(again), "results.json")
	other := run(t, parse(t, strings.Replace(file, "seeds: 2", "seeds: [1, 3]", 1)))
	assert.NotEqual(t, written(once), written(other), "other seeds are another run")
}

func TestFiveLinesAreEnough(t *testing.T) {
	r := run(t, parse(t, `server: {model: sync}
service: {distribution: constant, time: 1s}
load:
  - {path: /, rate: 0.5, arrivals: constant, for: 10s}
`))
	assert.True(t, r.Holds(), "nothing has to")
	assert.Contains(t, r.String(), "/: 5 × 200; of the replies p50 1 s")
	assert.Equal(t, 1.0, math.Round(1e6*measured(t, r)["mean latency"])/1e6)
}

func TestWhoGetsNoReplyIsSlowerThanAnybody(t *testing.T) {
	// One worker answers the first, and the client of the second has left.
	r := run(t, parse(t, `
server: {model: sync}
service: {distribution: constant, time: 2s}
load: {path: /, rate: 1, arrivals: constant, for: 2s, timeout: 2500ms}
hold: [{metric: p50, at_most: 3s}, {metric: p99, at_most: 1h}]`))
	assert.InDelta(t, 2, measured(t, r)["p50"], 0.001)
	assert.True(t, math.IsNaN(measured(t, r)["p99"]), "no number says it")
	assert.False(t, r.Holds(), "the other one's patience is no latency")
	assert.Contains(t, r.String(), "observed   ∞ s")
}

// With fewer worker_connections than two for each of 64 clients, "no location takes /" was the error: Parse ran nginx with
// 64 clients, and now asks its configuration.
func TestAnNginxWithFewConnectionsRuns(t *testing.T) {
	s, err := scenario.Read("testdata/bug-worker-connections.yaml")
	require.NoError(t, err)
	o, err := s.Experiment(1).Run(t)
	require.NoError(t, err)
	assert.NotEmpty(t, o.Records)
	assert.Equal(t, float64(len(o.Records)), lab.Replies(200).Of(o), "all that came")
}

// Starlette lends its sync views 40 threads. With one for each request, 60 requests/s of 1 s all take 1 s.
func TestSyncViewsOfAnAsyncServerShareTheirThreads(t *testing.T) {
	text, err := os.ReadFile("testdata/r05-silent.yaml")
	require.NoError(t, err)
	r := run(t, parse(t, string(text)))
	assert.False(t, r.Holds(), "%s", r)
	// 40 requests come in 2/3 s and take 1 s. Each 40 therefore wait 1/3 s longer than the 40 before them. The last 40 of
	// 3,600 are more than 1 %.
	assert.InDelta(t, 1+89/3.0, measured(t, r)["p99"], 1e-3)
	assert.Contains(t, words(r), "model: evented, thread_limit: 40")
	assert.Contains(t, words(r), "search: {thread_limit: 1..122} finds how many")

	r = run(t, parse(t, strings.Replace(string(text), "{model: evented}", "{model: uvicorn, thread_limit: none}", 1)))
	assert.True(t, r.Holds(), "%s", r)

	few := strings.Replace(string(text), "rate: 60", "rate: 6", 1)
	r = run(t, parse(t, few+"search: {thread_limit: 1..40}"))
	assert.True(t, r.Holds(), "%s", r)
	assert.Contains(t, words(r), "6 holds, and 5 does not")
}

func TestARunThatGoesWrongIsAnError(t *testing.T) {
	_, err := parse(t, `
server: {model: thread-per-request}
service: {distribution: constant, time: 10ns}
load: {path: /, connections: 1, for: 1ms}`).Run(t)
	assert.ErrorContains(t, err, "requests take no time, so a closed loop never ends")
}

// What a search has tried is on the page as well, with the intervals.
func TestTheResultsNoteWhatASearchTried(t *testing.T) {
	r := run(t, parse(t, `
server: {model: sync}
service: {distribution: constant, time: 1s}
load: {path: /, rate: 1, arrivals: constant, for: 10s}
hold: {metric: p99, at_most: 2s}
search: {workers: 1..3}`))
	rows := r.Results().Rows()
	require.Len(t, rows, 1)
	assert.Contains(t, rows[0].Note, "no formula for")
	assert.Contains(t, rows[0].Note, "searched workers from 1 to 3")
	assert.Contains(t, r.String(), rows[0].Note[strings.Index(rows[0].Note, "searched"):])
}

// A search that knows of the largest value that it cannot hold runs that alone, so Runs is a bound.
func TestTheRunsOfAScenarioAreFollowed(t *testing.T) {
	const file = `
server: {model: sync}
service: {distribution: constant, time: 1s}
load: {path: /, rate: 1, arrivals: constant, for: 10s}
hold: {metric: p99, at_most: 2s}
seeds: 2
`
	s := parse(t, file)
	s.Progress = new(lab.Progress)
	run(t, s)
	assert.Equal(t, 2, s.Progress.Begun())
	assert.Equal(t, 2, s.Runs())
	assert.False(t, s.Searches())

	s = parse(t, file+"search: {workers: 1..3}")
	s.Progress = new(lab.Progress)
	run(t, s)
	assert.Equal(t, 6, s.Runs())
	assert.True(t, s.Searches())
	assert.Contains(t, []int{2, 4, 6}, s.Progress.Begun(), "each value with both seeds")
}
