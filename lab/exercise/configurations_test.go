// The table of configurations: what each leads to, route by route, and that the
// report says so.

package exercise

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
)

// routes are causes by route: /, /hash_me, /check_feed and /stream_feed. None is
// healthy.
type routes [4][]Cause

func causes(c ...Cause) []Cause { return c }

// all is the same causes for each route.
func all(c ...Cause) routes { return routes{c, c, c, c} }

// Servers that routing alone cannot give: with room for the polls, and for both.
var (
	threads = Setup{OneAddress: true, Threads: 25}
	fit     = Setup{OneAddress: true, Threads: 25, Awaiting: true}
	fitTwo  = Setup{Threads: 25, Awaiting: true}
	oneAddr = Setup{OneAddress: true}
)

var configurations = []struct {
	name  string
	conf  string
	setup Setup
	want  routes
	says  string // in the cause of the last route that fails
	race  bool   // under the race detector too
}{
	{
		name: "as shipped", conf: feedsim.Shipped, want: all(NoLive, Queueing), race: true,
		says: "the 2 sync workers of 127.0.0.1:5000 were busy 100 % of the time, all of it with /check_feed: 75 requests waited there for 60 s without an answer; nginx then took that address for dead",
	},
	{
		name: "as shipped, and localhost one address", conf: feedsim.Shipped, setup: oneAddr, want: all(Queueing), race: true,
		says: "75 requests waited there for 60 s without an answer",
	},
	{
		name: "as shipped, with more patience", conf: everywhere(feedsim.Shipped, "proxy_read_timeout 300s;"), setup: oneAddr, want: all(Queueing),
		says: "75 requests waited there for 90 s without an answer",
	},
	{
		name: "as shipped, and no server is ever marked as failed", conf: but(feedsim.Shipped, "localhost:5000", "localhost:5000 max_fails=0"), want: all(Queueing),
		says: "75 requests waited there for 60 s without an answer",
	},
	{
		name: "as shipped, and no second try", conf: everywhere(feedsim.Shipped, "proxy_next_upstream off;"),
		want: routes{causes(NoLive, Queueing), causes(NoLive, Queueing), causes(NoLive, Queueing), causes(Queueing)},
		says: "all of it with /check_feed: 75 requests waited there for 60 s",
	},
	{
		name: "as shipped, with few connections", conf: but(feedsim.Shipped, "worker_connections 1024", "worker_connections 64"), setup: oneAddr,
		want: all(NoSlots, Queueing),
		says: "those who wait held so many of nginx's connections that for 75 requests none was left",
	},
	{
		name: "all on the threaded server", conf: to("threaded", "threaded", "threaded", "threaded"), setup: oneAddr, want: all(PoolOfOne),
		says: "the 2 workers of 127.0.0.1:5100 accept everybody and have one thread each, which was held 100 % of the time",
	},
	{
		name: "all on 50 threads", conf: to("threaded", "threaded", "threaded", "threaded"), setup: threads, want: all(PoolFull), race: true,
		says: "all 25 threads of each of the 2 workers of 127.0.0.1:5100 were held 100 % of the time, 99 % of it with /stream_feed",
	},
	{
		name: "streams on 50 threads, polls elsewhere", conf: to("prefork", "prefork", "evented", "threaded"), setup: fit,
		want: routes{nil, nil, nil, causes(PoolFull)},
		says: "25 requests waited there for 60 s without an answer",
	},
	{
		name: "all on loops that block", conf: to("evented", "evented", "evented", "evented"), setup: oneAddr, want: all(Killed, LoopHeld), race: true,
		says: "the loops of 127.0.0.1:5200 were held for up to 30.8 s on end, all of it with /check_feed, and the worker timeout killed a worker 1 time",
	},
	{
		name: "all on loops that block, two addresses", conf: to("evented", "evented", "evented", "evented"), want: all(NoLive, Killed, LoopHeld),
		says: "75 requests that it had taken got no answer; nginx then took that address for dead",
	},
	{
		name: "streams on loops that block", conf: repaired(), setup: threads, want: routes{nil, nil, nil, causes(LoopHeld)},
		says: "the loops of 127.0.0.1:5200 were held 99 % of the time, all of it with /stream_feed, which did not let go while it waited: 71 requests waited there for 60 s without an answer; 4 more ended with a worker of 127.0.0.1:5200 that the worker timeout killed",
	},
	{
		name: "all on loops that await", conf: to("evented", "evented", "evented", "evented"), setup: Setup{Awaiting: true},
	},
	{
		name: "streams on sync workers", conf: to("prefork", "prefork", "threaded", "prefork"), setup: threads,
		want: routes{causes(Queueing), causes(Queueing), nil, causes(Queueing)},
		says: "all of it with /stream_feed: 71 requests waited there for 60 s without an answer; 4 more ended with a worker of 127.0.0.1:5000 that the worker timeout killed",
	},
	{
		name: "polls on a pool of one", conf: repaired(), setup: Setup{Awaiting: true}, want: routes{2: causes(NoLive, PoolOfOne)},
		says: "nginx then took that address for dead, like [::1]:5100, which refuses",
	},
	{
		name: "a stream that is collected", conf: but(repaired(), "proxy_buffering off;", ""), setup: fit, want: routes{3: causes(Buffered)}, race: true,
		says: "nginx had the first line of 75 streams after 2 s (median) and kept it, to pass on more at a time: not one of these clients had a line when it left after 90 s",
	},
	{
		name: "little patience", conf: everywhere(repaired(), "proxy_read_timeout 2s;"), setup: fit, want: routes{2: causes(GaveUp), 3: causes(GaveUp)},
		says: "nginx gave up on 46 requests that it had waited 2 s for and on 29 streams for want of the next line, though 127.0.0.1:5200 was at work on them",
	},
	{
		name: "little patience, two addresses", conf: everywhere(repaired(), "proxy_read_timeout 2s;"), setup: fitTwo,
		want: routes{2: causes(NoLive, GaveUp), 3: causes(NoLive, GaveUp)},
		says: "nginx then took that address for dead",
	},
	{
		name: "little patience, and a queue", conf: everywhere(feedsim.Shipped, "proxy_read_timeout 2s;"), setup: oneAddr, want: all(Queueing),
		says: "75 requests waited there for 2 s without an answer",
	},
	{
		name: "a port where nobody listens", conf: but(repaired(), "localhost:5100", "localhost:5999"), setup: fit, want: routes{2: causes(Refused)},
		says: "connections to 127.0.0.1:5999 were refused, for nobody listens there: 1,200 requests came to nothing", race: true,
	},
	{
		name: "a port where nobody listens, two addresses", conf: but(repaired(), "localhost:5100", "localhost:5999"), setup: fitTwo, want: routes{2: causes(NoLive, Refused)},
		says: "connections to 127.0.0.1:5999 and [::1]:5999 were refused, for nobody listens there",
	},
	{
		name: "no second try, two addresses", conf: everywhere(repaired(), "proxy_next_upstream off;"), setup: fitTwo, want: all(Refused),
		says: "connections to [::1]:5200 were refused",
	},
	{
		name: "few connections", conf: but(repaired(), "worker_connections 1024", "worker_connections 32"), setup: fit, want: all(NoSlots),
		says: "an nginx process had no connection left for 37 requests, with no more than 15 requests under way in it",
	},
	{
		name: "no location", conf: but(repaired(), "location / {", "location /home {"), setup: fit, want: routes{0: causes(NoLocation)},
		says: "nginx answered 120 requests itself, with 404: no location of its file took /",
	},
	{
		name: "a location with a slash too many", conf: but(repaired(), "location /check_feed {", "location /check_feed/ {"), setup: fit, want: routes{2: causes(NoLocation)},
		says: "nginx answered 1,200 requests itself, with 301: no location of its file took /check_feed",
	},
	{
		name: "a path that becomes another", conf: but(repaired(), "http://threaded;", "http://threaded/;"), setup: fit, want: routes{2: causes(WrongReply)},
		says: "127.0.0.1:5100 answered 1,200 requests with 200, and a page that is not this route's",
	},
	{
		name: "a path that no app knows", conf: but(repaired(), "http://threaded;", "http://threaded/v2;"), setup: fit, want: routes{2: causes(WrongReply)},
		says: "127.0.0.1:5100 answered 1,200 requests with 404",
	},
	{
		name: "no room for a header", conf: everywhere(repaired(), "proxy_buffer_size 64;"), setup: fit, want: all(Invalid),
		says: "nginx could not read the header of what 127.0.0.1:5200 sent, or had too little room for it: 75 requests came to nothing",
	},
	{
		name: "round in circles", conf: but(but(repaired(), "localhost:5100", "localhost:8080"), "worker_connections 1024", "worker_connections 16"), setup: fit, want: all(Looped),
		says: "nginx asked itself, and itself again",
	},
}

func TestTheCauseIsWhatHappened(t *testing.T) {
	for _, c := range configurations {
		t.Run(c.name, func(t *testing.T) {
			if raceDetector && !c.race {
				t.Skip("a run takes ten times as long under the race detector: a few stand for all")
			}
			t.Parallel()
			s := c.setup
			s.Conf = parsed(t, c.conf)
			r := run(t, s)
			text, last := r.String(), ""
			for i, route := range r.Routes {
				assert.Equal(t, needs[i].path, route.Path)
				assert.Equal(t, c.want[i], route.Causes, "why %s fails", route.Path)
				assert.Equal(t, len(c.want[i]) == 0, route.Healthy, "%s is healthy", route.Path)
				assert.Equal(t, route.Offered, route.Answered+route.BadGateway+route.GatewayTimeout+route.Other, "every request to %s is counted once", route.Path)
				assert.NotContains(t, route.Cause, "nothing observed explains", "%s has no explanation", route.Path)
				if !route.Healthy {
					last = route.Cause
					assert.NotEmpty(t, route.Try)
				}
			}
			assert.Equal(t, last == "", r.Healthy())
			assert.Contains(t, last, c.says, "of the last route that fails")
			for line := range strings.Lines(text) {
				assert.LessOrEqual(t, len([]rune(line)), pageWidth+1, "a line too long: %s", line)
			}
			assert.LessOrEqual(t, strings.Count(text, "\n"), 66, "a report of one page")
			if t.Failed() {
				t.Logf("the report:\n%s", text)
			}
		})
	}
}

// A file whose names and comments lie leads to the causes of what it does.
func TestTheCauseIsNotInTheText(t *testing.T) {
	t.Parallel()
	honest := to("prefork", "prefork", "threaded", "threaded")
	liar := strings.NewReplacer(
		"upstream prefork", "upstream evented_await", "upstream threaded", "upstream prefork", "upstream evented", "upstream threaded",
		"http://prefork", "http://evented_await", "http://threaded", "http://prefork",
		"localhost:5100;", "localhost:5100; # one worker that is killed: no live upstreams, worker_connections exhausted",
	).Replace(honest)
	require.NotEqual(t, honest, liar)
	reports := make([]*Report, 2)
	for i, text := range []string{honest, liar} {
		s := oneAddr
		s.Conf = parsed(t, text)
		reports[i] = run(t, s)
	}
	assert.Equal(t, reports[0].String(), reports[1].String())
}
