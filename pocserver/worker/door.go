// Who accepts: the workers that share one listening socket, and the draw
// between those who wait for it.

package worker

import (
	"net"
	"sync"
	"time"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// door is the listening socket as the workers share it. Connections that no
// worker can take stay in its queue, across any worker's death.
type door struct {
	queue       queueListener
	seed        uint64
	acceptAgain float64

	mu     sync.Mutex
	usable sync.Cond // a site may have become able to accept, or the door is closed
	sites  []*site   // by worker
	seq    uint64    // connections accepted so far
	last   *site     // who accepted the last one
	closed bool
}

// site is one worker's place at the door. The door's lock guards it.
type site struct {
	door *door
	take func(c net.Conn, seq uint64)
	room int  // how many connections it may hold; 0 is no limit
	busy bool // while it holds one it accepts no other (Sync)

	waiting bool      // in accept or epoll_wait
	changed time.Time // when waiting last changed
	before  bool      // what waiting was until then
	took    time.Time // when it last accepted
	conns   int       // connections that it holds
	freed   int       // of those that it held, closed at the instant freedAt
	freedAt time.Time
	drained func() // called once when it has left the door and holds nothing
}

func newDoor(q queueListener, cfg *Config) *door {
	d := &door{queue: q, seed: cfg.Seed, acceptAgain: cfg.AcceptAgain}
	d.usable.L = &d.mu
	return d
}

// run lets connections in until the listener is closed, and returns why.
func (d *door) run() error {
	for {
		d.mu.Lock()
		for !d.closed && !d.anyone() {
			d.usable.Wait()
		}
		d.mu.Unlock()
		if err := d.queue.Wait(); err != nil {
			return err
		}
		d.letIn(repeatable.Settle(time.Now()))
	}
}

// anyone says whether somebody would accept. Called with the lock held.
func (d *door) anyone() bool {
	for _, s := range d.sites {
		if s.waiting && (s.room == 0 || s.conns < s.room) {
			return true
		}
	}
	return false
}

// letIn gives what arrived before now to those who waited for it before now, one
// connection each: accepting takes time, in which others accept as well, so who
// takes all that wait takes them one an instant. To call it again at the same
// instant changes nothing, so it does not matter who of several does so first.
func (d *door) letIn(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		s := d.pick(now)
		if s == nil {
			return
		}
		c, ok := d.queue.AcceptBefore(now)
		if !ok {
			return
		}
		s.conns++
		s.took = now
		if s.busy {
			s.set(false, now)
		}
		d.last = s
		d.seq++
		s.take(c, d.seq)
	}
}

// pick draws one of the sites that could accept before now, or returns nil.
//
// Which of several waiting processes gets a connection is a race. The kernel
// wakes them all, the last that joined its list first (Linux, fs/eventpoll.c,
// ep_ptable_queue_proc: add_wait_queue adds at the head; fs/select.c,
// __pollwait, likewise), and the one that is on a processor already tends to
// win: a bias, not a rule, and Config.AcceptAgain is how strong it is.
func (d *door) pick(now time.Time) *site {
	n, again := 0, false
	for _, s := range d.sites {
		if s.could(now) {
			n++
			again = again || s == d.last
		}
	}
	if n == 0 {
		return nil
	}
	if again && n > 1 && repeatable.Draw(d.seed, "accept again", d.seq) < d.acceptAgain {
		return d.last
	}
	k := 0
	if n > 1 {
		k = int(repeatable.Draw(d.seed, "accept", d.seq) * float64(n))
	}
	for _, s := range d.sites {
		if s.could(now) {
			if k == 0 {
				return s
			}
			k--
		}
	}
	panic("unreachable")
}

// could says whether the site was able to accept when the instant now began.
func (s *site) could(now time.Time) bool {
	if s.drained != nil || s.took.Equal(now) {
		return false
	}
	waited := s.waiting
	if !s.changed.Before(now) {
		waited = s.before
	}
	held := s.conns
	if s.freedAt.Equal(now) {
		held += s.freed
	}
	return waited && (s.room == 0 || held < s.room)
}

// set says whether the site waits for a connection from now on. Called with the
// lock held.
func (s *site) set(waiting bool, now time.Time) {
	if s.changed.Before(now) {
		s.before = s.waiting
		s.changed = now
	}
	s.waiting = waiting
	if waiting {
		s.door.usable.Signal()
	}
}

// enter adds a worker's site; the worker waits for a connection from now on.
func (d *door) enter(worker int, s *site, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.sites) <= worker {
		d.sites = append(d.sites, &site{door: d}) // nobody there yet
	}
	d.sites[worker] = s
	s.set(true, now)
}

// accept accepts all that wait, as an event loop does between two turns, and
// returns when it is done.
func (s *site) accept(now time.Time) time.Time {
	for {
		s.door.letIn(now)
		s.door.mu.Lock()
		more := s.took.Equal(now)
		s.door.mu.Unlock()
		if !more {
			return now
		}
		now = repeatable.Settle(now)
	}
}

// hold and letGo say that the worker's loop is held, or is not any more.
func (s *site) hold(now time.Time) {
	s.door.mu.Lock()
	s.set(false, now)
	s.door.mu.Unlock()
}

func (s *site) letGo(now time.Time) {
	s.door.mu.Lock()
	if s.drained == nil {
		s.set(true, now)
	}
	s.door.mu.Unlock()
}

// left says that one of the site's connections is closed.
func (s *site) left(now time.Time) {
	s.door.mu.Lock()
	s.conns--
	if !s.freedAt.Equal(now) {
		s.freedAt, s.freed = now, 0
	}
	s.freed++
	switch {
	case s.drained != nil:
		if s.conns == 0 {
			s.drained()
		}
	case s.busy:
		s.set(true, now)
	case s.waiting:
		s.door.usable.Signal() // it may have been full
	}
	s.door.mu.Unlock()
}

// leave takes the site from the door; drained is called when its last
// connection is closed.
func (s *site) leave(now time.Time, drained func()) {
	s.door.mu.Lock()
	defer s.door.mu.Unlock()
	if s.drained != nil {
		return
	}
	s.set(false, now)
	s.drained = drained
	if s.conns == 0 {
		drained()
	}
}

// close closes the listening socket.
func (d *door) close() error {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.usable.Broadcast()
	return d.queue.Close()
}
