// The table of configurations: what each leads to, route by route, and that the
// report says so.

package exercise

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab/racedetector"
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
	says  string              // in the cause of the last route that fails
	also  map[string][]string // in the causes and the hints of others, by route
	told  []int               // which of 502, 504 and 0 for all else the clients were told, if given
	race  bool                // under the race detector too
	long  bool                // with the flag -long only
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
		name: "as shipped, with more patience", long: true, conf: everywhere(feedsim.Shipped, "proxy_read_timeout 300s;"), setup: oneAddr, want: all(Queueing),
		says: "75 requests waited there for 90 s without an answer",
	},
	{
		name: "as shipped, and no server is ever marked as failed", conf: but(feedsim.Shipped, "localhost:5000", "localhost:5000 max_fails=0"), want: all(Queueing),
		says: "75 requests waited there for 60 s without an answer (38 of them were tried next at [::1]:5000, which refuses: 502)", told: []int{502, 504},
		also: map[string][]string{"/": {"114 requests waited there for 60 s without an answer (56 of them were tried next at [::1]:5000, which refuses: 502) and 5 answers came late"}},
	},
	{
		name: "where the routes should go, and no server is ever marked as failed", long: true, conf: neverFailed(repaired()),
		want: routes{2: causes(PoolOfOne), 3: causes(LoopHeld)}, told: []int{502, 504, 0},
		says: "71 requests waited there for 60 s without an answer (35 of them were tried next at [::1]:5200, which refuses: 502); 4 more ended with a worker",
	},
	{
		name: "as shipped, and no second try", conf: everywhere(feedsim.Shipped, "proxy_next_upstream off;"),
		want: routes{causes(NoLive, Queueing), causes(NoLive, Queueing), causes(NoLive, Queueing), causes(Queueing)},
		says: "all of it with /check_feed: 75 requests waited there for 60 s",
	},
	{
		name: "as shipped, with few connections", long: true, conf: but(feedsim.Shipped, "worker_connections 1024", "worker_connections 64"), setup: oneAddr,
		want: all(NoSlots, Queueing),
		says: "requests to /check_feed, / and /hash_me that waited there held so many of nginx's connections that for 75 requests none was left", told: []int{504, 0},
		also: map[string][]string{"/": {"20 requests waited there for 60 s", "those who wait held so many of nginx's connections that for 94 requests none was left"}},
	},
	{
		name: "loops that block, with few connections", conf: but(to("prefork", "prefork", "evented", "evented"), "worker_connections 1024", "worker_connections 80"), setup: oneAddr,
		want: routes{causes(NoSlots, Killed, LoopHeld), causes(NoSlots, Killed, LoopHeld), causes(NoSlots, Killed, LoopHeld), causes(NoSlots, Killed, LoopHeld)},
		says: "the worker timeout killed a worker 3 times for giving no sign of life: requests to /check_feed that waited there held so many of nginx's connections that for 75 requests none was left", told: []int{502, 0},
		also: map[string][]string{"/": {
			"the loops of 127.0.0.1:5200 were held for up to 34.8 s on end, all of it with /check_feed, and the worker timeout killed a worker 9 times",
			"for 82 requests none was left",
			"nothing is wrong with / itself: whoever waits for /check_feed keeps two of nginx's connections",
		}},
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
		name: "all but the streams on a pool too small", long: true, conf: to("threaded", "threaded", "threaded", "evented"), setup: Setup{Threads: 13, Awaiting: true},
		want: routes{causes(PoolFull), causes(PoolFull), causes(PoolFull), nil}, told: []int{},
		says: "163 answers came late, after up to 9.7 s.",
		also: map[string][]string{"/": {"65 answers came late", "it shares a pool with /check_feed, whose 10 requests a second that each take 2.5 s are 25 at a time. How many threads does that leave"}},
	},
	{
		name: "polls on a pool too small", conf: repaired(), setup: Setup{Threads: 13, Awaiting: true}, want: routes{2: causes(PoolFull)}, told: []int{},
		says: "all of it with /check_feed: 252 answers came late, after up to 9.8 s.",
	},
	{
		name: "polls on a pool hardly too small", long: true, conf: repaired(), setup: Setup{Threads: 14, Awaiting: true}, want: routes{2: causes(PoolFull)}, told: []int{},
		says: "all of it with /check_feed: 66 answers came late, after up to 8.2 s.",
	},
	{
		name: "streams on 50 threads, polls elsewhere", long: true, conf: to("prefork", "prefork", "evented", "threaded"), setup: fit,
		want: routes{nil, nil, nil, causes(PoolFull)},
		says: "25 requests waited there for 60 s without an answer",
	},
	{
		name: "all on loops that block", conf: to("evented", "evented", "evented", "evented"), setup: oneAddr, want: all(Killed, LoopHeld), race: true,
		says: "the loops of 127.0.0.1:5200 were held for up to 30.8 s on end, all of it with /check_feed, and the worker timeout killed a worker 1 time",
	},
	{
		name: "all on loops that block, two addresses", long: true, conf: to("evented", "evented", "evented", "evented"), want: all(NoLive, Killed, LoopHeld),
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
		says: "nginx then took that address for dead, like [::1]:5100, where nobody listens",
	},
	{
		name: "a stream that is collected", conf: but(repaired(), "proxy_buffering off;", ""), setup: fit, want: routes{3: causes(Buffered)},
		says: "nginx had the first line of 75 streams after 2 s (median) and kept it, to pass on more at a time: not one of these clients had a line when it left after 90 s",
	},
	{
		name: "a stream that is collected a little", long: true, conf: but(repaired(), "proxy_buffering off;", "proxy_buffers 8 256; proxy_busy_buffers_size 512; proxy_buffer_size 256;"), setup: fit,
		want: routes{3: causes(Buffered)}, told: []int{},
		says: "75 of these clients got a line in 90 s, after 20 s (median) and 29 s (p99)",
	},
	{
		name: "little patience", conf: everywhere(repaired(), "proxy_read_timeout 2s;"), setup: fit, want: routes{2: causes(GaveUp), 3: causes(GaveUp)},
		says: "nginx gave up on 46 requests that it had waited 2 s for and on 29 streams for want of the next line, though 127.0.0.1:5200 was at work on them",
	},
	{
		name: "little patience, two addresses", long: true, conf: everywhere(repaired(), "proxy_read_timeout 2s;"), setup: fitTwo,
		want: routes{2: causes(NoLive, GaveUp), 3: causes(NoLive, GaveUp)},
		says: "nginx then took that address for dead",
	},
	{
		name: "little patience, and two servers that fail for each other", conf: everywhere(sharing, "proxy_read_timeout 5s;"), setup: Setup{Awaiting: true},
		want: all(NoLive, GaveUp), told: []int{502, 504},
		says: "nginx had no live upstream left for 75 requests when they came: it had taken 127.0.0.1:5200 for dead, where it had given up on requests to /check_feed after 5 s, and 127.0.0.1:5000, where requests had waited 5 s behind /check_feed.",
		also: map[string][]string{
			"/":           {"for 69 requests when they came", "; 9 more waited in the queue of 127.0.0.1:5000.", "nothing is wrong with / itself: it has its upstream in common with /check_feed"},
			"/check_feed": {"(5 of them were tried next at 127.0.0.1:5000, in vain: 504)", "had no live upstream left for 58 of these, and for 760 more when they came", "the feed takes up to 5 s"},
		},
	},
	{
		name: "little patience, two servers, and loops that block", long: true, conf: everywhere(sharing, "proxy_read_timeout 5s;"),
		want: routes{causes(NoLive, LoopHeld), causes(NoLive, LoopHeld), causes(NoLive, LoopHeld), causes(NoLive, Queueing)}, told: []int{502, 504},
		says: "it had taken 127.0.0.1:5000 and 127.0.0.1:5200 for dead, where requests had waited 5 s behind /check_feed.",
		also: map[string][]string{"/": {"like 127.0.0.1:5000, where requests had waited 5 s behind /check_feed, and had no live upstream left for 16 of these, and for 91 more"}},
	},
	{
		name: "little patience, and a queue", long: true, conf: everywhere(feedsim.Shipped, "proxy_read_timeout 2s;"), setup: oneAddr, want: all(Queueing),
		says: "75 requests waited there for 2 s without an answer",
	},
	{
		name: "a port where nobody listens", conf: but(repaired(), "localhost:5100", "localhost:5999"), setup: fit, want: routes{2: causes(Refused)},
		says: "connections to 127.0.0.1:5999 were refused, for nobody listens there: 1,200 requests came to nothing",
	},
	{
		name: "a port where nobody listens, two addresses", long: true, conf: but(repaired(), "localhost:5100", "localhost:5999"), setup: fitTwo, want: routes{2: causes(NoLive, Refused)},
		says: "connections to 127.0.0.1:5999 and [::1]:5999 were refused, for nobody listens there",
	},
	{
		name: "a port where nobody listens, never marked as failed", long: true, conf: but(repaired(), "localhost:5100", "localhost:5999 max_fails=0"), setup: fitTwo, want: routes{2: causes(Refused)},
		says: "were refused, for nobody listens there: 1,200 requests came to nothing.", told: []int{502},
	},
	{
		name: "no second try, two addresses", long: true, conf: everywhere(repaired(), "proxy_next_upstream off;"), setup: fitTwo, want: all(Refused),
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
		name: "a path that becomes another", long: true, conf: but(repaired(), "http://threaded;", "http://threaded/;"), setup: fit, want: routes{2: causes(WrongReply)},
		says: "127.0.0.1:5100 answered 1,200 requests with 200, and a page that is not this route's",
	},
	{
		name: "a path that no app knows", long: true, conf: but(repaired(), "http://threaded;", "http://threaded/v2;"), setup: fit, want: routes{2: causes(WrongReply)},
		says: "127.0.0.1:5100 answered 1,200 requests with 404",
	},
	{
		name: "the feed itself", conf: but(repaired(), "localhost:5100", "127.0.0.1:5300"), setup: fit, want: routes{2: causes(WrongReply)}, told: []int{0},
		says: "127.0.0.1:5300 answered 1,200 requests with 200",
		also: map[string][]string{"/check_feed": {"127.0.0.1:5300 is none of the three app servers"}},
	},
	{
		name: "no room for a header", long: true, conf: everywhere(repaired(), "proxy_buffer_size 64;"), setup: fit, want: all(Invalid),
		says: "nginx could not read the header of what 127.0.0.1:5200 sent, or had too little room for it: 75 requests came to nothing",
	},
	{
		name: "round in circles", conf: circling("/hash_me", 64), setup: fit, told: []int{502, 0},
		want: routes{causes(NoSlots), causes(Looped), causes(NoSlots), causes(NoSlots)},
		says: "an nginx process had no connection left for 5 requests, with no more than 30 requests under way in it",
		also: map[string][]string{
			"/hash_me": {"nginx asked itself, at 127.0.0.1:8080, and itself again: 117 requests of clients became 3,478 there; 3 more found nginx without a free connection.", "on which port does nginx listen itself?"},
		},
	},
	{
		name: "one route round in circles, and streams in a queue", long: true, conf: but(circling("/check_feed", 16), "http://evented", "http://prefork"), setup: fit, told: []int{502, 504, 0},
		want: routes{causes(NoSlots, Queueing), causes(NoSlots, Queueing), causes(NoSlots, Queueing), causes(NoSlots, Queueing)},
		says: "the 2 sync workers of 127.0.0.1:5000 were busy 99 % of the time, all of it with /stream_feed: 24 requests waited there for 60 s",
		also: map[string][]string{
			"/check_feed": {"requests to /stream_feed, / and /hash_me that waited there held so many of nginx's connections that for 726 requests none was left; 474 more went round in circles."},
		},
	},
}

// sharing is the file as shipped, with two servers for all routes.
var sharing = but(feedsim.Shipped, "server localhost:5000;", "server 127.0.0.1:5000; server 127.0.0.1:5200;")

// circling is the repaired file, with nginx itself for one of the routes.
func circling(path string, connections int) string {
	before, after, _ := strings.Cut(repaired(), "location "+path+" {")
	_, after, _ = strings.Cut(after, "}")
	text := before + "location " + path + " { proxy_pass http://127.0.0.1:8080; }" + after
	return but(text, "worker_connections 1024", fmt.Sprintf("worker_connections %d", connections))
}

// neverFailed is a file in which no server is ever marked as failed.
func neverFailed(text string) string {
	for _, port := range []string{"5000", "5100", "5200"} {
		text = but(text, "localhost:"+port, "localhost:"+port+" max_fails=0")
	}
	return text
}

func TestTheCauseIsWhatHappened(t *testing.T) {
	for _, c := range configurations {
		t.Run(c.name, func(t *testing.T) {
			if c.long && !*long {
				t.Skip("a variation of others: it needs the flag -long, which make routings sets")
			}
			if racedetector.On && !c.race {
				t.Skip("a run takes ten times as long under the race detector: a few stand for all")
			}
			t.Parallel()
			s := c.setup
			s.Conf = parsed(t, c.conf)
			r := run(t, s)
			text, last := r.String(), ""
			told := []int{}
			say := func(n, code int) {
				if n > 0 && !slices.Contains(told, code) {
					told = append(told, code)
				}
			}
			for i, route := range r.Routes {
				assert.Equal(t, needs[i].path, route.Path)
				assert.Equal(t, c.want[i], route.Causes, "why %s fails", route.Path)
				assert.Equal(t, len(c.want[i]) == 0, route.Healthy, "%s is healthy", route.Path)
				assert.Equal(t, route.Offered, route.Answered+route.BadGateway+route.GatewayTimeout+route.Other, "every request to %s is counted once", route.Path)
				assert.NotContains(t, route.Cause, "nothing observed explains", "%s has no explanation", route.Path)
				say(route.BadGateway, 502)
				say(route.GatewayTimeout, 504)
				say(route.Other, 0)
				for _, also := range c.also[route.Path] {
					assert.Contains(t, route.Cause+" "+route.Try, also, "of %s", route.Path)
				}
				if !route.Healthy {
					last = route.Cause
					assert.NotEmpty(t, route.Try)
				}
			}
			assert.Equal(t, last == "", r.Healthy())
			if c.told != nil {
				assert.ElementsMatch(t, c.told, told, "what clients were told")
			}
			assert.Contains(t, last, c.says, "of the last route that fails")
			for line := range strings.Lines(text) {
				assert.LessOrEqual(t, len([]rune(line)), pageWidth+1, "a line too long: %s", line)
			}
			assert.LessOrEqual(t, strings.Count(text, "\n"), 74, "a report of one page")
			if t.Failed() {
				t.Logf("the report:\n%s", text)
			}
		})
	}
}

// A file whose names and comments lie leads to the causes of what it does.
func TestTheCauseIsNotInTheText(t *testing.T) {
	t.Parallel()
	if racedetector.On {
		t.Skip("the race detector sees these servers in other tests: it needs a run without -race")
	}
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
