// This file is a connection: reading, writing, and the two ways to end.

package simnet

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A Conn is one end of a connection: a [net.Conn] with what [*net.TCPConn] adds
// for ending one, CloseWrite and SetLinger. Its methods may be called from any
// goroutine.
//
// A byte that was written is in the peer's receive buffer at the same instant.
// The buffer holds 64 KiB; Write waits for room.
//
// There are two ways to end, and the peer sees which:
//
//   - FIN, from CloseWrite, or from Close with nothing left unread: the peer reads
//     the rest and then [io.EOF]. Its first write to a closed connection
//     succeeds, and is answered with a RST; the next one gives EPIPE.
//   - RST, from Close with bytes left unread (tcp_close in net/ipv4/tcp.c, RFC
//     2525 section 2.17) or after SetLinger(0): the peer still reads what its
//     buffer holds, then gets ECONNRESET once, from Read or Write, whichever is
//     first; after that Read gives [io.EOF] and Write EPIPE. A peer that had a
//     FIN before gets EPIPE in place of ECONNRESET (tcp_reset in
//     net/ipv4/tcp_input.c).
//
// A test runs the same scripts here and on loopback TCP and compares.
type Conn struct {
	local, remote *net.TCPAddr

	mu   *sync.Mutex // shared by both ends, guards all below in both
	peer *Conn

	in         buffer // what the peer wrote and nobody read
	readers    waiters
	writers    waiters
	writing    bool          // a Write is under way; others take their turn
	closed     bool          // by Close
	finOut     bool          // we sent FIN
	finIn      bool          // the peer sent FIN
	reset      bool          // a RST came
	err        syscall.Errno // what the RST means to us, until it is reported once
	lingerZero bool          // Close sends RST
}

// pair returns the two ends of a new connection.
func pair(clientAddr, serverAddr *net.TCPAddr) (client, server *Conn) {
	p := new(struct {
		mu             sync.Mutex
		client, server Conn
	})
	p.client.init(&p.mu, &p.server, clientAddr, serverAddr)
	p.server.init(&p.mu, &p.client, serverAddr, clientAddr)
	return &p.client, &p.server
}

func (c *Conn) init(mu *sync.Mutex, peer *Conn, local, remote *net.TCPAddr) {
	c.mu, c.peer, c.local, c.remote = mu, peer, local, remote
	c.readers.cond.L, c.writers.cond.L = mu, mu
}

// LocalAddr returns this end's address, a [*net.TCPAddr].
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the peer's address, a [*net.TCPAddr].
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// Read reads what the peer wrote, and waits until there is something. At the end
// of the peer's bytes it returns [io.EOF] after a FIN and ECONNRESET after a RST.
// Past the read deadline it fails with [os.ErrDeadlineExceeded], even if there is
// something to read, and after Close with [net.ErrClosed].
func (c *Conn) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, c.opError("read", net.ErrClosed)
		case len(b) == 0:
			return 0, nil
		case c.readers.expired():
			return 0, c.timeout("read", &c.readers)
		case c.in.n > 0:
			n := c.in.read(b)
			c.peer.writers.wake()
			return n, nil
		case c.finIn:
			return 0, io.EOF // even after a RST: the stream was complete
		case c.reset:
			if c.err == 0 {
				return 0, io.EOF
			}
			return 0, c.opError("read", sysError("read", c.takeErr()))
		}
		c.readers.wait()
	}
}

// WaitRead waits until [Conn.Read] would not wait: there is something to read, the
// stream has ended, the read deadline has come or the connection is closed. A
// reader that needs no buffer meanwhile saves its memory.
func (c *Conn) WaitRead() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.closed && !c.readers.expired() && c.in.n == 0 && !c.finIn && !c.reset {
		c.readers.wait()
	}
}

// Write writes b to the peer's receive buffer, and waits while that is full. Of
// several writes at a time, each is written in one piece. It fails with EPIPE
// after CloseWrite or a reset that was reported already, with ECONNRESET if it is
// the first to report it, past the write deadline with [os.ErrDeadlineExceeded],
// and after Close with [net.ErrClosed]; n says how much got written before.
func (c *Conn) Write(b []byte) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.writing && !c.closed {
		c.writers.wait()
	}
	if c.closed {
		return 0, c.opError("write", net.ErrClosed)
	}
	c.writing = true
	n, err = c.write(b)
	c.writing = false
	c.writers.wake() // the next Write's turn
	return n, err
}

func (c *Conn) write(b []byte) (n int, err error) {
	for {
		switch {
		case c.closed:
			return n, c.opError("write", net.ErrClosed)
		case c.writers.expired():
			return n, c.timeout("write", &c.writers)
		case c.reset, c.finOut:
			errno := c.takeErr()
			if errno == 0 {
				errno = syscall.EPIPE
			}
			return n, c.opError("write", sysError("write", errno))
		case n == len(b):
			return n, nil
		case c.peer.closed:
			// The bytes leave, find nobody, and a RST comes back.
			c.gotRST()
			return len(b), nil
		}
		n += c.peer.in.write(b[n:])
		c.peer.readers.wake()
		if n == len(b) {
			return n, nil
		}
		c.writers.wait()
	}
}

// CloseWrite sends a FIN: the peer reads the rest and then [io.EOF], while this
// end can still read. It fails with ENOTCONN once the connection is over, and
// after Close with [net.ErrClosed].
func (c *Conn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return c.opError("close", net.ErrClosed)
	case c.over():
		return c.opError("close", sysError("shutdown", syscall.ENOTCONN))
	}
	c.sendFIN()
	c.writers.wake()
	return nil
}

// Close ends the connection with a FIN, or with a RST if there are unread bytes
// or SetLinger(0) was called; see [Conn]. Reads and writes under way fail with
// [net.ErrClosed], as does closing twice.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.opError("close", net.ErrClosed)
	}
	if !c.over() {
		if c.lingerZero || c.in.n > 0 {
			c.peer.gotRST()
		} else {
			c.sendFIN()
		}
	}
	c.closed = true
	c.in = buffer{}
	c.readers.wake()
	c.writers.wake()
	return nil
}

// abort closes with a RST.
func (c *Conn) abort() {
	c.mu.Lock()
	c.lingerZero = true
	c.mu.Unlock()
	c.Close()
}

// SetLinger(0) makes Close send a RST. Any other number of seconds means FIN, as
// before the call: no byte is ever under way, so there is nothing to linger for.
// It fails with [net.ErrClosed] after Close.
func (c *Conn) SetLinger(sec int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.opError("set", net.ErrClosed)
	}
	c.lingerZero = sec == 0
	return nil
}

// SetDeadline sets both deadlines. See [net.Conn].
func (c *Conn) SetDeadline(t time.Time) error {
	return c.setDeadlines(t, &c.readers, &c.writers)
}

// SetReadDeadline sets the deadline of reads, those under way included; the zero
// time means none. At the very instant of the deadline a read fails.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.setDeadlines(t, &c.readers)
}

// SetWriteDeadline sets the deadline of writes, those under way included; the
// zero time means none. At the very instant of the deadline a write fails.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.setDeadlines(t, &c.writers)
}

func (c *Conn) setDeadlines(t time.Time, ws ...*waiters) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return opError("set", "tcp", nil, c.local, net.ErrClosed) // as net has it: no peer
	}
	for _, w := range ws {
		w.setDeadline(t)
	}
	return nil
}

// over reports whether both directions have ended: by a RST, or by two FINs.
func (c *Conn) over() bool { return c.reset || c.finIn && c.finOut }

func (c *Conn) sendFIN() {
	if !c.finOut {
		c.finOut = true
		c.peer.finIn = true
		c.peer.readers.wake()
	}
}

func (c *Conn) gotRST() {
	c.reset, c.err = true, syscall.ECONNRESET
	if c.finIn {
		c.err = syscall.EPIPE
	}
	c.readers.wake()
	c.writers.wake()
}

// takeErr returns the pending error, 0 if there is none, and clears it, as the
// kernel's sock_error does.
func (c *Conn) takeErr() syscall.Errno {
	errno := c.err
	c.err = 0
	return errno
}

func (c *Conn) opError(op string, err error) error {
	return opError(op, "tcp", c.local, c.remote, err)
}

// timeout returns the error of a deadline. It is made once: net/http ends its
// background read with a deadline in the past at every request.
func (c *Conn) timeout(op string, w *waiters) error {
	if w.timeoutErr == nil {
		w.timeoutErr = c.opError(op, os.ErrDeadlineExceeded)
	}
	return w.timeoutErr
}
