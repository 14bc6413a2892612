// This file is the listening side: which SYNs get in, and the accept queue.

package simnet

import (
	"cmp"
	"net"
	"slices"
	"sync"
	"time"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// defaultBacklog is net.core.somaxconn since Linux 5.4, which Go listens with.
const defaultBacklog = 4096

// Overflow says what becomes of a SYN that meets a full accept queue.
type Overflow int

const (
	// Drop leaves the SYN unanswered, as Linux TCP does: the client sends it again
	// 1, 3, 7, 15, 31 and 63 s after the first, gets in if there is room then, and
	// gives up at 127 s with ETIMEDOUT unless its own timeout comes first.
	// Source: tcp_conn_request in net/ipv4/tcp_input.c.
	Drop Overflow = iota

	// Refuse fails the dial at once, with ECONNREFUSED: it is the errno with which
	// a TCP dial can fail at once. The two things it stands for differ in the
	// errno and in nothing else a proxy cares for: a full unix socket gives EAGAIN
	// (unix_stream_connect in net/unix/af_unix.c), and nginx takes that for
	// ECONNREFUSED (ngx_event_connect_peer); with net.ipv4.tcp_abort_on_overflow=1
	// a RST answers the handshake's last ACK, when the dial has succeeded, and the
	// first read or write gives ECONNRESET.
	Refuse
)

// A Listener is a [net.Listener] with an accept queue that can be bounded and
// looked at. Its methods may be called from any goroutine.
type Listener struct {
	endpoint *endpoint // whose mu guards all below
	arrived  sync.Cond // a connection joined an empty queue, or the listener closed
	closed   bool
	backlog  int
	overflow Overflow
	queue    []arrival
	took     time.Time // when Accept last took a connection
}

// arrival is a connection in the accept queue.
type arrival struct {
	at   time.Time
	conn *Conn
}

// Addr returns the listener's address, a [*net.TCPAddr].
func (l *Listener) Addr() net.Addr { return l.endpoint.addr }

// SetBacklog sets the backlog, which is 4096 at first. The queue holds n+1
// connections that nobody accepted: Linux takes it for full only when its length
// exceeds the backlog (sk_acceptq_is_full in include/net/sock.h). What waits
// already stays. A negative n means 4096, as listen(2) has it; the cap that
// listen(2) puts on n, net.core.somaxconn, is the caller's to apply.
// It fails with [net.ErrClosed] on a closed listener.
func (l *Listener) SetBacklog(n int) error {
	if n < 0 {
		n = defaultBacklog
	}
	return l.set(func() { l.backlog = n })
}

// SetOverflow chooses what becomes of a SYN that meets a full queue; it is
// [Drop] at first. It fails with [net.ErrClosed] on a closed listener.
func (l *Listener) SetOverflow(o Overflow) error {
	return l.set(func() { l.overflow = o })
}

func (l *Listener) set(change func()) error {
	l.endpoint.lock()
	defer l.endpoint.mu.Unlock()
	if l.closed {
		return l.opError("set", net.ErrClosed)
	}
	change()
	return nil
}

// Wait returns nil once a connection waits in the queue, without taking it: all
// goroutines that wait are told. It returns an error that matches
// [net.ErrClosed] when the listener is or gets closed.
func (l *Listener) Wait() error {
	l.endpoint.lock()
	defer l.endpoint.mu.Unlock()
	return l.wait()
}

// wait is Wait for a caller who holds the endpoint's lock.
func (l *Listener) wait() error {
	for !l.closed && len(l.queue) == 0 {
		l.arrived.Wait()
		l.endpoint.decide()
	}
	if l.closed {
		return l.opError("accept", net.ErrClosed)
	}
	return nil
}

// Accept waits for a connection and takes it: the first in order of arrival and
// of the dialer's port, once the instant of its arrival is over. Accept takes
// one connection an instant, so that a loop that calls it starts its handlers in
// the same order each time. Its error matches [net.ErrClosed] when the listener
// is or gets closed. The connection is a [*Conn].
func (l *Listener) Accept() (net.Conn, error) {
	for {
		l.endpoint.lock()
		if err := l.wait(); err != nil {
			l.endpoint.mu.Unlock()
			return nil, err
		}
		now, busy := time.Now(), l.queue[0].at
		if l.took.After(busy) {
			busy = l.took
		}
		if busy.Before(now) {
			l.took = now
			c := l.take()
			l.endpoint.mu.Unlock()
			return c, nil
		}
		l.endpoint.mu.Unlock()
		repeatable.Settle(busy)
	}
}

// AcceptBefore takes the first connection that waits, if it arrived before t.
// It never waits itself. A loop that calls it with the present time as t finds
// the same connections whatever else happens at this instant.
func (l *Listener) AcceptBefore(t time.Time) (net.Conn, bool) {
	l.endpoint.lock()
	defer l.endpoint.mu.Unlock()
	if len(l.queue) == 0 || !l.queue[0].at.Before(t) {
		return nil, false
	}
	return l.take(), true
}

// take removes the first connection from the queue, which has one.
func (l *Listener) take() *Conn {
	c := l.queue[0].conn
	l.queue[0] = arrival{}
	l.queue = l.queue[1:]
	return c
}

// Close stops listening and resets the connections that nobody accepted
// (inet_csk_listen_stop in net/ipv4/inet_connection_sock.c). A SYN that is being
// retransmitted is refused the next time. Closing twice fails with
// [net.ErrClosed].
func (l *Listener) Close() error {
	e := l.endpoint
	e.lock()
	if l.closed {
		e.mu.Unlock()
		return l.opError("close", net.ErrClosed)
	}
	queue := l.queue
	l.closed, l.queue, e.listener = true, nil, nil
	l.arrived.Broadcast()
	e.mu.Unlock()
	for _, a := range queue {
		a.conn.abort()
	}
	return nil
}

func (l *Listener) opError(op string, err error) error {
	return opError(op, "tcp", nil, l.endpoint.addr, err)
}

// An endpoint is an address that SYNs are sent to. It outlives its listeners, so
// that a SYN of the instant at which one listener closes and the next one opens
// meets whichever is there when it is decided on.
type endpoint struct {
	addr     *net.TCPAddr
	mu       sync.Mutex
	listener *Listener // nil when nobody listens
	syns     []*syn    // not decided on, in order of time
}

// A syn is one dial's wish to connect.
type syn struct {
	from   *net.TCPAddr
	at     time.Time // when it was sent
	gaveUp bool      // the dial's context ended before the decision
	answer answer
	conn   *Conn // the client's end, once admitted
}

type answer int

const (
	admitted answer = iota
	dropped
	refused
	withdrawn
)

// lock locks the endpoint and first of all decides on every SYN of an earlier
// instant. As nothing looks at or changes the endpoint without it, whoever comes
// first at an instant makes the decisions that are due, and everybody makes the
// same: what anyone does at this instant counts for later decisions only.
func (e *endpoint) lock() {
	e.mu.Lock()
	e.decide()
}

// decide answers the SYNs of earlier instants, in order of instant and port.
func (e *endpoint) decide() {
	if len(e.syns) == 0 {
		return
	}
	now, due := time.Now(), 0
	for due < len(e.syns) && e.syns[due].at.Before(now) {
		due++
	}
	slices.SortStableFunc(e.syns[:due], func(a, b *syn) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.from.Port, b.from.Port))
	})
	for _, s := range e.syns[:due] {
		s.answer = e.decideOn(s, now)
	}
	e.syns = slices.Delete(e.syns, 0, due)
}

func (e *endpoint) decideOn(s *syn, now time.Time) answer {
	l := e.listener
	switch {
	case s.gaveUp:
		return withdrawn
	case l == nil:
		return refused
	case len(l.queue) > l.backlog && l.overflow == Refuse:
		return refused
	case len(l.queue) > l.backlog:
		return dropped
	}
	client, server := pair(s.from, e.addr)
	s.conn = client
	if len(l.queue) == 0 {
		l.arrived.Broadcast()
	}
	l.queue = append(l.queue, arrival{now, server})
	return admitted
}

// send sends s and returns the answer, at the next instant.
func (e *endpoint) send(s *syn) answer {
	e.lock()
	s.at = time.Now() // under the lock, which keeps syns in order of time
	e.syns = append(e.syns, s)
	e.mu.Unlock()

	repeatable.Settle(s.at)

	e.lock()
	defer e.mu.Unlock()
	return s.answer
}

// withdraw notes that the dial's context has ended: too late for a SYN of an
// earlier instant, in time for one of this.
func (e *endpoint) withdraw(s *syn) {
	e.lock()
	defer e.mu.Unlock()
	s.gaveUp = true
}

// listen returns a new listener, or nil if there is one.
func (e *endpoint) listen() *Listener {
	e.lock()
	defer e.mu.Unlock()
	if e.listener != nil {
		return nil
	}
	l := &Listener{endpoint: e, backlog: defaultBacklog}
	l.arrived.L = &e.mu
	e.listener = l
	return l
}
