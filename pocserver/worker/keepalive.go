// Keep-alive: what a connection holds, and for how long, between two requests.

package worker

import (
	"net"
	"net/http"
	"time"
)

// late is how much later than it says a timer looks that cuts: what is exactly
// in time is then in time, and not one of two things at one instant.
const late = 500 * time.Nanosecond

// connState is a worker's http.Server.ConnState. Between two requests a
// connection has no thread, and is closed when the next one is too long in
// coming, or will not be served.
func (p *process) connState(nc net.Conn, state http.ConnState) {
	if state != http.StateIdle {
		return
	}
	c := nc.(*conn)
	if p.threads != nil {
		c.letGo()
		c.idle, c.what = true, ""
	}
	c.keep(p.cfg.KeepAlive)
	if p.retiring.Load() { // only now: the reply promised to keep the connection
		time.AfterFunc(late, c.closeIfKept)
	}
}

// keep closes the connection if it is still idle after d.
//
// It does what http.Server.IdleTimeout does, which sets a deadline for every
// request and clears it: 3 % of what a short request costs. A timer that looks
// again when it fires is set once in a while.
func (c *conn) keep(d time.Duration) {
	if c.keptUntil.Swap(int64(time.Since(c.accepted)+d)) == 0 {
		c.process.kept.Add(1)
	}
	if c.closed.Load() {
		c.use()
		return
	}
	if d < forever && !c.watched.Swap(true) {
		time.AfterFunc(d+late, c.closeIfIdle)
	}
}

// use ends the wait that keep began.
func (c *conn) use() {
	if c.keptUntil.Load() != 0 && c.keptUntil.Swap(0) != 0 {
		c.process.kept.Add(-1)
	}
}

func (c *conn) closeIfIdle() {
	c.watched.Store(false)
	until := time.Duration(c.keptUntil.Load())
	if until == 0 || c.closed.Load() {
		return // it is busy: the next time that it is idle sets a timer
	}
	if left := until - time.Since(c.accepted); left > 0 {
		if !c.watched.Swap(true) {
			time.AfterFunc(left+late, c.closeIfIdle)
		}
		return
	}
	c.Close()
}

// endIdle closes the connections that wait for a next request. Those that are
// being served, or wait to be, end with their reply.
func (p *process) endIdle() {
	for _, c := range p.open() {
		c.closeIfKept()
	}
}

// closeIfKept closes a connection that is idle. It is called late: a client who
// asks again at the instant of its reply has done so by then, and is served.
func (c *conn) closeIfKept() {
	if c.keptUntil.Load() != 0 {
		c.Close()
	}
}

// keeps says whether a connection may be kept after the reply that begins now.
// A threaded worker keeps as many idle as it has room for beside its threads
// (gunicorn 20.1, gunicorn/workers/gthread.py: max_keepalived =
// worker_connections − threads; handle_request closes beyond that).
func (p *process) keeps() bool {
	if p.retiring.Load() {
		return false
	}
	return p.cfg.Model != Threaded || p.kept.Load() < int64(p.cfg.WorkerConnections-p.cfg.Threads)
}
