// The hazards that stop a server: its process runs, and nobody is answered.

package hazard

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"example.com/outagelab/lab/hazard/broken"
	"example.com/outagelab/lab/hazard/fixed"
	"example.com/outagelab/pocserver/worker"
)

var stalling = []Hazard{
	{
		Name:     "stalling/lost-slot",
		Question: "Four visitors have sent a form with a mistake in it. Why is nobody served any more?",
		Claim:    "Each request takes a slot and gives it back when its picture is drawn.",
		Cause: "The slot is given back on the last lines of the handler. A request that is refused for a mistake returns before them, " +
			"and takes its slot with it. After as many mistakes as there are slots, everybody waits for a slot that nobody holds, " +
			"and only a restart helps. The mistakes may be days apart.",
		Fix: "Give the slot back with defer, on the line after the one that took it.",
		Stands: "Ollama, March 2025 (pull request 10005): an error after the semaphore was taken returned without releasing it, " +
			"which “reduces our parallel sequences and eventually leads to deadlock”; found by reading, and called unlikely there.",
		Read: []string{
			"runner: Release semaphore and improve error messages on failures, Ollama 10005: https://github.com/ollama/ollama/pull/10005",
			"Package semaphore: https://pkg.go.dev/golang.org/x/sync/semaphore",
			"Defer, Effective Go: https://go.dev/doc/effective_go#defer",
		},
		Source: "lostslot.go", Broken: broken.LostSlot, Fixed: fixed.LostSlot,
		// Every second user mistakes the width.
		Request: func(user int, canary string) *http.Request {
			width := "auto"
			if user%2 == 1 {
				width = "640"
			}
			return visiting("GET", "/picture?width="+width)(user, canary)
		},
		Traffic: Traffic{Probe: probing("GET", "/picture?width=640")},
	},
	{
		Name:     "stalling/lock-across-io",
		Question: "The rates service is slow. Why is the health check, which does not call it, dead?",
		Claim:    "The lock is right there where the shared field is used, so this is safe.",
		Cause: "The lock is taken before the call to the other service and released after it, so for as long as the service takes, 20 s here, nobody else gets the lock. " +
			"The next visitor waits for it before a call of 20 s of their own, and so on; a health check that wants the lock only to read one field queues with all of them. " +
			"A goroutine that waits for a sync.Mutex cannot give up, whoever has left meanwhile.",
		Fix: "Make the call first and take the lock when its result is there: hold a lock for memory, never for I/O.",
		Stands: "Docker, 2015 (issue 12606, and others for years after): docker ps locks each container to read its state, " +
			"and hung with the one container whose start held its lock and did not end. " +
			"Kubernetes, 2019 (issue 73958): the watch cache held its lock while it waited for its watchers.",
		Read: []string{
			"docker ps command hangs, moby issue 12606: https://github.com/moby/moby/issues/12606",
			"Lock contention in watchcache, Kubernetes issue 73958: https://github.com/kubernetes/kubernetes/issues/73958",
			goStudy,
			"Package synctest, on why a wait for a mutex stops its clock: https://pkg.go.dev/testing/synctest",
		},
		Source: "lockacrossio.go", Broken: broken.LockAcrossIO, Fixed: fixed.LockAcrossIO,
		Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(20 * time.Second):
				_, _ = io.WriteString(w, "1.08")
			case <-r.Context().Done():
			}
		}),
		Request: visiting("GET", "/rate"),
		Traffic: Traffic{Probe: probing("GET", "/health")},
	},
	{
		Name:     "stalling/blocking-on-the-loop",
		Question: "Eight people print an invoice at once. Why does the page that does nothing wait 20 s?",
		Claim:    "The server is asynchronous, so a slow request does not hold up the others.",
		Cause: "An event loop runs one piece of code at a time, and turns to the next where that code awaits. " +
			"This call to the printing service blocks instead: for 2.5 s nobody is accepted, read from or answered. " +
			"Eight such requests are 20 s in which the server does nothing at all.",
		Fix: "Await the call, which lets the loop serve others meanwhile; what cannot be awaited belongs in a thread of its own.",
		Stands: "The exercise that this laboratory rebuilds, when it was measured: a page that called its feed on the loop of an evented worker " +
			"answered 6 of 1,200 requests. Snyk, February 2019, met the same on Node.js, with functions that each looked quick.",
		Read: []string{
			"“Don't Block the Event Loop (or the Worker Pool)”, Node.js: https://nodejs.org/en/learn/asynchronous-work/dont-block-the-event-loop",
			"“Running Blocking Code”, Developing with asyncio, Python: https://docs.python.org/3/library/asyncio-dev.html#running-blocking-code",
			"“How even quick Node.js async functions can block the Event-Loop”, Michael Gokhman, Snyk, 2019: https://snyk.io/blog/nodejs-how-even-quick-async-functions-can-block-the-event-loop-starve-io/",
		},
		Source: "blockingontheloop.go", Broken: broken.BlockingOnTheLoop, Fixed: fixed.BlockingOnTheLoop,
		Server:  worker.Defaults(worker.Evented),
		Request: visiting("GET", "/invoice"),
		Traffic: Traffic{Probe: probing("GET", "/health")},
	},
	{
		Name:     "stalling/own-pool",
		Question: "The pool has four slots, and a page needs one for itself and one for its chart. Is four enough?",
		Claim:    "The pool limits how much is done at once; a task that finds no slot just waits for its turn.",
		Cause: "A page keeps its slot while it waits for its chart, and the chart needs a slot of the same pool. " +
			"With one visitor at a time all is well. When four pages hold the four slots, " +
			"each of them waits for a chart that waits for a slot which only they could give back.",
		Fix: "Make the chart on the slot that its page holds already. If it must have a limit of its own, give it a pool of its own.",
		Stands: "Milvus, February 2025 (issue 40078): a search in the pool waited for a second query that needed the same pool; " +
			"the fix was a second pool. Task, February 2023 (pull request 1025), and the pond library, April 2024 (issue 56), likewise.",
		Read: []string{
			"requery may block in task scheduler if pool is filled with search task need requery, Milvus issue 40078: https://github.com/milvus-io/milvus/issues/40078",
			"Release execution slot while waiting for task, go-task 1025: https://github.com/go-task/task/pull/1025",
			"Nested groups hang, pond issue 56: https://github.com/alitto/pond/issues/56",
		},
		Source: "ownpool.go", Broken: broken.OwnPool, Fixed: fixed.OwnPool,
		Request: visiting("GET", "/page"),
	},
	{
		Name:     "stalling/slow-reader",
		Question: "One of eight readers wants one piece of news a minute. Why can nobody publish any more?",
		Claim:    "Each reader has a channel with a buffer, so a slow reader does not hold up the others.",
		Cause: "A buffer only puts it off. The publisher sends to one reader after another, and a send on a full channel waits. " +
			"The slow reader takes one piece a minute, its four places fill, " +
			"and from then on each publisher waits for that one reader, and the other seven with it.",
		Fix: "Never wait for a reader: send with select and default, and let who does not keep up miss something (or be disconnected, and told so).",
		Stands: "Kubernetes, November 2015 (pull request 16916): “if one watcher was blocked due to some reasons, all other watchers will be blocked”; asked about again in April 2016 (issue 24091, which calls itself speculative). " +
			"The remedy was to terminate a watcher that does not take an event in time.",
		Read: []string{
			"Terminate watcher if it is not consuming events, Kubernetes 16916: https://github.com/kubernetes/kubernetes/pull/16916",
			"potential issue of API server cache, Kubernetes issue 24091: https://github.com/kubernetes/kubernetes/issues/24091",
		},
		Source: "slowreader.go", Broken: broken.SlowReader, Fixed: fixed.SlowReader,
		// The first user is the slow one.
		Request: func(user int, canary string) *http.Request {
			every := "1s"
			if user == 0 {
				every = "1m"
			}
			return visiting("GET", "/news?every="+every)(user, canary)
		},
		Traffic: Traffic{Probe: probing("POST", "/news?text=rain")},
	},
	{
		Name:     "stalling/map-write",
		Question: "Two visitors are counted at the same moment. Is the worst that one of them is lost?",
		Claim:    "It is only a statistic: if two requests collide, a view is missing, and nobody minds.",
		Cause: "net/http runs each request on a goroutine of its own, and all of them write to one plain map. " +
			"A map that two goroutines write at once may be damaged; since Go 1.6 the runtime looks for it, " +
			"and ends the whole process with “fatal error: concurrent map writes”. No recover can stop that, so every other request dies with it.",
		Fix: "Put a mutex around every access to the map, reads included.",
		Stands: "A category of its own in “A Study of Real-World Data Races in Golang” (PLDI 2022). " +
			"falcosidekick-ui, February 2021 (pull request 17): HTTP handlers read and wrote a shared map without a lock, and the fix quotes this message.",
		Read: []string{
			"Go 1.6 Release Notes, Runtime: https://go.dev/doc/go1.6#runtime",
			"“Why are map operations not defined to be atomic?”, Go FAQ: https://go.dev/doc/faq#atomic_maps",
			`"A Study of Real-World Data Races in Golang", Chabbi, Ramanathan, PLDI 2022: https://arxiv.org/abs/2204.00764`,
			"Prevent concurrent map read/writes, falcosidekick-ui 17: https://github.com/falcosecurity/falcosidekick-ui/pull/17",
		},
		Source: "mapwrite.go", Broken: broken.MapWrite, Fixed: fixed.MapWrite,
		Request: func(user int, canary string) *http.Request {
			return visiting("GET", fmt.Sprintf("/articles/%d", user%3))(user, canary)
		},
	},
	{
		Name:     "stalling/wait-group",
		Question: "One of three services is down, and the page is to be shown without it. Why is there no page?",
		Claim:    "Each call has a time limit and a failed one is left out, so the page comes in any case.",
		Cause: "The handler counts three calls and waits until three have said that they are done. " +
			"A call that fails returns before the line that says so. " +
			"The count never reaches zero: the handler waits for ever, also when its visitor has left, and so does the next.",
		Fix: "Say Done with defer, on the first line of the goroutine (or start it with WaitGroup.Go, which cannot forget).",
		Stands: "Docker (pull request 25384): a WaitGroup that waited for more calls of Done than there would be, " +
			"in the ASPLOS 2019 study and moby_25384 in GoBench.",
		Read: []string{
			goStudy,
			goBench,
			"moby pull request 25384: https://github.com/moby/moby/pull/25384",
			"WaitGroup.Go, package sync: https://pkg.go.dev/sync#WaitGroup.Go",
		},
		Source: "waitgroup.go", Broken: broken.WaitGroup, Fixed: fixed.WaitGroup,
		Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/reviews" {
				http.Error(w, "down for maintenance", http.StatusServiceUnavailable)
				return
			}
			_, _ = io.WriteString(w, r.URL.Path+": 42")
		}),
		Request: visiting("GET", "/product"),
	},
}
