// The client: one request on a connection of its own, and what became of it.

package live

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A client asks one server, and counts.
type client struct {
	ctx    context.Context
	target Target
	begin  time.Time
	// asked is how many connections and requests there were, which is bounded, and sent
	// how many of them were requests.
	asked, sent atomic.Int64
	// lost is set when a request was given up that the server may still be working on,
	// failing while the last request to end had no reply.
	lost, failing atomic.Bool
}

// now is the time since the diagnosis began.
func (c *client) now() time.Duration { return time.Since(c.begin) }

// sleep waits for d, or less if the diagnosis ends.
func (c *client) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
	}
}

// An answer is what became of a request.
type answer struct {
	sent, end time.Duration // since the diagnosis began; sent is before the dial
	status    int           // 0 without a complete header
	header    http.Header
	closes    bool // the server says that it closes the connection
	body      string
	err       error // nil if the whole reply came
}

func (a answer) latency() time.Duration { return a.end - a.sent }

var (
	errTooMany   = errors.New("the diagnosis has asked as often as it may")
	errMalformed = errors.New("what came is not HTTP")
)

const mostOfBody = 64 << 10 // bytes that are kept of a body

// ask makes a GET request on a connection of its own.
func (c *client) ask(path string, patience time.Duration) answer {
	a := answer{sent: c.now()}
	conn, err := c.dial(patience)
	if err == nil {
		defer conn.close()
		a = conn.exchange(http.MethodGet, path, "close", a.sent)
	} else {
		a.err = err
	}
	a.end = c.now()
	c.failing.Store(a.err != nil)
	if a.gaveUp() {
		c.lost.Store(true)
	}
	return a
}

// again is ask, and once more if the connection was cut or the reply is a server's
// error: some servers drop or refuse one now and then.
func (c *client) again(path string, patience time.Duration) answer {
	a := c.ask(path, patience)
	if (a.err != nil || a.status >= http.StatusInternalServerError) && !a.gaveUp() && c.ctx.Err() == nil {
		a = c.ask(path, patience)
	}
	return a
}

// burst makes n requests for the path that path names, the next one stagger after
// the last, and waits for all of them.
func (c *client) burst(n int, stagger, patience time.Duration, path func(i int) string) []answer {
	answers := make([]answer, n)
	begin := c.now()
	var all sync.WaitGroup
	for i := range n {
		c.sleep(begin + time.Duration(i)*stagger - c.now())
		all.Go(func() { answers[i] = c.ask(path(i), patience) })
	}
	all.Wait()
	return answers
}

// A connection belongs to one goroutine.
type connection struct {
	net.Conn
	c    *client
	id   int64
	in   *bufio.Reader
	stop func() bool
}

// dial connects, for patience at most in all that is done with the connection.
func (c *client) dial(patience time.Duration) (*connection, error) {
	id := c.asked.Add(1)
	if id > mostRequests {
		return nil, errTooMany
	}
	deadline := time.Now().Add(patience)
	ctx, cancel := context.WithDeadline(c.ctx, deadline)
	defer cancel()
	conn, err := c.target.Dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(deadline); err != nil {
		conn.Close()
		return nil, err
	}
	stop := context.AfterFunc(c.ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	return &connection{conn, c, id, bufio.NewReader(conn), stop}, nil
}

func (conn *connection) close() {
	conn.stop()
	conn.Close()
}

// write sends a request. Each has an ID of its own: servers that draw from it draw
// anew.
func (conn *connection) write(method, path, keep string) error {
	conn.c.sent.Add(1)
	_, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: outagelab-live\r\nX-Request-ID: live-%d\r\nConnection: %s\r\n\r\n",
		method, path, conn.c.target.Host, conn.id, keep)
	return err
}

// exchange makes one request and reads the reply.
func (conn *connection) exchange(method, path, keep string, sent time.Duration) answer {
	a := answer{sent: sent}
	if a.err = conn.write(method, path, keep); a.err != nil {
		return a
	}
	var reply *http.Response
	for reply == nil || reply.StatusCode < 200 { // 1xx are news on the way to it
		if reply, a.err = http.ReadResponse(conn.in, &http.Request{Method: method}); a.err != nil {
			a.err = blame(a.err)
			return a
		}
	}
	a.status, a.header, a.closes = reply.StatusCode, reply.Header, reply.Close
	body, err := io.ReadAll(io.LimitReader(reply.Body, mostOfBody))
	if a.body, a.err = string(body), err; err != nil {
		a.err = blame(err)
	}
	return a
}

// blame tells the network's errors from those of the parser.
func blame(err error) error {
	var network net.Error
	var errno syscall.Errno
	if errors.As(err, &network) || errors.As(err, &errno) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return fmt.Errorf("%w: %v", errMalformed, err)
}

// gaveUp reports whether nobody waited for the reply any longer.
func (a answer) gaveUp() bool {
	var network net.Error
	return errors.As(a.err, &network) && network.Timeout()
}

// outcome is what the picture calls the end of a request.
func (a answer) outcome() string {
	switch {
	case a.err == nil:
		return strconv.Itoa(a.status)
	case errors.Is(a.err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(a.err, errMalformed):
		return "malformed"
	case a.gaveUp(), errors.Is(a.err, context.Canceled):
		return "no reply"
	}
	return "cut off"
}
