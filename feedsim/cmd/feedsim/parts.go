// The servers that make up the exercise: the slow feed and the three app servers,
// and in front of them the proxy that reads nginx.conf.

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/pocserver/cmd/lines"
	"example.com/outagelab/pocserver/worker"
)

// part is a server that runs in this process, or is run by it.
type part struct {
	name  string           // such as "the feed"
	label string           // the same in the banner
	what  string           // what it is, for the banner
	addrs []netip.AddrPort // where it listens
	other string           // what to do, if one of them is taken

	serve func([]net.Listener) error // until stop
	stop  func()                     // does not wait

	listeners []net.Listener // on addrs, once they are open
	done      chan struct{}  // closed when serve has returned
	err       error          // from then on: why, unless it was stopped
}

// run serves.
func (p *part) run() {
	err := p.serve(p.listeners)
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		p.err = fmt.Errorf("%s cannot serve any longer: %w", p.name, err)
	}
	close(p.done)
}

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// on returns the address of a port on this machine, for this machine.
func on(port int) netip.AddrPort { return netip.AddrPortFrom(loopback, uint16(port)) }

// app is one of the exercise's app servers.
type app struct {
	name   string // its upstream in nginx.conf
	port   int
	config func() worker.Config
}

var apps = [...]app{
	{"prefork", feedsim.PreforkPort, feedsim.Prefork},
	{"threaded", feedsim.ThreadedPort, feedsim.Threaded},
	{"evented", feedsim.EventedPort, feedsim.Evented},
}

// feedPort is the feed's. It is this program's choice: the exercise's feed is a
// function of its app.
const feedPort = 5300

// behind returns what stands behind the front: the app servers, then the feed.
// The error names the field of a configuration that cannot be.
func behind(o options, diagnostics *lines.Log) ([]*part, error) {
	var all []*part
	for i, a := range apps {
		p, err := appServer(o, i, a, diagnostics)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	feed, err := slowFeed(o)
	if err != nil {
		return nil, err
	}
	return append(all, feed), nil
}

func appServer(o options, i int, a app, diagnostics *lines.Log) (*part, error) {
	cfg := a.config()
	cfg.Timeout, cfg.Seed = o.timeout, o.seed
	if cfg.Model == worker.Threaded {
		cfg.Threads = o.threads
	}
	cfg.Observer = exits{a.name, diagnostics}
	variant := o.app
	variant.Seed = o.seed + uint64(i) // or the first request of each would draw the same
	variant.Feed = "http://" + on(o.feedPort).String() + "/"
	newApp, err := feedsim.Instances(variant)
	if err != nil {
		return nil, err
	}
	server, err := worker.New(cfg, newApp)
	if err != nil {
		return nil, err
	}
	what := cfg.String()
	if cfg.Model.EventLoop() {
		what += map[bool]string{false: ", whose handlers hold the loop", true: ", whose handlers await"}[o.app.Awaiting]
	}
	return &part{
		name: "the " + a.name + " app server", label: a.name, what: what,
		addrs: []netip.AddrPort{on(o.ports[i])},
		other: "choose another port with -" + a.name + "-port, and name it in nginx.conf",
		serve: func(at []net.Listener) error { return server.Serve(at[0]) },
		// Not Shutdown: the front is gone, so nobody waits for a reply any more.
		stop: func() { server.Close() },
		done: make(chan struct{}),
	}, nil
}

func slowFeed(o options) (*part, error) {
	cfg := o.feed
	cfg.Seed, cfg.Delay = o.seed, o.delay.Delay
	handler, err := feedsim.NewFeed(cfg)
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	what := "a poll takes " + cfg.Delay.String()
	if cfg.Errors > 0 {
		what += fmt.Sprintf(", %v of them fail", cfg.Errors)
	}
	if cfg.Hangs > 0 {
		what += fmt.Sprintf(", %v of them hang", cfg.Hangs)
	}
	if cfg.Capacity > 0 {
		what += fmt.Sprintf(", %d at a time", cfg.Capacity)
	}
	return &part{
		name: "the feed", label: "feed", what: what,
		addrs: []netip.AddrPort{on(o.feedPort)},
		other: "choose another port with -feed-port",
		serve: func(at []net.Listener) error { return server.Serve(at[0]) },
		stop:  func() { server.Close() },
		done:  make(chan struct{}),
	}, nil
}

// face is the part that clients see.
type face struct {
	part
	names []string        // lines for the banner: what the names in the file are
	ready <-chan struct{} // closed when it listens
	kill  func()          // ends at once what would outlive this process
	close func()          // removes what it left behind
}

// inFront returns the front: ours, or the real nginx.
func inFront(o options, out, diagnostics *lines.Log) (*face, error) {
	if o.nginx {
		return realNginx(o, out, diagnostics)
	}
	return ourFront(o, out)
}

func ourFront(o options, out *lines.Log) (*face, error) {
	file, text, err := read(o.conf)
	if err != nil {
		return nil, err
	}
	config, err := front.Parse(file, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	names := resolver{localhost: o.localhost}
	options := front.Options{Resolve: names.resolve, Seed: o.seed}
	if o.accessLog {
		options.Observe = func(r front.Record) { logRequest(out, r) }
	}
	proxy, err := front.New(config, options)
	if err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	close(ready) // whoever comes before it serves waits in the kernel's queue
	return &face{
		part: part{
			name: "the front", label: "front", what: file,
			addrs: listens(config.Listens(), o.addr),
			other: "listen on another port in nginx.conf",
			serve: func(at []net.Listener) error {
				var all errgroup.Group
				for _, ln := range at {
					all.Go(func() error {
						defer proxy.Close() // what cannot serve on one address, serves on none
						return proxy.Serve(ln)
					})
				}
				return all.Wait()
			},
			stop: func() { proxy.Close() },
			done: make(chan struct{}),
		},
		names: names.said, ready: ready,
		kill: func() {}, close: func() { proxy.Close() },
	}, nil
}

// listens returns where a file's addresses are here: 0.0.0.0, which is what a bare
// port stands for, is addr.
func listens(file []netip.AddrPort, addr netip.Addr) []netip.AddrPort {
	var all []netip.AddrPort
	for _, a := range file {
		if a.Addr() == netip.IPv4Unspecified() {
			a = netip.AddrPortFrom(addr, a.Port())
		}
		all = append(all, a)
	}
	return all
}

// resolver looks names up, and remembers what it found.
type resolver struct {
	localhost []netip.Addr // instead of what this machine says; nil: ask it
	asked     []string
	said      []string
}

func (r *resolver) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	found := r.localhost
	if found == nil || !strings.EqualFold(host, "localhost") {
		var err error
		if found, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err != nil {
			return nil, err
		}
	}
	for _, name := range r.asked {
		if name == host {
			return found, nil
		}
	}
	r.asked = append(r.asked, host)
	var addrs []string
	for _, a := range found {
		addrs = append(addrs, a.Unmap().String())
	}
	line := host + " is " + strings.Join(addrs, " and ")
	if len(found) > 1 {
		line += ": " + strconv.Itoa(len(found)) + " peers, and the app servers listen on " + loopback.String() + " alone"
	}
	r.said = append(r.said, line)
	return found, nil
}
