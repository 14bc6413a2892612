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
// of the clients' connections. A decision is due once its instant is over; as
// nothing looks at a process without making the decisions that are due, whoever
// comes first makes them, and everybody makes the same.
type process struct {
	mu     sync.Mutex
	events []*event // not decided on, in order of time
	free   int      // connections, of worker_connections
	groups []group  // one an upstream
}

// event is something that happens to a process.
type event struct {
	at   time.Time
	conn int // the client's connection
	kind eventKind
	pick *pick // choosePeer and leavePeer
	peer int   // leavePeer

	ok bool // the answer: there was a connection for it
}

type eventKind int

const (
	accept     eventKind = iota // a client's connection
	release                     // of a connection, a client's or an upstream's
	choosePeer                  // for the next try, with a connection to it
	leaveFine                   // a try that did not fail
	leaveFail                   // a try that failed
)

// note adds an event that happens now.
func (p *process) note(e *event) {
	p.mu.Lock()
	e.at = time.Now() // under the lock, which keeps events in order of time
	p.events = append(p.events, e)
	p.mu.Unlock()
}

// ask adds an event that happens now and returns when it has been decided on.
func (p *process) ask(e *event) {
	p.note(e)
	repeatable.Settle(e.at)
	p.mu.Lock()
	p.decide(time.Now())
	p.mu.Unlock()
}

// decide decides on the events of instants before now.
func (p *process) decide(now time.Time) {
	due := 0
	for due < len(p.events) && p.events[due].at.Before(now) {
		due++
	}
	if due > 1 {
		slices.SortStableFunc(p.events[:due], func(a, b *event) int {
			return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.conn, b.conn))
		})
	}
	for _, e := range p.events[:due] {
		p.decideOn(e)
	}
	p.events = slices.Delete(p.events, 0, due)
}

func (p *process) decideOn(e *event) {
	switch e.kind {
	case accept:
		e.ok = p.take()
	case release:
		p.free++
	case choosePeer:
		// A peer is chosen first (ngx_event_connect_peer in
		// src/event/ngx_event_connect.c).
		e.pick.peer = p.groups[e.pick.group].choose(e.pick, e.at.Unix())
		e.ok = e.pick.peer >= 0 && p.take()
	case leaveFine:
		p.groups[e.pick.group].leave(e.peer, false, e.at.Unix())
	case leaveFail:
		p.groups[e.pick.group].leave(e.peer, true, e.at.Unix())
	}
}

func (p *process) take() bool {
	if p.free <= 0 {
		return false
	}
	p.free--
	return true
}
