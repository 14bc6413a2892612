// The system under test: app servers, what stands before them, and what they
// call. This file describes it; start.go starts it.

package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

// A System is what an experiment puts load on: an app behind an app server. A
// front may stand before it, other app servers beside it, and services that
// apps call behind it.
type System struct {
	// Front, if it has a configuration, is what clients ask; it asks the servers.
	Front Front

	// Server is the app server, such as pocserver.RunSync(). The zero Config is
	// net/http itself with no worker model around it, for reference. Its Seed and
	// its Observer are the experiment's to set.
	Server worker.Config
	// App makes the app's instances, one for each worker that boots.
	App App
	// Variant says in words which variant of the app that is, for the lesson.
	Variant string
	// Address is where the server listens, an IP address with a port; "" is
	// 127.0.0.1:8000.
	Address string
	// Overflow is what becomes of connections beyond the server's backlog.
	Overflow simnet.Overflow

	// Others are further app servers, each at an address of its own. Workers are
	// numbered through: the first server's, then those of Others in order.
	Others []AppServer
	// Services are what apps call, by the address that they call them at.
	Services []Service
}

// An AppServer is one of several in a System, whose own fields of these names
// describe the first.
type AppServer struct {
	Server   worker.Config
	App      App
	Variant  string
	Address  string
	Overflow simnet.Overflow
}

// An App makes the app's instances. It is called once a run, in the experiment,
// and what it returns once for each worker that boots. [Seeded] and [Always] make
// one of what needs less.
type App func(Env) (func() http.Handler, error)

// Env is what an app has around it in an experiment.
type Env struct {
	// Seed is for what the app draws.
	Seed uint64
	// Dial connects to a service of the system by its address. Calls of one
	// instant arrive in order of port, 1 to 65535, which therefore has to depend
	// on the request and not on who came first; in real time it means nothing.
	Dial func(ctx context.Context, port int, address string) (net.Conn, error)
}

// Seeded is an App that wants a seed only, such as pocserver.Instances.
func Seeded(instances func(seed uint64) func() http.Handler) App {
	return func(env Env) (func() http.Handler, error) { return instances(env.Seed), nil }
}

// Always is an App whose every instance is h, and which draws nothing. h is made
// outside the experiment: a channel that it waits for must not be.
func Always(h http.Handler) App {
	return func(Env) (func() http.Handler, error) { return func() http.Handler { return h }, nil }
}

// A Service is something that apps call over HTTP. It has no worker model: it
// serves whatever comes, all at once.
type Service struct {
	Address string
	// Words say what it is and how long it takes, for the lesson; "" says nothing.
	Words string
	// Handler makes it, once a run, with a seed for what it draws.
	Handler func(seed uint64) (http.Handler, error)
}

// A Front is a reverse proxy that behaves as nginx does.
type Front struct {
	// Config is its nginx.conf; nil means that there is no front. Clients connect
	// to the first address that the file listens on.
	Config *front.Config
	// Hosts is what the names in the file resolve to, each address a peer of its
	// own. Without it localhost is 127.0.0.1.
	Hosts map[string][]netip.Addr
}

// hosts is what names resolve to.
func (f *Front) hosts() map[string][]netip.Addr {
	if f.Hosts == nil {
		return map[string][]netip.Addr{"localhost": {netip.MustParseAddr("127.0.0.1")}}
	}
	return f.Hosts
}

// resolve looks a host name up.
func (f *Front) resolve(_ context.Context, host string) ([]netip.Addr, error) {
	hosts := f.hosts()
	if addrs := hosts[host]; len(addrs) > 0 {
		return addrs, nil
	}
	known := slices.Sorted(maps.Keys(hosts))
	return nil, &net.DNSError{Err: fmt.Sprintf("no such host, and no upstream of that name: hosts are %q", known), Name: host, IsNotFound: true}
}

// Listen is where the front listens and clients connect: the first address of its
// file. What listens on every address does so on 127.0.0.1. The error is that the
// file listens nowhere.
func (f *Front) Listen() (netip.AddrPort, error) {
	listens := f.Config.Listens()
	if len(listens) == 0 {
		return netip.AddrPort{}, errors.New("System.Front.Config listens nowhere")
	}
	at := listens[0]
	if at.Addr().IsUnspecified() {
		at = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), at.Port())
	}
	return at, nil
}

// Route returns where the front sends a client's GET of target, a path with or
// without a query. Its file and Hosts alone decide that. The error is that of
// [Front.Listen] or, for a name without an address, a [*front.ConfigError].
func (f *Front) Route(target string) (front.Route, error) {
	at, err := f.Listen()
	if err != nil {
		return front.Route{}, err
	}
	proxy, err := front.New(f.Config, front.Options{Resolve: f.resolve})
	if err != nil {
		return front.Route{}, err
	}
	defer proxy.Close()
	to, ok := proxy.Route(net.TCPAddrFromAddrPort(at), at.String(), target)
	if !ok {
		return to, fmt.Errorf("no server of %s listens on %s", f.Config, at)
	}
	return to, nil
}

// defaultAddress is where the PoC's server listens.
const defaultAddress = "127.0.0.1:8000"

// servers are all app servers, the first one first.
func (s *System) servers() []AppServer {
	all := append([]AppServer{{s.Server, s.App, s.Variant, s.Address, s.Overflow}}, s.Others...)
	if all[0].Address == "" {
		all[0].Address = defaultAddress
	}
	return all
}

// workers is how many workers there are in all.
func (s *System) workers() int {
	n := 0
	for _, a := range s.servers() {
		n += a.workers()
	}
	return n
}

// workerLabels is what to call each worker in a picture: by its number, and by its
// server's port where there are several servers.
func (s *System) workerLabels() (labels []string) {
	for _, a := range s.servers() {
		for w := range a.workers() {
			label := fmt.Sprintf("worker %d", w)
			if len(s.Others) > 0 {
				label = fmt.Sprintf("%s/%d", a.Address[strings.LastIndex(a.Address, ":"):], w)
			}
			labels = append(labels, label)
		}
	}
	return labels
}

// workerKinds is the configuration that each worker runs with.
func (s *System) workerKinds() (kinds []worker.Config) {
	for _, a := range s.servers() {
		for range a.workers() {
			kinds = append(kinds, a.Server)
		}
	}
	return kinds
}

// bare reports whether the server is net/http itself.
func (a *AppServer) bare() bool { return reflect.ValueOf(a.Server).IsZero() }

// workers is how many workers the server has; 0 without a worker model.
func (a *AppServer) workers() int {
	if a.bare() {
		return 0
	}
	return a.Server.Workers
}

// check returns an error that names the field which cannot be.
func (s *System) check() error {
	taken := map[string]string{}
	take := func(field, address string) error {
		if _, err := netip.ParseAddrPort(address); err != nil {
			return fmt.Errorf("%s is %q: want an IP address with a port, such as %s", field, address, defaultAddress)
		}
		if by, twice := taken[address]; twice {
			return fmt.Errorf("%s is %s, which is %s too", field, address, by)
		}
		taken[address] = field
		return nil
	}
	if s.Front.Config != nil {
		at, err := s.Front.Listen()
		if err != nil {
			return err
		}
		if err := take("System.Front.Config's listen", at.String()); err != nil {
			return err
		}
	} else if len(s.Front.Hosts) > 0 {
		return errors.New("System.Front.Hosts is set, and there is no Config to look them up")
	}
	for i, a := range s.servers() {
		field := "System."
		if i > 0 {
			field = fmt.Sprintf("System.Others[%d].", i-1)
		}
		if err := a.check(field); err != nil {
			return err
		}
		if err := take(field+"Address", a.Address); err != nil {
			return err
		}
	}
	for i, service := range s.Services {
		field := fmt.Sprintf("System.Services[%d].", i)
		if service.Handler == nil {
			return errors.New(field + "Handler is nil: what should it serve?")
		}
		if err := take(field+"Address", service.Address); err != nil {
			return err
		}
	}
	return nil
}

// check returns an error that names the field which cannot be; field is what
// comes before its name.
func (a *AppServer) check(field string) error {
	if a.App == nil {
		return errors.New(field + "App is nil: what should the server serve?")
	}
	if a.Overflow != simnet.Drop && a.Overflow != simnet.Refuse {
		return fmt.Errorf("%sOverflow is %d: want simnet.Drop or simnet.Refuse", field, a.Overflow)
	}
	if a.bare() {
		return nil
	}
	if a.Server.Observer != nil {
		return errors.New(field + "Server.Observer is set: the experiment observes, see Observation")
	}
	if _, err := worker.New(a.Server, func() http.Handler { return nil }); err != nil {
		return fmt.Errorf("%sServer: %w", field, err)
	}
	return nil
}

// String says the system in words.
func (s *System) String() string { return strings.Join(s.parts(), "; ") }

// parts say each part of the system in words, the one that clients ask first.
func (s *System) parts() (all []string) {
	servers := s.servers()
	if s.Front.Config != nil {
		var at []string
		for _, a := range s.Front.hosts()["localhost"] {
			at = append(at, a.String())
		}
		text := fmt.Sprintf("nginx, with %s", s.Front.Config)
		if len(at) > 0 {
			text += ", and localhost at " + strings.Join(at, " and ")
		}
		all = append(all, text)
	}
	for i, a := range servers {
		text := a.String()
		if s.Front.Config != nil || len(servers) > 1 {
			text = "at " + a.Address + " " + text
		}
		if i == 0 && s.Front.Config != nil {
			text = "behind it " + text
		}
		all = append(all, text)
	}
	for _, service := range s.Services {
		if service.Words != "" {
			all = append(all, service.Words)
		}
	}
	return all
}

// String says the server in words.
func (a *AppServer) String() string {
	if a.bare() {
		return "net/http, with no worker model"
	}
	c := a.Server
	text := c.String()
	if a.Variant != "" {
		text += ", " + a.Variant
	}
	if c.Timeout > 0 {
		text += fmt.Sprintf(", worker timeout %s", typeset.Seconds(c.Timeout))
	}
	if c.MaxRequests > 0 {
		text += fmt.Sprintf(", recycled after %s requests", typeset.Number(float64(c.MaxRequests)))
		if usual := worker.Defaults(c.Model).GracefulTimeout; c.GracefulTimeout != usual {
			text += fmt.Sprintf(", graceful timeout %s", typeset.Seconds(c.GracefulTimeout))
		}
	}
	if c.CPU > 0 {
		text += fmt.Sprintf(", %s of CPU a request", typeset.Seconds(c.CPU))
	}
	text += fmt.Sprintf(", a backlog of %s that ", typeset.Number(float64(c.Backlog)))
	if a.Overflow == simnet.Refuse {
		text += "refuses when full"
	} else {
		text += "drops when full"
	}
	if c.Model != worker.ThreadPerRequest && c.Backlog < smallBacklog {
		text += fmt.Sprintf(" (Linux holds one more: %d)", c.Backlog+1)
	}
	return text
}

// smallBacklog is where one more or less in the backlog makes a difference.
const smallBacklog = 100
