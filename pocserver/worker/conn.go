// A connection as its worker serves it: what net/http reads and writes passes
// through the model here.

package worker

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// patience is how long a write may take before an event loop turns to others:
// long for a buffer in the kernel, short for a reader who does not read.
const patience = 100 * time.Microsecond

// conn is a connection that a worker accepted, with the state of the one
// request at a time that is on it.
type conn struct {
	net.Conn
	process  *process
	accepted time.Time
	closed   atomic.Bool

	waiter    waiter
	holding   atomic.Bool  // of Evented the loop, of Threaded a thread
	keptUntil atomic.Int64 // until when it is kept idle, from accepted; 0 while it is busy
	watched   atomic.Bool  // a timer will look at keptUntil
	unread    bool         // Threaded: nothing of it was read yet
	idle      bool         // Threaded: it waits, with no thread, for its next request
	requests  atomic.Int64 // that have ended on it
	what      string       // the request, for the observer
	span      openSpan
	reply     reply

	turn   <-chan struct{} // EndOfTurn: closed when the turn ends in which it last held the loop
	queued chan struct{}   // EndOfTurn: closed when all that waits for its turn's end has left
	limit  time.Time       // the handler's own write deadline
}

func newConn(c net.Conn, p *process, seq uint64) *conn {
	now := time.Now()
	return &conn{
		Conn: c, process: p, accepted: now, unread: p.threads != nil,
		waiter: waiter{seq: seq, wake: make(chan signal, 2)},
	}
}

// Read takes a thread where the model has threads: gunicorn's gthread gives a
// connection to its pool when it is accepted, before a byte is read, and after a
// reply when the first bytes of the next request are there (gunicorn 20.1,
// gunicorn/workers/gthread.py: accept, enqueue_req, reuse_connection).
//
// net/http also reads a single byte while a handler runs, from a goroutine of
// its own, to learn that a client is gone (connReader.backgroundRead): that
// needs no thread, and must not touch what the request's goroutine uses.
func (c *conn) Read(b []byte) (int, error) {
	if len(b) == 1 {
		return c.Conn.Read(b)
	}
	if c.unread {
		c.unread = false
		if !c.hold(c.accepted) {
			return 0, net.ErrClosed
		}
	}
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.use()
	}
	if c.idle && n > 0 {
		c.idle = false
		if !c.hold(time.Now()) {
			return 0, net.ErrClosed
		}
	}
	return n, err
}

// Write sends what an event loop's task writes without letting the loop go,
// unless the client does not read; other models just write.
func (c *conn) Write(b []byte) (int, error) {
	p := c.process
	switch {
	case p.isDead():
		return 0, net.ErrClosed
	case p.loop == nil:
		return c.Conn.Write(b)
	case p.cfg.Replies == EndOfTurn:
		return c.writeAtEndOfTurn(b)
	case c.holding.Load():
		return c.writeHolding(b)
	}
	return c.Conn.Write(b)
}

// writeHolding writes as asyncio does (CPython, Lib/asyncio/selector_events.py,
// _SelectorSocketTransport.write): at once what the socket takes, and the rest
// when it is writable, which a task waits for by awaiting.
func (c *conn) writeHolding(b []byte) (int, error) {
	soon := time.Now().Add(patience)
	if !c.limit.IsZero() && c.limit.Before(soon) {
		return c.Conn.Write(b)
	}
	c.Conn.SetWriteDeadline(soon)
	n, err := c.Conn.Write(b)
	c.Conn.SetWriteDeadline(c.limit)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	c.letGo()
	more, err := c.Conn.Write(b[n:])
	if !c.hold(time.Now()) {
		return n + more, net.ErrClosed
	}
	return n + more, err
}

// writeAtEndOfTurn writes as uvloop does (uvloop/loop.pyx, _queue_write and
// _exec_queued_writes): a write is queued and leaves when the turn is over.
func (c *conn) writeAtEndOfTurn(b []byte) (int, error) {
	before := c.queued
	if !c.holding.Load() {
		if !c.process.until(before) || !c.process.until(c.turn) {
			return 0, net.ErrClosed
		}
		return c.Conn.Write(b)
	}
	over := c.process.loop.turnOver()
	kept, left := append([]byte(nil), b...), make(chan struct{})
	c.queued = left
	go func() {
		defer close(left)
		if c.process.until(before) && c.process.until(over) {
			c.Conn.Write(kept)
		}
	}()
	return len(b), nil
}

// SetWriteDeadline keeps the handler's own deadline apart from writeHolding's.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.limit = t
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline is SetReadDeadline with SetWriteDeadline.
func (c *conn) SetDeadline(t time.Time) error {
	c.limit = t
	return c.Conn.SetDeadline(t)
}

// CloseWrite sends FIN, which net/http does before it closes on a client that
// may still be sending.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close gives back whatever the connection held of its worker.
func (c *conn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	err := c.Conn.Close()
	p := c.process
	if p.threads != nil {
		c.letGo()
	}
	c.use()
	c.endSpan()
	p.forget(c)
	return err
}
