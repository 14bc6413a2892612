// Keep-alive: what a connection holds, and for how long, between two requests.

package worker

import (
	"net"
	"net/http"
	"time"
)

// connState is a worker's http.Server.ConnState. Between two requests a
// connection has no thread, and is closed when the next one is too long in
// coming.
func (p *process) connState(nc net.Conn, state http.ConnState) {
	if state != http.StateIdle {
		return
	}
	c := nc.(*conn)
	if p.threads != nil {
		c.letGo()
		c.idle, c.what = true, ""
	}
	if p.cfg.KeepAlive < forever {
		c.keep(p.cfg.KeepAlive)
	}
}

// keep closes the connection if it is still idle after d.
//
// It does what http.Server.IdleTimeout does, which sets a deadline for every
// request and clears it: 3 % of what a short request costs. A timer that looks
// again when it fires is set once in a while.
func (c *conn) keep(d time.Duration) {
	c.keptUntil.Store(int64(time.Since(c.accepted) + d))
	if !c.watched.Swap(true) {
		time.AfterFunc(d, c.closeIfIdle)
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
			time.AfterFunc(left, c.closeIfIdle)
		}
		return
	}
	c.Close()
}
