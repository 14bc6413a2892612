// Starting a system on a network, real or simulated, from its back to its front,
// and closing it the other way round.

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
	"example.com/outagelab/pocserver/worker/repeatable"
)

// What of an experiment's seed each part of it draws with. A part keeps its
// number, so that adding one changes nothing about the others.
const (
	drawApp = 1 + iota
	drawServer
	drawLoad
	drawFront
	drawOthers   = 100   // and the next, for each of them an app and a server
	drawServices = 1_000 // and the next
)

// A server is what worker.Server, http.Server and front.Proxy are.
type server interface {
	Serve(net.Listener) error
	Close() error
}

// A started system serves until it is closed.
type started struct {
	host    string // what clients call it
	dial    func(ctx context.Context, client int) (net.Conn, error)
	running []running    // in the order in which they began
	circles atomic.Int64 // connections that the front made to itself
}

// mostCircles is how many connections a front may make to itself. A file that
// sends requests to where it listens turns each into as many as there are
// worker_connections, so a load would take minutes to show what is plain at once.
const mostCircles = 10_000

type running struct {
	what   string
	server server
	served chan error
}

// start starts the system on n and tells notes what happens in it.
func (s *System) start(n network, seed uint64, notes *notebook) (_ *started, err error) {
	up := new(started)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start the system: %w", err), up.close())
		}
	}()
	begin := func(what, address string, overflow simnet.Overflow, srv server) error {
		ln, err := n.listen(address, overflow)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		served := make(chan error, 1) // with room: nobody may be there to receive
		go func() { served <- srv.Serve(ln) }()
		up.running = append(up.running, running{what, srv, served})
		return nil
	}

	for i, service := range s.Services {
		what := "the service at " + service.Address
		h, err := service.Handler(draw(seed, drawServices+uint64(i)))
		if err == nil && h == nil {
			err = errors.New("no handler came from Handler")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		if err := begin(what, service.Address, simnet.Drop, &http.Server{Handler: h}); err != nil {
			return nil, err
		}
	}

	servers, first := s.servers(), 0
	for i, a := range servers {
		what, app, own := "the server", uint64(drawApp), uint64(drawServer)
		if i > 0 {
			app = drawOthers + 2*uint64(i-1)
			what, own = "the server at "+a.Address, app+1
		}
		srv, err := a.build(Env{Seed: draw(seed, app), Dial: n.dial}, draw(seed, own), numbered{notes, first})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		if err := begin(what, a.Address, a.Overflow, srv); err != nil {
			return nil, err
		}
		first += a.workers()
	}

	address := servers[0].Address
	if s.Front.Config != nil {
		at, err := s.Front.Listen()
		if err != nil {
			return nil, err
		}
		address = at.String()
		notes.log = []front.LogLine{}
		proxy, err := front.New(s.Front.Config, front.Options{
			Dial: up.noticing(n, address), Resolve: s.Front.resolve, Observe: notes.passed, Log: notes.logged,
			Seed: draw(seed, drawFront),
		})
		if err != nil {
			return nil, fmt.Errorf("the front: %w", err)
		}
		if err := begin("the front", address, simnet.Drop, proxy); err != nil {
			return nil, err
		}
	}
	up.host = n.host(address)
	up.dial = func(ctx context.Context, client int) (net.Conn, error) { return n.dial(ctx, 1+client%65535, address) }
	return up, nil
}

// build makes the server and its app, telling obs what its workers do.
func (a *AppServer) build(env Env, seed uint64, obs worker.Observer) (server, error) {
	app, err := a.App(env)
	switch {
	case err != nil:
		return nil, fmt.Errorf("App: %w", err)
	case app == nil:
		return nil, errors.New("App returned nil")
	case a.bare():
		h := app()
		if h == nil {
			return nil, errors.New("what App returned made a nil handler")
		}
		return &http.Server{Handler: h}, nil
	}
	config := a.Server
	config.Seed, config.Observer = seed, obs
	return worker.New(config, app)
}

// noticing dials for the front; connections to the front itself are counted and
// have a limit.
func (up *started) noticing(n network, self string) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		if address == self && up.circles.Add(1) > mostCircles {
			return nil, syscall.ECONNREFUSED
		}
		return n.dial(ctx, front.DialPort(ctx), address)
	}
}

// ran returns what was wrong with the run as a whole.
func (up *started) ran() error {
	if n := up.circles.Load(); n > mostCircles {
		return fmt.Errorf("the front's file sends requests to %s, where it listens itself: %s of them went round in circles, and then the run was no use", up.host, typeset.Number(mostCircles))
	}
	return nil
}

// close closes all that runs, the front first, and waits for it to end. It is
// Close, not Shutdown: what is open at the horizon is cut, and net/http's
// Shutdown polls with a random jitter.
func (up *started) close() (err error) {
	for i := len(up.running) - 1; i >= 0; i-- {
		if closing := up.running[i].server.Close(); closing != nil {
			err = errors.Join(err, fmt.Errorf("close %s: %w", up.running[i].what, closing))
		}
	}
	patience := time.NewTimer(bubble.Linger)
	defer patience.Stop()
	for _, r := range up.running {
		select {
		case serving := <-r.served:
			if !errors.Is(serving, http.ErrServerClosed) {
				err = errors.Join(err, fmt.Errorf("%s ended with: %w", r.what, serving))
			}
		case <-patience.C:
			// In virtual time, what keeps it is listed as left behind.
			return errors.Join(err, fmt.Errorf("%s is still serving %s after it was closed", r.what, typeset.Seconds(bubble.Linger)))
		}
	}
	return err
}

// A network is where the parts of a system listen and dial each other, by the
// addresses that the system gives them.
type network interface {
	listen(address string, overflow simnet.Overflow) (net.Listener, error)
	// dial connects from a port, which settles who comes first where two dial at
	// one instant.
	dial(ctx context.Context, port int, address string) (net.Conn, error)
	// host is what clients call the address.
	host(address string) string
}

// simulated is a network in virtual time.
type simulated struct{ simnet.Network }

func (n *simulated) listen(address string, overflow simnet.Overflow) (net.Listener, error) {
	ln, err := n.Listen(address)
	if err != nil {
		return nil, err
	}
	return ln, ln.SetOverflow(overflow)
}

func (n *simulated) dial(ctx context.Context, port int, address string) (net.Conn, error) {
	return n.DialFrom(ctx, port, address)
}

func (n *simulated) host(address string) string { return address }

// loopback is the real network, at ports that are free.
type loopback struct{ real map[string]string }

func (n *loopback) listen(address string, _ simnet.Overflow) (net.Listener, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if n.real == nil {
		n.real = map[string]string{}
	}
	n.real[address] = ln.Addr().String()
	return ln, nil
}

// dial refuses what nobody of the system listens on: something else might, on a
// real machine.
func (n *loopback) dial(ctx context.Context, _ int, address string) (net.Conn, error) {
	at, ok := n.real[address]
	if !ok {
		nobody := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		if ap, err := netip.ParseAddrPort(address); err == nil {
			nobody.Addr = net.TCPAddrFromAddrPort(ap)
		}
		return nil, nobody
	}
	return load.TCP(at, 0).Dial(ctx, 0)
}

func (n *loopback) host(address string) string { return n.real[address] }

// draw makes a seed for one part of an experiment from the experiment's own, so
// that parts do not draw alike.
func draw(seed, part uint64) uint64 {
	return repeatable.Mix(seed + part*repeatable.Weyl)
}
