// The system under test: what serves the app, and how it is started on a
// network, real or simulated.

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"reflect"

	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/pocserver/worker"
)

// A System is what an experiment puts load on: an app behind an app server.
type System struct {
	// Server is the app server, such as pocserver.RunSync(). The zero Config is
	// net/http itself with no worker model around it, for reference. Its Seed and
	// its Observer are the experiment's to set.
	Server worker.Config
	// App returns what makes the app's instances, one for each worker that
	// boots, such as pocserver.Instances; [Always] makes one of any handler. It
	// is called once a run, in the experiment, with a seed for what the app draws.
	App func(seed uint64) func() http.Handler
	// Overflow is what becomes of connections beyond the server's backlog.
	Overflow simnet.Overflow
}

// Always is a System.App whose every instance is h, and which draws nothing. h is
// made outside the experiment: a channel that it waits for must not be.
func Always(h http.Handler) func(seed uint64) func() http.Handler {
	return func(uint64) func() http.Handler { return func() http.Handler { return h } }
}

// address is where the server listens in virtual time: the PoC's.
const address = "127.0.0.1:8000"

// bare reports whether the server is net/http itself.
func (s *System) bare() bool { return reflect.ValueOf(s.Server).IsZero() }

// check returns an error that names the field which cannot be.
func (s *System) check() error {
	if s.App == nil {
		return errors.New("System.App is nil: what should the server serve?")
	}
	if s.Overflow != simnet.Drop && s.Overflow != simnet.Refuse {
		return fmt.Errorf("System.Overflow is %d: want simnet.Drop or simnet.Refuse", s.Overflow)
	}
	if s.bare() {
		return nil
	}
	if s.Server.Observer != nil {
		return errors.New("System.Server.Observer is set: the experiment observes, see Observation")
	}
	if _, err := worker.New(s.Server, func() http.Handler { return nil }); err != nil {
		return fmt.Errorf("System.Server: %w", err)
	}
	return nil
}

// String says the system in words.
func (s *System) String() string {
	if s.bare() {
		return "net/http, with no worker model"
	}
	c := s.Server
	text := c.String()
	if c.Timeout > 0 {
		text += fmt.Sprintf(", worker timeout %s", seconds(c.Timeout))
	}
	if c.MaxRequests > 0 {
		text += fmt.Sprintf(", recycled after %s requests", number(float64(c.MaxRequests)))
	}
	if c.CPU > 0 {
		text += fmt.Sprintf(", %s of CPU a request", seconds(c.CPU))
	}
	text += fmt.Sprintf(", a backlog of %s that ", number(float64(c.Backlog)))
	if s.Overflow == simnet.Refuse {
		return text + "refuses when full"
	}
	return text + "drops when full"
}

// A server is what both worker.Server and http.Server are.
type server interface {
	Serve(net.Listener) error
	Close() error
}

// build makes the server and its app, telling obs what its workers do.
func (s *System) build(seed uint64, obs worker.Observer) (server, error) {
	app := s.App(draw(seed, 1))
	if app == nil {
		return nil, errors.New("System.App returned nil")
	}
	if s.bare() {
		return &http.Server{Handler: app()}, nil
	}
	config := s.Server
	config.Seed, config.Observer = draw(seed, 2), obs
	return worker.New(config, app)
}

// A network is where a system listens and its clients dial.
type network struct {
	listen func() (net.Listener, error)
	// dial connects client, a number, to what listens.
	dial func(ctx context.Context, client int) (net.Conn, error)
	host string
}

// simulated is a network in virtual time. Each client has a port of its own,
// which settles who comes first where two dial at one instant.
func (s *System) simulated() *network {
	n := new(simnet.Network)
	return &network{
		host: address,
		listen: func() (net.Listener, error) {
			ln, err := n.Listen(address)
			if err != nil {
				return nil, err
			}
			return ln, ln.SetOverflow(s.Overflow)
		},
		dial: func(ctx context.Context, client int) (net.Conn, error) {
			return n.DialFrom(ctx, 1+client%65535, address)
		},
	}
}

// loopback is the real network, at a port that is free.
func loopback() *network {
	n := new(network)
	n.listen = func() (net.Listener, error) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err == nil {
			n.host = ln.Addr().String()
			n.dial = load.TCP(n.host, 0).Dial
		}
		return ln, err
	}
	return n
}

// draw makes a seed for one part of an experiment from the experiment's own, so
// that parts do not draw alike: SplitMix64 (Steele, Lea and Flood, 2014).
func draw(seed, part uint64) uint64 {
	x := seed + part*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
