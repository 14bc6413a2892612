// The PoC's outages: workers, loops, and what one user does to another.

package outage

import (
	"math"
	"time"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/outage/broken"
	"example.com/outagelab/lab/outage/fixed"
	"example.com/outagelab/pocserver/worker"
)

var exhaustion = []Outage{
	{
		Name:     "exhaustion/one-worker",
		Question: "A page takes 50 ms. Is one worker enough for 500 users?",
		Covers:   []string{"exhaustion/sync"},
		Read:     append(run("exhaustion/sync"), workerTypes, setting("threads")),
		Source:   "exhaustion_one_worker.go", Broken: broken.ExhaustionOneWorker, Fixed: fixed.ExhaustionOneWorker,
		Experiment: lab.Experiment{
			Claim: "A page takes 0 to 0.1 s (?sleep=0.1), 50 ms on average, and hardly any CPU, so one worker will do for 500 users: nobody waits longer than 2 s.",
			Load:  []load.Load{load.Closed{Name: "500 users", Path: "/sync_sleep/?sleep=0.1", Connections: 500, Duration: 2500 * time.Millisecond}},
			Checks: []lab.Check{
				none(lab.Timeouts, "nobody waits longer than 2 s"),
				{Metric: lab.Throughput, Want: 250, Formula: "500 users who each ask again as soon as they are answered, and wait 2 s at most: 500/(2 s)", Within: lab.AtLeast("the less they wait, the more often they ask")},
			},
			Lesson: lab.Lesson{
				Cause: "A sync worker takes one connection, and is busy with it until the reply is sent, even if all that the request does is wait for a database. One worker and 50 ms a request are 1/(0.05 s) = 20 replies a second, however idle its processor is. The other 499 users are in the kernel's backlog, where nobody tells them to give up.",
				Fix:   "Let as many requests wait as there are at a time: gunicorn --threads 25 turns the sync worker into a threaded one, with 25/(0.05 s) = 500 replies a second. An event loop does it as well. More processes do, too, and cost more memory each.",
			},
		},
	},
	{
		Name:     "exhaustion/laptop",
		Question: "Ten colleagues tried it on runserver, and it was fast. Will it be on the server?",
		Covers:   []string{"exhaustion/thread-per-request"},
		Read:     append(run("exhaustion/thread-per-request"), runserver, setting("workers")),
		Source:   "exhaustion_laptop.go", Broken: broken.ExhaustionLaptop, Fixed: fixed.ExhaustionLaptop,
		Experiment: lab.Experiment{
			Claim: "A page takes 0 to 3.9 s (?sleep=3.9), and on a laptop, with runserver, ten colleagues each had theirs in 3.9 s at most. So will ten users of the server.",
			Load:  []load.Load{load.Closed{Name: "ten users", Path: "/sync_sleep/?sleep=3.9", Connections: 10, Requests: 5, Timeout: time.Minute, Duration: 2 * time.Minute}},
			Checks: []lab.Check{
				noLonger(lab.Latency(100), 3.9, "the longest sleep"),
				{Metric: lab.Replies(200), Want: 50, Formula: "10 users, 5 pages each", Within: lab.Exactly()},
			},
			Lesson: lab.Lesson{
				Cause: "Django's runserver starts a thread for each connection, so on the laptop nobody waits for anybody. gunicorn starts a fixed number of workers, one unless it is told otherwise, and each serves one request at a time: the ten users stand in a line, and the last one waits for nine pages before their own begins.",
				Fix:   "Give the deployment a place for each request that is under way at a time: here 10 workers, or 10 threads. And measure the deployment; what runserver does says nothing about it.",
			},
		},
	},
	{
		Name:     "exhaustion/one-thread",
		Question: "We switched to gunicorn's threaded worker. Does it serve many at a time now?",
		Covers:   []string{"exhaustion/threaded"},
		Read:     append(run("exhaustion/threaded"), setting("threads"), workerTypes),
		Source:   "exhaustion_one_thread.go", Broken: broken.ExhaustionOneThread, Fixed: fixed.ExhaustionOneThread,
		Experiment: lab.Experiment{
			Claim:   "The threaded worker serves many requests at a time: 40 requests a second that each sleep 0 to 0.1 s (?sleep=0.1) are two under way at a time, so hardly anybody waits for a thread.",
			Load:    []load.Load{load.Open{Name: "users", Path: "/sync_sleep/?sleep=0.1", Rate: 40, Duration: 5 * time.Second}},
			Horizon: 6 * time.Second,
			Checks: []lab.Check{
				all("users", 200),
				noLonger(lab.Latency(99), 0.1, "the longest sleep"),
			},
			Lesson: lab.Lesson{
				Cause: "gunicorn's --threads is 1 unless somebody sets it. A worker of class gthread then accepts everybody in its main loop, and has one thread to serve them with: 1/(0.05 s) = 20 replies a second, half of what comes. The class promises what its settings do not give.",
				Fix:   "Set --threads to what waits at the same time, with room to spare. By Little's law that is the rate times the time that each takes: 40/s · 0.05 s = 2 on average, so 8 threads are plenty.",
			},
		},
	},
	{
		Name:     "exhaustion/one-loop",
		Question: "An event loop has no pool to run out of. Is there any limit to what it serves?",
		Covers:   []string{"exhaustion/async12", "exhaustion/evented"},
		Read:     append(run("exhaustion/async12"), uvicorn, djangoAsync),
		Source:   "exhaustion_one_loop.go", Broken: broken.ExhaustionOneLoop, Fixed: fixed.ExhaustionOneLoop,
		Experiment: lab.Experiment{
			Claim:   "An event loop only waits, and has no pool to run out of: at 2,000 requests a second that sleep 0 to 0.1 s (?sleep=0.1) 99 in 100 still have their page in 0.2 s, twice the longest sleep.",
			Load:    []load.Load{load.Open{Name: "users", Path: "/async_sleep/?sleep=0.1", Rate: 2000, Duration: 300 * time.Millisecond}},
			Horizon: 700 * time.Millisecond, // 600 · 0.935 ms, and 0.1 s for the last one's sleep
			Checks: []lab.Check{
				all("users", 600),
				{Metric: lab.Latency(99), Want: 0.2, Formula: "twice the longest sleep: 2 · 0.1 s", Within: lab.AtMost("it is what was claimed")},
			},
			Lesson: lab.Lesson{
				Cause: "A loop is one thread. The sleeps of its requests overlap, but the code between them does not: here it costs 0.935 ms of processor a request, as uvicorn and Django were measured to take, so one loop serves 1/(0.935 ms) = 1,070 requests a second. Of 2,000 that come each second 930 are left over, and everybody after them waits for those.",
				Fix:   "More loops, each in a process of its own, up to one for each processor: here four (uvicorn --workers 4), since two would be busy 93 % of the time and three 62 %. Or make the code between two awaits cheaper. More connections do not help, nor does more awaiting.",
			},
		},
	},
}

var blocking = []Outage{
	{
		Name:     "blocking/one-call",
		Question: "The view is async, and its database driver is not. Who notices?",
		Covers:   []string{"blocking/evented"},
		Read:     append(run("blocking/evented"), blockingPy, djangoAsync),
		Source:   "blocking_one_call.go", Broken: broken.BlockingOneCall, Fixed: fixed.BlockingOneCall,
		Experiment: lab.Experiment{
			Claim:   "The view is async, so at 100 requests a second each has its report after the 50 ms that the database takes.",
			Load:    []load.Load{open("/report", 100, 3*time.Second)},
			Horizon: 4 * time.Second,
			Checks: []lab.Check{
				all("/report", 300),
				noLonger(lab.Latency(100), 0.05, "what the database takes"),
			},
			Lesson: lab.Lesson{
				Cause: "The call to the database blocks: it does not give the event loop back while it waits. A loop is one thread, so for these 50 ms nobody else is served, no connection is accepted and no timer fires; the server does 1/(0.05 s) = 20 requests a second, as one sync worker would. “async def” around a call that blocks does not make it wait differently, and nothing says so.",
				Fix:   "Await: a driver that is made for asyncio. Where there is none, hand the call to a thread (asyncio.to_thread, Django's sync_to_async), or leave the view a sync one, which Django runs in a thread by itself.",
			},
		},
	},
	{
		Name:     "blocking/bystanders",
		Question: "One user asks for an export that takes 40 s. What do the others see?",
		Covers:   []string{"blocking/killed"},
		Read:     append(run("blocking/killed"), toThread, setting("timeout")),
		Source:   "blocking_bystanders.go", Broken: broken.BlockingBystanders, Fixed: fixed.BlockingBystanders,
		Experiment: lab.Experiment{
			Claim: "Whoever asks for an export waits 40 s for it. The ten who look at a page meanwhile do not notice: it still takes 1 s.",
			Load: []load.Load{
				load.Closed{Name: "ten users", Path: "/", Connections: 10, Duration: 40 * time.Second},
				load.Open{Name: "/export", Path: "/export", Rate: 1, Start: 3500 * time.Millisecond, Duration: time.Second},
			},
			Horizon: 50 * time.Second,
			Checks: []lab.Check{
				none(lab.Failures(load.ClosedEarly).On("ten users"), "nobody else notices"),
				noLonger(lab.Latency(100).On("ten users"), 1, "what the page waits for"),
				all("/export", 1),
				none(lab.Exits(worker.TimedOut), "no worker is killed"),
			},
			Lesson: lab.Lesson{
				Cause: "The export calls a library that blocks, and so holds the event loop for 40 s. Everything else on the loop waits: the pages, and the heartbeat that tells gunicorn's arbiter (its main process) that the worker lives. After 30 s without one the arbiter sees a worker that hangs and kills it, with every connection that it had accepted. The ten only wanted a page; their connections close without a reply, after half a minute. (They do not count in the slowest reply, since they had none. That is of the next ten: 1 s, and 0.18 s until the new worker had booted.)",
				Fix:   "Take the call off the loop: a thread (asyncio.to_thread, sync_to_async), or a job queue for what takes this long. What computes, rather than waits, wants a process of its own. A longer worker timeout only makes everybody wait longer.",
			},
		},
	},
}

var twoUsers = []Outage{
	{
		Name:     "two-users/one-worker",
		Question: "Two users open the same page, half a second apart. Does the second wait for the first?",
		Covers:   []string{"two-users/"},
		Read:     append(run("two-users/sync", "two-users/async"), workerTypes),
		Source:   "two_users_one_worker.go", Broken: broken.TwoUsersOneWorker, Fixed: fixed.TwoUsersOneWorker,
		Experiment: lab.Experiment{
			Claim: "A page takes 0 to 3.9 s (?sleep=3.9), and two users are no load: the second, half a second after the first, has it as fast as if they were alone.",
			Load: []load.Load{
				load.Open{Name: "first user", Path: "/sync_sleep/?sleep=3.9", Rate: 0.1, Duration: pairs * 10 * time.Second},
				load.Open{Name: "second user", Path: "/sync_sleep/?sleep=3.9", Rate: 0.1, Start: 500 * time.Millisecond, Duration: pairs * 10 * time.Second},
			},
			Checks: []lab.Check{
				noLonger(lab.Latency(100).On("second user"), 3.9, "the longest sleep"),
				{Metric: lab.MeanLatency.On("second user"), Want: 1.95, Formula: "half of the longest sleep, 3.9 s/2", Within: lab.Absolute(4*3.9/math.Sqrt(12*pairs), "4σ of a mean of 50: a sleep of 0 to 3.9 s has σ = 3.9 s/√12, and the mean of 50 has that over √50")},
			},
			Lesson: lab.Lesson{
				Cause: "The server is one sync worker, which serves one connection at a time. While the first user's page sleeps, the second user's connection is in the kernel's backlog; it is accepted when the first one's reply is sent. That makes the second wait 1.5 s longer on average (here 50 such pairs come, ten seconds apart: the picture shows no difference, the mean does). Both browsers show the same spinner.",
				Fix:   "Anything that lets two requests wait at a time: a second worker, threads, or an event loop (here uvicorn, on which Django runs a sync view in a thread, so that it does not hold the loop).",
			},
		},
	},
}

// pairs is how many times the two users come.
const pairs = 50

var recycling = []Outage{
	{
		Name:     "recycling/cheap-requests",
		Question: "max_requests = 500 keeps a memory leak small. What does it cost?",
		Covers:   []string{"recycling/sync"},
		Read:     append(run("recycling/sync"), setting("max_requests"), setting("max_requests_jitter")),
		Source:   "recycling_cheap_requests.go", Broken: broken.RecyclingCheapRequests, Fixed: fixed.RecyclingCheapRequests,
		Experiment: lab.Experiment{
			Claim:   "A worker that is replaced after 500 requests keeps the leak small, and costs nothing that users notice: 2,000 cheap requests a second (?sleep=0, which sleep for no time) are 60 % of what it can do, so none waits longer than 10 ms.",
			Load:    []load.Load{load.Open{Name: "users", Path: "/sync_sleep/?sleep=0", Rate: 2000, Duration: 800 * time.Millisecond}},
			Horizon: 1200 * time.Millisecond, // 1,600 · 0.302 ms, and three boots
			Checks: []lab.Check{
				all("users", 1600),
				{Metric: lab.Latency(100), Want: 0.01, Formula: "the claim. A request takes 0.302 ms and the next comes after 0.5 ms, so nobody waits at all, and 10 ms is thirty times what one takes", Within: lab.AtMost("it is what was claimed")},
			},
			Lesson: lab.Lesson{
				Cause: "At 2,000 requests a second 500 are over in a quarter of a second. Then the worker ends, and a new one takes 0.18 s to boot, in which nobody accepts and 360 requests gather. With the boots one worker does 500/(500 · 0.302 ms + 0.18 s) = 1,510 a second, less than what comes: the queue is longer after each boot, for as long as they come.",
				Fix:   "Replace a worker rarely: max_requests is a number of requests, so it has to be large where requests are cheap. 50,000 are 25 s here, of which a boot of 0.18 s is 0.7 %; once an hour would be 7,200,000. (Whoever comes during a boot still waits for it, which this run is too short to show; a second worker spares them that.) With max_requests_jitter several workers do not all boot at once. Better still, find the leak.",
			},
		},
	},
	{
		Name:     "recycling/cut-short",
		Question: "Workers are replaced now and then, and quickly. Does anybody lose a reply?",
		Covers:   []string{"recycling/async12"},
		Read:     append(run("recycling/async12"), setting("graceful_timeout"), setting("max_requests")),
		Source:   "recycling_cut_short.go", Broken: broken.RecyclingCutShort, Fixed: fixed.RecyclingCutShort,
		Experiment: lab.Experiment{
			Claim:   "Replacing a worker disturbs nobody: the other one accepts meanwhile, and graceful_timeout = 0 (the worker may take no time to end) only makes it quick.",
			Load:    []load.Load{load.Open{Name: "users", Path: "/async_sleep/?sleep=0.1", Rate: 500, Duration: 800 * time.Millisecond}},
			Horizon: 2 * time.Second,
			Checks: []lab.Check{
				all("users", 400),
				none(lab.Failures(load.ClosedEarly), "nobody is disturbed"),
				none(lab.Failures(load.Reset), "nobody is cut off"),
			},
			Lesson: lab.Lesson{
				Cause: "A worker that has served its last request still has others under way: on an event loop all those that are waiting for something. The graceful timeout is how long it may take to finish them. With 0 it takes no time at all, and cuts every connection that it has. At 250 requests a second of 0 to 0.1 s (?sleep=0.1), 50 ms on average, that is a dozen users each time. Here it is 71 in three times: worker 1 goes at 0.36 s; while it boots worker 0 has everybody, and goes at 0.40 s. Nobody accepts then until 0.54 s, when worker 1 is back: it takes all who have gathered, and goes again at 0.61 s.",
				Fix:   "A graceful timeout above the longest request; gunicorn's default is 30 s. It costs nothing when a worker has nothing to finish.",
			},
		},
	},
}

var crossover = []Outage{
	{
		Name:     "crossover/cheap-requests",
		Question: "Async is faster. Is it, for requests that wait for nothing?",
		Covers:   []string{"crossover/"},
		Read:     append(run("crossover/async/0ms", "crossover/sync/0ms"), djangoAsync),
		Source:   "crossover_cheap_requests.go", Broken: broken.CrossoverCheapRequests, Fixed: fixed.CrossoverCheapRequests,
		Experiment: lab.Experiment{
			Claim:   "We moved the cheap requests, which wait for nothing (?sleep=0), to the async server as well, since async is faster: at 2,000 a second none waits longer than 10 ms.",
			Load:    []load.Load{load.Open{Name: "users", Path: "/sync_sleep/?sleep=0", Rate: 2000, Duration: 300 * time.Millisecond}},
			Horizon: 600 * time.Millisecond, // 600 · 0.935 ms = 0.561 s
			Checks: []lab.Check{
				all("users", 600),
				{Metric: lab.Latency(100), Want: 0.01, Formula: "ten times what a request costs at the most", Within: lab.AtMost("it is what was claimed")},
			},
			Lesson: lab.Lesson{
				Cause: "An event loop saves the time that requests wait, and these do not wait. What is left is what each costs of the one processor that the loop runs on, and there async is dearer: 0.935 ms a request were measured for uvicorn and Django, 0.302 ms for gunicorn's sync worker. One loop does 1/(0.935 ms) = 1,070 requests a second, one sync worker 1/(0.302 ms) = 3,311.",
				Fix:   "Leave short requests on sync workers, and move those that wait. The two serve as many a second where a request waits for about 0.6 ms (0.935 − 0.302). (What a request costs comes with the server; it is in the diff since it was measured for each.)",
			},
		},
	},
}
