// The table of outages: the PoC's servers under the PoC's load, replayed in
// virtual time. A row claims, predicts, measures; its sibling is the same with
// the claim broken, and has to fail.

package outagelab_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/fidelity"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wrk500 is the PoC's load: wrk -t 8 -c 500 -d 10.
func wrk500(view string, sleep float64) load.Closed {
	return load.Closed{
		Name: "wrk", Path: fmt.Sprintf("%s?sleep=%g", view, sleep),
		Connections: 500, Duration: 10 * time.Second,
	}
}

// poc is the PoC's app on a server.
func poc(server worker.Config) lab.System {
	return lab.System{Server: server, App: lab.Seeded(pocserver.Instances)}
}

func threads(workers, threads int) worker.Config {
	c := worker.Defaults(worker.Threaded)
	c.Workers, c.Threads = workers, threads
	return c
}

func with(c worker.Config, change func(*worker.Config)) worker.Config {
	change(&c)
	return c
}

// naps is four standard deviations of a count of n naps uniform(0, S) that
// follow each other, as a part of the count: such a nap has a standard deviation
// of 1/√3 of its mean.
func naps(n float64) lab.Tolerance {
	return lab.Relative(4/math.Sqrt(3*n), fmt.Sprintf("4σ of the time that %.0f naps take: 4·(1/√3)/√%.0f", n, n))
}

// underWay is what a loop's throughput can be off at the horizon, of n requests:
// it lets all 500 begin, each paying its CPU cost, before the first is answered.
func underWay(n float64) lab.Tolerance {
	return lab.Relative(500/n, fmt.Sprintf("500 requests that have begun and are not answered at the end, of %.0f", n))
}

// experiments is the table. A row that you add goes here; see README.
var experiments = []lab.Experiment{
	{
		Name:   "exhaustion/sync",
		Claim:  "One sync worker naps for one user at a time: 500 connections get 1/E[S] replies a second between them, however long they wait.",
		System: poc(pocserver.RunSync()),
		Load:   []load.Load{wrk500("/sync_sleep/", 0.1)},
		Checks: []lab.Check{
			{Metric: lab.Throughput, Want: 20, Formula: "1/E[S] = 1/(0.05 s)", Within: naps(200)},
			{Metric: lab.Timeouts, Want: 160, Formula: "all that are served after wrk's 2 s: (10 s − 2 s)/E[S]", Within: naps(160)},
			{Metric: lab.Concurrency(50 * time.Millisecond), Want: 1, Formula: "Little's law: one nap at a time", Within: naps(200)},
		},
		Lesson: lab.Lesson{
			Cause: "A sync worker accepts a connection when it is idle, and is busy until the reply is sent. 499 of 500 connections wait in the kernel's backlog, where nobody tells them to give up.",
			Fix:   "More workers, if each request needs one; threads or an event loop, if it mostly waits. Here a second worker doubles the rate, and 25 threads make it 25 times as much.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server.Workers = 2 },
	},
	{
		Name:   "exhaustion/threaded",
		Claim:  "25 threads nap for 25 users at a time: 25/E[S] replies a second.",
		System: poc(threads(1, 25)),
		Load:   []load.Load{wrk500("/sync_sleep/", 0.1)},
		Checks: []lab.Check{
			{Metric: lab.Throughput, Want: 500, Formula: "threads/E[S] = 25/(0.05 s)", Within: naps(5000)},
			{Metric: lab.Concurrency(50 * time.Millisecond), Want: 25, Formula: "Little's law: as many naps as threads", Within: naps(5000)},
		},
		Lesson: lab.Lesson{
			Cause: "A threaded worker's main loop accepts everybody, but serves only as many requests at a time as it has threads. gunicorn's default is one thread, which is a sync worker with keep-alive.",
			Fix:   "Set --threads to the number of requests that wait at the same time: by Little's law the arrival rate times the time that each waits.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server.Threads = 1 },
	},
	{
		Name:     "exhaustion/evented",
		Claim:    "A loop whose requests wait elsewhere naps for all 500 connections at once: N/E[S] replies a second.",
		System:   poc(pocserver.RunAsync()),
		Load:     []load.Load{wrk500("/sync_sleep/", 0.1)},
		Requests: 100_000,
		Checks: []lab.Check{
			{Metric: lab.Throughput, Want: 10_000, Formula: "N/E[S] = 500/(0.05 s)", Within: lab.Relative(0.01, "4σ of 100,000 naps, 0.73 %, and a third of a nap that each connection has not finished, 0.17 %")},
			{Metric: lab.Timeouts, Want: 0, Formula: "no nap is longer than 0.1 s", Within: lab.Exactly()},
		},
		Lesson: lab.Lesson{
			Cause: "An async server runs a sync view in a thread of its own, or the view awaits: in both cases the loop is free while it naps. There is no pool to exhaust; what limits it next is the CPU of its one loop.",
			Fix:   "Nothing to fix, as long as nothing in the view holds the loop. One call that blocks makes it a sync worker again: see blocking/evented.",
		},
		Sibling: func(e *lab.Experiment) {
			e.Load = []load.Load{wrk500("/blocking_sleep/", 0.1)}
			e.Requests = 0
		},
	},
	{
		Name:     "exhaustion/thread-per-request",
		Claim:    "A thread for each request has no limit but memory: 500 connections nap together, as on an event loop.",
		System:   poc(pocserver.RunDev()),
		Load:     []load.Load{wrk500("/sync_sleep/", 0.1)},
		Requests: 100_000,
		Checks: []lab.Check{
			{Metric: lab.Throughput, Want: 10_000, Formula: "N/E[S] = 500/(0.05 s)", Within: lab.Relative(0.01, "4σ of 100,000 naps, 0.73 %, and a third of a nap that each connection has not finished, 0.17 %")},
		},
		Lesson: lab.Lesson{
			Cause: "runserver starts a thread for each connection. That is why what was fast on a developer's machine stands still on the server: the deployment has a pool, the development server has none.",
			Fix:   "Measure the deployment, not runserver.",
		},
		Sibling: func(e *lab.Experiment) {
			e.System.Server = pocserver.RunSync()
			e.Requests = 0
		},
	},
	{
		Name:   "exhaustion/async12",
		Claim:  "Twelve loops on twelve processors answer twelve times what one can: workers/c, until the naps are the limit.",
		System: poc(with(pocserver.RunAsync12(), func(c *worker.Config) { c.MaxRequests, c.CPU, c.KeepAlive = 0, fidelity.AsyncCPU, 0 })),
		Load: []load.Load{load.Closed{
			Name: "wrk", Path: "/async_sleep/?sleep=0.001", Connections: 500, Duration: 3 * time.Second,
		}},
		Requests: 38_000,
		Checks: []lab.Check{
			{Metric: lab.Throughput, Want: 12 / fidelity.AsyncCPU.Seconds(), Formula: "min(N/(E[S]+c), workers/c) = 12/(0.935 ms)", Within: underWay(3 * 12 / fidelity.AsyncCPU.Seconds())},
			{Metric: lab.Busy, Want: 1, Formula: "each loop is held all the time: (N/workers)·c is far above E[S]", Within: lab.Absolute(0.01, "the first nap of 1 ms of 3 s, and the last")},
		},
		Lesson: lab.Lesson{
			Cause: "A loop is one thread: the code between two awaits costs the processor, and that cost is what a loop divides its second by. More loops divide it again; more connections do not.",
			Fix:   "One loop for each processor, not for each user. On the field's two processors twelve loops would have shared two. (Here each request is a new connection: one that is kept stays with the loop that accepted it, and loops are then unevenly busy.)",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server.Workers = 1 },
	},
	{
		Name:   "recycling/sync",
		Claim:  "Recycling a worker after 500 cheap requests costs more than serving them: each costs 500·c and a boot.",
		System: poc(with(pocserver.RunSync(), func(c *worker.Config) { c.CPU, c.BootTime = fidelity.SyncCPU, fidelity.Boot })),
		Load:   []load.Load{wrk500("/sync_sleep/", 0)},
		Checks: []lab.Check{
			{Metric: lab.Throughput, Want: 500 / (500*fidelity.SyncCPU.Seconds() + fidelity.Boot.Seconds()), Formula: "n/(n·c + boot) = 500/(500·0.302 ms + 0.18 s)", Within: lab.Relative(0.018, "the last boot may be in the 10 s or not: 0.18 s/10 s")},
			{Metric: lab.Exits(worker.Recycled), Want: 30, Formula: "10 s/(n·c + boot)", Within: lab.Absolute(1, "a cycle may be under way at the end")},
			{Metric: lab.Failures(load.ClosedEarly), Want: 0, Formula: "a recycled worker finishes what it has", Within: lab.Exactly()},
		},
		Lesson: lab.Lesson{
			Cause: "max_requests was 500 to contain a leak. One worker that serves 3,300 a second boots six times for each second of work, and while it boots nobody accepts. (poc.json: 3,314 without, 1,416 with.)",
			Fix:   "Recycle by the hour and not by the second, with a jitter so that workers do not boot together; better, find the leak.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server.MaxRequests = 0 },
	},
	{
		Name:  "recycling/async12",
		Claim: "Twelve loops that recycle lose nobody's reply: each finishes what it has, and the others accept meanwhile.",
		System: poc(with(pocserver.RunAsync12(), func(c *worker.Config) {
			c.CPU = fidelity.AsyncCPU
		})),
		Load: []load.Load{load.Closed{
			Name: "wrk", Path: "/async_sleep/?sleep=0.1", Connections: 500, Duration: 3 * time.Second,
		}},
		Requests: 25_000,
		Checks: []lab.Check{
			{Metric: lab.Failures(load.ClosedEarly), Want: 0, Formula: "a reply that ends its connection says so", Within: lab.Exactly()},
			{Metric: lab.Failures(load.Reset), Want: 0, Formula: "the same", Within: lab.Exactly()},
			{Metric: lab.Exits(worker.Recycled), Want: 12, Formula: "each worker serves 500 requests in less than 3 s, at least once", Within: lab.AtLeast("12 workers · 1")},
		},
		Lesson: lab.Lesson{
			Cause: "A worker that recycles stops accepting, says Connection: close in the replies it still owes, and ends when the last has left. It is cut only beyond the graceful timeout.",
			Fix:   "Keep the graceful timeout above the longest request. With 0, as in the sibling, each recycled worker cuts what it was serving.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server.GracefulTimeout = 0 },
	},
	{
		Name:   "blocking/evented",
		Claim:  "One call that blocks inside an async view makes a loop with 500 connections as slow as one sync worker.",
		System: poc(pocserver.RunAsync()),
		Load: []load.Load{
			load.Closed{Name: "wrk", Path: "/blocking_sleep/?sleep=0.1", Connections: 500, Duration: 10 * time.Second},
		},
		Checks: []lab.Check{
			{Metric: lab.Throughput, Want: 20, Formula: "1/E[S] = 1/(0.05 s)", Within: naps(200)},
			{Metric: lab.Busy, Want: 1, Formula: "a loop that is held is busy", Within: lab.Absolute(0.001, "one request's nanoseconds in a nap of 50 ms")},
		},
		Lesson: lab.Lesson{
			Cause: "time.sleep, a blocking driver or plain computing between two awaits holds the loop: all other requests, new connections and the heartbeat wait for it, and nothing says so.",
			Fix:   "Await it, or give it a thread (sync_to_async, asyncio.to_thread). On gunicorn such a loop also misses its heartbeat, and is killed with everybody on it.",
		},
		Sibling: func(e *lab.Experiment) {
			e.Load = []load.Load{load.Closed{Name: "wrk", Path: "/async_sleep/?sleep=0.1", Connections: 500, Duration: time.Second}}
		},
	},
	{
		Name:   "blocking/killed",
		Claim:  "On gunicorn a loop that one request holds beyond the worker timeout is killed, and takes with it users who only awaited.",
		System: poc(worker.Defaults(worker.Evented)),
		Load: []load.Load{
			load.Closed{Name: "bystanders", Path: "/async_sleep/?sleep=0.1", Connections: 20, Duration: 60 * time.Second},
			load.Open{Name: "blocker", Path: "/blocking_sleep/?sleep=3600", Rate: 1, Start: 5 * time.Second, Duration: time.Second},
		},
		Checks: []lab.Check{
			{Metric: lab.Exits(worker.TimedOut), Want: 1, Formula: "one request, one worker", Within: lab.Exactly()},
			{Metric: lab.Failures(load.ClosedEarly).On("bystanders"), Want: 20, Formula: "all connections that the loop had accepted", Within: lab.Exactly()},
		},
		Lesson: lab.Lesson{
			Cause: "The heartbeat is a task of the loop like any other, and starves with the others. The arbiter sees a silent worker, not a busy one: it aborts it after 30 s, with every connection that it had.",
			Fix:   "Do not block on the loop. A longer worker timeout, 0 even, only makes the outage longer.",
		},
		Sibling: func(e *lab.Experiment) {
			e.Load[1] = load.Open{Name: "blocker", Path: "/async_sleep/?sleep=3600", Rate: 1, Start: 5 * time.Second, Duration: time.Second}
		},
	},
	{
		Name:   "two-users/sync",
		Claim:  "Two users on one endpoint, the second half a second after the first: on a sync worker the second waits for the first one's nap to end.",
		System: poc(pocserver.RunSync()),
		Load:   twoUsers(),
		Checks: []lab.Check{
			{Metric: lab.Latency(100).On("first user"), Want: 3.9, Formula: "no nap is longer than S, and nobody is before the first", Within: lab.AtMost("S = 3.9 s")},
			{Metric: meanLatency.On("second user"), Want: 1.95 + 1.482, Formula: "E[S] + E[max(0, S − 0.5 s)] = 1.95 s + 3.4²/(2·3.9) s", Within: lab.Absolute(4*secondUser/math.Sqrt(pairs), "4σ of the mean of 200: one nap and what is left of another, √(1.126² + 1.077²) s")},
		},
		Lesson: lab.Lesson{
			Cause: "The second connection is in the backlog until the worker has closed the first. Both browsers show a spinner; only the second one's user waits for somebody else.",
			Fix:   "A second worker, a thread or an event loop: whatever lets two requests wait at the same time.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server = pocserver.RunAsync() },
	},
	{
		Name:   "two-users/async",
		Claim:  "The same two users on an event loop do not notice each other.",
		System: poc(pocserver.RunAsync()),
		Load:   twoUsers(),
		Checks: []lab.Check{
			{Metric: lab.Latency(100).On("second user"), Want: 3.9, Formula: "no nap is longer than S, and nobody is waited for", Within: lab.AtMost("S = 3.9 s, and the nanoseconds of the model")},
			{Metric: meanLatency.On("second user"), Want: 1.95, Formula: "E[S]", Within: lab.Absolute(4*1.126/math.Sqrt(pairs), "4σ of the mean of 200 naps: 3.9 s/√12 each")},
		},
		Lesson: lab.Lesson{
			Cause: "The loop accepts the second connection while the first one naps.",
			Fix:   "Nothing to fix.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server = pocserver.RunSync() },
	},
}

// pairs is how many times the two users come, and secondUser the standard
// deviation of what the second one waits on a sync worker, in seconds: a nap,
// uniform(0, 3.9), and max(0, uniform(0, 3.9) − 0.5), whose second moment is
// 3.4³/(3·3.9).
const pairs = 200

var secondUser = math.Sqrt(3.9*3.9/12 + 3.4*3.4*3.4/(3*3.9) - 1.482*1.482)

func twoUsers() []load.Load {
	user := func(name string, start time.Duration) load.Load {
		return load.Open{Name: name, Path: "/sync_sleep/?sleep=3.9", Rate: 0.1, Start: start, Duration: pairs * 10 * time.Second}
	}
	return []load.Load{user("first user", 0), user("second user", 500*time.Millisecond)}
}

var meanLatency = lab.Metric{Name: "mean latency", Unit: "s", Of: func(o *lab.Observation) float64 {
	sum, n := 0.0, 0.0
	for _, r := range o.Records {
		if r.Complete {
			sum += r.Latency.Seconds()
			n++
		}
	}
	return sum / n // NaN if there were none
}}

// crossover is the PoC's conclusion as rows: each nap length on each of the two
// servers, with the calibrated costs.
func crossover() []lab.Experiment {
	syncServer := poc(with(pocserver.RunSync(), func(c *worker.Config) {
		c.MaxRequests, c.CPU, c.SleepOvershoot = 0, fidelity.SyncCPU, fidelity.Overshoot
	}))
	asyncServer := poc(with(pocserver.RunAsync(), func(c *worker.Config) {
		c.CPU, c.SleepOvershoot = fidelity.AsyncCPU, fidelity.Overshoot
	}))
	var rows []lab.Experiment
	for _, nap := range []struct {
		name, words string
		sleep       float64
	}{
		{"100ms", "naps up to 100 ms", 0.1}, {"10ms", "naps up to 10 ms", 0.01}, {"1ms", "naps up to 1 ms", 0.001}, {"0ms", "no nap", 0},
	} {
		mean := nap.sleep / 2
		if mean > 0 {
			mean += fidelity.Overshoot.Seconds()
		}
		syncRate := 1 / (mean + fidelity.SyncCPU.Seconds())
		asyncRate := min(500/(mean+fidelity.AsyncCPU.Seconds()), 1/fidelity.AsyncCPU.Seconds())
		perNap := nap.sleep / 2 / math.Sqrt(3) * math.Sqrt(syncRate) // σ of a second's naps, in naps
		from := fmt.Sprintf("4σ of 4 s of naps uniform(0, %g s), and a request at either end", nap.sleep)
		rows = append(rows,
			lab.Experiment{
				Name:     "crossover/sync/" + nap.name,
				Claim:    fmt.Sprintf("With %s a sync worker answers 1/(E[S]+c): it pays for each nap.", nap.words),
				System:   syncServer,
				Load:     crossoverLoad("/sync_sleep/", nap.sleep),
				Requests: int(4 * syncRate),
				Checks: []lab.Check{{
					Metric: lab.Throughput, Want: syncRate,
					Formula: fmt.Sprintf("1/(E[S]+c) = 1/(%.3f ms + 0.302 ms)", 1000*mean),
					Within:  lab.Relative(4*perNap/math.Sqrt(4)+2/(4*syncRate), from),
				}},
				Lesson: lab.Lesson{
					Cause: "One request at a time: the nap and the CPU cost of each add up.",
					Fix:   "The shorter the nap, the less there is to gain from async: at 1 ms the two are even, below it a sync worker, which costs a third of the CPU, is faster.",
				},
				Sibling: func(e *lab.Experiment) { e.System.Server.Workers = 2 },
			},
			lab.Experiment{
				Name:   "crossover/async/" + nap.name,
				Claim:  fmt.Sprintf("With %s a loop answers min(N/(E[S]+c), 1/c): it pays for no nap, and for its CPU each time.", nap.words),
				System: asyncServer,
				Load:   crossoverLoad("/async_sleep/", nap.sleep),
				Checks: []lab.Check{{
					Metric: lab.Throughput, Want: asyncRate,
					Formula: "min(N/(E[S]+c), 1/c) = 1/(0.935 ms)",
					Within:  underWay(4 * asyncRate),
				}},
				Lesson: lab.Lesson{
					Cause: "The naps overlap, the CPU costs do not: the loop's own work is the limit at every nap length.",
					Fix:   "Async pays where requests wait long. Where they do not, its costs decide.",
				},
				Sibling: func(e *lab.Experiment) { e.System.Server.CPU = 2 * fidelity.AsyncCPU },
			})
	}
	return rows
}

func crossoverLoad(view string, sleep float64) []load.Load {
	l := wrk500(view, sleep)
	l.Duration = 4 * time.Second
	return []load.Load{l}
}

// TestExperiments runs the table: make lab prints it.
func TestExperiments(t *testing.T) {
	lab.Test(t, append(append([]lab.Experiment(nil), experiments...), crossover()...))
}

// TestTheLinesCrossWherePredicted finds the nap length at which the two servers
// answer alike, and compares it with the prediction: 1/(E[S]+o+c) = 1/c' where
// S/2 = c' − c − o.
func TestTheLinesCrossWherePredicted(t *testing.T) {
	if builtWithRace() {
		t.Skip("about 80,000 requests are too many for the race detector: it needs a run without -race")
	}
	predicted := 2 * (fidelity.AsyncCPU - fidelity.SyncCPU - fidelity.Overshoot).Seconds()
	rate := func(row lab.Experiment, view string, sleep float64) float64 {
		row.Load = []load.Load{load.Closed{Path: fmt.Sprintf("%s?sleep=%.9f", view, sleep), Connections: 50, Duration: 4 * time.Second}}
		o, err := row.Run(t)
		require.NoError(t, err)
		return lab.Throughput.Of(o)
	}
	rows := crossover()
	low, high := 0.0001, 0.01 // sync is faster at the one, async at the other
	for high-low > 0.00001 {
		mid := (low + high) / 2
		if rate(rows[0], "/sync_sleep/", mid) > rate(rows[1], "/async_sleep/", mid) {
			low = mid
		} else {
			high = mid
		}
	}
	// 4σ of the mean of 4,000 naps, as nap length: a mean nap is S/2.
	sigma := predicted / math.Sqrt(12) / math.Sqrt(4*1070)
	assert.InDelta(t, predicted, (low+high)/2, 2*4*sigma+0.00001,
		"the nap length, in seconds, from which async pays; poc.json has it near 0.001")
}

var update = flag.Bool("update", false, "write what the commands print now into README")

// TestREADME holds what README shows to what the commands print now: the table
// and the failing row, which are the same at every run. make readme writes them.
func TestREADME(t *testing.T) {
	if builtWithRace() {
		t.Skip("the whole table is too long for the race detector: it needs a run without -race")
	}
	data, err := os.ReadFile("README.md")
	require.NoError(t, err)
	readme := string(data)

	table, _, ok := strings.Cut(printed(t, "-test.run=^TestExperiments$", "-lab.out="+t.TempDir()), "Written: ")
	require.True(t, ok, "make lab says where it wrote:\n%s", table)
	readme = shows(t, readme, "make lab", strings.Trim(table, "\n"))

	row := printed(t, "-test.v", "-test.run=^TestExperiments$/^exhaustion$/^sync$/^sibling$")
	_, row, ok = strings.Cut(row, "has to fail, and does:\n        \n        ")
	require.True(t, ok)
	row, _, _ = strings.Cut(row, "\n--- ")
	readme = shows(t, readme, "the failing row", strings.ReplaceAll(row, "\n        ", "\n"))

	if *update {
		require.NoError(t, os.WriteFile("README.md", []byte(readme), 0o644))
	}
}

// shows fails t if readme's block that is marked as printed by what does not show
// text, and returns readme with the block as it should be.
func shows(t *testing.T, readme, what, text string) string {
	t.Helper()
	begin := "<!-- printed by " + what + " -->\n```\n"
	before, rest, ok := strings.Cut(readme, begin)
	require.True(t, ok, "README has no block marked as printed by %s", what)
	shown, after, _ := strings.Cut(rest, "\n```\n")
	if shown != text && !*update {
		was, is := strings.Split(shown, "\n"), strings.Split(text, "\n")
		i := 0
		for i < min(len(was), len(is)) && was[i] == is[i] {
			i++
		}
		is, was = append(is, "(the end)"), append(was, "(the end)")
		t.Errorf("README is not what %s prints, from line %d of the block on; make readme writes it anew.\nREADME: %s\nprinted: %s",
			what, i+1, was[i], is[i])
	}
	return before + begin + text + "\n```\n" + after
}

// printed is what this test binary prints when it is run with args.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), os.Args[0], args...).CombinedOutput()
	require.NoError(t, err, "%s", text)
	return string(text)
}
