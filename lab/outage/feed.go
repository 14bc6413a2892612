// The exercise's outages beyond the app server: the feed, nginx's buffers and its
// routes.

package outage

import (
	"math"
	"time"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/outage/broken"
	"example.com/outagelab/lab/outage/fixed"
)

var feed = []Outage{
	{
		Name:     "feed/one-question",
		Question: "The app has no pool to run out of. Why do polls take ever longer?",
		Covers:   []string{"cure/coalescing"},
		Read:     append(run("cure/coalescing"), findings(besides), oneFlight),
		Source:   "feed_one_question.go", Broken: broken.FeedOneQuestion, Fixed: fixed.FeedOneQuestion,
		Experiment: lab.Experiment{
			Claim: "The app awaits and has no pool to run out of, so at 10 polls a second each is answered within 5 s, the longest that the feed takes.",
			Load:  []load.Load{open("/check_feed", 10, 20*time.Second)}, Horizon: 20*time.Second + patience,
			Checks: []lab.Check{
				all("/check_feed", 200),
				noLonger(lab.Latency(100).On("/check_feed"), 5, "the longest poll"),
			},
			Lesson: lab.Lesson{
				Cause: "The queue is not gone, it has moved to whatever is limited next, and that is the feed: it works on 10 polls at a time, of 2.5 s each, 4 a second. Of the 10 that come each second 6 are left over, and wait in front of the feed.",
				Fix:   "Everybody asks the feed the same question, so ask it once: whoever comes while a poll is under way gets its answer (golang.org/x/sync/singleflight; in the app it is the option Coalesce). Two loops then have two polls under way, whatever comes. The key has to hold all that an answer depends on: with less it shows one user's data to another.",
			},
		},
	},
	{
		Name:     "feed/shared-on-threads",
		Question: "Requests share their polls. Why are ten threads still not enough?",
		Covers:   []string{"cure/coalescing-on-threads"},
		Read:     append(run("cure/coalescing-on-threads"), findings(besides), directive("proxy", "proxy_cache_lock")),
		Source:   "feed_shared_on_threads.go", Broken: broken.FeedSharedOnThreads, Fixed: fixed.FeedSharedOnThreads,
		Experiment: lab.Experiment{
			Claim: "Whoever comes while a poll is under way shares it, so there are never more than two polls, and ten threads are plenty for 10 requests a second.",
			Load:  []load.Load{open("/check_feed", 10, 20*time.Second)}, Horizon: 20*time.Second + patience,
			Checks: []lab.Check{
				all("/check_feed", 200),
				noLonger(lab.Latency(99).On("/check_feed"), 5, "the longest poll"),
			},
			Lesson: lab.Lesson{
				Cause: "The polls are shared, and the waiting is not: a request that waits for somebody else's poll holds a thread all the same. When a poll is over, all five threads of the worker are free at once, and the next five requests begin the next poll together. That is five requests a poll, 2 · 5/(2.5 s) = 4 a second, as many as without sharing.",
				Fix:   "Enough threads for all who come during one poll: 10/s · 5 s = 50 at the most, and chance may send nearly all of them to one worker, so 50 on each. Or share where waiting is free: on an event loop, or in nginx (proxy_cache_lock), before a thread is taken.",
			},
		},
	},
	{
		Name:     "feed/no-timeout",
		Question: "The feed forgets one poll in five. What does that do to the other four?",
		Covers:   []string{"cure/feed-timeout"},
		Read:     append(run("cure/feed-timeout"), findings(besides), timeouts),
		Source:   "feed_no_timeout.go", Broken: broken.FeedNoTimeout, Fixed: fixed.FeedNoTimeout,
		Experiment: lab.Experiment{
			Claim: "One poll in five is never answered, which is bad luck for its user; the other four are answered, and the front page is there at once.",
			Load:  pollsAndRoot(10, 30*time.Second), Horizon: 30*time.Second + patience,
			Checks: []lab.Check{
				noLonger(lab.Latency(75).On("/check_feed"), 5, "the longest poll that is answered"),
				all("/", 30),
				atOnce("/", 90),
			},
			Lesson: lab.Lesson{
				Cause: "A call without a timeout waits for ever, and so does its thread. nginx tells the user 504 after a minute, but the thread stays where it is. There are 50, and the polls that are answered need 20 of them at a time (8/s · 2.5 s). Two are lost each second, so the other 30 are gone after 15 s, and then the polls that would be answered, and the front page, find none. The heartbeat is the main loop's, so no worker is killed and gunicorn logs nothing.",
				Fix:   "A timeout on every call, a little longer than the slowest answer that is worth having: 6 s here, where the feed takes up to 5. The user is told after 6 s, and the thread is free again: 8/s · 2.5 s + 2/s · 6 s = 32 of the 50 threads are in use on average.",
			},
		},
	},
	{
		Name:     "feed/poller-each",
		Question: "30 streams of the same news. Why does each get a third of it?",
		Covers:   []string{"cure/shared-poller"},
		Read:     append(run("cure/shared-poller"), findings(besides), oneFlight),
		Source:   "feed_poller_each.go", Broken: broken.FeedPollerEach, Fixed: fixed.FeedPollerEach,
		Experiment: lab.Experiment{
			Claim: "On event loops 30 streams are no load: each gets its first line within 5 s, and then one every 2.5 s, as fast as the feed has news.",
			Load:  streamsAndRoot(30, time.Minute), Horizon: time.Minute + patience,
			Checks: append(firstLines(30), lab.Check{
				Metric: lines.On("/stream_feed"), Want: 30 * (60/poll - polls4σ(60/poll)/math.Sqrt2),
				Formula: "30 streams · 60 s/(2.5 s) = 720, less the 284 that may be missing by chance where each of two loops has its luck with the feed",
				Within:  lab.AtLeast("4σ: of the 24 polls in 60 s σ is √(24 · 35/12)/2.5 = 3.35, of the mean of two loops 3.35/√2 = 2.37, and 30 streams · 4 · 2.37 = 284"),
			}),
			Lesson: lab.Lesson{
				Cause: "Each stream polls the feed for itself: 30 of them want 30/(2.5 s) = 12 polls a second. The feed works on 10 at a time, which is 10/(2.5 s) = 4 a second, so each stream gets about a third of its lines (230 came, of the 720 wanted), though all of them want the same ones. For the first line, too, the streams wait in front of the feed.",
				Fix:   "One poller in each worker, which hands every line to all of the worker's streams. It must not wait for a slow reader, or that one stops everybody's stream: give each reader a small buffer, and drop the readers that are too far behind. (In the app it is the option SharedPoller.)",
			},
		},
	},
}

var buffering = []Outage{
	{
		Name:     "buffering/first-line",
		Question: "The app sends ten lines a second. Why does the browser show none for 22 s?",
		Covers:   []string{"buffering/full-buffer"},
		Read:     append(run("buffering/full-buffer"), findings("The repaired configuration"), directive("proxy", "proxy_buffering")),
		Source:   "buffering_first_line.conf", Broken: broken.BufferingFirstLine, Fixed: fixed.BufferingFirstLine,
		Experiment: lab.Experiment{
			Claim: "The app flushes each line, so its user sees the first after the 0.1 s that the feed takes.",
			Load:  streamsAndRoot(1, 30*time.Second)[:1],
			Checks: []lab.Check{
				{Metric: lab.Streaming, Want: 1, Formula: "the claim: it is served", Within: allSent},
				noLonger(lab.FirstByte(100), 0.1, "what the feed takes"),
			},
			Horizon: 31 * time.Second,
			Lesson: lab.Lesson{
				Cause: "nginx stands in between, and buffers replies unless it is told not to: it reads what the app sends into a buffer of 4,096 bytes, and passes it on when that is full or the reply ends. A stream does not end. At 18 bytes a line and ten lines a second the buffer is full after 22 s (the reply's header is in it, too); with a line every 2.5 s it would take nine minutes.",
				Fix:   "proxy_buffering off in the stream's location. The app can ask for it, too: a reply with the header X-Accel-Buffering: no is not buffered.",
			},
		},
	},
	{
		Name:     "buffering/all-at-once",
		Question: "Half a minute of nothing, then all lines at once, then the end. What was that?",
		Covers:   []string{"buffering/upstream-ends"},
		Read:     append(run("buffering/upstream-ends"), directive("proxy", "proxy_buffering"), setting("timeout")),
		Source:   "buffering_all_at_once.go", Broken: broken.BufferingAllAtOnce, Fixed: fixed.BufferingAllAtOnce,
		Experiment: lab.Experiment{
			Claim:   "The app writes a line every 2 s and flushes it, so its user sees the first one after 2 s.",
			Load:    []load.Load{load.Open{Name: "reader", Path: "/news", Rate: 1, Duration: time.Second}},
			Horizon: 40 * time.Second,
			Checks: []lab.Check{
				{Metric: lab.Streaming, Want: 1, Formula: "the claim: it is served", Within: allSent},
				noLonger(lab.FirstByte(100), 2, "what the first line takes"),
			},
			Lesson: lab.Lesson{
				Cause: "nginx buffers replies unless it is told not to, and passes on what it has when a buffer is full or the reply ends. These lines would never fill one. But a stream on a sync worker ends: after 30 s gunicorn's arbiter (its main process, which looks once a second) takes the worker for one that hangs, and kills it. Its connection closes, nginx takes that for the end of the reply, hands out all lines at once, and the reply counts as a 200.",
				Fix:   "The header X-Accel-Buffering: no on the reply, or proxy_buffering off in nginx.conf: each line then leaves when it comes. The stream still ends after 30 s; for that it needs a server that does not kill it: an event loop with a handler that awaits, or a threaded worker with a thread to spare.",
			},
		},
	},
}

var routing = []Outage{
	{
		Name:     "routing/all-to-one",
		Question: "There is a server for every kind of route. Why are two of the three idle?",
		Covers:   []string{"routing/repaired"},
		Read:     append(run("routing/repaired"), findings("How they map onto the routes"), directive("core", "location")),
		Source:   "routing_all_to_one.conf", Broken: broken.RoutingAllToOne, Fixed: fixed.RoutingAllToOne,
		Experiment: lab.Experiment{
			Claim: "Sync workers, 2 × 25 threads, and event loops whose handlers await are all running, so nginx has a server that suits each route, and every route is served.",
			Load: append(pollsAndRoot(10, 20*time.Second),
				open("/hash_me", 1, 20*time.Second),
				load.Open{Name: "/stream_feed", Path: "/stream_feed", Rate: 20 / (40e-9), Start: 4 * time.Second, Duration: 40 * time.Nanosecond, Timeout: 16 * time.Second}),
			Horizon: 20*time.Second + patience,
			Checks: append(firstLines(20),
				all("/check_feed", 200),
				noLonger(lab.Latency(99).On("/check_feed"), 5, "the longest poll"),
				all("/", 20), atOnce("/", 100),
				all("/hash_me", 20)),
			Lesson: lab.Lesson{
				Cause: "nginx.conf sends all four routes to the same two sync workers, on port 5000, and the servers on 5100 and 5200 are idle. 10/s · 2.5 s = 25 polls would have to wait for the feed at a time, and two workers hold two of them. Everything else is in the queue behind the polls: the streams, and the pages that cost nothing. A worker does not know that the user of a request has left: from about 53 s on both serve only streams, whose users left at 20 s, while others behind them still wait for their 504.",
				Fix:   "Send each route where its way of waiting is cheap: what waits for a while to the threads, what never ends to the event loops; what does not wait stays on sync workers, with nobody who waits in front of it. (Before that the servers have to suit the routes, as they do here: with one thread a worker, which is gunicorn's default, and with handlers that block, no routing repairs it.)",
			},
		},
	},
}
