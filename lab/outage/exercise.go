// The exercise's outages: polls that wait and streams that never end, on app servers
// that they do not suit.

package outage

import (
	"time"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/outage/broken"
	"example.com/outagelab/lab/outage/fixed"
	"example.com/outagelab/pocserver/worker"
)

const (
	eachType = "What each worker type is good and bad at"
	besides  = "What helps besides"
)

var polls = []Outage{
	{
		Name:     "polls/two-workers",
		Question: "A slow route gets 10 requests a second. Why is the front page down?",
		Covers:   []string{"polls/sync", "polls/threaded"},
		Read:     append(run("polls/sync"), findings("The cause, route by route"), cascading),
		Source:   "polls_two_workers.go", Broken: broken.PollsTwoWorkers, Fixed: fixed.PollsTwoWorkers,
		Experiment: lab.Experiment{
			Claim: "A poll only waits for the feed, 5 s at the most, and a worker that waits uses no CPU, so two will do for 10 polls a second. The front page, which waits for nothing, is there at once.",
			Load:  pollsAndRoot(10, 20*time.Second), Horizon: 20*time.Second + patience,
			Checks: []lab.Check{
				all("/check_feed", 200),
				noLonger(lab.Latency(99).On("/check_feed"), 5, "the longest poll"),
				all("/", 20),
				atOnce("/", 90),
			},
			Lesson: lab.Lesson{
				Cause: "A sync worker that waits for the feed serves nobody else. Polls take 2.5 s on average, so two workers serve 2/(2.5 s) = 0.8 a second, and 10 come. The others queue, the front page among them. After 60 s nginx answers 504 to whoever still waits. The workers do not know that, and go on to serve requests whose users have left: from then on they are busy for nobody.",
				Fix:   "Serve as many at a time as wait at a time. By Little's law that is 10/s · 2.5 s = 25, so two threaded workers with 25 threads each have twice what is needed. An event loop does it without a pool, if its handlers await.",
			},
		},
	},
	{
		Name:     "polls/one-thread",
		Question: "The polls are on the threaded server now. Why is nothing better?",
		Covers:   []string{"polls/pool-of-one"},
		Read:     append(run("polls/pool-of-one"), findings(eachType), setting("threads")),
		Source:   "polls_one_thread.go", Broken: broken.PollsOneThread, Fixed: fixed.PollsOneThread,
		Experiment: lab.Experiment{
			Claim: "Threads are made for waiting: on the threaded server all polls are answered when the feed answers, 5 s at the most.",
			Load:  pollsAndRoot(10, 20*time.Second), Horizon: 20*time.Second + patience,
			Checks: []lab.Check{
				all("/check_feed", 200),
				noLonger(lab.Latency(99).On("/check_feed"), 5, "the longest poll"),
				atOnce("/", 90),
			},
			Lesson: lab.Lesson{
				Cause: "The server runs gunicorn -k gthread with 2 workers, and nobody has set --threads. It is 1 then: two threads in all, which wait for two polls at a time, 0.8 a second, just as two sync workers do. What else comes is accepted, and waits for a thread.",
				Fix:   "Set --threads: 10/s · 2.5 s = 25 polls wait at a time (Little's law), so 25 on each of the two workers leave room. It is a setting of gunicorn's: no edit of nginx.conf repairs this.",
			},
		},
	},
	{
		Name:     "polls/blocking",
		Question: "The polls are on event loops now. Why do most users get a 502?",
		Covers:   []string{"polls/blocking", "polls/awaiting"},
		Read:     append(run("polls/blocking"), findings("And onto Python in general"), blockingPy),
		Source:   "polls_blocking.go", Broken: broken.PollsBlocking, Fixed: fixed.PollsBlocking,
		Experiment: lab.Experiment{
			Claim: "Event loops are made for waiting: two of them answer all polls when the feed answers, and the front page at once, with the code as it is.",
			Load:  pollsAndRoot(5, 40*time.Second), Horizon: 40*time.Second + patience,
			Checks: []lab.Check{
				all("/check_feed", 200),
				noLonger(lab.Latency(100).On("/check_feed"), 5, "the longest poll"),
				atOnce("/", 100),
				none(lab.Exits(worker.TimedOut), "no worker is killed"),
			},
			Lesson: lab.Lesson{
				Cause: "The code calls the feed with a library that blocks, and on an event loop a call that blocks holds everybody. The loop accepts all who come, and then runs their handlers one after another. The heartbeat, which tells gunicorn's arbiter (its main process) that the worker lives, has to wait for its turn like the rest. 30 s after the last one the arbiter kills the worker, with every connection that it had accepted: nginx sees them close, and says 502. A sync worker would at least have left them in the queue, for its successor.",
				Fix:   "Handlers that await the feed (here), or that run the blocking call in a thread (asyncio.to_thread). Until they do, code that blocks is better off on sync or threaded workers.",
			},
		},
	},
	{
		Name:     "polls/clients-who-left",
		Question: "nginx gives up after a minute. Does that not make the queue shorter?",
		Covers:   []string{"cure/cancellation"},
		Read:     append(run("cure/cancellation"), findings(besides), goContext),
		Source:   "polls_clients_who_left.go", Broken: broken.PollsClientsWhoLeft, Fixed: fixed.PollsClientsWhoLeft,
		Experiment: lab.Experiment{
			Claim: "Whoever is told 504 after a minute is out of the queue, so the server works for those who still wait: somebody is always served, and the front page gets its turn.",
			Load:  pollsAndRoot(4, 80*time.Second), Horizon: 80*time.Second + patience,
			Checks: []lab.Check{
				{Metric: lastGood, Want: 80 - 50/4.0, Formula: "the end of the load at 80 s, less the 12.5 s in which 50 polls come at 4/s. A poll takes 0, 1, 2, 3, 4 or 5 s, each as likely, and one that takes 0 s is answered in time if its user is still there when its turn comes", Within: lab.AtLeast("that none of 50 polls takes 0 s has a chance of (5/6)⁵⁰, one in 9,100")},
				all("/", 80),
			},
			Lesson: lab.Lesson{
				Cause: "nginx closes the connection of a user whom it has told 504, and that is all: the connection stays in the queue, with the request in its buffer. The worker that accepts it reads the request, asks the feed and waits for the answer, and only notices that nobody is there when it sends the reply. Once the wait is a minute long, which it is for those who come after 14.5 s, every poll is made for a user who left a moment ago, and a request to the front page gets its turn only when its user has left, too.",
				Fix:   "A handler that ends when its client has left: in Go, pass the request's context on to whatever the handler waits for. Dead requests then cost nothing when their turn comes. It brings the replies back, but everybody still waits for a minute: refuse early as well.",
			},
		},
	},
	{
		Name:     "polls/no-limit",
		Question: "One route is too slow. How does it take the others with it?",
		Covers:   []string{"cure/shedding"},
		Read:     append(run("cure/shedding"), findings(besides), shedding),
		Source:   "polls_no_limit.go", Broken: broken.PollsNoLimit, Fixed: fixed.PollsNoLimit,
		Experiment: lab.Experiment{
			Claim: "If the feed is slow, its users wait. The front page does not ask the feed, so it is there at once.",
			Load:  pollsAndRoot(10, 20*time.Second), Horizon: 20*time.Second + patience,
			Checks: []lab.Check{
				all("/", 20),
				atOnce("/", 100),
			},
			Lesson: lab.Lesson{
				Cause: "Both routes share two workers and one queue. Nothing keeps the polls from taking both workers, so a request to the front page waits until the polls that came before it are done, 2.5 s each, two at a time. After 20 s there are nearly 190 of them. (It is what happens in polls/two-workers; there the cure is more threads, here it is to let fewer polls in.)",
				Fix:   "Give the slow route a limit below what there are workers: one poll at a time, and an immediate 503 with Retry-After for whoever comes beyond that. A worker is then always free. (The limit has to be shared by the workers, since a sync worker by itself never has two requests to count.) Or give the slow route a server of its own.",
			},
		},
	},
}

var streams = []Outage{
	{
		Name:     "streams/two-workers",
		Question: "30 users keep a stream open. What is left for everybody else?",
		Covers:   []string{"streams/sync", "streams/awaiting"},
		Read:     append(run("streams/sync"), findings("The cause, route by route"), workerTypes),
		Source:   "streams_two_workers.go", Broken: broken.StreamsTwoWorkers, Fixed: fixed.StreamsTwoWorkers,
		Experiment: lab.Experiment{
			Claim: "A stream sends a line now and then and does nothing in between, so two workers carry 30 of them, and still serve the front page.",
			Load:  streamsAndRoot(30, 38*time.Second), Horizon: 38*time.Second + patience,
			Checks: append(firstLines(30),
				none(lab.Exits(worker.TimedOut), "no worker is killed"),
				all("/", 34), atOnce("/", 100)),
			Lesson: lab.Lesson{
				Cause: "A sync worker serves one request from its first byte to its last, and a stream has no last byte. Two streams hold both workers; the other 28, and the front page, wait. A sync worker sends its heartbeat between requests only, so after 30 s gunicorn's arbiter (its main process) takes it for one that hangs and kills it, stream and all. (To nginx a connection that closes is the end of the reply, so these two streams count as 200.) The successors take the next two streams, until the users give up at 38 s. A worker does not know that: it notices only when it writes a line and the write fails. So it takes up one stream after another whose user has long left, and the front page, which is behind them in the queue, gets a 504 a minute after it was asked for.",
				Fix:   "Serve streams where a connection that waits holds no worker: on an event loop, with handlers that await between two lines.",
			},
		},
	},
	{
		Name:     "streams/one-thread",
		Question: "Streams hang, nothing is killed and nothing is logged. Where did the threads go?",
		Covers:   []string{"streams/pool-of-one"},
		Read:     append(run("streams/pool-of-one"), findings(eachType), setting("threads")),
		Source:   "streams_one_thread.go", Broken: broken.StreamsOneThread, Fixed: fixed.StreamsOneThread,
		Experiment: lab.Experiment{
			Claim: "The threaded server carries 30 streams, and serves the front page besides: threads are for what waits, and gunicorn would kill a worker that hangs.",
			Load:  streamsAndRoot(30, 20*time.Second), Horizon: 20*time.Second + patience,
			Checks: append(firstLines(30), all("/", 16), atOnce("/", 100)),
			Lesson: lab.Lesson{
				Cause: "The two workers have one thread each, which is gunicorn's default, and a stream holds a thread for as long as it lasts. Two streams take both. The heartbeat comes from a worker's main loop, which goes on accepting people whom nobody will serve: to gunicorn's arbiter (its main process) all is well, so it kills nothing and logs nothing. The users give up at 20 s. The thread does not know that: it notices only when it writes a line and the write fails, and then it takes up the next stream whose user has left. The requests to the front page wait behind all 30, and get a 504 after a minute.",
				Fix:   "As many threads on each worker as streams might come to it, and some for the other routes: here 40. That is as far as it goes; where users decide how many streams there are, use an event loop.",
			},
		},
	},
	{
		Name:     "streams/too-few-threads",
		Question: "30 threads, 30 streams. Is that enough?",
		Covers:   []string{"streams/threaded"},
		Read:     append(run("streams/threaded"), findings("How they map onto the routes"), setting("threads")),
		Source:   "streams_too_few_threads.go", Broken: broken.StreamsTooFewThreads, Fixed: fixed.StreamsTooFewThreads,
		Experiment: lab.Experiment{
			Claim: "2 workers with 15 threads each are 30 threads, so 30 streams all get one, and the front page, which takes no time, fits in between.",
			Load:  streamsAndRoot(30, 20*time.Second), Horizon: 20*time.Second + patience,
			Checks: append(firstLines(30), all("/", 16), atOnce("/", 100)),
			Lesson: lab.Lesson{
				Cause: "30 streams take all 30 threads, and a stream does not give its thread back while it waits for the next line: there is no “in between”. Whoever asks for the front page waits until the streams end: they are held for 20 s, and a thread notices that when its next line cannot be written.",
				Fix:   "Room for the other routes besides the streams. Which worker takes a connection is chance, so one may get most of the streams, and has to have threads for all: here 40 each, and not 16. Better, streams on an event loop and short requests on a pool of their own: where both share one, the long requests starve the short ones.",
			},
		},
	},
	{
		Name:     "streams/blocking",
		Question: "Streams are on event loops now. Why does each loop serve one, and then die?",
		Covers:   []string{"streams/blocking"},
		Read:     append(run("streams/blocking"), findings(eachType), blockingPy),
		Source:   "streams_blocking.go", Broken: broken.StreamsBlocking, Fixed: fixed.StreamsBlocking,
		Experiment: lab.Experiment{
			Claim: "An event loop carries any number of connections, so two of them carry 30 streams and the front page, with the code as it is.",
			Load:  streamsAndRoot(30, 38*time.Second), Horizon: 38*time.Second + patience,
			Checks: append(firstLines(30),
				none(lab.Exits(worker.TimedOut), "no worker is killed"),
				all("/", 34), atOnce("/", 100)),
			Lesson: lab.Lesson{
				Cause: "The stream asks the feed with a call that blocks, and so never gives the loop back, neither while it waits for a line nor between two. Each loop serves the first stream that it accepted, and its heartbeat never gets a turn, so after 30 s gunicorn's arbiter (its main process) kills it with all the connections it had. (To nginx a connection that closes in the middle of a reply is the end of it, so the two streams under way count as 200.) The successors take in whoever is waiting, 30 requests to the front page among them, and after another 30 s they die in the same way: that is the column with 30 times 502. Four requests for the front page were still in the kernel's queue, and the third pair of loops serves them; by then all streams are gone.",
				Fix:   "Await between two lines. A stream is the worst place for a blocking call: there it does not hold the loop for a moment, but for as long as the stream lasts.",
			},
		},
	},
}

var errors502 = []Outage{
	{
		Name:     "502/two-addresses",
		Question: "Two reports take too long. Why does everybody get 502 for ten seconds after each?",
		Covers:   []string{"502/two-addresses"},
		Read:     append(run("502/two-addresses"), directive("upstream", "max_fails"), directive("proxy", "proxy_next_upstream")),
		Source:   "502_two_addresses.conf", Broken: broken.TwoAddresses502, Fixed: fixed.TwoAddresses502,
		Experiment: lab.Experiment{
			Claim: "A report that takes longer than the 60 s that nginx waits costs its own user a 504, and nobody else anything: the app server has 50 threads.",
			Load:  []load.Load{open("/", 2, 100*time.Second), open("/report", 0.05, 40*time.Second)}, Horizon: 40*time.Second + patience,
			Checks: []lab.Check{
				all("/", 200),
				none(lab.Replies(502).On("/"), "only a report's user gets an error"),
				{Metric: lab.Replies(504).On("/report"), Want: 2, Formula: "the claim: each of the 0.05/s · 40 s that are sent", Within: allSent},
			},
			Lesson: lab.Lesson{
				Cause: "In the hosts file localhost is 127.0.0.1 and ::1. To nginx “server localhost:5000” is then two servers, and with two it keeps book of which one fails (max_fails is 1). A report takes 70 s here (a threaded worker is not killed for that: its main loop beats, whatever its threads do), so nginx times out on it after 60, and marks 127.0.0.1 as failed for 10 s. ::1, where nobody listens, is marked whenever it is tried. With no server left nginx answers 502 in a millisecond, to every user of this upstream, though the app server has 48 of its 50 threads free. (The second report gets a 502 as well: when it times out nginx tries the other server, and that is marked.) A single server is never marked.",
				Fix:   "Write the address, 127.0.0.1:5000: one server, and a time-out is a 504 for whoever waited. (max_fails=0 marks nobody either, but every second request is still tried at the address where nobody listens.)",
			},
		},
	},
	{
		Name:     "502/killed-worker",
		Question: "nginx waits 60 s, and the feed takes 40. Why is the answer a 502 after 30?",
		Covers:   []string{"502/killed-worker", "killing/"},
		Read:     append(run("502/killed-worker"), setting("timeout"), directive("proxy", "proxy_read_timeout")),
		Source:   "502_killed_worker.go", Broken: broken.KilledWorker502, Fixed: fixed.KilledWorker502,
		Experiment: lab.Experiment{
			Claim:   "On a slow day a poll takes 40 s. nginx waits for 60, so it is slow, but it is answered.",
			Load:    []load.Load{open("/check_feed", 0.04, 100*time.Second)},
			Horizon: 100*time.Second + patience,
			Checks: []lab.Check{
				{Metric: lab.Replies(200), Want: 4, Formula: "the claim: each of the 0.04/s · 100 s that are sent", Within: allSent},
				none(lab.Exits(worker.TimedOut), "no worker is killed"),
			},
			Lesson: lab.Lesson{
				Cause: "gunicorn has a timeout of its own, 30 s: a sync worker that has not finished a request by then is taken for one that hangs, and killed. (gunicorn looks once a second, so here it is after 31 s.) Its connection closes before a reply has begun, and that is a 502. Each poll costs a worker its life, and nginx's 60 s never come into it.",
				Fix:   "Order the timeouts from the inside out: the call to the feed the shortest, then the worker, then nginx. Here the worker's has to be above 40 s. Better, give the call to the feed a timeout below 30 s: then the app, which knows what went wrong, is the one that answers, and no worker dies.",
			},
		},
	},
}

var errors504 = []Outage{
	{
		Name:     "504/long-queue",
		Question: "A longer queue loses fewer users. Does it?",
		Covers:   []string{"502/full-backlog"},
		Read:     append(run("502/full-backlog"), findings(besides), cascading),
		Source:   "504_long_queue.go", Broken: broken.LongQueue504, Fixed: fixed.LongQueue504,
		Experiment: lab.Experiment{
			Claim: "With more polls than the workers can serve, a long queue is the kindest: the workers always have something to do, so somebody is served all the time, and nobody waits a minute for nothing.",
			Load:  []load.Load{open("/check_feed", 4, 80*time.Second)}, Horizon: 80*time.Second + patience,
			Checks: []lab.Check{
				{Metric: lastGood, Want: 80 - 5 - 0.25, Formula: "the end of the load at 80 s, less the longest poll, 5 s, and the 0.25 s between two polls: if somebody is served all the time, nobody waits longer for the next to be taken up", Within: lab.AtLeast("more are sent until the load ends")},
				none(lab.Replies(504).On("/check_feed"), "nobody waits a minute for nothing"),
			},
			Lesson: lab.Lesson{
				Cause: "Two workers serve 2/(2.5 s) = 0.8 polls a second, and 4 come. There is room for 2,049 in the queue, so it grows until the wait is as long as nginx's patience, 60 s. Here that is so for whoever comes after 14.5 s (the last 200 is sent in answer to a poll of that instant, at 73 s). From then on a poll gets its turn only after nginx has told its user 504: the workers are busy all the time, and nobody gets anything. What a queue holds beyond what can be served in time is requests whose users have left.",
				Fix:   "A queue no longer than what can be served within the users' patience, and a refusal for whoever comes beyond that. With a backlog of 8, of which Linux makes 9, everybody who gets in is served, at the full 0.8 a second, within half a minute; the others get a 502 at once, and may come again. A unix socket refuses by itself (EAGAIN), Linux TCP with tcp_abort_on_overflow.",
			},
		},
	},
	{
		Name:     "504/dropped",
		Question: "The queue is short. Why do users wait a minute for an error?",
		Covers:   []string{"504/full-backlog"},
		Read:     append(run("504/full-backlog"), directive("proxy", "proxy_connect_timeout"), listen2, tcp7),
		Source:   "504_dropped.conf", Broken: broken.Dropped504, Fixed: fixed.Dropped504,
		Experiment: lab.Experiment{
			Claim: "The queue before the workers is short, 9 connections, so nobody waits longer than half a minute: those who get in are served by then, and the others are refused.",
			Load:  pollsAndRoot(5, 40*time.Second), Horizon: 40*time.Second + patience,
			Checks: []lab.Check{
				{Metric: lab.Latency(100).On("/check_feed"), Want: 30, Formula: "9 polls in the queue and 2 under way, of 5 s at most, on two workers: 11 · 5 s/2 = 27.5 s", Within: lab.AtMost("2.5 s to spare, for getting into the queue")},
				none(lab.Failures(load.Unfinished).On("/check_feed"), "everybody gets an answer"),
			},
			Lesson: lab.Lesson{
				Cause: "When the queue of a TCP listener is full, Linux does not say no. It drops the connection request without a word, as if it had been lost, and the other side sends it again after 1, 3, 7, 15 and 31 s. nginx waits for its connection for 60 s before it gives up with a 504. So the waiting has only moved, from the queue into the kernel's retries, where there is no order: whoever tries again at a moment at which there is room gets in.",
				Fix:   "proxy_connect_timeout 2s: a connection on the same machine takes no time, so one that is not there after 2 s will not help its user, who gets a 504 then. (tcp_abort_on_overflow or a unix socket refuse at once.)",
			},
		},
	},
}
