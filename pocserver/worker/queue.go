// Where connections wait that no worker has accepted: the listening socket's
// queue, be it the kernel's or a simulated one.

package worker

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// A listener may have a queue that can be looked into, as a simulated network's
// has. Then what is accepted depends on when connections arrived and on nothing
// else.
type queueListener interface {
	net.Listener
	// SetBacklog is listen(2)'s argument.
	SetBacklog(n int) error
	// Wait returns when a connection waits, or an error once the listener is
	// closed.
	Wait() error
	// AcceptBefore takes the first connection that arrived before t, if any.
	AcceptBefore(t time.Time) (net.Conn, bool)
}

// queueOf returns ln's queue, its length set to backlog where it has one to set.
func queueOf(ln net.Listener, backlog int) (queueListener, error) {
	if q, ok := ln.(queueListener); ok {
		return q, q.SetBacklog(backlog)
	}
	q := &socketQueue{Listener: ln}
	if s, ok := ln.(syscall.Conn); ok {
		raw, err := s.SyscallConn()
		if err != nil {
			return nil, err
		}
		q.raw = raw
	}
	return q, q.SetBacklog(backlog)
}

// socketQueue gives a real listener that interface. To learn that a connection
// waits it must accept it, so it has at most one in its hand, and that only
// while a worker is ready for it or its loop is about to be.
type socketQueue struct {
	net.Listener
	raw syscall.RawConn // nil where there is no file descriptor to ask

	mu        sync.Mutex
	hand      net.Conn
	accepting bool
	closed    bool
}

// SetBacklog sets the length of the socket's queue, where the system can.
func (q *socketQueue) SetBacklog(n int) error {
	if q.raw == nil {
		return nil
	}
	var err error
	if e := q.raw.Control(func(fd uintptr) { err = listenAgain(fd, n) }); e != nil {
		return e
	}
	return err
}

func (q *socketQueue) Wait() error {
	q.mu.Lock()
	if q.hand != nil {
		q.mu.Unlock()
		return nil
	}
	q.accepting = true
	q.mu.Unlock()
	c, err := q.acceptPatiently()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.accepting = false
	switch {
	case err != nil:
	case q.closed:
		c.Close()
		err = net.ErrClosed
	default:
		q.hand = c
	}
	return err
}

// AcceptBefore takes what waits now: in real time nothing arrives at t itself.
func (q *socketQueue) AcceptBefore(time.Time) (net.Conn, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if c := q.hand; c != nil {
		q.hand = nil
		return c, true
	}
	if q.accepting || !q.readable() {
		return nil, false // what waits is about to be in the hand of Wait
	}
	// Somebody else who shares the socket may be faster.
	if l, ok := q.Listener.(interface{ SetDeadline(time.Time) error }); ok {
		l.SetDeadline(time.Now().Add(time.Millisecond))
		defer l.SetDeadline(time.Time{})
	}
	c, err := q.Accept()
	return c, err == nil
}

// acceptPatiently waits out errors that pass, such as too many open files, as
// net/http does (net/http/server.go, Serve).
func (q *socketQueue) acceptPatiently() (net.Conn, error) {
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		c, err := q.Accept()
		var passing interface{ Temporary() bool }
		if err == nil || !errors.As(err, &passing) || !passing.Temporary() {
			return c, err
		}
		time.Sleep(pause)
	}
}

// Close closes the listener and, as the kernel does, what still waits.
func (q *socketQueue) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	if q.hand != nil {
		q.hand.Close()
		q.hand = nil
	}
	return q.Listener.Close()
}

func (q *socketQueue) readable() bool {
	if q.raw == nil {
		return false
	}
	ready := false
	err := q.raw.Control(func(fd uintptr) { ready = connectionWaits(fd) })
	return err == nil && ready
}
