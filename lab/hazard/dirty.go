// The dirty hazards: one user is shown another user's data.

package hazard

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"example.com/outagelab/lab/hazard/broken"
	"example.com/outagelab/lab/hazard/fixed"
	"example.com/outagelab/pocserver/worker"
)

// What several of the dirty hazards say to read.
const (
	readCWE488 = "CWE-488: Exposure of Data Element to Wrong Session, MITRE, first published 2006: https://cwe.mitre.org/data/definitions/488.html"
	readChabbi = "A Study of Real-World Data Races in Golang, M. Chabbi and M. K. Ramanathan, PLDI 2022: https://doi.org/10.1145/3519939.3523720 (preprint: https://arxiv.org/abs/2204.00764)"
	readTu     = "Understanding Real-World Concurrency Bugs in Go, T. Tu, X. Liu, L. Song and Y. Zhang, ASPLOS 2019: https://doi.org/10.1145/3297858.3304069"
	readGitHub = "How we found and fixed a rare race condition in our session handling, D. Bussink, GitHub, 18 March 2021: https://github.blog/2021-03-18-how-we-found-and-fixed-a-rare-race-condition-in-our-session-handling/"
	readOpenAI = "March 20 ChatGPT outage: Here's what happened, OpenAI, 24 March 2023: https://openai.com/index/march-20-chatgpt-outage/"
)

var dirty = []Hazard{
	{
		Name:     "dirty/session",
		Question: "The handler keeps its user in a field while it waits. Whose name is on the page?",
		Claim:    "Each request stores its own user before it uses it, so the page is always for who asked.",
		Cause: "There is one handler, and so one session, for all requests of the process. A request stores its user there " +
			"and waits; while it waits another request stores another user in the same place. When the first one goes on it " +
			"reads what the second one left.",
		Fix:    "Keep what belongs to a request in a variable of that request, not in a field of the handler.",
		Stands: "The Django PoC's /dirty/ view, and CWE-488, whose example is a servlet with its user in a member field.",
		Read:   []string{readCWE488, readChabbi},

		Source: "session.go", Broken: broken.Session, Fixed: fixed.Session,
		Request: dirtySession,
	},
	{
		Name:     "dirty/session-on-a-loop",
		Question: "On an event loop one thread runs all code, one piece at a time. Can users still see each other's name?",
		Claim:    "There is only one thread, so nothing runs at the same time and there can be no race.",
		Cause: "On an event loop nobody else runs between two awaits, but at an await everybody else may. The request stores " +
			"its user in a session that all requests share, awaits its nap, and reads the session again: meanwhile another " +
			"request has stored its own user there. It is a race condition without a data race: the accesses are in order, and " +
			"the order is wrong.",
		Fix:    "Keep what belongs to a request in a variable of that request: that holds on an event loop as it does on threads.",
		Stands: "The Django PoC's /dirty/ view as it was written, on uvicorn.",
		Read:   []string{readCWE488, readOpenAI},

		Source: "session.go", Broken: broken.Session, Fixed: fixed.Session,
		Server:  worker.Defaults(worker.Uvicorn),
		Request: dirtySession,
	},
	{
		Name:     "dirty/mutex",
		Question: "Each access is behind a mutex. Can users still see each other's mail?",
		Claim:    "Every access to the session is behind a mutex, and go test -race finds nothing: it is safe for concurrent use.",
		Cause: "The mutex makes each single access whole, and it is free again between them. One request logs in and waits for " +
			"the database; another one logs in, into the same session; the first asks who is logged in, gets the mutex, and " +
			"reads the other's name. No access is a data race, so the race detector has nothing to report: what is wrong is " +
			"that there is one session.",
		Fix:    "Give each request a session of its own. A lock protects memory, not the meaning of what is in it.",
		Stands: "",
		Read:   []string{readCWE488, readTu},

		Source: "mutex.go", Broken: broken.Mutex, Fixed: fixed.Mutex,
		Request: dirtyEmail,
	},
	{
		Name:     "dirty/atomic",
		Question: "Who is logged in is one atomic pointer to a value that never changes. What can go wrong?",
		Claim:    "The user is immutable and the pointer is atomic, so a request reads back the user that it has stored.",
		Cause: "Nobody sees half of a change, but everybody sees everybody's changes. A request stores its user, waits for the " +
			"database, and loads the pointer again: what it loads is whole, and belongs to whoever logged in last.",
		Fix:    "Let each request have a pointer of its own, or just a variable.",
		Stands: "",
		Read:   []string{readCWE488, "The Go Memory Model, the Go project, 2022: https://go.dev/ref/mem"},

		Source: "atomic.go", Broken: broken.Atomic, Fixed: fixed.Atomic,
		Request: dirtyEmail,
	},
	{
		Name:     "dirty/pooled-object",
		Question: "Orders come from a sync.Pool and are filled in from the form. Where is one sent that has no address?",
		Claim:    "Nobody else has the object between Get and Put, and decoding fills it in.",
		Cause: "A pool gives back objects as they were put into it. Decoding sets the fields that the form has and leaves the " +
			"others alone, so a request without the optional field keeps the value of a former user. No two requests touch the " +
			"object at the same time: it is no data race, and two requests one after the other are enough.",
		Fix: "Reset the object when it comes out of the pool (or before it goes in).",
		Stands: "ffjson, 2016: decoding into an object from a sync.Pool kept the former object's fields where the JSON had none; " +
			"encoding/json does the same by design (golang/go issue 32262).",
		Read: []string{
			"inception: Reset undefined fields when reusing objects, pquerna/ffjson pull request 195, 2016: https://github.com/pquerna/ffjson/pull/195",
			"json.Unmarshal should empty other field, golang/go issue 32262, 2019: https://github.com/golang/go/issues/32262",
			readCWE488,
		},

		Source: "pooledobject.go", Broken: broken.PooledObject, Fixed: fixed.PooledObject,
		Request: func(_ int, canary string) *http.Request {
			form := url.Values{"item": {"teapot"}, "address": {"1 " + canary + " Street"}}
			r := dirtyAsk(http.MethodPost, "/order", strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return r
		},
		Traffic: Traffic{Users: 32},
	},
	{
		Name:     "dirty/pooled-buffer",
		Question: "The buffer goes back to its pool as soon as the page is rendered. Is the page still yours?",
		Claim:    "The deferred Put runs when the page is finished, so no two requests render into the same buffer at the same time.",
		Cause: "The bytes that are returned are the buffer's own memory, not a copy. When the function returns, its deferred Put " +
			"gives the buffer back; the next request takes it out and renders its page over these bytes, while the first request " +
			"still has to send them.",
		Fix: "Return a copy of the bytes, or put the buffer back only when nobody needs its bytes any more.",
		Stands: "go-resty v2.10.0, CVE-2023-45286, November 2023: a retry put the same bytes.Buffer into a sync.Pool twice, so that " +
			"one HTTP request could be sent with the body of an unrelated one.",
		Read: []string{
			"Security: Don't put the same bytes.Buffer into sync.Pool twice, go-resty/resty pull request 745, 2023: https://github.com/go-resty/resty/pull/745",
			"CVE-2023-45286 in the Go vulnerability database, golang/vulndb issue 2328, 2023: https://github.com/golang/vulndb/issues/2328",
			readChabbi,
		},

		Source: "pooledbuffer.go", Broken: broken.PooledBuffer, Fixed: fixed.PooledBuffer,
		Request: dirtyToken("/invoice"),
		Traffic: Traffic{Users: 32},
	},
	{
		Name:     "dirty/cache-key",
		Question: "Requests for the same page at the same time share one call to a slow service. Who gets whose page?",
		Claim:    "The key is the path, and the same path is the same page.",
		Cause: "The answer depends on the path and on who asks, but the key is the path alone. While the call for one user is " +
			"under way, another user asks for the same path, joins that call instead of making one, and gets its result.",
		Fix: "Put into the key everything that the answer depends on: here, who asks.",
		Stands: "Weaviate, July 2026: a singleflight around the check of API keys was keyed by the user and not by the key, so that " +
			"a request with a wrong key could share the result of a right one.",
		Read: []string{
			"Key the auth singleflight on the key, not just the user, weaviate/weaviate pull request 12270, 2026: https://github.com/weaviate/weaviate/pull/12270",
			"Package singleflight, the Go project: https://pkg.go.dev/golang.org/x/sync/singleflight",
			readCWE488,
		},

		Source: "cachekey.go", Broken: broken.CacheKey, Fixed: fixed.CacheKey,
		Upstream: dirtyAccounts,
		Request:  dirtyToken("/account"),
	},
	{
		Name:     "dirty/off-by-one",
		Question: "A user leaves before the session store has answered. Who gets the answer?",
		Claim:    "Who gives up gets an error and no data, and the connection goes back to the pool, as good as new.",
		Cause: "The command was sent, and its reply is still to come when its user gives up. The connection goes back into the " +
			"pool with that reply on the way. The next request sends its own command over it and reads the first reply that " +
			"comes, which is the one for the user who left; from then on each request on this connection gets the reply of the " +
			"one before.",
		Fix: "Close a connection that still owes a reply, instead of putting it back.",
		Stands: "ChatGPT, 20 March 2023: requests that were cancelled left redis-py's connections off by one, and users saw titles of " +
			"other users' chats; of 1.2 % of ChatGPT Plus subscribers, payment-related data may have been visible.",
		Read: []string{
			readOpenAI,
			"Off by 1 - Canceling async Redis command leaves connection open, in unsafe state for future commands, redis/redis-py issue 2624, 2023: https://github.com/redis/redis-py/issues/2624",
		},

		Source: "offbyone.go", Broken: broken.OffByOne, Fixed: fixed.OffByOne,
		Request: dirtyCookie("/"),
	},
	{
		Name:     "dirty/kept-request",
		Question: "A goroutine writes the audit record after the reply, so that nobody waits for it. Who was here?",
		Claim:    "The goroutine only reads the framework's context of the request, and the garbage collector keeps that alive as long as it is needed.",
		Cause: "The framework's context (keptContext here, as gin's Context; not net/http's) comes from a pool and goes back when the handler returns, but the goroutine still holds it. " +
			"The next request takes it out of the pool and puts its own request into it. When the goroutine looks at last, it " +
			"finds the other user, and records them for what the first one did.",
		Fix: "Take what the goroutine needs out of the context before the goroutine starts (gin's Context.Copy is for this).",
		Stands: "gin and fasthttp, whose request contexts come from a pool and must not be used after the handler has returned " +
			"(gin issue 1118, 2017; fasthttp issue 146, 2016).",
		Read: []string{
			"Data Race into context when you don't call func (c *Context) Copy() *Context, gin-gonic/gin issue 1118, 2017: https://github.com/gin-gonic/gin/issues/1118",
			"Asynchronous processing of RequestCtx in a goroutine, valyala/fasthttp issue 146, 2016: https://github.com/valyala/fasthttp/issues/146",
			readGitHub,
		},

		Source: "keptrequest.go", Broken: broken.KeptRequest, Fixed: fixed.KeptRequest,
		Upstream: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }),
		Request:  dirtyToken("/"),
		Traffic:  Traffic{Users: 32},
	},
	{
		Name:     "dirty/worker-slot",
		Question: "Each worker slot serves one request at a time and has an environment of its own. Is that not isolation?",
		Claim:    "A slot serves one request at a time, so what is in its environment belongs to that request alone.",
		Cause: "It belongs to one request at a time, and then to the next one. A slot's environment outlives its requests: the new " +
			"request is put into it, but who was logged in is looked up only if nobody is known yet, and the former request's " +
			"user still is. No two requests ever overlap in a slot; one after the other is enough. (There are two slots here, taken in turn: B has the other one.)",
		Fix: "Begin each request with a fresh environment, so that nothing of the former one is left.",
		Stands: "GitHub, March 2021: by way of a new background thread a Ruby hash came to be shared by two requests, and a user was " +
			"signed in as another user; on 8 March all sessions were ended.",
		Read: []string{
			readGitHub,
			"GitHub security update: A bug related to handling of authenticated sessions, M. Hanley, GitHub, 8 March 2021: https://github.blog/2021-03-08-github-security-update-a-bug-related-to-handling-of-authenticated-sessions/",
			readCWE488,
		},

		Source: "workerslot.go", Broken: broken.WorkerSlot, Fixed: fixed.WorkerSlot,
		Request: dirtyCookie("/"),
	},
	{
		Name:     "dirty/front-cache",
		Question: "A cache in front of the shop keeps it alive under attack. Whose account page is in it?",
		Claim:    "A page is known by its URL: who asks for the same one gets the same one.",
		Cause: "Pages are stored by their URL alone, whoever asked for them and whatever the shop said about them. The first user " +
			"to ask after the cache is empty gets a page made for them, the cache stores it, and everybody else who asks for that " +
			"URL gets the same page: the first user's.",
		Fix: "Neither answer from the cache nor store for a request that says who asks (Cookie, Authorization), and store only what " +
			"the server calls public.",
		Stands: "Steam, 25 December 2015: under a denial-of-service attack a caching configuration was deployed that also cached the " +
			"pages of users who were logged in; pages of about 34,000 users may have been shown to others.",
		Read: []string{
			"Valve apologizes for \"Steam's troubled Christmas\" (with Valve's statement), PC Gamer, December 2015: https://www.pcgamer.com/valve-apologizes-for-steams-troubled-christmas/",
			"HTTP Caching, RFC 9111, R. Fielding, M. Nottingham and J. Reschke, IETF, 2022, sections 3.5 and 5.2.2.7: https://www.rfc-editor.org/rfc/rfc9111",
		},

		Source: "frontcache.go", Broken: broken.FrontCache, Fixed: fixed.FrontCache,
		Upstream: dirtyShop,
		Request:  dirtyCookie("/account"),
	},
	{
		Name:     "dirty/captured-variable",
		Question: "The middleware is a closure, and closures see the variables around them. How many users are there?",
		Claim:    "user is a local variable of the function, so each call has its own.",
		Cause: "The variable is declared in the function that makes the middleware, which runs once, when the server starts. The " +
			"closure that runs for each request captures that one variable by reference: all requests store their user in it. " +
			"A request that brings no user of its own shows the last one's, and while one waits another changes it.",
		Fix: "Declare the variable inside the closure, so that each request has its own.",
		Stands: "Capture by reference, \"a recipe for data races\" in the PLDI 2022 study of more than 1,000 data races fixed at Uber; " +
			"labstack/echo-jwt shared an err between all requests in just this way (January 2023), though no user's data.",
		Read: []string{
			readChabbi,
			"Fix data race in Config.ToMiddleware.func2.1(), labstack/echo-jwt pull request 4, 2023: https://github.com/labstack/echo-jwt/pull/4",
		},

		Source: "capturedvariable.go", Broken: broken.CapturedVariable, Fixed: fixed.CapturedVariable,
		Request: dirtyToken("/inbox"),
	},
	{
		Name:     "dirty/append-aliasing",
		Question: "Each call appends its own options to the client's defaults. Whose token does it send?",
		Claim:    "append returns a new slice, and the defaults never change.",
		Cause: "append copies only when there is no room left. The slice of defaults was built by append and has room for one more, so " +
			"two requests that append to it both write their option into the same place, just behind the defaults. The second one " +
			"overwrites the first one's token, which the first has still to send.",
		Fix: "Make a slice of your own before you add to it (slices.Concat, or the full slice expression s[:len(s):len(s)]).",
		Stands: "grpc-go, March 2018: default and per-call options were joined by append, so that concurrent calls could overwrite each " +
			"other's (pull request 1948).",
		Read: []string{
			"client: Fix race when using both client-side default CallOptions and per-call CallOptions, grpc/grpc-go pull request 1948, 2018: https://github.com/grpc/grpc-go/pull/1948",
			"Don't use append() on slices with unclear origin, containers/image pull request 2155, 2023: https://github.com/containers/image/pull/2155",
			readChabbi,
		},

		Source: "appendaliasing.go", Broken: broken.AppendAliasing, Fixed: fixed.AppendAliasing,
		Upstream: dirtyAccounts,
		Request:  dirtyToken("/account"),
	},
	{
		Name:     "dirty/template-func",
		Question: "The template is parsed once, and each request gives it its own functions. Whom does the page greet?",
		Claim:    "A template may be executed by many goroutines at once, and its functions are this request's own closures, so each page greets its own user.",
		Cause: "Funcs changes the template, and there is one template for all requests. A function is looked up by name when " +
			"execution gets to it: a page that waits half-way (for the news) goes on with the functions of whoever called Funcs " +
			"last. The template guards that map with a lock, so here it is no data race.",
		Fix: "Clone the template and give the functions to the clone.",
		Stands: "gofiber/template, July 2020: part of a page could be rendered in another request, for Funcs on a shared template (pull " +
			"request 30); Miniflux, June 2026, the same with translations (issue 4380).",
		Read: []string{
			"Correction of data conflict (race) error, gofiber/template pull request 30, 2020: https://github.com/gofiber/template/pull/30",
			"Race-condition in templating, miniflux/v2 issue 4380, 2026: https://github.com/miniflux/v2/issues/4380",
		},

		Source: "templatefunc.go", Broken: broken.TemplateFunc, Fixed: fixed.TemplateFunc,
		Request: dirtyCookie("/"),
	},
	{
		Name:     "dirty/shared-channel",
		Question: "Nothing is shared but a channel: share memory by communicating. Who receives what?",
		Claim:    "The goroutines share no memory. Each request starts one, and takes its answer off the channel.",
		Cause: "Whoever receives first gets whatever was sent first. All requests receive from one channel, so an answer that is " +
			"ready early goes to the request that has waited longest, whoever it was made for; and one whose user has left stays " +
			"in the channel for the next user.",
		Fix: "Make a channel for each request (with room for one answer, so that nobody hangs when the user has left).",
		Stands: "The ASPLOS 2019 study of 171 concurrency bugs in Docker, Kubernetes, gRPC and others: message passing does not " +
			"necessarily make programs less error-prone than shared memory.",
		Read: []string{readTu, readCWE488},

		Source: "sharedchannel.go", Broken: broken.SharedChannel, Fixed: fixed.SharedChannel,
		Upstream: dirtyAccounts,
		Request:  dirtyToken("/account"),
	},
}

// dirtyAccounts is a service that tells users about their account.
var dirtyAccounts = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	time.Sleep(20 * time.Millisecond)
	_, _ = io.WriteString(w, "The account of "+r.Header.Get("Authorization"))
})

// dirtyShop is a shop that says which of its pages are for everybody.
var dirtyShop = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	time.Sleep(20 * time.Millisecond)
	user, sharing := "stranger", "public"
	if cookie, err := r.Cookie("session"); err == nil {
		user, sharing = cookie.Value, "private"
	}
	w.Header().Set("Cache-Control", sharing)
	_, _ = io.WriteString(w, "Hello, "+user)
})

func dirtyAsk(method, path string, body io.Reader) *http.Request {
	r, err := http.NewRequest(method, "http://app.test"+path, body)
	if err != nil {
		panic(err) // these are constants
	}
	return r
}

// dirtySession asks as the PoC's recipe does.
func dirtySession(_ int, canary string) *http.Request {
	return dirtyAsk(http.MethodGet, "/dirty/?"+url.Values{"sleep": {"0.3"}, "email": {canary}}.Encode(), nil)
}

func dirtyEmail(_ int, canary string) *http.Request {
	return dirtyAsk(http.MethodGet, "/mail?"+url.Values{"email": {canary}}.Encode(), nil)
}

func dirtyToken(path string) func(int, string) *http.Request {
	return func(_ int, canary string) *http.Request {
		r := dirtyAsk(http.MethodGet, path, nil)
		r.Header.Set("Authorization", "Bearer "+canary)
		return r
	}
}

func dirtyCookie(path string) func(int, string) *http.Request {
	return func(_ int, canary string) *http.Request {
		r := dirtyAsk(http.MethodGet, path, nil)
		r.AddCookie(&http.Cookie{Name: "session", Value: canary})
		return r
	}
}
