// From the door to net/http: the listener that a worker's http.Server sees.

package worker

import (
	"net"
	"net/http"
	"sync"
)

// handoff is a net.Listener whose connections are put in by hand. One goroutine
// accepts.
type handoff struct {
	addr net.Addr

	mu     sync.Mutex
	some   sync.Cond
	conns  []*conn
	closed bool
}

func newHandoff(addr net.Addr) *handoff {
	h := &handoff{addr: addr}
	h.some.L = &h.mu
	return h
}

func (h *handoff) put(c *conn) {
	h.mu.Lock()
	h.conns = append(h.conns, c)
	h.mu.Unlock()
	h.some.Signal()
}

// Accept returns the connections in the order in which they were put.
func (h *handoff) Accept() (net.Conn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.conns) == 0 && !h.closed {
		h.some.Wait()
	}
	if h.closed {
		return nil, http.ErrServerClosed
	}
	c := h.conns[0]
	h.conns[0] = nil
	h.conns = h.conns[1:]
	if len(h.conns) == 0 {
		h.conns = nil
	}
	return c, nil
}

// Close makes Accept fail. The connections left in it are their worker's to
// close.
func (h *handoff) Close() error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.some.Broadcast()
	return nil
}

func (h *handoff) Addr() net.Addr { return h.addr }
