// A fixed number of places that requests hold one at a time: the threads of a
// threaded worker, those of an event loop's sync views, and the interpreter lock,
// which is one place.

package worker

import (
	"sync"
	"time"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// slots is a counting semaphore that is fair by the time of arrival, and whose
// decisions do not depend on the order of goroutines at one instant.
type slots struct {
	mu      sync.Mutex
	free    int
	line    line
	leading bool // one of the line has been asked to decide at the next instant
	dead    bool
}

func newSlots(n int) *slots { return &slots{free: n} }

// acquire waits for a place and returns whether there was one before the worker
// died.
func (s *slots) acquire(w *waiter) bool {
	s.mu.Lock()
	if s.dead {
		s.mu.Unlock()
		return false
	}
	s.line.join(w)
	leads := s.free > 0 && !s.leading
	if leads {
		s.leading = true
	}
	s.mu.Unlock()
	if leads && s.decide(w, repeatable.Settle(time.Now())) {
		return true
	}
	return w.wait(s.decide)
}

// release gives a place back.
func (s *slots) release() {
	s.mu.Lock()
	s.free++
	s.hand(nil, time.Now())
	s.mu.Unlock()
}

// decide gives the places to those who were ready before now, and says whether
// leader is one of them.
func (s *slots) decide(leader *waiter, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leading = false
	return s.hand(leader, now)
}

func (s *slots) hand(leader *waiter, now time.Time) (leaders bool) {
	for s.free > 0 {
		w := s.line.next(now)
		if w == nil {
			break
		}
		s.free--
		if w == leader {
			leaders = true
			continue
		}
		w.wake <- run
	}
	if s.free > 0 && len(s.line) > 0 && !s.leading {
		s.leading = true
		s.line[0].wake <- lead
	}
	return leaders
}

// kill ends every wait.
func (s *slots) kill() {
	s.mu.Lock()
	s.dead = true
	s.line.kill()
	s.mu.Unlock()
}
