// Clients' connections: which worker process accepts one, and whether it has
// room.

package front

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// connKey finds a request's *clientConn in its context.
type connKey struct{}

// DialPort returns a local port, from 1 to 65535, for a dial whose context comes
// from what Options.Dial is given: the number of the client's connection that it is
// for. A simulated network that takes connections of one instant in order of their
// ports then takes them in an order that is the same in every run, even where many
// are tried elsewhere at once because a worker was killed. For any other context
// it returns 1.
func DialPort(ctx context.Context) int {
	c, ok := ctx.Value(connKey{}).(*clientConn)
	if !ok {
		return 1
	}
	return 1 + (c.nth-1)%65535
}

// door is a listener as the worker processes see it.
type door struct {
	net.Listener
	proxy *Proxy
	open  sync.WaitGroup // connections that it accepted
}

// Accept accepts connections until there is one that a process has room for. One
// that comes when worker_connections are used up is accepted and closed at once
// (ngx_event_accept in src/event/ngx_event_accept.c).
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		p := d.proxy
		p.mu.Lock()
		p.conns++
		served := &clientConn{Conn: c, nth: p.conns}
		p.mu.Unlock()
		served.process = p.processFor(served.nth)
		served.worker = p.processes[served.process]
		served.worker.ask(event{conn: served.nth, kind: accept, client: served})
		if served.admitted {
			d.open.Add(1)
			return served, nil
		}
		now := time.Now()
		c.Close()
		p.log(LogLine{now, Alert, served.process, 0, noSlot(p.config.connections)})
		if p.options.Observe != nil {
			p.options.Observe(Record{Conn: served.nth, Process: served.process, Start: now, End: now})
		}
	}
}

// processFor says which process accepts the nth connection. They all wait for it,
// and which of them gets it is a race.
func (p *Proxy) processFor(nth int) int {
	if len(p.processes) == 1 {
		return 0
	}
	return int(p.draw("accept", uint64(nth)) * float64(len(p.processes)))
}

// draw returns a number in [0, 1) that depends on the seed and its arguments only,
// so that no draw depends on which goroutine came first.
func (p *Proxy) draw(purpose string, n uint64) float64 {
	return repeatable.Draw(p.options.Seed, purpose, n)
}

// clientConn is a client's connection.
type clientConn struct {
	net.Conn
	nth      int // of the proxy's connections, from 1
	process  int // which one accepted it
	worker   *process
	requests int // so far; of the one goroutine that serves it
	closed   atomic.Bool

	// Of the process, and guarded by its lock.
	admitted      bool // there was one of worker_connections for it
	held          bool // it still has that
	idle          bool // it is in the process's list, while no request is under way
	before, after *clientConn
}

// note tells the process what happens to the connection.
func (c *clientConn) note(kind eventKind) {
	c.worker.note(event{conn: c.nth, kind: kind, client: c})
}

// Close also gives the connection back to its process.
func (c *clientConn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	err := c.Conn.Close()
	c.note(hangUp)
	return err
}

// CloseWrite is for net/http, which sends FIN before it closes on a client that
// may still be sending.
func (c *clientConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
