// The hazards that leave goroutines behind: each handler answers as it should,
// and its server grows until it is restarted.

package hazard

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"example.com/outagelab/lab/hazard/broken"
	"example.com/outagelab/lab/hazard/fixed"
)

// visiting returns the request of a user who is known by a cookie.
func visiting(method, target string) func(user int, canary string) *http.Request {
	return func(_ int, canary string) *http.Request {
		r := httptest.NewRequest(method, target, nil)
		r.AddCookie(&http.Cookie{Name: "session", Value: canary})
		return r
	}
}

// probing returns a request of nobody in particular.
func probing(method, target string) func() *http.Request {
	return func() *http.Request { return httptest.NewRequest(method, target, nil) }
}

// What several of these hazards are to be read with.
const (
	leakStudy = `"Unveiling and Vanquishing Goroutine Leaks in Enterprise Microservices: A Dynamic Analysis Approach", Saioc, Shirchenko, Chabbi, CGO 2024: https://arxiv.org/abs/2312.12002`
	goStudy   = `"Understanding Real-World Concurrency Bugs in Go", Tu, Liu, Song, Zhang, ASPLOS 2019: https://doi.org/10.1145/3297858.3304069`
	goBench   = `"GoBench: A Benchmark Suite of Real-World Go Concurrency Bugs", Yuan et al., CGO 2021: https://doi.org/10.1109/CGO51591.2021.9370317`
)

var leaking = []Hazard{
	{
		Name:     "leaking/stream",
		Question: "A client of an endless stream closes its browser. What becomes of the handler?",
		Claim:    "When the client is gone the connection is closed, so its stream ends by itself.",
		Cause: "net/http cannot stop a handler. When a client leaves, the server closes the connection, " +
			"cancels the request's context and lets every further write fail. This loop looks at neither, " +
			"so it writes to nobody for ever, and each visitor leaves one more such goroutine.",
		Fix: "End the loop when the request's context is done.",
		Stands: "SigNoz, July 2026 (issue 12186): a live view of the logs left goroutines behind when its user closed it; " +
			"among the causes, the handler did not look whether the request was cancelled, nor stop at a failed write.",
		Read: []string{
			"The Context of a request, and when it is canceled, package net/http: https://pkg.go.dev/net/http#Request.Context",
			"Live-log streaming leaks goroutines after clients disconnect, SigNoz issue 12186: https://github.com/SigNoz/signoz/issues/12186",
			leakStudy,
		},
		Source: "stream.go", Broken: broken.Stream, Fixed: fixed.Stream,
		Request: visiting("GET", "/prices"),
		Traffic: Traffic{Patience: 5 * time.Second, Probe: probing("GET", "/health")},
	},
	{
		Name:     "leaking/feed-timeout",
		Question: "The service that this page asks does not answer. How long does the page wait?",
		Claim:    "If the feed hangs, the call fails sooner or later and the page shows an error.",
		Cause: "An http.Client has no time limit unless it is given one, and http.NewRequest makes a request whose context never ends. " +
			"A service that accepts the call and then says nothing holds the handler for ever, " +
			"also when the visitor has left long ago. Each visitor adds a handler and an open call.",
		Fix: "Give the client a Timeout, and make the request with the context of the visitor's, so that the call ends with whoever wants its result.",
		Stands: "Kubernetes, 2018 (pull request 62543, issue 65814): the kubelet asked the cloud provider's API without a time limit, " +
			"and a call that hung, for up to 20 minutes, kept it from reporting its node as ready.",
		Read: []string{
			"Client.Timeout: “A Timeout of zero means no timeout”, package net/http: https://pkg.go.dev/net/http#Client",
			"Timeout on instances.NodeAddresses cloud provider request, Kubernetes 62543: https://github.com/kubernetes/kubernetes/pull/62543, and the issue that followed: https://github.com/kubernetes/kubernetes/issues/65814",
			"“The complete guide to Go net/http timeouts”, Filippo Valsorda, Cloudflare, 2016: https://blog.cloudflare.com/the-complete-guide-to-golang-net-http-timeouts/",
		},
		Source: "feedtimeout.go", Broken: broken.FeedTimeout, Fixed: fixed.FeedTimeout,
		Upstream: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
		Request:  visiting("GET", "/check_feed"),
		Traffic:  Traffic{Patience: 5 * time.Second, Probe: probing("GET", "/health")},
	},
	{
		Name:     "leaking/late-result",
		Question: "The handler gives up after 50 ms, the work is done after 60. Who takes the result?",
		Claim:    "The select has a timeout, so nothing can hang here.",
		Cause: "The work sends its result on a channel that has no buffer, so the send waits for a receiver. " +
			"When the time limit comes first, the handler has returned and nobody will ever receive: " +
			"the goroutine that did the work waits for ever, and so it is with each request that is late.",
		Fix: "Give the channel a buffer of one: the work can always leave its result there and end. A channel that nobody holds any more is garbage.",
		Stands: "Kubernetes, March 2015 (pull request 5316), found when an API server crashed with 1,496 goroutines: Figure 1 of the ASPLOS 2019 study, " +
			"kubernetes_5316 in GoBench. Its time limit for requests had the same mistake until 2019 (pull request 83333).",
		Read: []string{
			goStudy,
			"fix goroutine leak, Kubernetes 5316: https://github.com/kubernetes/kubernetes/pull/5316; Don't leak a go routine on timeout, Kubernetes 83333: https://github.com/kubernetes/kubernetes/pull/83333",
			goBench,
			"LeakProf: Featherlight In-Production Goroutine Leak Detection, Uber, 2022: https://www.uber.com/blog/leakprof-featherlight-in-production-goroutine-leak-detection/",
		},
		Source: "lateresult.go", Broken: broken.LateResult, Fixed: fixed.LateResult,
		Request: visiting("GET", "/quote"),
		Traffic: Traffic{Every: 5 * time.Millisecond, Probe: probing("GET", "/health")},
	},
	{
		Name:     "leaking/body",
		Question: "A check needs only the status of an answer. What becomes of the rest of it?",
		Claim:    "The handler does not read the body, so there is nothing to clean up.",
		Cause: "A response comes back as soon as its header is there; the body is still on its way, and somebody waits to hand it over. " +
			"Until it is read to its end or closed, the call is not over: here the other side's writer waits, " +
			"with a real http.Transport the connection and its two goroutines. Each check leaves one such call.",
		Fix: "Close the body whenever a call has returned no error, also if it is not read: defer, right after the error check.",
		Stands: "Unleash's Go client, 2018 (pull request 31), and many others: each call left the read and the write loop of its connection. " +
			"golang/go issue 16953 shows how such a leak looks from outside.",
		Read: []string{
			"Response.Body: “It is the caller's responsibility to close Body”, package net/http: https://pkg.go.dev/net/http#Response",
			"golang/go issue 16953: https://github.com/golang/go/issues/16953",
			"metrics: Close http response bodies to avoid leaks, unleash-go-sdk 31: https://github.com/Unleash/unleash-go-sdk/pull/31",
			"bodyclose, a linter that finds it: https://github.com/timakin/bodyclose",
		},
		Source: "body.go", Broken: broken.Body, Fixed: fixed.Body,
		Upstream: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("something new\n", 1000))
		}),
		Request: visiting("GET", "/status"),
	},
	{
		Name:     "leaking/subscriber",
		Question: "There is a call that removes a listener when it fails to write. Are all removed?",
		Claim:    "A listener who is gone fails to get the next price, and is removed then.",
		Cause: "The handler has two ways out. When a write fails it removes its listener from the hub; " +
			"when the request's context ends, which is how nearly all clients leave, it just returns. " +
			"The hub goes on telling that listener each price, and the goroutine that serves it waits for more.",
		Fix: "Remove the listener with defer, next to where it was added: then there is no way out that forgets it.",
		Stands: "Drone CI, March 2018 (pull request 2386): the stream of events subscribed with a context that did not end when the client left, " +
			"so nobody was unsubscribed and the server's memory grew.",
		Read: []string{
			"Fix EventStreamSSE Memory Leak, Drone (now Harness) 2386: https://github.com/harness/harness/pull/2386",
			leakStudy,
		},
		Source: "subscriber.go", Broken: broken.Subscriber, Fixed: fixed.Subscriber,
		Request: visiting("GET", "/prices"),
		Traffic: Traffic{Patience: 5 * time.Second, Probe: probing("POST", "/prices?price=101")},
	},
	{
		Name:     "leaking/ticker",
		Question: "The ticker is stopped when the request ends. Does the loop over its ticks end too?",
		Claim:    "The ticker is stopped with defer, so its goroutine ends with the request.",
		Cause: "Stop turns the ticker off and does not close its channel. A range over the channel ends only when it is closed, " +
			"and that never happens: the goroutine waits for ever for a tick that cannot come, one for each request.",
		Fix: "Give the loop a second thing to wait for that does end: select on the tick and on the request's context (or on a channel that the handler closes).",
		Stands: "speedtest-go, August 2023 (pull request 142), found as a leak of Telegraf, which has it built in; " +
			"SigNoz, July 2026 (issue 12186). Reported as a bug of Go itself in golang/go issue 33831.",
		Read: []string{
			"Ticker.Stop: “Stop does not close the channel”, package time: https://pkg.go.dev/time#Ticker.Stop",
			"golang/go issue 33831: https://github.com/golang/go/issues/33831",
			"clean-up the rate sequence goroutines to avoid leaking, speedtest-go 142: https://github.com/showwin/speedtest-go/pull/142",
		},
		Source: "ticker.go", Broken: broken.Ticker, Fixed: fixed.Ticker,
		Request: visiting("POST", "/seat"),
	},
	{
		Name:     "leaking/unclosed-channel",
		Question: "All pictures are done and the reply is out. What do the three workers do now?",
		Claim:    "The handler waits until all work is done, so nothing is left when it returns.",
		Cause: "The handler counts the pictures, and returns when all are done. The workers do not know that: each asks its channel for the next picture, " +
			"and a range over a channel ends only when the channel is closed. Nobody closes it, " +
			"so each request leaves its three workers waiting.",
		Fix:    "Close the channel after the last picture was sent. It is for the sender to do, who alone knows which is the last.",
		Stands: "gmeasure of the Gomega test library, August 2022 (issue 579): the workers of each sampling ranged over a channel that was never closed.",
		Read: []string{
			"work channel in gmeasure.Experiment.Sample is not closed upon return, onsi/gomega 579: https://github.com/onsi/gomega/issues/579",
			leakStudy,
			"For statements with range clause, over a channel, The Go Programming Language Specification: https://go.dev/ref/spec#For_range",
		},
		Source: "unclosedchannel.go", Broken: broken.UnclosedChannel, Fixed: fixed.UnclosedChannel,
		Request: visiting("GET", "/album"),
	},
}
