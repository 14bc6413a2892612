// One worker process of nginx's: its connections, and what it knows of the
// peers. None of that is shared between processes (that takes a zone directive).

package front

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// process decides on what happens to it, in order of time and, at one instant,
// of the clients' connections. A decision is due once its instant is over. Nothing
// looks at a process without making the decisions that are due, so whichever
// goroutine comes first makes them, and every goroutine would make the same.
type process struct {
	nth int // from 0
	all int // worker_connections
	log func(LogLine)

	mu     sync.Mutex
	events []event // not decided on, in order of time
	free   int     // connections, of all
	groups []group // one an upstream
	// idle are the clients' connections without a request under way: those that have
	// sent none yet, and those kept alive.
	idle   idleList
	warned int64 // the second of the last warning about reusing

	drained []*clientConn // to be closed, once the lock is free
	lines   []LogLine     // to be logged then
}

// event is something that happens to a process.
type event struct {
	at     time.Time
	conn   int // the client's connection
	kind   eventKind
	client *clientConn // accept, busy, idle, hangUp
	pick   *pick       // choosePeer, leaveFine and leaveFail
	peer   int         // leaveFine and leaveFail
	while  While       // leaveFail: what the try was at
}

type eventKind int

const (
	accept     eventKind = iota // a client's connection
	busy                        // a request begins on a client's connection
	idle                        // a request on a client's connection is over
	hangUp                      // a client's connection is closed
	release                     // of a connection to an upstream
	choosePeer                  // for the next try, with a connection to it
	leaveFine                   // a try that did not fail
	leaveFail                   // a try that failed
)

// note adds an event that happens now, and returns when that is.
func (p *process) note(e event) time.Time {
	p.mu.Lock()
	e.at = time.Now() // under the lock, which keeps events in order of time
	p.events = append(p.events, e)
	p.mu.Unlock()
	return e.at
}

// ask adds an event that happens now and returns when it has been decided on. The
// answer is where the event points to.
func (p *process) ask(e event) {
	repeatable.Settle(p.note(e))
	p.mu.Lock()
	p.decide(time.Now())
	drained, lines := p.drained, p.lines
	p.drained, p.lines = nil, nil
	p.mu.Unlock()
	for _, c := range drained {
		c.Close()
	}
	for _, l := range lines {
		p.log(l)
	}
}

// decide decides on the events of instants before now.
func (p *process) decide(now time.Time) {
	due := 0
	for due < len(p.events) && p.events[due].at.Before(now) {
		due++
	}
	if due > 1 {
		slices.SortStableFunc(p.events[:due], func(a, b event) int {
			return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.conn, b.conn))
		})
	}
	for i := range p.events[:due] {
		p.decideOn(&p.events[i])
	}
	p.events = slices.Delete(p.events, 0, due)
}

func (p *process) decideOn(e *event) {
	switch e.kind {
	case accept:
		if p.take(e) {
			e.client.admitted, e.client.held = true, true
			p.idle.add(e.client)
		}
	case busy:
		p.idle.remove(e.client)
	case idle:
		if e.client.held {
			p.idle.add(e.client)
		}
	case hangUp:
		p.giveBack(e.client)
	case release:
		p.free++
	case choosePeer:
		// A peer is chosen first (ngx_event_connect_peer in
		// src/event/ngx_event_connect.c).
		e.pick.peer = p.groups[e.pick.group].choose(e.pick, e.at.Unix())
		e.pick.connected = e.pick.peer >= 0 && p.take(e)
	case leaveFine:
		p.groups[e.pick.group].leave(e.peer, false, e.at.Unix())
	case leaveFail:
		if p.groups[e.pick.group].leave(e.peer, true, e.at.Unix()) {
			p.lines = append(p.lines, LogLine{e.at, Warn, p.nth, e.conn, "upstream server temporarily disabled " + string(e.while)})
		}
	}
}

// take takes one of the connections, and reports false if none is free. Source:
// src/core/ngx_connection.c, ngx_get_connection.
func (p *process) take(e *event) bool {
	p.drain(e)
	if p.free == 0 {
		return false
	}
	p.free--
	return true
}

// drain closes connections without a request under way, the oldest first, when at
// most a sixteenth of all is free. It warns of that once a second. Source:
// src/core/ngx_connection.c, ngx_drain_connections.
func (p *process) drain(e *event) {
	n := p.idle.n
	if n == 0 || p.free > p.all/16 {
		return
	}
	if now := e.at.Unix(); p.warned != now {
		p.warned = now
		p.lines = append(p.lines, LogLine{e.at, Warn, p.nth, 0, noSlot(p.all) + ", reusing connections"})
	}
	for range max(min(32, n/8), 1) {
		c := p.idle.first
		p.giveBack(c)
		p.drained = append(p.drained, c)
	}
}

// giveBack frees a client's connection, once.
func (p *process) giveBack(c *clientConn) {
	if c.held {
		c.held = false
		p.idle.remove(c)
		p.free++
	}
}

// idleList is a list of connections. The one that has been in it longest is first.
type idleList struct {
	first, last *clientConn
	n           int
}

func (l *idleList) add(c *clientConn) {
	c.idle, c.before = true, l.last
	if l.last == nil {
		l.first = c
	} else {
		l.last.after = c
	}
	l.last = c
	l.n++
}

// remove removes a connection, if it is there.
func (l *idleList) remove(c *clientConn) {
	if !c.idle {
		return
	}
	if c.before == nil {
		l.first = c.after
	} else {
		c.before.after = c.after
	}
	if c.after == nil {
		l.last = c.before
	} else {
		c.after.before = c.before
	}
	c.idle, c.before, c.after = false, nil, nil
	l.n--
}
