// The command line: which nginx.conf, and what to change of the servers behind it.

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/feedsim/solution"
)

// options is what a command line says.
type options struct {
	conf  string // a path; "" is the file as shipped
	addr  netip.Addr
	nginx bool

	ports     [len(apps)]int
	feedPort  int
	localhost []netip.Addr // nil: what this machine says

	threads int           // of each threaded worker
	timeout time.Duration // of all app servers' workers
	app     feedsim.AppConfig
	feed    feedsim.FeedConfig
	delay   delay // feed.Delay

	seed      uint64
	accessLog bool
}

// helpError is a command line that asks for help, and the help.
type helpError struct{ text string }

func (helpError) Error() string { return "help" }

// A flag for each field of a configuration that a command line can set, by the
// field's name, which is what the packages' own errors say.
var flagOf = map[string]string{
	"AppConfig.Awaiting": "awaiting", "AppConfig.HonourCancel": "honour-cancel", "AppConfig.FeedTimeout": "feed-timeout",
	"AppConfig.MaxPolls": "max-polls", "AppConfig.Coalesce": "coalesce", "AppConfig.SharedPoller": "shared-poller",
	"FeedConfig.Delay": "delay", "FeedConfig.Errors": "feed-errors", "FeedConfig.Hangs": "feed-hangs", "FeedConfig.Capacity": "feed-capacity",
	"Config.Threads": "threads", "Config.Timeout": "timeout",
}

func flags(o *options) *flag.FlagSet {
	f := flag.NewFlagSet("feedsim", flag.ContinueOnError)
	f.SetOutput(io.Discard) // its errors are returned, its usage is help
	f.TextVar(&o.addr, "addr", loopback, "`IP` address on which nginx.conf's bare ports listen, such as that of listen 8080; the app servers and the feed stay on 127.0.0.1")
	f.BoolVar(&o.nginx, "nginx", false, "put the real nginx in front")
	f.Func("localhost", "`addresses` that localhost has, such as 127.0.0.1,::1 for the exercise's 502; by default what this machine says", func(s string) error {
		o.localhost = nil
		for part := range strings.SplitSeq(s, ",") {
			a, err := netip.ParseAddr(part)
			if err != nil {
				return errors.New("want IP addresses with commas between them, such as 127.0.0.1,::1")
			}
			o.localhost = append(o.localhost, a)
		}
		return nil
	})
	for i, a := range apps {
		f.IntVar(&o.ports[i], a.name+"-port", a.port, "`port` of the "+a.name+" app server, which nginx.conf has to name as well")
	}
	f.IntVar(&o.feedPort, "feed-port", feedPort, "`port` of the feed")

	f.IntVar(&o.threads, flagOf["Config.Threads"], feedsim.Threaded().Threads, "`number` of threads of each threaded worker")
	f.DurationVar(&o.timeout, flagOf["Config.Timeout"], feedsim.Prefork().Timeout, "a worker without a heartbeat for this `duration` is killed; 0 never")
	f.BoolVar(&o.app.Awaiting, flagOf["AppConfig.Awaiting"], false, "handlers of the evented server await the feed, rather than hold the loop")
	f.BoolVar(&o.app.HonourCancel, flagOf["AppConfig.HonourCancel"], false, "a request whose client has left ends")
	f.DurationVar(&o.app.FeedTimeout, flagOf["AppConfig.FeedTimeout"], 0, "a poll that takes longer than this `duration` is given up, with 504; 0 never")
	f.IntVar(&o.app.MaxPolls, flagOf["AppConfig.MaxPolls"], 0, "beyond this `number` of requests that poll at a time, an app server answers 503; 0 is no limit")
	f.BoolVar(&o.app.Coalesce, flagOf["AppConfig.Coalesce"], false, "requests of one worker that want to poll at the same time share a poll")
	f.BoolVar(&o.app.SharedPoller, flagOf["AppConfig.SharedPoller"], false, "one poller in each worker polls for all its streams")

	o.delay = exercises
	f.Var(&o.delay, flagOf["FeedConfig.Delay"], "how long a poll takes: a `time` such as 2s, or drawn from "+delayForms)
	f.Float64Var(&o.feed.Errors, flagOf["FeedConfig.Errors"], 0, "`share` of polls, from 0 to 1, that fail")
	f.Float64Var(&o.feed.Hangs, flagOf["FeedConfig.Hangs"], 0, "`share` of polls, from 0 to 1, that are never answered")
	f.IntVar(&o.feed.Capacity, flagOf["FeedConfig.Capacity"], 0, "`number` of polls that the feed works on at a time; 0 is no limit")

	f.Uint64Var(&o.seed, "seed", 1, "`seed` of the feed's delays, of what the app draws, and of which worker accepts")
	f.BoolVar(&o.accessLog, "access-log", true, "print a line for each request; -access-log=false turns it off")
	return f
}

// parse reads a command line. Its error says what cannot be, but for the values
// that the packages check themselves.
func parse(args []string) (options, error) {
	var o options
	f := flags(&o)
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return o, helpError{usage(f)}
	}
	if err != nil {
		return o, fmt.Errorf("%w (feedsim -h lists the flags)", err)
	}
	if f.NArg() > 1 {
		return o, fmt.Errorf("unexpected argument %q after %q: one nginx.conf, and the flags before it", f.Arg(1), f.Arg(0))
	}
	o.conf = shippedWord
	if f.NArg() > 0 {
		o.conf = f.Arg(0)
	}
	switch o.conf {
	case "":
		return o, errors.New("the nginx.conf's name is empty: leave it out for the file as shipped")
	case solutionWord: // which no file repairs by itself
		set := map[string]bool{}
		f.Visit(func(f *flag.Flag) { set[f.Name] = true })
		if !set[flagOf["Config.Threads"]] {
			o.threads = solution.Threads
		}
		if !set[flagOf["AppConfig.Awaiting"]] {
			o.app.Awaiting = solution.Awaiting
		}
	}
	for i, a := range apps {
		name, port := a.name+"-port", o.ports[i]
		if err := checkPort(name, port); err != nil {
			return o, err
		}
		if port != a.port && brought(o.conf) {
			return o, fmt.Errorf("-%s is %d, and the nginx.conf as shipped names port %d: give it a file that names %d", name, port, a.port, port)
		}
	}
	if err := checkPort("feed-port", o.feedPort); err != nil {
		return o, err
	}
	if o.nginx && o.localhost != nil {
		return o, errors.New("-localhost is for the front of our own: the real nginx asks this machine; name the addresses in nginx.conf, a server line for each")
	}
	return o, nil
}

func checkPort(name string, port int) error {
	if port < 1 || port > 65535 {
		return fmt.Errorf("-%s is %d: want a port from 1 to 65535", name, port)
	}
	return nil
}

func usage(f *flag.FlagSet) string {
	var b strings.Builder
	b.WriteString("feedsim [flags] [nginx.conf] serves the concurrency exercise: three app servers, the feed that they poll, and in front\n" +
		"what nginx.conf says: the file as shipped unless another is named, or, for the word solution, a repaired one with the\n" +
		"servers that it needs. The flags, and what they are by default:\n\n")
	f.SetOutput(&b)
	f.PrintDefaults()
	return b.String()
}

// asFlag returns a configuration's error as one of the command line: it names the
// flag in place of the field.
func asFlag(err error) error {
	_, text, _ := strings.Cut(err.Error(), ": ") // the package
	field, rest, found := strings.Cut(text, " ")
	if name, ok := flagOf[field]; ok && found {
		return errors.New("-" + name + " " + rest)
	}
	return err
}
