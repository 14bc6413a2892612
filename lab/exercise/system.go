// The exercise's parts, for an experiment: the app that polls, the feed that it
// polls, the file as shipped, and where localhost is.

package exercise

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

// feedAddress is where the feed listens.
const feedAddress = "127.0.0.1:5300"

// App is a variant of the exercise's app, which polls the feed. Its Seed, Feed
// and Client are the experiment's to set.
func App(variant feedsim.AppConfig) lab.App {
	return func(env lab.Env) (func() http.Handler, error) {
		variant := variant
		variant.Seed, variant.Feed = env.Seed, "http://"+feedAddress
		variant.Client = feedsim.NewClient(func(ctx context.Context, _, address string) (net.Conn, error) {
			return env.Dial(ctx, feedsim.PollPort(ctx), address)
		})
		return feedsim.Instances(variant)
	}
}

// Feed is the slow external feed. Its Seed is the experiment's to set.
func Feed(config feedsim.FeedConfig) lab.Service {
	return lab.Service{Address: feedAddress, Words: feedWords(config), Handler: func(seed uint64) (http.Handler, error) {
		config := config
		config.Seed = seed
		return feedsim.NewFeed(config)
	}}
}

// feedWords says in words how the feed answers.
func feedWords(c feedsim.FeedConfig) string {
	text := "behind the app: the feed, an outside service. A poll takes " + delayWords(c.Delay)
	if c.Capacity > 0 {
		text += fmt.Sprintf(", and the feed works on %d at a time", c.Capacity)
	}
	if c.Hangs > 0 {
		text += fmt.Sprintf(", and %g %% of them are never answered", 100*c.Hangs)
	}
	if c.Errors > 0 {
		text += fmt.Sprintf(", and %g %% of them fail", 100*c.Errors)
	}
	return text
}

// delayWords says in words how long a poll takes.
func delayWords(d feedsim.Delay) string {
	mean := typeset.Seconds(d.Mean())
	if d == feedsim.Constant(d.Mean()) {
		return mean
	}
	text := strings.Replace(d.String(), "uniform from", "anything from", 1)
	return fmt.Sprintf("%s, %s on average", text, mean)
}

// Shipped is the exercise's nginx.conf as shipped.
var Shipped = sync.OnceValue(func() *front.Config { return mustParse("the nginx.conf as shipped", feedsim.Shipped) })

func mustParse(name, text string) *front.Config {
	c, err := front.Parse(name, strings.NewReader(text))
	if err != nil {
		panic(err) // a test of the package front reads the same file
	}
	return c
}

// TwoAddresses is a hosts file of Debian, macOS and Docker: localhost is
// 127.0.0.1 and ::1, and on ::1 nobody listens.
func TwoAddresses() map[string][]netip.Addr {
	return map[string][]netip.Addr{"localhost": {netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}}
}

// Behind is the file as shipped, which sends every route to port 5000, with this
// server there in place of the exercise's, and the exercise's feed.
func Behind(server worker.Config, variant feedsim.AppConfig) lab.System {
	return lab.System{
		Front:    lab.Front{Config: Shipped()},
		Server:   server,
		App:      App(variant),
		Variant:  words(server, variant),
		Address:  "127.0.0.1:5000",
		Services: []lab.Service{Feed(feedsim.FeedConfig{})},
	}
}

// words says a variant of the app in words.
func words(server worker.Config, v feedsim.AppConfig) string {
	var all []string
	if server.Model.EventLoop() {
		if v.Awaiting {
			all = append(all, "handlers that await")
		} else {
			all = append(all, "handlers that block")
		}
	}
	if v.HonourCancel {
		all = append(all, "work ends when its client has left")
	} else {
		all = append(all, "work goes on when its client has left")
	}
	if v.FeedTimeout > 0 {
		all = append(all, "polls given up after "+v.FeedTimeout.String())
	}
	if v.MaxPolls > 0 {
		all = append(all, "at most "+typeset.Plural(v.MaxPolls, "request that polls", "requests that poll"))
	}
	if v.Coalesce {
		all = append(all, "polls shared by those who wait")
	}
	if v.SharedPoller {
		all = append(all, "one poller for all streams of a worker")
	}
	return strings.Join(all, ", ")
}
