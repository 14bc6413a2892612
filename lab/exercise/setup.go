// One run of the exercise: an nginx.conf, the three app servers behind it, and
// all of the traffic at once.

package exercise

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/feedsim/solution"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/fidelity"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

// A Setup is a run of the exercise: the nginx.conf, and what about the servers may
// be changed. The zero Setup is the exercise as shipped.
type Setup struct {
	Conf       *front.Config // nil is the one as shipped
	OneAddress bool          // localhost is 127.0.0.1, and not [::1] as well

	Threads  int    // of each worker of the threaded server; 0 is 1, as shipped
	Awaiting bool   // the evented server's handlers await; as shipped they block
	Seed     uint64 // of all that is random
}

// For is the setup that a word or a path asks for: "shipped" for the exercise as
// shipped, "solution" for the reference solution with its servers, and anything
// else for the nginx.conf at that path. The error is that of [front.Read].
func For(conf string) (Setup, error) {
	switch conf {
	case "shipped":
		return Setup{}, nil
	case "solution":
		c, err := front.Parse("feedsim/solution/nginx.conf", strings.NewReader(solution.Config))
		return Setup{Conf: c, Threads: solution.Threads, Awaiting: solution.Awaiting}, err
	}
	c, err := front.Read(conf)
	return Setup{Conf: c}, err
}

// System is what the traffic is put on: the file in front of three app servers.
func (s Setup) System() lab.System {
	conf := s.Conf
	if conf == nil {
		conf = Shipped()
	}
	threaded := feedsim.Threaded()
	threaded.AcceptAgain = fidelity.AcceptAgain
	if s.Threads != 0 {
		threaded.Threads = s.Threads
	}
	at := func(server worker.Config, port int, variant feedsim.AppConfig) lab.AppServer {
		return lab.AppServer{
			Server: server, Address: fmt.Sprintf("127.0.0.1:%d", port),
			App: App(variant), Variant: words(server, variant),
		}
	}
	prefork := at(feedsim.Prefork(), feedsim.PreforkPort, feedsim.AppConfig{})
	sys := lab.System{
		Front:  lab.Front{Config: conf},
		Server: prefork.Server, App: prefork.App, Variant: prefork.Variant, Address: prefork.Address,
		Others: []lab.AppServer{
			at(threaded, feedsim.ThreadedPort, feedsim.AppConfig{}),
			at(feedsim.Evented(), feedsim.EventedPort, feedsim.AppConfig{Awaiting: s.Awaiting}),
		},
		Services: []lab.Service{Feed(feedsim.FeedConfig{})},
	}
	if !s.OneAddress {
		sys.Front.Hosts = TwoAddresses()
	}
	return sys
}

// servers is what the diagnosis is told of the app servers: where each is, and its
// model.
func (s Setup) servers() []server {
	sys := s.System()
	all := []server{{address: sys.Address, model: sys.Server.Model, workers: sys.Server.Workers}}
	for _, other := range sys.Others {
		last := all[len(all)-1]
		all = append(all, server{
			address: other.Address, model: other.Server.Model, workers: other.Server.Workers, first: last.first + last.workers,
		})
	}
	return all
}

// port is where the exercise's traffic goes.
const port = 8080

// asked is where clients ask the front. The error is that this is not the exercise's
// port.
func asked(f lab.Front) (netip.AddrPort, error) {
	at, err := f.Listen()
	if err != nil || at.Port() == port {
		return at, err
	}
	listens := fmt.Sprint(at.Port())
	if all := f.Config.Listens(); len(all) > 1 {
		var ports []string
		for _, at := range all {
			ports = append(ports, fmt.Sprint(at.Port()))
		}
		listens += ", of " + typeset.List(ports)
	}
	return at, fmt.Errorf("%s: the first port to listen on is %s, and the exercise's traffic goes to %d", f.Config, listens, port)
}

// observe runs it, and returns where the front was asked as well.
func (s Setup) observe(tb testing.TB) (*lab.Observation, netip.AddrPort, error) {
	if s.Threads < 0 {
		return nil, netip.AddrPort{}, fmt.Errorf("%d threads: want 1 or more, or 0 for what is shipped", s.Threads)
	}
	system := s.System()
	at, err := asked(system.Front)
	if err != nil {
		return nil, at, err
	}
	o, err := lab.Experiment{System: system, Load: Traffic(), Horizon: horizon, Seed: s.Seed}.Run(tb)
	return o, at, err
}

// Run runs the exercise's traffic, all of it at once, on a setup, and reports what
// its users saw and why. The error is that the file's first port is not 8080, where
// the traffic goes, or that of an experiment that cannot run: see
// [lab.Experiment.Run].
func Run(tb testing.TB, s Setup) (*Report, error) {
	o, at, err := s.observe(tb)
	if err != nil {
		return nil, err
	}
	r := diagnose(o, s.servers(), at.String())
	r.setup = s
	return r, nil
}

// words says the setup and its traffic.
func (s Setup) words() string {
	conf, hosts, threads, handlers := "as shipped", "127.0.0.1 and ::1", max(1, s.Threads), "block"
	if s.Conf != nil {
		conf = s.Conf.String()
	}
	if s.OneAddress {
		hosts = "127.0.0.1 alone"
	}
	if s.Awaiting {
		handlers = "await"
	}
	var rates []string
	for _, n := range needs {
		if !n.streamed() {
			rates = append(rates, fmt.Sprintf("%g/s to %s", n.rate, n.path))
		}
	}
	return hang("nginx.conf: ", conf+"; localhost is "+hosts) +
		hang("servers:    ", fmt.Sprintf("prefork :%d, 2 sync workers; threaded :%d, 2 workers with %s each; evented :%d, 2 loops whose handlers %s",
			feedsim.PreforkPort, feedsim.ThreadedPort, plural(threads, "thread", "threads"), feedsim.EventedPort, handlers)) +
		hang("traffic:    ", fmt.Sprintf("to port %d: %s for %s; %d clients of /stream_feed from %s on, for %s",
			port, typeset.List(rates), seconds(polling), streams, seconds(streamsAt), seconds(streamsHeld)))
}
