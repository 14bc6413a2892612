// The table of outages: the PoC's servers under the PoC's load, replayed in
// virtual time. A row claims, predicts, measures; its sibling is the same with
// the claim broken, and has to fail.

package outagelab_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/feedsim/solution"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/appserver"
	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/document"
	"example.com/outagelab/lab/exercise"
	"example.com/outagelab/lab/fidelity"
	"example.com/outagelab/lab/hazard"
	"example.com/outagelab/lab/live"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/queueing"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/lab/report"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/lab/synthetic"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

func TestMain(m *testing.M) {
	// A wrong flag is lost among the hundred lines of usage that the testing
	// package has for it; -h still shows them.
	usage := flag.Usage
	flag.Usage = func() {
		if slices.ContainsFunc(os.Args, func(a string) bool { return a == "-h" || a == "-help" || a == "--help" }) {
			usage()
		}
	}
	flag.Parse()
	bubble.Tune()
	if os.Getenv(trialEnv) != "" || *lessonName != "" {
		os.Exit(m.Run()) // a broken handler leaves goroutines behind
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		if plainFolder != "" {
			os.RemoveAll(plainFolder)
		}
		os.Exit(status)
	}))
}

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

// predict is what a formula of lab/queueing gives. A row that is outside its range
// is a mistake of ours, so it panics.
func predict(number float64, err error) float64 {
	if err != nil {
		panic(err)
	}
	return number
}

// atMost is the upper of a formula's two bounds.
func atMost(b queueing.Bounds, err error) float64 { return predict(b.High, err) }

// experiments is the table. A row that you add goes here; see README.
var experiments = []lab.Experiment{
	{
		Name:   "exhaustion/sync",
		Claim:  "One sync worker naps for one user at a time: 500 connections get 1/E[S] replies a second between them, however long they wait.",
		System: poc(pocserver.RunSync()),
		Load:   []load.Load{wrk500("/sync_sleep/", 0.1)},
		Checks: []lab.Check{
			{Metric: lab.Throughput, Want: predict(queueing.SyncRate(1, 0.05, 0)), Formula: "1/E[S] = 1/(0.05 s)", Within: naps(200)},
			{Metric: lab.Timeouts, Want: 160, Formula: "all that are served after wrk's 2 s: (10 s − 2 s)/E[S]", Within: naps(160)},
			{Metric: lab.Concurrency(50 * time.Millisecond), Want: predict(queueing.Little(20, 0.05)), Formula: "Little's law: 20 naps a second of 0.05 s", Within: naps(200)},
		},
		Lesson: lab.Lesson{
			Cause: "A sync worker accepts a connection when it is idle, and is busy until the reply is sent. 499 of 500 connections wait in the kernel's backlog, where nobody tells them to give up.",
			Fix:   "More workers, if each request needs one; threads or an event loop, if it mostly waits. Here a second worker doubles the rate, and 25 threads make it 25 times as much.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server.Workers = 2 },
	},
	{
		Name:     "exhaustion/threaded",
		Claim:    "25 threads nap for 25 users at a time: 25/E[S] replies a second.",
		System:   poc(threads(1, 25)),
		Load:     []load.Load{wrk500("/sync_sleep/", 0.1)},
		Requests: 5_000,
		Checks: []lab.Check{
			{Metric: lab.Throughput, Want: atMost(queueing.ClosedThroughput(500, 0, queueing.Station{Demand: 0.05, Servers: 25})), Formula: "threads/E[S] = 25/(0.05 s)", Within: naps(5000)},
			{Metric: lab.Concurrency(50 * time.Millisecond), Want: predict(queueing.Little(500, 0.05)), Formula: "Little's law: 500 naps a second of 0.05 s", Within: naps(5000)},
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
		Load:     []load.Load{load.Closed{Name: "wrk", Path: "/sync_sleep/?sleep=0.1", Connections: 500, Duration: 4 * time.Second}},
		Requests: 40_000,
		Checks: []lab.Check{
			{Metric: lab.Throughput, Want: atMost(queueing.ClosedThroughput(500, 0.05)), Formula: "N/E[S] = 500/(0.05 s)", Within: lab.Relative(0.016, "4σ of 40,000 naps, 1.15 %, and a third of a nap that each connection has not finished, 0.42 %")},
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
		Load:     []load.Load{load.Closed{Name: "wrk", Path: "/sync_sleep/?sleep=0.1", Connections: 500, Duration: 3 * time.Second}},
		Requests: 30_000,
		Checks: []lab.Check{
			{Metric: lab.Throughput, Want: atMost(queueing.ClosedThroughput(500, 0.05)), Formula: "N/E[S] = 500/(0.05 s)", Within: lab.Relative(0.019, "4σ of 30,000 naps, 1.33 %, and a third of a nap that each connection has not finished, 0.56 %")},
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
			{Metric: lab.Throughput, Want: predict(queueing.AsyncRate(12, 500, 0.0005, fidelity.AsyncCPU.Seconds())), Formula: "min(N/(E[S]+c), workers/c) = 12/(0.935 ms)", Within: underWay(3 * 12 / fidelity.AsyncCPU.Seconds())},
			{Metric: lab.Busy, Want: 1, Formula: "each loop is held all the time: (N/workers)·c is far above E[S]", Within: lab.Absolute(0.01, "the first nap of 1 ms of 3 s, and the last")},
		},
		Lesson: lab.Lesson{
			Cause: "A loop is one thread: the code between two awaits costs the processor, and that cost is what a loop divides its second by. More loops divide it again; more connections do not.",
			Fix:   "One loop for each processor, not for each user. On the field's two processors twelve loops would have shared two. (Here each request is a new connection: one that is kept stays with the loop that accepted it, and loops are then unevenly busy.)",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server.Workers = 1 },
	},
	{
		Name:     "recycling/sync",
		Claim:    "Recycling a worker after 500 cheap requests costs more than serving them: each costs 500·c and a boot.",
		System:   poc(with(pocserver.RunSync(), func(c *worker.Config) { c.CPU, c.BootTime = fidelity.SyncCPU, fidelity.Boot })),
		Load:     []load.Load{wrk500("/sync_sleep/", 0)},
		Requests: 15_000,
		Checks: []lab.Check{
			{Metric: lab.Throughput, Want: 500 / (500*fidelity.SyncCPU.Seconds() + fidelity.Boot.Seconds()), Formula: "n/(n·c + boot) = 500/(500·0.302 ms + 0.18 s)", Within: lab.Relative(0.018, "the last boot may be in the 10 s or not: 0.18 s/10 s")},
			{Metric: lab.Exits(worker.Recycled), Want: 30, Formula: "10 s/(n·c + boot)", Within: lab.Absolute(1, "a cycle may be under way at the end")},
			{Metric: lab.Failures(load.ClosedEarly), Want: 0, Formula: "a recycled worker finishes what it has", Within: lab.Exactly()},
		},
		Lesson: lab.Lesson{
			Cause: "max_requests was 500 to contain a leak. One worker that serves 3,300 a second boots six times for each second of work, and while it boots nobody accepts. (poc.json: 3,314 without, 1,416 with.)",
			Fix:   "Recycle by the hour and not by the second, with a jitter so that workers do not boot together; better, find the leak.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server.MaxRequests, e.Requests = 0, 33_000 },
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
			load.Closed{Name: "bystanders", Path: "/async_sleep/?sleep=1", Connections: 20, Duration: 60 * time.Second},
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
			{Metric: lab.MeanLatency.On("second user"), Want: 1.95 + 1.482, Formula: "E[S] + E[max(0, S − 0.5 s)] = 1.95 s + 3.4²/(2·3.9) s", Within: lab.Absolute(4*secondUser/math.Sqrt(pairs), "4σ of the mean of 200: one nap and what is left of another, √(1.126² + 1.077²) s")},
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
		Latencies: []lab.Distribution{
			{Load: "first user", Formula: "a nap: uniform(0, 3.9 s)", CDF: feedsim.Uniform(0, 3900*time.Millisecond).CDF},
			{Load: "second user", Formula: "a nap: uniform(0, 3.9 s)", CDF: feedsim.Uniform(0, 3900*time.Millisecond).CDF},
		},
		Checks: []lab.Check{
			{Metric: lab.Latency(100).On("second user"), Want: 3.9, Formula: "no nap is longer than S, and nobody is waited for", Within: lab.AtMost("S = 3.9 s, and the nanoseconds of the model")},
			{Metric: lab.MeanLatency.On("second user"), Want: 1.95, Formula: "E[S]", Within: lab.Absolute(4*1.126/math.Sqrt(pairs), "4σ of the mean of 200 naps: 3.9 s/√12 each")},
		},
		Lesson: lab.Lesson{
			Cause: "The loop accepts the second connection while the first one naps.",
			Fix:   "Nothing to fix.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server = pocserver.RunSync() },
	},
}

// queues is what theory has formulas for, on an app that only takes time.
var queues = []lab.Experiment{
	{
		Name:     "queue/four-threads",
		Claim:    "Four threads that are busy 70 % of the time make more than four in ten wait, and one in eight for longer than a request takes.",
		System:   taking(threads(1, 4), "a request takes 1 s on average, exponentially distributed", feedsim.Exponential(time.Second)),
		Load:     []load.Load{load.Open{Name: "users", Path: "/", Rate: fourThreads.Arrivals, Poisson: true, Duration: 4_000 * time.Second}},
		Horizon:  4_100 * time.Second,
		Requests: 11_200,
		Checks: []lab.Check{
			{Metric: inSystem(4_000, count, "mean requests waiting or served"), Want: predict(queueing.Little(fourThreads.Arrivals, predict(fourThreads.MeanTime()))), Formula: "Little's law: λ·E[T], with E[T] of M/M/4, λ = 2.8/s, E[S] = 1 s", Within: overTime(4_000, count)},
			{Metric: inSystem(4_000, busyOfFour, "busy threads"), Want: predict(fourThreads.Utilisation()), Formula: "λ·E[S]/4", Within: overTime(4_000, busyOfFour)},
			{Metric: inSystem(4_000, allBusy, "all threads busy"), Want: predict(queueing.ErlangC(4, 2.8)), Formula: "Erlang C of 4 servers and 2.8 erlangs: who comes then has to wait", Within: overTime(4_000, allBusy)},
			{Metric: lab.Latency(90), Want: predict(fourThreads.Quantile(0.9)), Formula: "M/M/4: nine in ten are answered within that", Within: lab.Absolute(predict(fourThreads.Quantile(0.9+ninth))-predict(fourThreads.Quantile(0.9)), "4σ of the part of users that take longer, by how many each finds before it and by chance, as seconds at that point of the distribution")},
			{Metric: waitedLonger(1), Want: predict(fourThreads.WaitTail(1)), Formula: "M/M/4: C·exp(−(4/E[S] − λ)·1 s)", Within: lab.Absolute(4*math.Hypot(predict(fourThreads.Deviation(4_000, longerThanASecond)), math.Sqrt(0.129*0.871/11_200)), "4σ: of how many each finds before it, over 4,000 s of a birth and death process, and of 11,200 draws")},
		},
		Latencies: []lab.Distribution{{Load: "users", Formula: "M/M/4 with λ = 2.8/s, E[S] = 1 s", CDF: func(t float64) float64 { return 1 - predict(fourThreads.Tail(t)) }}},
		Lesson: lab.Lesson{
			Cause: "Requests come at random and take a random time, so that four of them and more are there together far more often than 2.8 on average suggests. Who comes then waits.",
			Fix:   "Leave room: with a fifth thread one in five waits, with a sixth one in thirteen.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server.Threads, e.Load = 3, e.Load[:1] },
	},
	{
		Name:     "queue/even-naps",
		Claim:    "Naps that vary less make a shorter queue: a sync worker that is busy 70 % of the time keeps users of even naps waiting for two thirds of what exponential ones would.",
		System:   poc(with(pocserver.RunSync(), func(c *worker.Config) { c.MaxRequests = 0 })),
		Load:     []load.Load{load.Open{Name: "users", Path: "/sync_sleep/?sleep=2", Rate: evenNaps.Arrivals, Poisson: true, Duration: 20_000 * time.Second}},
		Requests: 14_000,
		Checks: []lab.Check{
			{Metric: lab.MeanLatency, Want: predict(evenNaps.MeanTime()), Formula: "Allen and Cunneen's G/G/1, exact for Poisson arrivals: E[S] + (0.7/0.3)·(1 + 1/3)/2·E[S]", Within: lab.Absolute(4*evenNapsSpread, "4σ of the mean over 20,000 s: M/M/1's, times √((1 + 1/3)/2)³, by its heavy-traffic limit (Whitt, Planning Queueing Simulations, 1989)")},
			{Metric: lab.Busy, Want: predict(evenNaps.Utilisation()), Formula: "λ·E[S]", Within: lab.Absolute(4*math.Sqrt(0.7*4/3/20_000), "4σ of the work that comes in 20,000 s: √(λ·E[S²]/T), with E[S²] = 4/3 s²")},
			{Metric: waitedLonger(2), Want: predict(evenNaps.WaitTail(2)), Formula: "Allen and Cunneen's G/G/1: ρ·exp(−ρ·2 s/E[wait])", Within: lab.Absolute(0.01+4*predict(queueing.MMc{Arrivals: 0.7, Service: 1, Servers: 1}.Deviation(20_000, longerThanTwo))*math.Pow((1+1.0/3)/2, 1.5), "0.01 for the approximation, which has 0.285 where 5 million draws of M/G/1 gave 0.289, and 4σ: M/M/1's probability to wait that long by how many are before it, over 20,000 s, scaled as above")},
		},
		Lesson: lab.Lesson{
			Cause: "What makes a queue is how irregular arrivals and services are: half the sum of their squared coefficients of variation, 1 for what is random, 1/3 for an even nap, 0 for what is always the same.",
			Fix:   "Keep what takes long apart from what does not: each of the two queues is shorter than the one.",
		},
		Sibling: func(e *lab.Experiment) {
			e.System = taking(e.System.Server, "a request takes 1 s on average, exponentially distributed", feedsim.Exponential(time.Second))
		},
	},
	{
		Name:   "killing/sync",
		Claim:  "Requests that outlast the worker timeout kill a worker each, as fast as workers boot: four a minute of two workers.",
		System: taking(with(worker.Defaults(worker.Sync), func(c *worker.Config) { c.Workers = 2 }), "a request takes a minute", feedsim.Constant(time.Minute)),
		Load:   []load.Load{load.Open{Name: "users", Path: "/", Rate: 0.5, Duration: 5 * time.Minute}},
		Checks: []lab.Check{
			{Metric: lab.Exits(worker.TimedOut), Want: 2 * math.Floor(5*atMost(killing.PerMinute())/2), Formula: "5 min · 60·workers/(timeout + boot) = 5·60·2/(30.18 s), whole ones of each worker", Within: lab.Absolute(2*(math.Floor(5*atMost(killing.PerMinute())/2)-math.Floor(5*atLeast(killing.PerMinute())/2)), "the arbiter looks once a second: 5·60·2/(31.18 s) at least, which is as many whole ones")},
			{Metric: lab.Replies(200), Want: 0, Formula: "no request survives", Within: lab.Exactly()},
		},
		Lesson: lab.Lesson{
			Cause: "The arbiter cannot tell a worker that works from one that hangs: 30 s without a heartbeat, and it aborts it, with its client. The next in the queue kills the next one.",
			Fix:   "A timeout inside the request, shorter than the worker's. Raising the worker's own only makes the queue longer.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server.Timeout = 90 * time.Second },
	},
}

// What the formulas take of the rows above.
var (
	fourThreads = queueing.MMc{Arrivals: 2.8, Service: 1, Servers: 4}
	evenNaps    = queueing.GGc{Arrivals: 0.7, ArrivalSCV: 1, Service: 1, ServiceSCV: 1.0 / 3, Servers: 1}
	killing     = queueing.Kills{Workers: 2, Timeout: 30, Boot: 0.18, Arrivals: 0.5}

	// By Little's law the spread of the number is λ times that of the time.
	evenNapsSpread = predict(queueing.MMc{Arrivals: 0.7, Service: 1, Servers: 1}.Deviation(20_000, count)) / 0.7 *
		math.Pow((1+1.0/3)/2, 1.5)
)

// atLeast is the lower of a formula's two bounds.
func atLeast(b queueing.Bounds, err error) float64 { return predict(b.Low, err) }

// taking is an app that does nothing but take time, on a server.
func taking(server worker.Config, words string, time feedsim.Delay) lab.System {
	return lab.System{Server: server, Variant: words, App: lab.Seeded(synthetic.Instances(synthetic.Route{Path: "/", Time: time}))}
}

func count(inSystem int) float64 { return float64(inSystem) }

// busyOfFour is the part of four threads that are busy.
func busyOfFour(inSystem int) float64 { return float64(min(inSystem, 4)) / 4 }

// allBusy is 1 while a request that comes to four threads has to wait.
func allBusy(inSystem int) float64 {
	if inSystem >= 4 {
		return 1
	}
	return 0
}

// longerThanASecond is the probability that a request which finds so many at four
// threads of queue/four-threads waits for longer than a second: that fewer leave
// within it than have to, of a Poisson number with mean 4.
func longerThanASecond(inSystem int) float64 {
	sum, term := 0.0, math.Exp(-4)
	for left := 0; left <= inSystem-4; left++ {
		sum += term
		term *= 4 / float64(left+1)
	}
	return sum
}

// longerThanTwo is the probability that a request which finds so many at one
// exponential server of mean 1 s waits for longer than two seconds: that fewer leave
// within them than are there, of a Poisson number with mean 2.
func longerThanTwo(inSystem int) float64 {
	sum, term := 0.0, math.Exp(-2)
	for left := range inSystem {
		sum += term
		term *= 2 / float64(left+1)
	}
	return sum
}

// ninth is four standard deviations of the part of queue/four-threads' users whose
// latency is beyond the 90th percentile: of how many each finds before it, over
// 4,000 s of a birth and death process, and of 11,200 draws.
var ninth = 4 * math.Hypot(predict(fourThreads.Deviation(4_000, slowerThan(predict(fourThreads.Quantile(0.9))))), math.Sqrt(0.9*0.1/11_200))

// slowerThan is the probability that a request which finds so many at four threads
// of mean 1 s is answered later than so many seconds: with k of them to leave before
// it has a thread, that fewer do in that time, or that its own second, begun when the
// k-th has left, is not over. (The latter is exp(−t)·E[exp(W); W ≤ t], and W is
// Erlang's: exp(−t)·(4/3)^k·P(k or more of a Poisson number with mean 3t).)
func slowerThan(seconds float64) func(inSystem int) float64 {
	fewer := func(k int, mean float64) float64 {
		sum, term := 0.0, math.Exp(-mean)
		for left := range k {
			sum += term
			term *= mean / float64(left+1)
		}
		return sum
	}
	return func(inSystem int) float64 {
		k := max(0, inSystem-3)
		return fewer(k, 4*seconds) + math.Exp(-seconds)*math.Pow(4.0/3, float64(k))*(1-fewer(k, 3*seconds))
	}
}

// waitedLonger is the part of all requests that waited for longer than so many
// seconds: of one server that takes in first who came first.
func waitedLonger(seconds float64) lab.Metric {
	return lab.Metric{Name: fmt.Sprintf("waited longer than %g s", seconds), Unit: "of all", Of: func(o *lab.Observation) float64 {
		n := 0
		for i, s := range o.Spans { // both are in the order in which they came
			if s.From.Sub(o.Begin)-o.Records[i].Scheduled > time.Duration(seconds*float64(time.Second)) {
				n++
			}
		}
		return float64(n) / float64(len(o.Spans))
	}}
}

// inSystem is the mean, over the first seconds, of what depends on how many
// requests are under way.
func inSystem(seconds float64, of func(n int) float64, name string) lab.Metric {
	return lab.Metric{Name: name, Of: func(o *lab.Observation) float64 {
		type step struct {
			at time.Duration
			by int
		}
		var steps []step
		for _, r := range o.Records {
			steps = append(steps, step{r.Scheduled, 1}, step{r.End, -1})
		}
		slices.SortFunc(steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
		end := time.Duration(seconds * float64(time.Second))
		sum, last, n := 0.0, time.Duration(0), 0
		for _, s := range append(steps, step{at: end}) {
			at := min(s.at, end)
			sum += of(n) * (at - last).Seconds()
			last = at
			n += s.by
		}
		return sum / seconds
	}}
}

// overTime is four standard deviations of such a mean, of queue/four-threads.
func overTime(seconds float64, of func(n int) float64) lab.Tolerance {
	return lab.Absolute(4*predict(fourThreads.Deviation(seconds, of)), fmt.Sprintf("4σ of the mean over %s s: M/M/4 is a birth and death process", typeset.Number(seconds)))
}

// The feed exercise: every route on one app server behind the nginx.conf as
// shipped, under its two loads, and what to do about what happens then.

// gthread25 is the exercise's threaded server with 25 threads a worker.
var gthread25 = with(feedsim.Threaded(), func(c *worker.Config) { c.Threads, c.AcceptAgain = 25, fidelity.AcceptAgain })

// The exercise's numbers, by what the formulas call them.
const (
	poll     = 2.5            // E[S], the mean of 0 to 5 whole seconds
	pollVar  = 35.0 / 12      // of whole seconds from 0 to 5: (6² − 1)/12
	patience = 60.0           // T: nginx's proxy_read_timeout, in seconds
	arrivals = 10.0           // λ: requests a second to /check_feed
	sent     = arrivals * 120 // requests to /check_feed in all
	capacity = 2 / poll       // μ: polls a second of two workers with one request each
)

// The collapse of two workers with one request each, and how many are served before
// it.
var (
	overload = queueing.Overload{Arrivals: arrivals, Capacity: capacity, Patience: patience}
	collapse = predict(overload.Served())
)

// polls is four standard deviations of a count of n polls that follow each other.
func polls(n float64) float64 { return 4 * math.Sqrt(n*pollVar/poll/poll) }

// blockingMost is the most polls that two loops which block can be done with.
var blockingMost = 2*181/poll + polls(2*181/poll)

// collapsed is what a count of requests served before the collapse can be off:
// what n polls take varies, and the more so does when the wait reaches T.
func collapsed() lab.Tolerance {
	return lab.Absolute(polls(collapse)*arrivals/(arrivals-capacity), "4σ of the time that 52 polls of 0 to 5 s take, times λ/(λ−μ)")
}

const collapseFormula = "λμT/(λ−μ), λ = 10/s, μ = 2/(2.5 s), T = 60 s"

// ofTheModel allows the nanoseconds that the model takes to accept and to decide.
func ofTheModel() lab.Tolerance {
	return lab.Absolute(0.001, "the model's nanoseconds for accepting and deciding")
}

// lastGood is when the last request was sent that was answered 200.
var lastGood = lab.Metric{Name: "last 200 was sent at", Unit: "s", ByLoad: true, Of: lab.LastGood.Of}

// pollsAlone is what theory says of polls that wait for nobody: the feed's time.
func pollsAlone() []lab.Distribution {
	return []lab.Distribution{{Load: "/check_feed", Formula: "a poll: 0 to 5 whole seconds", CDF: feedsim.Delay{}.CDF}}
}

// inFlight is how many requests of the load were under way on average while it
// lasted, by Little's law: the sum of all that they took over 120 s.
var inFlight = lab.Metric{Name: "mean requests in flight", Unit: "requests", ByLoad: true, Of: func(o *lab.Observation) float64 {
	sum := 0.0
	for _, r := range o.Records {
		sum += r.Latency.Seconds()
	}
	return sum / 120
}}

// atOnce is how many requests got a 502 within a second.
var atOnce = lab.Metric{Name: "502 within a second", Unit: "replies", ByLoad: true, Of: func(o *lab.Observation) float64 {
	n := 0.0
	for _, r := range o.Records {
		if r.Status == 502 && r.Latency < time.Second {
			n++
		}
	}
	return n
}}

// lines is how many lines streams got.
var lines = lab.Metric{Name: "lines", ByLoad: true, Of: func(o *lab.Observation) float64 {
	n := 0
	for _, r := range o.Records {
		if r.Status == 200 {
			n += r.Lines
		}
	}
	return float64(n)
}}

// behind is the exercise with all routes on one server.
func behind(server worker.Config, variant feedsim.AppConfig, change ...func(*lab.System)) lab.System {
	s := exercise.Behind(server, variant)
	for _, f := range change {
		f(&s)
	}
	return s
}

// become gives e's server another variant of the app.
func become(e *lab.Experiment, variant feedsim.AppConfig) {
	s := exercise.Behind(e.System.Server, variant)
	e.System.App, e.System.Variant = s.App, s.Variant
}

// slowFeed puts another feed behind the app.
func slowFeed(c feedsim.FeedConfig) func(*lab.System) {
	return func(s *lab.System) { s.Services = []lab.Service{exercise.Feed(c)} }
}

// edited is the nginx.conf as shipped with one change.
func edited(name, was, is string) *front.Config {
	c, err := front.Parse(name, strings.NewReader(strings.Replace(feedsim.Shipped, was, is, 1)))
	if err != nil {
		panic(err)
	}
	return c
}

var (
	awaiting = feedsim.AppConfig{Awaiting: true}
	buffered = edited("the nginx.conf as shipped, but for proxy_buffering", "proxy_buffering off;", "")

	pollsEnd   = 120*time.Second + exercise.Patience
	streamsEnd = 90*time.Second + exercise.Patience
)

// feedExercise is the exercise's rows.
var feedExercise = []lab.Experiment{
	{
		Name:   "polls/sync",
		Claim:  "Two sync workers that get 11 requests a second and can do 0.8 answer about λμT/(λ−μ) in time, then nobody, for as long as the load lasts.",
		System: behind(feedsim.Prefork(), feedsim.AppConfig{}),
		Load:   exercise.Polls(), Horizon: pollsEnd,
		Checks: []lab.Check{
			{Metric: lab.Replies(200).On("/check_feed"), Want: collapse, Formula: collapseFormula, Within: collapsed()},
			{Metric: lastGood.On("/check_feed"), Want: predict(overload.LastServed()), Formula: "μT/(λ−μ): the last of them", Within: lab.Absolute(2.2, "4σ of 52 polls, 21 requests, at 10/s")},
			{Metric: lab.Replies(504).On("/"), Want: 120 - collapse/arrivals, Formula: "all that come after that wait in the same queue", Within: lab.Absolute(3.2, "2.2 s at 1/s, and one at the edge")},
		},
		Lesson: lab.Lesson{
			Cause: "The queue is first in, first out, and a worker does not know that a client in it has left. Once the wait has reached nginx's 60 s, every request that is served is one whose client was told 504 a moment before: the workers are busy all the time, for nobody. / costs nothing and waits in the same queue.",
			Fix:   "Serve as many at a time as wait at a time (polls/threaded, polls/awaiting), or refuse what cannot be served: see the cures. And keep / away from routes that wait.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server = gthread25 },
	},
	{
		Name:   "polls/pool-of-one",
		Claim:  "As shipped a threaded worker has one thread, so two of them are two sync workers: the same collapse.",
		System: behind(feedsim.Threaded(), feedsim.AppConfig{}),
		Load:   exercise.Polls(), Horizon: pollsEnd,
		Checks: []lab.Check{
			{Metric: lab.Replies(200).On("/check_feed"), Want: collapse, Formula: collapseFormula, Within: collapsed()},
			{Metric: lab.Replies(504).On("/"), Want: 120 - collapse/arrivals, Formula: "all that come after that wait for the same thread", Within: lab.Absolute(3.2, "2.2 s at 1/s, and one at the edge")},
		},
		Lesson: lab.Lesson{
			Cause: "gunicorn's --threads is 1 unless somebody sets it. The main loop accepts everybody, and one thread serves them: the name of the worker class promises what its settings do not give.",
			Fix:   "Set --threads. No edit of nginx.conf alone repairs this.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server.Threads = 25 },
	},
	{
		Name:   "polls/threaded",
		Claim:  "By Little's law 10 polls a second of 2.5 s are 25 at a time: 2 × 25 threads carry them, and nine in ten requests to / notice nothing.",
		System: behind(gthread25, feedsim.AppConfig{}),
		Load:   exercise.Polls(), Horizon: pollsEnd,
		Latencies: pollsAlone(),
		Checks: []lab.Check{
			{Metric: lab.Replies(200).On("/check_feed"), Want: sent, Formula: "all", Within: lab.Exactly()},
			{Metric: inFlight.On("/check_feed"), Want: predict(queueing.Little(arrivals, poll)), Formula: "Little's law: λ·E[S] = 10/s · 2.5 s", Within: lab.Absolute(4*math.Sqrt(sent*pollVar)/120, "4σ of the sum of 1,200 polls over 120 s")},
			{Metric: lab.Latency(90).On("/"), Want: 0, Formula: "a thread is free: 25 of 50 are in use on average, and seldom all of a worker's", Within: ofTheModel()},
		},
		Lesson: lab.Lesson{
			Cause: "A thread that waits for the feed costs memory and nothing else. 50 of them are twice what waits on average.",
			Fix:   "Nothing to fix at this rate: count what waits, and leave room. What never ends is another matter: see streams/threaded.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server.Threads = 1 },
	},
	{
		Name:   "polls/awaiting",
		Claim:  "Two event loops whose handlers await answer every poll when the feed does.",
		System: behind(feedsim.Evented(), awaiting),
		Load:   exercise.Polls(), Horizon: pollsEnd,
		Latencies: pollsAlone(),
		Checks: []lab.Check{
			{Metric: lab.Replies(200).On("/check_feed"), Want: sent, Formula: "all", Within: lab.Exactly()},
			{Metric: lab.Latency(100).On("/check_feed"), Want: 5, Formula: "the longest poll, and nobody is waited for", Within: ofTheModel()},
			{Metric: lab.Latency(100).On("/"), Want: 0, Formula: "the loop is free", Within: ofTheModel()},
		},
		Lesson: lab.Lesson{
			Cause: "A request that awaits is an entry in a table, and there is no pool to run out of.",
			Fix:   "Nothing to fix, as long as every handler awaits: see polls/blocking for one that does not.",
		},
		Sibling: func(e *lab.Experiment) { become(e, feedsim.AppConfig{}) },
	},
	{
		Name:   "polls/blocking",
		Claim:  "Handlers that block make an event loop worse than a sync worker: it takes in everybody, serves one at a time, and when it is killed all are lost.",
		System: behind(feedsim.Evented(), feedsim.AppConfig{}),
		Load:   exercise.Polls(), Horizon: pollsEnd,
		Checks: []lab.Check{
			{Metric: lab.Replies(200).On("/check_feed"), Want: blockingMost, Formula: "what two loops can poll one at a time: 2 · 181 s/(2.5 s), and 4σ of that", Within: lab.AtMost("145 polls take 181 s on two loops; 4σ of their count is 33")},
			{Metric: lab.Exits(worker.TimedOut), Want: 6, Formula: "a loop is held, and killed 30 to 34 s later: 2 · ⌊120 s/(34 s)⌋", Within: lab.AtLeast("one turn of up to 3 s before the one that is too long, the arbiter's second, and the boot")},
			{Metric: lab.Replies(502).On("/check_feed"), Want: sent - blockingMost, Formula: "the others were on a loop that was killed", Within: lab.AtLeast("all but the most that can be served")},
			{Metric: lab.Replies(502).On("/"), Want: 120 - 14.5 - 4*math.Sqrt(14.5), Formula: "one for each ten polls that are served gets its turn between them, 14.5, and 4σ of that", Within: lab.AtLeast("all but those")},
		},
		Lesson: lab.Lesson{
			Cause: "The loop accepts all that wait, then runs their handlers one after another: a turn of 13 polls is longer than the worker timeout, and the heartbeat is a task of the same loop. The arbiter aborts the worker with every connection that it had: nginx sees them close, and says 502.",
			Fix:   "Await, or run what blocks in a thread. A sync worker is the better choice for handlers that block.",
		},
		Sibling: func(e *lab.Experiment) { become(e, awaiting) },
	},
	{
		Name:   "streams/sync",
		Claim:  "Two streams hold two sync workers until the arbiter kills them: of 75, two and then two more are ever served, and / is gone for two minutes.",
		System: behind(feedsim.Prefork(), feedsim.AppConfig{}),
		Load:   exercise.Streams(), Horizon: streamsEnd,
		Checks: []lab.Check{
			{Metric: lab.Streaming.On("/stream_feed"), Want: 4, Formula: "2 workers · 60 s/(30 s): nginx gives up after 60 s, the arbiter after 30", Within: lab.Exactly()},
			{Metric: lab.Replies(504).On("/stream_feed"), Want: 71, Formula: "the others", Within: lab.Exactly()},
			{Metric: lab.Replies(200).On("/"), Want: 2 * (87 - 62), Formula: "62 s and 71 dead streams of a poll each on two workers, 62 s + 71·2.5 s/2 = 151 s: by then all of / have left, or those who came before second 62 if it goes fast", Within: lab.AtMost("4σ of 71 polls on two workers are 29 s: at 122 s at the earliest")},
		},
		Lesson: lab.Lesson{
			Cause: "A sync worker beats between requests only, and a stream has no end: to the arbiter it is a worker that hangs. Nobody else is served meanwhile, and then come the streams whose clients have left: each takes a poll until a write fails.",
			Fix:   "A stream needs a server where a connection that waits is cheap: an event loop. Where there is none, a sync worker is no place for it.",
		},
		Sibling: func(e *lab.Experiment) {
			e.System.Server, e.System.App = feedsim.Evented(), behind(feedsim.Evented(), awaiting).App
		},
	},
	{
		Name:   "streams/pool-of-one",
		Claim:  "With one thread each, two streams are all that two threaded workers ever serve; they are not even killed.",
		System: behind(feedsim.Threaded(), feedsim.AppConfig{}),
		Load:   exercise.Streams(), Horizon: streamsEnd,
		Checks: []lab.Check{
			{Metric: lab.Streaming.On("/stream_feed"), Want: 2, Formula: "2 workers · 1 thread", Within: lab.Exactly()},
			{Metric: lab.Exits(worker.TimedOut), Want: 0, Formula: "the main loop beats, however long a thread takes", Within: lab.Exactly()},
			{Metric: lab.Replies(200).On("/"), Want: 0, Formula: "after the two come 36 dead streams a thread, of a poll each at least: 90 s", Within: lab.Exactly()},
		},
		Lesson: lab.Lesson{
			Cause: "A thread is held for as long as its stream lasts. The heartbeat is the main loop's, so nothing tells that the pool is stuck: no kill, no log line, and no reply.",
			Fix:   "As many threads as streams, or an event loop.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server.Threads = 25 },
	},
	{
		Name:   "streams/threaded",
		Claim:  "50 threads carry 50 streams. The other 25 get 504 after a minute, and / waits behind them until the streams end.",
		System: behind(gthread25, feedsim.AppConfig{}),
		Load:   exercise.Streams(), Horizon: streamsEnd,
		Checks: []lab.Check{
			{Metric: lab.Streaming.On("/stream_feed"), Want: 50, Formula: "2 · 25 threads", Within: lab.Absolute(15.5, "a worker's share of the 75 has a standard deviation of 7: at 37.5 − 28 = 9.5 streams, 15.5 of its threads are idle")},
			{Metric: lab.Replies(504).On("/stream_feed"), Want: 25, Formula: "the others", Within: lab.Absolute(15.5, "the same")},
			{Metric: lab.Replies(200).On("/"), Want: 2 * (87 - 30), Formula: "who comes after second 30 is still waiting when the streams end at 90: 2/s · (87 s − 30 s)", Within: lab.Absolute(2*28, "a worker with an idle thread serves those who come before second 30 too: 2/s · 28 s. And the threads come free within 5 s, and dead streams that are ahead may take each for two polls more: 2/s · 15 s")},
		},
		Lesson: lab.Lesson{
			Cause: "A pool is as large as it is. Whoever comes when it is full waits: streams among themselves, and / with them, though it costs nothing.",
			Fix:   "Streams on an event loop, short requests on a pool: one pool for both lets the long ones starve the short ones.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server.Threads = 50 },
	},
	{
		Name:   "streams/awaiting",
		Claim:  "Two event loops carry all 75 streams, and answer / at once.",
		System: behind(feedsim.Evented(), awaiting),
		Load:   exercise.Streams(), Horizon: streamsEnd,
		Checks: []lab.Check{
			{Metric: lab.Streaming.On("/stream_feed"), Want: 75, Formula: "all", Within: lab.Exactly()},
			{Metric: lab.FirstByte(100).On("/stream_feed"), Want: 5, Formula: "the longest poll", Within: ofTheModel()},
			{Metric: lab.Replies(200).On("/"), Want: 170, Formula: "all", Within: lab.Exactly()},
			{Metric: lab.Latency(100).On("/"), Want: 0, Formula: "the loop is free", Within: ofTheModel()},
		},
		Lesson: lab.Lesson{
			Cause: "A stream that waits for its next line holds a connection and some memory. The loop is held for microseconds a line.",
			Fix:   "Nothing to fix. The next limits are worker_connections here and in nginx, and the feed.",
		},
		Sibling: func(e *lab.Experiment) { become(e, feedsim.AppConfig{}) },
	},
	{
		Name:   "streams/blocking",
		Claim:  "With handlers that block, each loop serves one stream until it is killed; who waited meanwhile for / is accepted by the next loop, and lost with it.",
		System: behind(feedsim.Evented(), feedsim.AppConfig{}),
		Load:   exercise.Streams(), Horizon: streamsEnd,
		Checks: []lab.Check{
			{Metric: lab.Streaming.On("/stream_feed"), Want: 4, Formula: "2 loops · 60 s/(30 s)", Within: lab.Exactly()},
			{Metric: lab.Replies(502).On("/"), Want: 2 * (31 - 2), Formula: "all that come before the first kill: 2/s · (31 s − 2 s)", Within: lab.Absolute(2, "the arbiter's second: 2/s · 1 s")},
		},
		Lesson: lab.Lesson{
			Cause: "A stream whose handler blocks between two lines never gives the loop back. At the kill its successor takes the whole backlog in, 48 requests to / in the field, begins the next stream, and takes them all along when it is killed in turn.",
			Fix:   "Await. A blocking call in a stream is the worst place for one.",
		},
		Sibling: func(e *lab.Experiment) { become(e, awaiting) },
	},
	{
		Name:   "502/two-addresses",
		Claim:  "Where localhost is two addresses, the same file and load give 502 in place of 504, and after a minute / dies at once.",
		System: behind(feedsim.Prefork(), feedsim.AppConfig{}, func(s *lab.System) { s.Front.Hosts = exercise.TwoAddresses() }),
		Load:   exercise.Polls(), Horizon: pollsEnd,
		Checks: []lab.Check{
			{Metric: lab.Replies(200).On("/check_feed"), Want: collapse, Formula: collapseFormula, Within: collapsed()},
			{Metric: lab.Replies(504).On("/check_feed"), Want: 4 * 120 / 10, Formula: "each of nginx's 4 processes tries [::1] first once in fail_timeout, 10 s, and has then no peer left for the time-out", Within: lab.AtMost("4 processes · 120 s/(10 s)")},
			{Metric: lab.Replies(502).On("/check_feed"), Want: sent - collapse - 21.5 - 48, Formula: "all the others: 1,200 less those two", Within: lab.AtLeast("the two predictions above, at their highest")},
			{Metric: lab.Tries(front.NoLive), Want: sent - collapse - 21.5 - 2*48, Formula: "each of these 502s, but for those whose retry was refused, one a process in 10 s", Within: lab.AtLeast("the prediction above, less 4 processes · 120 s/(10 s)")},
			{Metric: atOnce.On("/"), Want: 120 - 68, Formula: "all from 60 s after the first that was too late on, which was sent by 5.2 s + 2.2 s", Within: lab.AtLeast("a request a second until 120 s")},
		},
		Lesson: lab.Lesson{
			Cause: "A name with two addresses is two servers, so max_fails=1 applies: a time-out takes 127.0.0.1 out for 10 s, and the retry on [::1], where nobody listens, is refused. With both out nginx asks nobody: no live upstreams, 502 in a millisecond, for every route of that upstream.",
			Fix:   "Write 127.0.0.1 in the upstream. That turns 502 back into 504, and cures nothing: the queue is still too long. (max_fails=0 marks nobody, and every second request is still tried at the address that refuses.)",
		},
		Sibling: func(e *lab.Experiment) { e.System.Front.Hosts = nil },
	},
	{
		Name:   "502/killed-worker",
		Claim:  "A feed slower than the worker timeout gives 502: each poll costs a sync worker its life.",
		System: behind(feedsim.Prefork(), feedsim.AppConfig{}, slowFeed(feedsim.FeedConfig{Delay: feedsim.Constant(40 * time.Second)})),
		Load:   []load.Load{load.Open{Name: "/check_feed", Path: "/check_feed", Rate: 0.05, Duration: 2 * time.Minute}}, Horizon: pollsEnd,
		Checks: []lab.Check{
			{Metric: lab.Replies(502), Want: 6, Formula: "all: 0.05/s · 120 s", Within: lab.Exactly()},
			{Metric: lab.Exits(worker.TimedOut), Want: 2 * atMost(queueing.Kills{Workers: 2, Timeout: 30, Boot: 0.18, Arrivals: 0.05}.PerMinute()), Formula: "a worker each: 2 min · 60·λ", Within: lab.Exactly()},
			{Metric: lab.Latency(100), Want: 30.5, Formula: "the worker timeout, seen up to a second later", Within: lab.Absolute(0.5, "the arbiter looks once a second")},
		},
		Lesson: lab.Lesson{
			Cause: "30 s without a heartbeat, and the arbiter aborts the worker: the connection closes before a header, which is a 502. nginx would have waited for 60 s.",
			Fix:   "A timeout on the feed that is shorter than the worker's, which is shorter than nginx's: then the one who knows why is the one who answers.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server.Timeout = time.Minute },
	},
	{
		Name:  "502/full-backlog",
		Claim: "A short backlog that refuses, as a unix socket's does, serves twice as many users as a long one, and tells the others so at once.",
		System: behind(with(feedsim.Prefork(), func(c *worker.Config) { c.Backlog = 8 }), feedsim.AppConfig{},
			func(s *lab.System) { s.Overflow = simnet.Refuse }),
		Load: jittered(), Horizon: pollsEnd,
		Checks: []lab.Check{
			{Metric: lab.Replies(200).On("/check_feed"), Want: capacity*120 + 10, Formula: "μ·120 s, and of the 11 that are there at the end about 10", Within: lab.Absolute(polls(106), "4σ of 106 polls")},
			{Metric: lab.Replies(504).On("/check_feed"), Want: 0, Formula: "nobody waits for more than 11 polls of up to 5 s on two workers, 27.5 s", Within: lab.Exactly()},
			{Metric: atOnce.On("/check_feed"), Want: sent - capacity*120 - 10, Formula: "the others, refused when they come", Within: lab.Absolute(polls(106), "the same")},
		},
		Lesson: lab.Lesson{
			Cause: "What waits is 9 connections, 11 s of work: whoever gets in is served in time, so no poll is for nobody. The rest are refused (EAGAIN), which is a 502 within a millisecond: their browsers can try again, or somebody else's server can.",
			Fix:   "This is a cure: a queue no longer than what can be served within the client's patience, μT.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server.Backlog = 2048 },
	},
	{
		Name:   "504/full-backlog",
		Claim:  "The same backlog that drops, as Linux TCP's does, serves as many and more, since who was dropped asks again; the others wait a minute for their 504.",
		System: behind(with(feedsim.Prefork(), func(c *worker.Config) { c.Backlog = 8 }), feedsim.AppConfig{}),
		Load:   jittered(), Horizon: pollsEnd,
		Checks: []lab.Check{
			{Metric: lab.Replies(200).On("/check_feed"), Want: capacity*(120+31) + 10, Formula: "μ·(120 s + 31 s), until the last SYN is sent again, and about 10 that wait then", Within: lab.Absolute(polls(131), "4σ of 131 polls")},
			{Metric: lab.Replies(502).On("/check_feed"), Want: 0, Formula: "a SYN that is dropped is no refusal", Within: lab.Exactly()},
			{Metric: lab.Latency(50).On("/check_feed"), Want: 60, Formula: "proxy_connect_timeout", Within: ofTheModel()},
		},
		Lesson: lab.Lesson{
			Cause: "A SYN that meets a full queue is dropped and sent again after 1, 3, 7, 15 and 31 s: the kernel's patience takes the queue's place, in no order.",
			Fix:   "tcp_abort_on_overflow, a unix socket, or a short proxy_connect_timeout, so that who cannot be served hears it.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Overflow = simnet.Refuse },
	},
	{
		Name:   "cure/cancellation",
		Claim:  "Handlers that end when their client leaves never work for nobody: at the edge of 60 s those get through whose poll takes no time, one in six.",
		System: behind(feedsim.Prefork(), feedsim.AppConfig{HonourCancel: true}),
		Load:   exercise.Polls(), Horizon: pollsEnd,
		Checks: []lab.Check{
			{Metric: lab.Replies(200).On("/check_feed"), Want: predict(overload.ServedWithCancellation(120, 1.0/6)), Formula: "λμT/(λ−μ), and of the others a sixth, whose poll is 0 of 0 to 5 s", Within: lab.Absolute(54, "4σ: of 1,148 draws of one in six, 12.6, and 5/6 of the first 52's, 4.5")},
			{Metric: lab.Replies(200).On("/"), Want: 120, Formula: "all: a request that is next gets its turn while its client is there", Within: lab.Exactly()},
		},
		Lesson: lab.Lesson{
			Cause: "A dead request is dropped when it gets its turn, so the queue moves at the speed at which clients give up, and who is next has just not given up: it is served if it takes no time. Goodput comes back; everybody waits a minute.",
			Fix:   "Pass the request's context on to whatever the handler waits for. And refuse early besides: this cure alone is slow.",
		},
		Sibling: func(e *lab.Experiment) { become(e, feedsim.AppConfig{}) },
	},
	{
		Name:   "cure/shedding",
		Claim:  "An app that lets one request poll at a time and answers the others with 503 at once keeps / alive on the same two workers.",
		System: behind(feedsim.Prefork(), feedsim.AppConfig{MaxPolls: 1}),
		Load:   exercise.Polls(), Horizon: pollsEnd,
		Checks: []lab.Check{
			{Metric: lab.Replies(200).On("/check_feed"), Want: 120 / (poll + 0.1), Formula: "one at a time, and the next comes up to 0.1 s later: 120 s/(2.6 s)", Within: lab.Absolute(polls(46), "4σ of 46 polls")},
			{Metric: lab.Replies(200).On("/"), Want: 120, Formula: "all", Within: lab.Exactly()},
			{Metric: lab.Latency(100).On("/"), Want: 0, Formula: "a worker is free", Within: ofTheModel()},
		},
		Lesson: lab.Lesson{
			Cause: "The limit is below what there are workers, so one is always free to say no, or to serve /. As many polls succeed as in the collapse, but each within 5 s, and for as long as the load lasts.",
			Fix:   "This is a cure: bound each route by what it may hold, and answer 503 with Retry-After beyond it.",
		},
		Sibling: func(e *lab.Experiment) { become(e, feedsim.AppConfig{MaxPolls: 2}) },
	},
	{
		Name:   "cure/coalescing",
		Claim:  "A feed that works on 10 polls at a time collapses under 10/s like a pool, behind any app server; requests that share a poll ask it for two.",
		System: behind(feedsim.Evented(), feedsim.AppConfig{Awaiting: true, Coalesce: true}, slowFeed(feedsim.FeedConfig{Capacity: 10})),
		Load:   exercise.Polls(), Horizon: pollsEnd,
		Checks: []lab.Check{
			{Metric: lab.Replies(200).On("/check_feed"), Want: sent, Formula: "all", Within: lab.Exactly()},
			{Metric: lab.Latency(100).On("/check_feed"), Want: 5, Formula: "nobody waits longer than for one poll", Within: ofTheModel()},
		},
		Lesson: lab.Lesson{
			Cause: "Async moves the queue to whatever is limited next: 10/2.5 s = 4 polls a second is what this feed can do. Everybody wants the same answer, so one poll a loop is enough for all who wait. (On a pool of threads it would not help: who waits for a shared poll holds a thread as well.)",
			Fix:   "singleflight, keyed by whatever the answer depends on. Keyed by less than that it shows one user's data to another.",
		},
		Sibling: func(e *lab.Experiment) { become(e, awaiting) },
	},
	{
		Name:   "cure/coalescing-on-threads",
		Claim:  "On a pool of threads the same cure cures nothing: who waits for a shared poll holds a thread as well, so 2 × 5 threads collapse as they did.",
		System: behind(with(gthread25, func(c *worker.Config) { c.Threads = 5 }), feedsim.AppConfig{Coalesce: true}),
		Load:   exercise.Polls(), Horizon: pollsEnd,
		Checks: []lab.Check{
			{Metric: lab.Replies(200).On("/check_feed"), Want: predict(queueing.Overload{Arrivals: arrivals, Capacity: 10 / poll, Patience: patience}.Served()), Formula: "λμT/(λ−μ), λ = 10/s, μ = 10/(2.5 s), T = 60 s", Within: lab.Absolute(5*polls(80)*10/6, "4σ of 80 polls that serve five each, times λ/(λ−μ)")},
		},
		Lesson: lab.Lesson{
			Cause: "When a poll is over, all five threads of the worker are free at once, and the next five requests begin the next poll together: five requests a poll, as before.",
			Fix:   "Coalesce where waiting is free, or before the pool: in nginx (proxy_cache_lock), or on an event loop.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server.Threads = 25 },
	},
	{
		Name:   "cure/feed-timeout",
		Claim:  "One poll in twenty that is never answered costs a thread each; a timeout on the feed costs those users a 504 and nobody else anything.",
		System: behind(gthread25, feedsim.AppConfig{FeedTimeout: 6 * time.Second}, slowFeed(feedsim.FeedConfig{Hangs: 0.05})),
		Load:   exercise.Polls(), Horizon: pollsEnd,
		Checks: []lab.Check{
			{Metric: lab.Replies(200).On("/check_feed"), Want: 0.95 * sent, Formula: "19 in 20", Within: lab.Absolute(4*math.Sqrt(sent*0.05*0.95), "4σ of 1,200 draws of one in twenty")},
			{Metric: lab.Latency(99).On("/check_feed"), Want: 6, Formula: "the timeout, which one in twenty meets", Within: ofTheModel()},
			{Metric: lab.Latency(90).On("/"), Want: 0, Formula: "a thread is free: 25 of 50 are in use on average, and seldom all of a worker's", Within: ofTheModel()},
		},
		Lesson: lab.Lesson{
			Cause: "A client without a timeout waits for ever, and a thread that waits for ever is gone: half a thread a second here, so 50 of them are gone in 100 s. The heartbeat is the main loop's: nobody notices.",
			Fix:   "A timeout on every call, a little longer than the slowest answer that is worth having.",
		},
		Sibling: func(e *lab.Experiment) { become(e, feedsim.AppConfig{}) },
	},
	{
		Name:   "cure/shared-poller",
		Claim:  "A feed that works on 10 polls at a time cannot feed 75 streams that poll for themselves; one poller a loop feeds them all.",
		System: behind(feedsim.Evented(), feedsim.AppConfig{Awaiting: true, SharedPoller: true}, slowFeed(feedsim.FeedConfig{Capacity: 10})),
		Load:   exercise.Streams(), Horizon: streamsEnd,
		Checks: []lab.Check{
			{Metric: lines.On("/stream_feed"), Want: 75 * 90 / poll, Formula: "each stream gets every line of its loop's poller: 75 · 90 s/(2.5 s)", Within: lab.Relative(4*math.Sqrt(pollVar/poll/poll/36/2), "4σ of two loops' 36 polls each")},
			{Metric: lab.Replies(200).On("/"), Want: 170, Formula: "all", Within: lab.Exactly()},
		},
		Lesson: lab.Lesson{
			Cause: "75 streams want 75/2.5 s = 30 polls a second of a feed that can do 4. All of them want the same lines.",
			Fix:   "One poller, and a channel a reader that drops who is too slow: a reader that blocks the poller would stop everybody's stream.",
		},
		Sibling: func(e *lab.Experiment) { become(e, awaiting) },
	},
	{
		Name:   "buffering/full-buffer",
		Claim:  "With proxy_buffering on, as it is unless somebody turns it off, the first line of a stream arrives when a buffer of 4,096 bytes is full.",
		System: behind(feedsim.Evented(), awaiting, slowFeed(feedsim.FeedConfig{Delay: feedsim.Constant(100 * time.Millisecond)}), func(s *lab.System) { s.Front.Config = buffered }),
		Load:   []load.Load{load.Open{Name: "/stream_feed", Path: "/stream_feed", Rate: 3, Duration: time.Second}}, Horizon: 40 * time.Second,
		Checks: []lab.Check{
			{Metric: lab.FirstByte(100), Want: 4096.0 / 18 * 0.1, Formula: "4,096 bytes/(18 bytes a line) · 0.1 s", Within: lab.Absolute(1.2, "the reply's header is in the same buffer: up to 200 bytes, 11 lines")},
		},
		Lesson: lab.Lesson{
			Cause: "nginx reads the reply into a buffer and sends it on when that is full or the reply ends. A line of 18 bytes every 2.5 s would take nine and a half minutes.",
			Fix:   "proxy_buffering off in the stream's location, or X-Accel-Buffering: no in its reply.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Front.Config = exercise.Shipped() },
	},
	{
		Name:   "buffering/upstream-ends",
		Claim:  "On a sync worker a buffered stream shows its first line when the worker is killed: all lines at once, half a minute late.",
		System: behind(feedsim.Prefork(), feedsim.AppConfig{}, func(s *lab.System) { s.Front.Config = buffered }),
		Load:   []load.Load{load.Open{Name: "/stream_feed", Path: "/stream_feed", Rate: 1, Duration: time.Second}}, Horizon: 40 * time.Second,
		Checks: []lab.Check{
			{Metric: lab.FirstByte(100), Want: 30.5, Formula: "the worker timeout, seen up to a second later", Within: lab.Absolute(0.5, "the arbiter looks once a second")},
			{Metric: lines, Want: 30 / poll, Formula: "as many polls as 30 s hold", Within: lab.Absolute(polls(30/poll), "4σ of 12 polls")},
		},
		Lesson: lab.Lesson{
			Cause: "The upstream's end is what empties the buffer. To a reply of HTTP/1.0 without a length a FIN is a proper end: the client is told that all is well.",
			Fix:   "proxy_buffering off, and a server whose streams are not killed.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Front.Config = exercise.Shipped() },
	},
	{
		Name:   "routing/repaired",
		Claim:  "With each route on the server that suits it, all of the exercise's traffic at once leaves nobody waiting.",
		System: repaired().System(),
		Load:   exercise.Traffic(), Horizon: pollsEnd,
		Checks: []lab.Check{
			{Metric: lab.Replies(200).On("/check_feed"), Want: sent, Formula: "all, on 2 · 25 threads", Within: lab.Exactly()},
			{Metric: lab.Latency(99).On("/check_feed"), Want: 5, Formula: "the longest poll: 25 of 50 threads are in use on average", Within: ofTheModel()},
			{Metric: lab.Streaming.On("/stream_feed"), Want: 75, Formula: "all, on loops that await", Within: lab.Exactly()},
			{Metric: lab.FirstByte(100).On("/stream_feed"), Want: 5, Formula: "the longest poll, and no buffer", Within: ofTheModel()},
			{Metric: lab.Replies(200).On("/"), Want: 120, Formula: "all, on sync workers that nobody holds", Within: lab.Exactly()},
			{Metric: lab.Replies(200).On("/hash_me"), Want: 120, Formula: "all, on the same", Within: lab.Exactly()},
			{Metric: lab.Latency(100).On("/"), Want: 0, Formula: "a worker is free", Within: ofTheModel()},
		},
		Lesson: lab.Lesson{
			Cause: "What waits for ever is where waiting takes no thread, what waits for a while where there is a thread for each that waits, and what never waits behind neither.",
			Fix:   "This is the fix: feedsim/solution/nginx.conf, gunicorn --threads 25 on 5100, and handlers that await on 5200. feedsim/FINDINGS.md has the reasons.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Front.Config = exercise.Shipped() },
	},
}

// repaired is the reference solution.
func repaired() exercise.Setup {
	s, err := exercise.For("solution")
	if err != nil {
		panic(err)
	}
	return s
}

// jittered is the polls with the requests to / at random moments: at the full
// second they would always find a full backlog, since /check_feed is asked at the
// same instant, and a nanosecond earlier.
func jittered() []load.Load {
	l := exercise.Polls()
	root := l[1].(load.Open)
	root.Poisson = true
	l[1] = root
	return l
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

// napLengths are the S of naps uniform(0, S), in seconds, at which the two servers
// are compared.
var napLengths = []struct {
	name, words string
	sleep       float64
}{
	{"100ms", "naps up to 100 ms", 0.1}, {"10ms", "naps up to 10 ms", 0.01}, {"1ms", "naps up to 1 ms", 0.001}, {"0ms", "no nap", 0},
}

// meanNap is how many seconds a nap uniform(0, sleep) takes on the field's machine.
func meanNap(sleep float64) float64 {
	if sleep == 0 {
		return 0
	}
	return sleep/2 + fidelity.Overshoot.Seconds()
}

// crossoverRates are what either server answers to naps uniform(0, sleep).
func crossoverRates(sleep float64) (syncRate, asyncRate float64) {
	return predict(queueing.SyncRate(1, meanNap(sleep), fidelity.SyncCPU.Seconds())),
		predict(queueing.AsyncRate(1, 500, meanNap(sleep), fidelity.AsyncCPU.Seconds()))
}

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
	for _, nap := range napLengths {
		mean := meanNap(nap.sleep)
		syncRate, asyncRate := crossoverRates(nap.sleep)
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
				Name:     "crossover/async/" + nap.name,
				Claim:    fmt.Sprintf("With %s a loop answers min(N/(E[S]+c), 1/c): it pays for no nap, and for its CPU each time.", nap.words),
				System:   asyncServer,
				Load:     crossoverLoad("/async_sleep/", nap.sleep),
				Requests: int(4 * asyncRate),
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

// crossoverFigure is the two servers over the nap lengths: what was predicted, what
// the model gave, and what the field has.
func crossoverFigure(results []*lab.Result) (report.Figure, error) {
	f := report.Figure{
		Title: "The shorter the nap, the less async pays: the lines cross at naps of up to a millisecond",
		Words: "One gunicorn sync worker and one uvicorn loop under wrk with 500 connections, naps even between 0 and S. Predicted by 1/(E[S]+c) and min(N/(E[S]+c), 1/c) with the calibrated costs c. The field is the real programs, measured once (lab/testdata/field/poc.json). Below the crossing a sync worker, which costs a third of the CPU, answers more.",
		X:     report.Axis{Title: "longest nap S", Unit: "ms", Log: true},
		Y:     report.Axis{Title: "throughput", Unit: "replies/s", Log: true},
	}
	var predicted, model [2]report.Series
	servers := [2]string{"sync worker", "event loop"}
	for i, server := range servers {
		predicted[i], model[i] = report.Series{Of: server, From: "predicted"}, report.Series{Of: server, From: "the model"}
	}
	for ms := 0.1; ms <= 101; ms *= math.Pow(10, 0.05) {
		s, a := crossoverRates(ms / 1000)
		predicted[0].At = append(predicted[0].At, report.Point{X: ms, Y: s})
		predicted[1].At = append(predicted[1].At, report.Point{X: ms, Y: a})
	}
	for _, r := range results {
		for _, nap := range napLengths {
			for i, server := range []string{"sync", "async"} {
				if r.Name == "crossover/"+server+"/"+nap.name && r.Checks[0].Observed != nil {
					model[i].At = append(model[i].At, report.Point{X: 1000 * nap.sleep, Y: *r.Checks[0].Observed})
				}
			}
		}
	}
	if len(model[0].At) == 0 || len(model[1].At) == 0 {
		return report.Figure{}, nil // the rows did not run
	}
	var field struct {
		Rows []struct {
			Server    string
			Sleep     float64 `json:"sleep_s"`
			PerSecond float64 `json:"requests_per_s"`
		}
	}
	data, err := os.ReadFile("lab/testdata/field/poc.json")
	if err != nil {
		return report.Figure{}, err
	}
	if err := json.Unmarshal(data, &field); err != nil {
		return report.Figure{}, fmt.Errorf("poc.json: %w", err)
	}
	measured := [2]report.Series{{Of: servers[0], From: "the field"}, {Of: servers[1], From: "the field"}}
	for _, row := range field.Rows {
		for i, server := range []string{"gunicorn_sync", "uvicorn"} {
			if row.Server == server {
				measured[i].At = append(measured[i].At, report.Point{X: 1000 * row.Sleep, Y: row.PerSecond})
			}
		}
	}
	f.Lines, f.Points = predicted[:], append(model[:], measured[:]...)
	return f, nil
}

func crossoverLoad(view string, sleep float64) []load.Load {
	l := wrk500(view, sleep)
	l.Duration = 4 * time.Second
	return []load.Load{l}
}

// results is what TestExperiments has measured, if it has run.
var results *lab.Results

// TestExperiments runs the table: make lab prints it.
func TestExperiments(t *testing.T) {
	results = lab.Test(t, table(), report.HTML(crossoverFigure))
}

// table is every row there is.
func table() []lab.Experiment { return slices.Concat(experiments, queues, crossover(), feedExercise) }

// TestEveryFormulaPredictsSomething: there is no theory here that no experiment
// uses, be it a row of the table or one from a file.
func TestEveryFormulaPredictsSomething(t *testing.T) {
	used := map[string]bool{}
	parsed(t, "experiments_test.go", func(f *ast.File) { formulasIn(f, used) })
	parsed(t, "lab/scenario/*.go", func(f *ast.File) { formulasIn(f, used) })
	formulas := 0
	parsed(t, "lab/queueing/*.go", func(f *ast.File) {
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Name.IsExported() {
				name := d.Name.Name
				if d.Recv != nil {
					name = d.Recv.List[0].Type.(*ast.Ident).Name + "." + name
				}
				formulas++
				assert.True(t, used[name], "queueing.%s predicts nothing: give it an experiment, or delete it", name)
			}
		}
	})
	assert.Greater(t, formulas, 10)
}

// parsed calls f with each file of the pattern; of a folder's, tests are left out.
func parsed(t *testing.T, pattern string, f func(*ast.File)) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	require.NoError(t, err)
	for _, path := range paths {
		if path != pattern && strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		f(file)
	}
}

// formulasIn adds what of lab/queueing a file calls: its functions, and as
// "type.method" the methods of what the file has written down as one of its types.
func formulasIn(file *ast.File, used map[string]bool) {
	theory := func(e ast.Expr) string { // "MMc" for queueing.MMc
		if s, ok := e.(*ast.SelectorExpr); ok {
			if p, ok := s.X.(*ast.Ident); ok && p.Name == "queueing" {
				return s.Sel.Name
			}
		}
		return ""
	}
	literal := func(e ast.Expr) string { // "MMc" for queueing.MMc{…}
		if l, ok := e.(*ast.CompositeLit); ok {
			return theory(l.Type)
		}
		return ""
	}
	kinds := map[string][]string{} // of each variable, by its name alone
	declare := func(names []ast.Expr, values []ast.Expr) {
		for i, name := range names {
			if id, ok := name.(*ast.Ident); ok && i < len(values) {
				if kind := literal(values[i]); kind != "" {
					kinds[id.Name] = append(kinds[id.Name], kind)
				}
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			declare(n.Lhs, n.Rhs)
		case *ast.ValueSpec:
			for _, id := range n.Names {
				if kind := theory(n.Type); kind != "" {
					kinds[id.Name] = append(kinds[id.Name], kind)
				}
			}
			var names []ast.Expr
			for _, id := range n.Names {
				names = append(names, id)
			}
			declare(names, n.Values)
		case *ast.Field:
			for _, id := range n.Names {
				if kind := theory(n.Type); kind != "" {
					kinds[id.Name] = append(kinds[id.Name], kind)
				}
			}
		}
		return true
	})
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if name := theory(call.Fun); name != "" {
			used[name] = true
		} else if method, ok := call.Fun.(*ast.SelectorExpr); ok {
			on := []string{literal(method.X)}
			if id, ok := method.X.(*ast.Ident); ok {
				on = kinds[id.Name]
			}
			for _, kind := range on {
				used[kind+"."+method.Sel.Name] = true
			}
		}
		return true
	})
}

// TestTheLinesCrossWherePredicted finds the nap length at which the two servers
// answer alike, and compares it with the prediction: 1/(E[S]+o+c) = 1/c' where
// S/2 = c' − c − o.
func TestTheLinesCrossWherePredicted(t *testing.T) {
	if racedetector.On {
		t.Skip("about 80,000 requests are too many for the race detector: it needs a run without -race")
	}
	predicted := 2 * predict(queueing.Crossover(fidelity.SyncCPU.Seconds(), fidelity.AsyncCPU.Seconds(), fidelity.Overshoot.Seconds())) // a mean nap is S/2
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

var update = flag.Bool("update", false, "write what the commands print and measure now into README and FINDINGS")

// TestDocuments holds README and FINDINGS to what the commands print and measure
// now, which is the same at every run. make readme corrects them.
func TestDocuments(t *testing.T) {
	if racedetector.On {
		t.Skip("the whole table is too long for the race detector: it needs a run without -race")
	}
	dir := t.TempDir()
	var table string
	if results != nil && results.Complete() {
		table = results.String()
		_, err := results.Write(dir)
		require.NoError(t, err)
	} else {
		table, _, _ = strings.Cut(printed(t, "-test.run=^TestExperiments$", "-lab.out="+dir), "Written: ")
	}

	readme := document.Open(t, "README.md", *update)
	poc, exercises, ok := strings.Cut(strings.Trim(table, "\n"), "\n\n"+feedExercise[0].Name+" ")
	require.True(t, ok, "the exercise's rows come after the PoC's")
	readme.Shows("printed by make lab", poc)
	readme.Shows("printed by make lab, further down", feedExercise[0].Name+" "+exercises)
	row := printed(t, "-test.v", "-test.run=^TestExperiments$/^exhaustion$/^sync$/^sibling$")
	_, row, ok = strings.Cut(row, "has to fail, and does:\n        \n        ")
	require.True(t, ok)
	row, _, _ = strings.Cut(row, "\n--- ")
	readme.Shows("printed by the failing row", strings.ReplaceAll(row, "\n        ", "\n"))

	program := filepath.Join(dir, "outagelab")
	text, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./lab/cmd/outagelab").CombinedOutput()
	require.NoError(t, err, "%s", text)
	report, _, ok := strings.Cut(printedBy(t, 1, program, "exercise"), "\n\n/hash_me\n")
	require.True(t, ok)
	readme.Shows("printed by make exercise", report)

	const sizing = "lab/scenario/examples/sizing.yaml"
	file, err := os.ReadFile(sizing)
	require.NoError(t, err)
	readme.Shows("the file "+sizing, strings.TrimSpace(string(file)))
	answer := printedBy(t, 0, program, "run", sizing)
	readme.Shows("printed by make lab SCENARIO="+sizing, strings.TrimSpace(answer))

	running := readme.Block("printed by make live TARGET=http://127.0.0.1:8000")
	simulated := liveOnTwelveLoops(t)
	said := regexp.MustCompile(`(?m)^http\S+ behaves like [^:]*|^ +(possible|fits) .*$`).FindAllString(simulated, -1)
	require.Len(t, said, 3, "a headline, what is possible, what fits")
	for _, line := range said {
		assert.Contains(t, running, line, "README: what make live says of twelve loops, by what it says of simulated ones")
	}

	lesson, _, ok := strings.Cut(printedBy(t, 1, os.Args[0], "-test.run=^TestLesson$", "-lesson=dirty/mutex"), "\n--- FAIL")
	require.True(t, ok)
	readme.Shows("printed by make lesson NAME=dirty/mutex", strings.TrimSpace(lesson))
	record, err := hazard.Measured()
	require.NoError(t, err)
	readme.Shows("printed by make matrix", strings.TrimSpace(record.Table()))

	findings := document.Open(t, "feedsim/FINDINGS.md", *update)
	findings.Shows("the file feedsim/solution/nginx.conf", strings.TrimRight(solution.Config, "\n"))
	facts := map[string]float64{}
	measuredIn(t, dir, facts)
	measuredInTheField(t, facts)
	findings.Holds(func(what string) (float64, bool) {
		x, ok := facts[what]
		if row, _, sibling := strings.Cut(what, " sibling: "); sibling && !ok {
			measuredInSibling(t, row, facts)
			x, ok = facts[what]
		}
		return x, ok
	})
}

// liveOnTwelveLoops is what make live finds out about the PoC on twelve loops, in
// virtual time.
func liveOnTwelveLoops(t *testing.T) (found string) {
	t.Helper()
	require.NoError(t, bubble.Run(t, 5*time.Second, bubble.Patient, func() error {
		const address = "127.0.0.1:8000"
		var network simnet.Network
		config := pocserver.RunAsync12()
		server, err := appserver.Start(&network, address, &config, pocserver.Instances(1), nil)
		if err != nil {
			return err
		}
		report, err := live.Diagnose(context.Background(), live.Target{URL: "http://" + address, Host: address, Dial: func(ctx context.Context) (net.Conn, error) {
			return network.DialContext(ctx, "tcp", address)
		}}, nil)
		found = report.String()
		return errors.Join(err, server.Close(time.Minute))
	}))
	return found
}

// measuredIn adds what results.json in dir says, as "row: metric" and, of the
// prediction, "row: metric, predicted".
func measuredIn(t *testing.T, dir string, facts map[string]float64) {
	t.Helper()
	var results struct {
		Experiments []struct {
			Name   string
			Checks []struct {
				Metric    string
				Predicted float64
				Observed  *float64 // null where there was nothing to measure
			}
		}
	}
	read(t, filepath.Join(dir, "results.json"), &results)
	for _, e := range results.Experiments {
		for _, c := range e.Checks {
			if c.Observed != nil {
				facts[e.Name+": "+c.Metric] = *c.Observed
			}
			facts[e.Name+": "+c.Metric+", predicted"] = c.Predicted
		}
	}
}

// measuredInSibling adds what the sibling of a row of the exercise gives, as "row
// sibling: metric".
func measuredInSibling(t *testing.T, name string, facts map[string]float64) {
	t.Helper()
	i := slices.IndexFunc(feedExercise, func(e lab.Experiment) bool { return e.Name == name })
	require.GreaterOrEqual(t, i, 0, "a row named %q", name)
	e := feedExercise[i].Broken()
	o, err := e.Run(t)
	require.NoError(t, err)
	for _, c := range e.Checks {
		facts[name+" sibling: "+c.Metric.Name] = c.Metric.Of(o)
	}
}

// measuredInTheField adds the numbers of feed.json, as "field CASE: KEY.KEY".
func measuredInTheField(t *testing.T, facts map[string]float64) {
	t.Helper()
	var field struct{ Cases []map[string]any }
	read(t, "lab/testdata/field/feed.json", &field)
	var add func(name string, v any)
	add = func(name string, v any) {
		switch v := v.(type) {
		case float64:
			facts[name] = v
		case map[string]any:
			for key, v := range v {
				add(name+"."+key, v)
			}
		}
	}
	for _, c := range field.Cases {
		for key, v := range c {
			add(fmt.Sprintf("field %s: %s", c["case"], key), v)
		}
	}
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, into))
}

// printed is what this test binary prints when it is run with args.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	return printedBy(t, 0, os.Args[0], args...)
}

// printedBy is what a program prints to standard output, which ends with that exit
// status.
func printedBy(t *testing.T, status int, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	text, _ := cmd.Output()
	require.Equal(t, status, cmd.ProcessState.ExitCode(), "exit status of %s %v:\n%s%s", program, args, text, &stderr)
	return string(text)
}
