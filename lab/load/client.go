// The client that both loops drive: one connection, one request at a time, raw
// bytes out, net/http's parser in, and deadlines that keep the instant rule.

package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A request is what a loop asks its client for. until is when the client stops
// waiting, end when the load is over: until is never after end.
type request struct {
	seq                   int
	scheduled, until, end time.Duration
	fromScheduled         bool // FirstByte counts from scheduled, not from start
}

// client is one client with at most one connection. It belongs to one goroutine.
type client struct {
	run       *run
	load      string
	id        int
	open      bool          // of an open loop
	scheduled time.Duration // its first request
	head      []byte        // the request up to its number
	keepBody  bool

	state
	dialed   time.Duration // when it last began to dial
	deadline time.Duration // the one set on the connection
	wire     wire          // whose conn is nil when it must dial
	*scratch
}

// scratch is what a client needs while it writes a request or reads a reply. It
// is lent to one at a time: thousands may wait, and those have none where the
// connection can tell them when to read.
type scratch struct {
	in  *bufio.Reader
	out []byte
	buf []byte
}

var scratches = sync.Pool{New: func() any {
	return &scratch{in: bufio.NewReaderSize(nil, 1024), buf: make([]byte, 1024)}
}}

// take gives the client a scratch, if it has none.
func (c *client) take() {
	if c.scratch == nil {
		c.scratch = scratches.Get().(*scratch)
		c.in.Reset(&c.wire)
	}
}

// put gives the scratch back. What was read and is not used is lost.
func (c *client) put() {
	if c.scratch != nil {
		c.in.Reset(nil)
		scratches.Put(c.scratch)
		c.scratch = nil
	}
}

// await waits until there is something to read, without a scratch, on a
// connection that has WaitRead, as the simulated network's has. On others the read
// waits.
func (c *client) await() {
	if w, ok := c.wire.conn.(interface{ WaitRead() }); ok {
		c.put()
		w.WaitRead()
	}
	c.take()
}

// start makes c part of its run. It reports whether the run goes on.
func (c *client) start(open bool, scheduled time.Duration) bool {
	c.open, c.scheduled = open, scheduled
	c.wire.run, c.wire.state = c.run, &c.state
	if open { // it is in flight before its goroutine has begun
		c.at.Store(int64(scheduled))
		c.sent.Store(1)
	}
	if err := c.run.flight.add(c, scheduled, open); err != nil {
		c.run.fail(err)
		return false
	}
	return true
}

func (c *client) close() {
	if c.wire.conn == nil {
		return
	}
	c.conn.Store(nil)
	c.wire.conn.Close()
	c.wire.conn = nil
}

// do makes one request and says what became of it. Latency is the caller's to
// fill in. It leaves the connection open only where the server does.
func (c *client) do(q request) Record {
	rec := Record{Load: c.load, Client: c.id, Seq: q.seq, Scheduled: q.scheduled, Start: q.scheduled}
	c.at.Store(int64(q.scheduled))
	c.sent.Store(int64(q.seq) + 1)
	op, err := Dialing, error(nil)
	if rec.Reused = c.wire.conn != nil; !rec.Reused {
		err = c.dial(q.until)
	}
	if err == nil {
		op, err = Writing, c.setDeadline(q.until)
	}
	if err == nil {
		rec.Start = c.run.now()
		c.take()
		c.out = append(c.out[:0], c.head...)
		c.out = strconv.AppendInt(c.out, int64(c.id), 10)
		c.out = append(c.out, '-')
		c.out = strconv.AppendInt(c.out, int64(q.seq), 10)
		c.out = append(c.out, "\r\n\r\n"...)
		_, err = c.wire.conn.Write(c.out)
	}
	keep := false
	if err == nil {
		op = Reading
		c.await()
		from := rec.Start
		if q.fromScheduled {
			from = rec.Scheduled
		}
		keep, err = c.read(&rec, from)
	}

	if err == nil {
		rec.Complete = true
		rec.End = c.wire.last
		if c.in.Buffered() > 0 {
			// Bytes that nobody asked for would be taken for the next reply, and one
			// user's data for another's.
			rec.Kind, rec.Err, keep = Malformed, "more bytes after the reply", false
		}
	} else {
		rec.End, rec.Op = c.run.now(), op
		rec.Kind, rec.Err = c.explain(err, rec.End, q)
		keep = false
	}
	c.put()
	if !keep {
		c.close()
	}
	c.at.Store(int64(rec.End))
	c.done.Store(int64(q.seq) + 1)
	return rec
}

// explain turns the error that ended a request into its kind. Our own deadlines
// come first: at their instant, whatever else happens there has not happened.
func (c *client) explain(err error, now time.Duration, q request) (Kind, string) {
	switch {
	case now >= q.end, c.run.off():
		return Unfinished, ""
	case now >= q.until:
		return Timeout, ""
	}
	var bad malformed
	if errors.As(err, &bad) {
		return Malformed, err.Error()
	}
	return classify(err), err.Error()
}

// dial opens the connection, unless until comes first.
func (c *client) dial(until time.Duration) error {
	c.dialed, c.deadline = c.run.now(), 0
	ctx, cancel := context.WithDeadline(c.run.ctx, c.run.begin.Add(until))
	defer cancel()
	conn, err := c.run.target.Dial(ctx, c.id)
	if err != nil {
		return err
	}
	c.wire.conn, c.wire.last, c.wire.err = conn, 0, nil
	c.conn.Store(&conn)
	if c.run.now() >= until {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// setDeadline makes the connection give up at until. A closed loop that waits on
// has one deadline for a connection's whole life, so it is set only when it
// changes.
func (c *client) setDeadline(until time.Duration) error {
	c.wire.until, c.wire.err = until, nil
	if c.deadline != until {
		if err := c.wire.conn.SetDeadline(c.run.begin.Add(until)); err != nil {
			return err
		}
		c.deadline = until
	}
	// Asked after the deadline is set: who calls the run off now either sets a
	// deadline later and wins, or is seen here.
	if c.run.off() {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// mostOfHeader is how long the headers of a reply and of all 1xx responses before it
// may be together, in bytes: a server may send them without end. It is Chromium's
// limit (net/http/http_stream_parser.h, kMaxHeaderBufSize).
const mostOfHeader = 256 << 10

// mostOfBody is how much of a body is kept, in bytes.
const mostOfBody = 1 << 20

var errLongHeader = malformed{fmt.Errorf("the header of the reply is longer than %d bytes", mostOfHeader)}

// read reads one reply into rec and reports whether the connection can be used
// again.
func (c *client) read(rec *Record, from time.Duration) (keep bool, err error) {
	c.wire.room = mostOfHeader
	var reply *http.Response
	for {
		if reply, err = http.ReadResponse(c.in, nil); err != nil {
			return false, c.wire.blame(err)
		}
		// 1xx are news on the way to the reply; after 101 this is no longer HTTP.
		if reply.StatusCode >= 200 || reply.StatusCode == http.StatusSwitchingProtocols {
			break
		}
	}
	rec.Status = reply.StatusCode
	c.wire.room = math.MaxInt

	// The body is not closed: closing it would read on to its end, and the
	// connection is closed instead wherever that has not come.
	var body []byte
	for err == nil {
		var n int
		n, err = reply.Body.Read(c.buf)
		if n == 0 {
			continue
		}
		if rec.Bytes == 0 {
			rec.FirstByte = c.wire.last - from
		}
		rec.Bytes += int64(n)
		rec.Lines += bytes.Count(c.buf[:n], newline)
		if c.keepBody {
			body = append(body, c.buf[:min(n, mostOfBody-len(body))]...)
		}
	}
	rec.Body = string(body)
	if err == io.EOF { // the parser's: a body cut short is ErrUnexpectedEOF
		return !reply.Close, nil
	}
	return false, c.wire.blame(err)
}

var newline = []byte("\n")

// wire is the connection as the parser reads it. It keeps the instant rule, in
// this one place, and remembers what the parser's errors forget.
type wire struct {
	conn  net.Conn
	run   *run
	state *state
	until time.Duration
	room  int           // how many bytes Read may still return
	last  time.Duration // when Read last returned
	err   error         // of the connection, as opposed to what the parser thinks of it
}

// Read reads from the connection. What comes at the instant of the deadline has
// not come.
func (w *wire) Read(p []byte) (int, error) {
	if w.room == 0 {
		w.err = errLongHeader
		return 0, w.err
	}
	n, err := w.conn.Read(p[:min(len(p), w.room)])
	w.room -= n
	w.last = w.run.now()
	w.state.at.Store(int64(w.last))
	if w.last >= w.until {
		n, err = 0, os.ErrDeadlineExceeded
	}
	if err != nil {
		w.err = err
	}
	return n, err
}

// blame returns the connection's error, if it has one, and otherwise the
// parser's, as malformed.
func (w *wire) blame(err error) error {
	if w.err != nil {
		return w.err
	}
	return malformed{err}
}

// malformed is an error about bytes that arrived.
type malformed struct{ error }

// requestHead is the part that all requests of a load share: everything up to
// the number in X-Request-ID, which comes last.
func requestHead(path, host string, h http.Header) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\n", path, host)
	h.Write(&b) // sorted, so the same bytes every time; a Buffer does not fail
	b.WriteString("X-Request-ID: ")
	return b.Bytes()
}

// checkHeader refuses what would break a request, or what every request has.
func checkHeader(h http.Header) error {
	for name, values := range h {
		if !isToken(name) {
			return wrong("Header", "has the name %q, which is none", name)
		}
		switch strings.ToLower(name) {
		case "host", "x-request-id", "content-length", "transfer-encoding":
			return wrong("Header", "has %s, which is the load's to send", name)
		}
		for _, v := range values {
			if strings.ContainsFunc(v, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
				return wrong("Header", "has %s: %q, which is no value", name, v)
			}
		}
	}
	return nil
}

// isToken reports whether s is a token of RFC 9110, section 5.6.2.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
	})
}
