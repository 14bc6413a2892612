// The client: one request on a connection of its own, and what became of it.

package live

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
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
	errTooMany    = errors.New("the diagnosis has asked as often as it may")
	errLongHeader = malformed{fmt.Errorf("the header of the reply is longer than %d bytes", mostOfHeader)}
	errLongBody   = malformed{fmt.Errorf("the body of the reply is longer than %d bytes", mostOfBody)}
)

// malformed is an error about bytes that arrived.
type malformed struct{ error }

// Limits of a reply in bytes, because a server may send without end.
const (
	// mostOfHeader is for the headers of a reply and of all 1xx responses before it. It
	// is Chromium's limit (net/http/http_stream_parser.h, kMaxHeaderBufSize).
	mostOfHeader = 256 << 10
	// mostOfBody is how much of a body is read, keptOfBody how much of it is kept.
	mostOfBody = 16 << 20
	keptOfBody = 64 << 10
)

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
	c     *client
	id    int64
	limit *io.LimitedReader // of what in may read
	in    *bufio.Reader
	stop  func() bool
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
	limit := &io.LimitedReader{R: conn, N: mostOfHeader}
	return &connection{conn, c, id, limit, bufio.NewReader(limit), stop}, nil
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
	reply, err := conn.reply(method)
	if a.err = err; err != nil {
		return a
	}
	a.status, a.header, a.closes = reply.StatusCode, reply.Header, reply.Close
	a.body, a.err = body(reply)
	return a
}

// reply reads the header of the reply to a request, and skips 1xx responses.
func (conn *connection) reply(method string) (*http.Response, error) {
	conn.limit.N = mostOfHeader
	for {
		reply, err := http.ReadResponse(conn.in, &http.Request{Method: method})
		switch {
		case err != nil && conn.limit.N == 0:
			return nil, errLongHeader
		case err != nil:
			return nil, blame(err)
		case reply.StatusCode >= http.StatusOK:
			conn.limit.N = math.MaxInt64 // the body has a limit of its own
			return reply, nil
		}
	}
}

// body reads a body to its end, and returns the first keptOfBody bytes of it.
func body(reply *http.Response) (string, error) {
	kept, err := io.ReadAll(io.LimitReader(reply.Body, keptOfBody))
	if err == nil {
		var rest int64
		if rest, err = io.Copy(io.Discard, io.LimitReader(reply.Body, mostOfBody-keptOfBody+1)); rest > mostOfBody-keptOfBody {
			return string(kept), errLongBody
		}
	}
	if err != nil {
		err = blame(err)
	}
	return string(kept), err
}

// blame tells the network's errors from those of the parser.
func blame(err error) error {
	var network net.Error
	var errno syscall.Errno
	if errors.As(err, &network) || errors.As(err, &errno) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return malformed{err}
}

// gaveUp reports whether nobody waited for the reply any longer.
func (a answer) gaveUp() bool {
	var network net.Error
	return errors.As(a.err, &network) && network.Timeout()
}

// outcome is what the picture calls the end of a request.
func (a answer) outcome() string {
	var bad malformed
	switch {
	case a.err == nil:
		return strconv.Itoa(a.status)
	case errors.Is(a.err, syscall.ECONNREFUSED):
		return "refused"
	case errors.As(a.err, &bad):
		return "malformed"
	case a.gaveUp(), errors.Is(a.err, context.Canceled):
		return "no reply"
	}
	return "cut off"
}
