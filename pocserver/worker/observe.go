// What a server tells of itself: which worker was busy with what, and which
// worker ended, when and why.

package worker

import (
	"sync"
	"time"
)

// Observer is told what the workers do. Its methods are called from many
// goroutines, and from inside the model: they must not block.
type Observer interface {
	// Busy reports a span of a worker's time when it ends, if it took any.
	Busy(Span)
	// Exit reports the end of a worker.
	Exit(Exit)
}

// Span is a stretch of time in which a worker could do nothing else: for Sync
// from accept to close, for Threaded while one of the threads was held, for
// Evented while the loop was held by one task, for ThreadPerRequest while a
// handler ran.
type Span struct {
	Worker   int    // which worker, from 0
	Boot     int    // which of its incarnations, from 0
	What     string // the request line's method and target, or "" if none was read
	From, To time.Time
}

// Exit is the end of a worker.
type Exit struct {
	Worker int // which worker, from 0
	Boot   int // which of its incarnations, from 0
	At     time.Time
	Reason Reason
}

// Reason is why a worker ended.
type Reason string

const (
	// TimedOut: no heartbeat for longer than the worker timeout; the arbiter
	// aborted it.
	TimedOut Reason = "worker timeout"
	// Recycled: it began the last of its MaxRequests, and has finished all.
	Recycled Reason = "max requests"
	// Stopped: the server was shut down or closed.
	Stopped Reason = "shutdown"
)

// openSpan is a span that has not ended, if open. It ends by the request's
// goroutine or, when a worker is killed, by the arbiter's.
type openSpan struct {
	mu   sync.Mutex
	open bool
	Span
}

// beginSpan, nameSpan and endSpan frame what the observer is told: the worker,
// or as much of it as one request can hold, is busy with this connection.
func (c *conn) beginSpan(from time.Time) {
	if c.process.cfg.Observer == nil {
		return
	}
	c.span.mu.Lock()
	c.span.open = true
	c.span.Span = Span{Worker: c.process.worker, Boot: c.process.boot, What: c.what, From: from}
	c.span.mu.Unlock()
}

// nameSpan says what a span is for that began before its request was read.
func (c *conn) nameSpan() {
	c.span.mu.Lock()
	c.span.What = c.what
	c.span.mu.Unlock()
}

func (c *conn) endSpan() {
	observer := c.process.cfg.Observer
	if observer == nil {
		return
	}
	// The lock is held until the observer knows, so that whoever kills the worker
	// can wait for that.
	c.span.mu.Lock()
	defer c.span.mu.Unlock()
	s, open := c.span.Span, c.span.open
	c.span.open = false
	if s.To = time.Now(); open && s.To.After(s.From) {
		observer.Busy(s)
	}
}
