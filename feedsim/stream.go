// Where a stream's lines come from: polls of its own, or one poller that polls
// for all streams of its worker and drops a reader who is too slow.

package feedsim

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// stream is what one request to /stream_feed reads.
type stream struct {
	app    *app
	name   string
	polls  int
	placed bool    // it has one of MaxPolls places
	reader *reader // SharedPoller
}

func (a *app) stream(name string) *stream { return &stream{app: a, name: name} }

// next waits for the next line. The first call begins the stream.
func (s *stream) next(ctx context.Context) error {
	a := s.app
	if a.SharedPoller {
		return s.nextShared(ctx)
	}
	if !s.placed {
		if err := a.enter(s.name); err != nil {
			return err
		}
		s.placed = true
	}
	s.polls++
	return a.poll(ctx, pollName(s.name, s.polls))
}

func (s *stream) nextShared(ctx context.Context) error {
	if s.app.left(ctx) {
		return errGone
	}
	if s.reader == nil {
		s.reader = s.app.poller.join(s.name)
	}
	n, err := wait(ctx, s.app, s.reader.lines)
	switch {
	case err != nil:
		return err
	case !n.told:
		return errSlow
	}
	return n.failed
}

// close gives back what the stream holds.
func (s *stream) close() {
	if s.reader != nil {
		s.app.poller.leave(s.name, s.reader)
	}
	if s.placed {
		s.app.leave(s.name)
	}
}

const (
	// lag is how many lines a reader may be behind the shared poller.
	lag = 16
	// slowest is how long a reader may take to make room for a line, where there
	// is a shared poller. It is what frees the worker: a write to who does not
	// read would wait for ever.
	slowest = 10 * time.Second
)

// poller polls for all streams of one worker while there are any.
type poller struct {
	app *app

	mu      sync.Mutex
	readers map[*reader]struct{}
	n       int                // polls so far
	stop    context.CancelFunc // of the poller that runs; nil if none does
}

// reader is a stream as the poller sees it.
type reader struct {
	lines chan news // closed when it is dropped
}

// news is what became of a poll.
type news struct {
	told   bool  // there is news: false comes from a closed channel
	failed error // nil: it is a line
}

// join adds a reader, whose first line is the next poll's.
func (p *poller) join(name string) *reader {
	p.app.turns.pass(name)
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &reader{lines: make(chan news, lag)}
	if p.stop == nil {
		ctx, stop := context.WithCancel(context.Background())
		p.readers, p.stop = map[*reader]struct{}{}, stop
		go p.run(ctx)
	}
	p.readers[r] = struct{}{}
	return r
}

// leave undoes join. With the last reader the poll that is under way is given up.
func (p *poller) leave(name string, r *reader) {
	p.app.turns.pass(name)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.readers, r)
	p.rest()
}

// rest stops the poller if nobody reads. Called with the lock held.
func (p *poller) rest() {
	if len(p.readers) == 0 && p.stop != nil {
		p.stop()
		p.stop = nil
	}
}

func (p *poller) run(ctx context.Context) {
	for ctx.Err() == nil {
		p.mu.Lock()
		p.n++
		name := fmt.Sprintf("%s-stream-%d", p.app.name, p.n)
		p.mu.Unlock()
		failed := p.app.ask(ctx, name)
		if ctx.Err() != nil {
			return // given up: leave nothing behind in the bubble, not for a nanosecond
		}
		p.app.turns.pass(name)
		p.tell(ctx, failed)
	}
}

// tell gives every reader a line, or the failure that ends its stream, and waits
// for nobody.
func (p *poller) tell(ctx context.Context, failed error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil {
		return // the readers, if any, are another poller's
	}
	for r := range p.readers {
		select {
		case r.lines <- news{told: true, failed: failed}:
		default:
			r.drop()
			delete(p.readers, r)
		}
		if failed != nil {
			delete(p.readers, r)
		}
	}
	p.rest()
}

// drop ends the reader's stream, and what it is behind with is lost.
func (r *reader) drop() {
	for len(r.lines) > 0 {
		select {
		case <-r.lines:
		default: // it has just read one itself
		}
	}
	close(r.lines)
}
