// Package worker is an app server with the worker models of gunicorn, uvicorn
// and runserver: it serves an http.Handler through net/http, and decides like
// they do who accepts a connection, when a request may run, and which worker
// dies.
//
// A process of theirs is here an instance of the app: a [Server] takes a
// function that makes one, and calls it for each worker it boots. What the
// requests of one instance share, they share as the requests of one process do.
//
// A handler tells the model how it waits by calling [Block], [Await] or
// [InThread]. Code that calls none of them holds its worker the way that
// computing does.
//
// A killed process stops at once, but a goroutine cannot be stopped: the handler
// of a dead worker stops at its next call into the model (one of those three, or
// a call to its http.ResponseWriter), and until then it goes on, unseen, with
// what it was doing. A time.Sleep of its own or a call to elsewhere cannot be
// cut short.
//
// The rules of virtual time (testing/synctest) are kept: nothing waits while it
// holds a lock, and who accepts, who runs next and who is cut does not depend on
// the order of goroutines at one instant, so the same seed gives the same run.
// What several threads of one worker do to its memory at one nanosecond has no
// order: they are threads.
package worker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// Server is a server with the workers that its Config describes.
type Server struct {
	cfg    Config
	newApp func() http.Handler

	stop chan struct{} // closed: cut everything
	quit chan struct{} // closed: finish what there is
	done chan struct{} // closed: Serve has nothing left to do

	booting chan struct{} // held while an app is made
	cut     atomic.Int64  // connections that a shutdown had to cut

	mu      sync.Mutex
	door    *door
	addr    net.Addr
	began   time.Time
	cutting bool
	ending  bool
	failed  error // why the server closed itself
}

// New returns a server that calls newApp once for each worker it boots, one call
// at a time. The error names the field of cfg that cannot be.
func New(cfg Config, newApp func() http.Handler) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if newApp == nil {
		return nil, errors.New("worker: newApp is nil: a worker needs an app to serve")
	}
	return &Server{
		cfg: cfg, newApp: newApp,
		stop: make(chan struct{}), quit: make(chan struct{}), done: make(chan struct{}),
		booting: make(chan struct{}, 1),
	}, nil
}

// Serve accepts and serves connections on ln, which it closes in the end, until
// Shutdown or Close. It returns http.ErrServerClosed then, and the listener's
// error if that fails first. If newApp returns nil, at whichever boot, Serve
// closes the server and returns an error that says so. A server serves once.
//
// Config.Backlog is set on a listener of the kernel's, and on one whose queue can
// be looked into: that has SetBacklog, Wait and AcceptBefore, as a simulated
// network's has. Others keep what they have.
func (s *Server) Serve(ln net.Listener) error {
	q, err := queueOf(ln, s.cfg.Backlog)
	if err != nil {
		ln.Close()
		return fmt.Errorf("worker: cannot set the backlog of %v to %d: %w", ln.Addr(), s.cfg.Backlog, err)
	}
	s.mu.Lock()
	if s.ending || s.door != nil {
		s.mu.Unlock()
		ln.Close()
		return http.ErrServerClosed
	}
	d := newDoor(q, &s.cfg)
	s.door, s.addr = d, ln.Addr()
	s.began = time.Now().Add(-late) // the arbiter looks beside the whole seconds, where much happens
	s.mu.Unlock()
	defer close(s.done)

	var workers sync.WaitGroup
	for i := range s.cfg.Workers {
		p := s.boot(i, 0)
		if p == nil {
			break
		}
		workers.Go(func() { s.keep(p) })
	}
	err = d.run()
	if !s.isEnding() {
		s.Close()
	} else if err = s.failure(); err == nil {
		err = http.ErrServerClosed
	}
	workers.Wait()
	repeatable.Settle(time.Now()) // whoever was about to decide something finds it is over
	return err
}

// boot starts a worker's nth incarnation. Without an app it closes the server and
// returns nil.
func (s *Server) boot(worker, nth int) *process {
	s.booting <- struct{}{}
	app := s.newApp()
	<-s.booting
	if app == nil {
		s.fail(fmt.Errorf("worker: newApp returned nil for boot %d of worker %d: it has to return a handler each time", nth, worker))
		return nil
	}
	return boot(&s.cfg, s.door, worker, nth, app, s.addr)
}

// fail closes the server because of err, which Serve returns.
func (s *Server) fail(err error) {
	s.mu.Lock()
	if s.failed == nil {
		s.failed = err
	}
	s.mu.Unlock()
	s.Close()
}

func (s *Server) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// Shutdown stops accepting, lets each worker finish what it has within
// Config.GracefulTimeout, and cuts what is left then or when ctx ends. It
// returns when Serve is about to. The error says what was cut, and is nil if
// nothing was.
func (s *Server) Shutdown(ctx context.Context) error {
	if !s.end(false) {
		return nil // it never served
	}
	select {
	case <-s.done:
	case <-ctx.Done():
		s.end(true)
		<-s.done
		return fmt.Errorf("worker: shutdown: %w; connections that were cut: %d", context.Cause(ctx), s.cut.Load())
	}
	if cut := s.cut.Load(); cut > 0 {
		return fmt.Errorf("worker: shutdown: connections still open after the graceful timeout of %v were cut: %d", s.cfg.GracefulTimeout, cut)
	}
	return nil
}

// Close stops accepting and cuts every connection. It does not wait.
func (s *Server) Close() error {
	s.end(true)
	return nil
}

// isEnding says whether somebody has called Shutdown or Close.
func (s *Server) isEnding() bool {
	select {
	case <-s.quit:
		return true
	default:
		return false
	}
}

// end closes the door and tells the workers to finish, or to stop. It returns
// whether there are any.
func (s *Server) end(cut bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ending {
		s.ending = true
		close(s.quit)
		if s.door != nil {
			s.door.close()
		}
	}
	if cut && !s.cutting {
		s.cutting = true
		close(s.stop)
	}
	return s.door != nil
}
