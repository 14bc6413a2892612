// What the upstream has sent of a reply and the client has not taken: in a bounded
// number of buffers, and what does not fit in a temporary file, up to a size.
// Source: src/event/ngx_event_pipe.c.

package front

import (
	"os"
	"sync"
	"time"
)

// pipe has one goroutine that fills buffers and one that sends them. Its memory is
// that of proxy_buffers, and three buffers more: one that is sent, one to read the
// file with, and the first, which is proxy_buffer_size.
type pipe struct {
	size, number int // of proxy_buffers
	send         func([]byte) error
	failed       func() error  // called when the client takes no more
	filed        func(error)   // called when the temporary file is begun, or cannot be written
	room         chan struct{} // something was sent
	more         chan struct{} // there is more to send, or no more to come
	done         chan struct{} // all is sent, or cannot be

	mu        sync.Mutex
	file      spool // what comes before in
	in        [][]byte
	free      [][]byte
	allocated int
	sent      int   // how many times something was sent
	stalled   int   // the value of sent with which the client was not ready
	closed    bool  // no more is to come
	broke     error // why the client takes no more
}

func newPipe(l *location, send func([]byte) error, failed func() error, filed func(error)) *pipe {
	return &pipe{
		size: l.buffers.size, number: l.buffers.number, send: send, failed: failed, filed: filed, stalled: -1,
		room: make(chan struct{}, 1), more: make(chan struct{}, 1), done: make(chan struct{}),
		file: spool{most: l.fileSize, atOnce: int64(l.fileWriteSize)},
	}
}

// clientPatience is how long a client takes nothing until it counts as not ready.
// nginx asks the socket. Here a goroutine is in the middle of a write, which on a
// real network takes a moment even if there is room.
const clientPatience = 100 * time.Microsecond

// buffer returns a buffer to fill. If all are in use it waits for the client, or, if
// that is not ready, makes room by writing to the temporary file. Until then nothing
// is read from the upstream. It returns nil if the client takes no more.
func (p *pipe) buffer() []byte {
	for {
		p.mu.Lock()
		sent, full := p.sent, p.file.full(p.in)
		b, ok := p.take()
		if !ok && !full && p.stalled == sent {
			p.toFile()
			b, ok = p.take()
		}
		p.mu.Unlock()
		if ok {
			return b
		}
		var patience <-chan time.Time
		if !full {
			patience = time.After(clientPatience)
		}
		select {
		case <-p.room:
		case <-patience:
			p.mu.Lock()
			p.stalled = sent
			p.mu.Unlock()
		}
	}
}

// take returns a buffer that is not in use, nil if none is needed; false if all are.
func (p *pipe) take() ([]byte, bool) {
	switch n := len(p.free); {
	case p.broke != nil:
		return nil, true
	case n > 0:
		b := p.free[n-1]
		p.free = p.free[:n-1]
		return b, true
	case p.allocated < p.number:
		p.allocated++
		return make([]byte, p.size), true
	}
	return nil, false
}

// toFile makes room (ngx_event_pipe_write_chain_to_temp_file).
func (p *pipe) toFile() {
	begun := p.file.written > 0
	n, err := p.file.write(p.in)
	if err != nil || !begun {
		p.filed(err)
	}
	for _, b := range p.in[:n] {
		p.reuse(b)
	}
	p.in = p.in[n:]
}

// reuse puts a buffer back, unless it is the first, which may have another size.
func (p *pipe) reuse(b []byte) {
	if cap(b) == p.size && len(p.free) < p.allocated {
		p.free = append(p.free, b[:p.size])
	}
}

// add adds a buffer that was filled.
func (p *pipe) add(b []byte) {
	if len(b) == 0 {
		return
	}
	p.mu.Lock()
	p.in = append(p.in, b)
	p.mu.Unlock()
	wake(p.more)
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// drain sends all in order until there is no more.
func (p *pipe) drain() {
	defer close(p.done)
	var fromFile []byte
	for {
		p.mu.Lock()
		var b, used []byte
		var err error
		switch {
		case p.file.left() > 0:
			if fromFile == nil {
				fromFile = make([]byte, p.size)
			}
			b, err = p.file.read(fromFile)
		case len(p.in) > 0:
			b, used = p.in[0], p.in[0]
			p.in = p.in[1:]
		}
		closed := p.closed
		p.mu.Unlock()
		if b == nil && err == nil {
			if closed {
				return
			}
			<-p.more
			continue
		}
		if err == nil {
			err = p.send(b)
		}
		p.mu.Lock()
		p.sent++
		p.broke = err
		p.reuse(used)
		p.mu.Unlock()
		wake(p.room)
		if err != nil {
			p.failed()
			return
		}
	}
}

// finish waits until everything is sent, or cannot be, and removes the file.
func (p *pipe) finish() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	wake(p.more)
	<-p.done
	p.file.remove()
}

// broken returns why the client takes no more; nil if it does.
func (p *pipe) broken() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.broke
}

// spool is a temporary file, which is written and read once, from its beginning.
type spool struct {
	most   int64 // proxy_max_temp_file_size
	atOnce int64 // proxy_temp_file_write_size

	file          *os.File // nil until something is written
	written, sent int64
}

// full reports whether the first of the buffers is to be in no file: nginx counts all
// that it has written, whether or not that is sent by now.
func (s *spool) full(in [][]byte) bool {
	return len(in) == 0 || s.written+int64(len(in[0])) > s.most
}

// write writes buffers to the file, as many as can be written at once and fit, and
// returns how many. After an error nothing goes to the file any more.
func (s *spool) write(in [][]byte) (n int, err error) {
	if s.file == nil {
		if s.file, err = os.CreateTemp("", "feedsim-proxy-"); err != nil {
			s.file, s.most = nil, 0
			return 0, err
		}
		os.Remove(s.file.Name()) // where an open file can be removed
	}
	for size := int64(0); n < len(in) && size+int64(len(in[n])) <= s.atOnce && !s.full(in[n:]); n++ {
		if _, err = s.file.WriteAt(in[n], s.written); err != nil {
			s.most = 0
			return n, err
		}
		size += int64(len(in[n]))
		s.written += int64(len(in[n]))
	}
	return n, nil
}

func (s *spool) left() int64 { return s.written - s.sent }

// read reads what is next in the file, as much as fits in b.
func (s *spool) read(b []byte) ([]byte, error) {
	n, err := s.file.ReadAt(b[:min(s.left(), int64(len(b)))], s.sent)
	s.sent += int64(n)
	return b[:n], err
}

func (s *spool) remove() {
	if s.file != nil {
		s.file.Close()
		os.Remove(s.file.Name())
	}
}
