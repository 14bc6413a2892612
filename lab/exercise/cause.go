// From one request that went wrong to why, as far as the evidence goes.

package exercise

import (
	"slices"
	"time"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver/worker"
)

// A Cause is why requests of a route went wrong, or a step on the way there.
type Cause string

// What happened at an app server.
const (
	// Queueing: every sync worker was busy with somebody else.
	Queueing Cause = "queueing"
	// PoolOfOne: a threaded worker had accepted it, and its one thread was held.
	PoolOfOne Cause = "a pool of one"
	// PoolFull: all threads of the worker were held.
	PoolFull Cause = "a full pool"
	// LoopHeld: a handler that did not await held the worker's loop.
	LoopHeld Cause = "a held loop"
	// Killed: the worker timeout ended the worker, and the request with it.
	Killed Cause = "a killed worker"
	// Refused: nobody took the connection.
	Refused Cause = "refused"
	// WrongReply: somebody answered, and it was not the route's page.
	WrongReply Cause = "another reply"
)

// What nginx made of it, or did by itself.
const (
	// NoLive: all servers of the upstream were marked as failed.
	NoLive Cause = "no live upstreams"
	// GaveUp: nginx did not wait for a server that was at work on the request.
	GaveUp Cause = "given up"
	// Buffered: the reply came, and nginx kept it.
	Buffered Cause = "buffered"
	// NoSlots: worker_connections were used up.
	NoSlots Cause = "no connections left"
	// NoLocation: no location took the request.
	NoLocation Cause = "no location"
	// Invalid: the server's header was none to nginx, or had no room.
	Invalid Cause = "an invalid reply"
	// Looped: nginx sent the request to itself.
	Looped Cause = "a loop"
)

// Unexplained: nothing that was observed says why.
const Unexplained Cause = "unexplained"

// root is where the way from a request back to its cause ends.
type root struct {
	cause Cause
	peer  string // "" where it is nginx itself
}

// A blame is what a request that went wrong is put down to.
type blame struct {
	root
	noLive, noSlot bool

	// from and to are when the request was with the peer; to is 0 if it never was,
	// for the peer had failed others before.
	from, to  time.Duration
	own, last *front.Try   // the try with the peer, nil if there was none, and the last of all
	exit      *worker.Exit // Killed
	holders   []*charged   // noSlot: who had the connections, unless they were fine
}

// atOnce reports whether the request was turned away when it came, for what others
// had met.
func (b *blame) atOnce() bool { return b.noLive && b.to == 0 }

// next is the try with another peer that decided what the client was told, after
// the one that took so long or failed; nil if there was none.
func (b *blame) next() *front.Try {
	if b.own == b.last || b.own.Outcome == front.Refused {
		return nil
	}
	switch b.last.Outcome {
	case front.NoLive, front.Served:
		return nil
	}
	return b.last
}

// blame says what the request is put down to.
func (ev *evidence) blame(r *request) blame {
	f := r.front
	switch {
	case f == nil:
		return blame{root: root{cause: Unexplained}}
	case slices.ContainsFunc(f.Tries, func(t front.Try) bool { return t.Peer == ev.front }):
		return blame{root: root{cause: Looped}}
	case f.Status == 0:
		return blame{root: root{cause: NoSlots}, noSlot: true}
	case len(f.Tries) == 0:
		if f.Location == "" {
			return blame{root: root{cause: NoLocation}}
		}
		return blame{root: root{cause: Unexplained}}
	}
	last := &f.Tries[len(f.Tries)-1]
	if last.Outcome == front.NoSlot {
		return blame{root: root{cause: NoSlots}, noSlot: true}
	}
	var own *front.Try
	for i := range f.Tries {
		// The first that took the connection decides. One that refused is to blame if
		// there is no other.
		switch t := &f.Tries[i]; {
		case t.Outcome == front.NoLive:
		case own == nil, own.Outcome == front.Refused && t.Outcome != front.Refused:
			own = t
		}
	}
	b := blame{noLive: last.Outcome == front.NoLive}
	if b.noLive && (own == nil || own.Outcome == front.Refused) {
		marked := ev.mark(f)
		if marked == nil {
			b.root = root{cause: Unexplained}
			return b
		}
		b.root, b.exit = ev.failure(marked.uri, &marked.Try)
		return b
	}
	b.from, b.to = ev.came(own), ev.since(own.End)
	b.own, b.last = own, last
	if own == last && (r.Kind == load.Unfinished || own.Outcome == front.ClientGone || own.Outcome == front.Served) {
		b.root, b.exit = ev.disappointment(r, own)
	} else {
		b.root, b.exit = ev.failure(f.URI, own)
	}
	return b
}

// failure says what a try for uri that nginx calls failed is put down to, with the
// end of the worker, if that was it.
func (ev *evidence) failure(uri string, t *front.Try) (root, *worker.Exit) {
	if t.Peer == ev.front {
		return root{cause: Looped}, nil
	}
	switch t.Outcome {
	case front.Refused:
		return root{cause: Refused}, nil // by one peer or another
	case front.Invalid:
		return root{Invalid, t.Peer}, nil
	case front.ClosedEarly, front.Reset:
		return ev.ended(t)
	case front.TimedOut:
		if t.While == front.ReadingBody {
			return root{GaveUp, t.Peer}, nil
		}
		return root{ev.wait(uri, t, GaveUp), t.Peer}, nil
	}
	return root{Unexplained, t.Peer}, nil
}

// disappointment says what a request is put down to that nginx found nothing wrong
// with, and its client did.
func (ev *evidence) disappointment(r *request, t *front.Try) (root, *worker.Exit) {
	is := func(c Cause) (root, *worker.Exit) { return root{c, t.Peer}, nil }
	from := ev.came(t)
	switch {
	case t.Header.IsZero(): // its client waited, until it left or to the end of the run
		return is(ev.wait(r.need.path, t, Unexplained))
	case t.Status != 200, r.Bytes > 0 && !hasPage(r):
		return is(WrongReply)
	case r.need.streamed() && r.front.Buffered && !t.FirstBody.IsZero() &&
		ev.since(t.FirstBody)-from <= r.need.within && r.need.waited(r.Record) > r.need.within:
		return is(Buffered)
	case r.cameLate():
		// Would it have been in time without the wait?
		came := ev.since(t.Header)
		tooLong := came - from - r.need.within - time.Millisecond
		if s := ev.at(t.Peer); s != nil && !r.need.streamed() {
			if began, ok := s.serving(ev, r.need.path, came); ok {
				if s.noRoom(from, began, tooLong) {
					return is(s.place())
				}
				return is(Unexplained)
			}
		}
		return is(ev.waitBetween(r.need.path, t.Peer, from, came, tooLong, Unexplained))
	case r.need.streamed() && t.Outcome == front.Served:
		return ev.ended(t) // a stream has no end
	}
	return is(Unexplained)
}

// cameLate reports whether what its client wanted came, and not as soon: a stream may
// then have brought too few lines as well.
func (r *request) cameLate() bool {
	return r.fate == late || r.need.streamed() && r.Status == 200 && r.Bytes > 0 && r.Kind == load.Timeout && r.need.waited(r.Record) > r.need.within
}

// ended says what a reply is put down to that its server broke off.
func (ev *evidence) ended(t *front.Try) (root, *worker.Exit) {
	if s := ev.at(t.Peer); s != nil {
		if exit := s.killed(t.End); exit != nil {
			return root{Killed, t.Peer}, exit
		}
	}
	return root{Unexplained, t.Peer}, nil
}

// hasPage reports whether what came back begins as the route's page does.
func hasPage(r *request) bool {
	n := min(len(r.Body), len(r.need.page))
	return r.Body[:n] == r.need.page[:n]
}

// wait says what a request to uri waited for in a try that came to nothing, for
// half of the time at least; otherwise if not for a place.
func (ev *evidence) wait(uri string, t *front.Try, otherwise Cause) Cause {
	from, to := ev.came(t), ev.since(t.End)
	return ev.waitBetween(uri, t.Peer, from, to, (to-from)/2, otherwise)
}

func (ev *evidence) waitBetween(uri, peer string, from, to, atLeast time.Duration, otherwise Cause) Cause {
	s := ev.at(peer)
	switch {
	case s == nil:
		return Unexplained
	case !s.queued(uri, from, to, atLeast):
		return otherwise
	}
	return s.place()
}

// place is what requests that wait at the server wait for.
func (s *server) place() Cause {
	switch {
	case s.model == worker.Sync:
		return Queueing
	case s.model.EventLoop():
		return LoopHeld
	case s.peak == 1:
		return PoolOfOne
	}
	return PoolFull
}
