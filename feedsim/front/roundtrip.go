// One connection to a peer: the request out, the header in, and what follows it,
// with nginx's timeouts.

package front

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
	"net/http/httputil"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// reply is a reply whose header is complete. It is also the body's reader.
type reply struct {
	x      *exchange
	conn   net.Conn
	unhook func() bool
	scrap  *[]byte // the header's buffer, back to its pool
	header http.Header
	status int
	room   int    // in the header's buffer, after the header
	early  []byte // of the body: what came with the header
	left   int64  // of the body, in bytes; -1 until the connection ends
	chunks io.Reader
}

// askPeer sends the request to the chosen peer and reads the reply's header.
// Without a reply it returns how that failed, 0 if the client left.
func (x *exchange) askPeer() (*reply, failures) {
	conn, why := x.dial()
	if conn == nil {
		return nil, why
	}
	rp := &reply{x: x, conn: conn, left: -1}
	rp.unhook = context.AfterFunc(x.ctx, func() {
		repeatable.Settle(time.Now())
		conn.Close()
	})
	if why, ok := rp.send(); !ok {
		rp.close()
		return nil, why
	}
	if why, ok := rp.readHeader(); !ok {
		rp.close()
		return nil, why
	}
	return rp, 0
}

// turn returns how long after it began a failed connect is noticed, at the
// earliest. nginx's event loop reads the requests that have come, and chooses a
// peer for each, before it turns to what became of their connects: of requests
// that come together, every second one goes to the peer that refuses, until a turn
// ends. (Measured: 24 to 37 of 75 that were sent at once; 1 a process of 75 sent
// one after another.)
//
// Requests that come together are 1 ns apart here, so this is a calibrated
// parameter and not a time: drawn for each process and second, evenly in orders
// of magnitude from 10 ns, which only a few requests fit in, to 100 µs, which all
// do. In real time a connect takes as long anyway.
func (x *exchange) turn() time.Duration {
	const shortest, longest = 10 * time.Nanosecond, 100 * time.Microsecond
	drawn := x.proxy.draw("turn", uint64(x.client.process)<<48^uint64(x.try.Start.Unix()))
	return time.Duration(float64(shortest) * math.Pow(float64(longest/shortest), drawn))
}

// dial connects to the chosen peer, within proxy_connect_timeout.
func (x *exchange) dial() (net.Conn, failures) {
	ctx, cancel := context.WithTimeout(x.ctx, x.location.connectTimeout)
	defer cancel()
	conn, err := x.proxy.options.Dial(ctx, "tcp", x.try.Peer)
	if err == nil {
		x.try.Connected = time.Now()
		return conn, 0
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		time.Sleep(time.Until(x.try.Start.Add(x.turn())))
	}
	x.giveBack()
	switch {
	case x.gone():
		x.end(ClientGone, Connecting, nil)
		return nil, 0
	case errors.Is(err, context.DeadlineExceeded):
		x.end(TimedOut, Connecting, err)
		return nil, onTimeout
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EAGAIN):
		x.end(Refused, Connecting, err)
	default:
		x.end(Unconnected, Connecting, err)
	}
	return nil, onError
}

// giveBack gives the connection to the peer back to the process.
func (x *exchange) giveBack() {
	x.process.note(event{conn: x.client.nth, kind: release})
}

// close closes the connection to the peer. A second call does nothing.
func (rp *reply) close() {
	if rp.conn == nil {
		return
	}
	rp.unhook()
	rp.conn.Close()
	rp.conn = nil
	rp.x.giveBack()
}

// free gives the header's buffer back; what was read with the header is gone then.
func (rp *reply) free() {
	if rp.scrap != nil {
		rp.x.proxy.scratch.Put(rp.scrap)
		rp.scrap = nil
	}
}

// failed writes down what an error on the connection means.
func (rp *reply) failed(err error, while While) failures {
	x := rp.x
	switch {
	case x.gone():
		x.end(ClientGone, while, nil)
		return 0
	case errors.Is(err, os.ErrDeadlineExceeded):
		x.end(TimedOut, while, err)
		return onTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		x.end(ClosedEarly, while, err)
	case errors.As(err, new(*net.OpError)), errors.Is(err, net.ErrClosed):
		x.end(Reset, while, err)
	case while == ReadingBody: // how the chunks are framed
		err = errChunks
		fallthrough
	default:
		x.end(Invalid, while, err)
		return onInvalidHeader
	}
	return onError
}

// sendPiece is how much of a request is written at a time. So much fits in the
// buffers of any new connection, so that a small request needs no deadline.
const sendPiece = 16 << 10

// send sends the request, with proxy_send_timeout between two writes.
func (rp *reply) send() (failures, bool) {
	var b strings.Builder
	b.Grow(512 + len(rp.x.body))
	rp.x.head(&b)
	b.Write(rp.x.body)
	for out := []byte(b.String()); len(out) > 0; {
		piece := out[:min(len(out), sendPiece)]
		if b.Len() > sendPiece {
			rp.conn.SetWriteDeadline(time.Now().Add(rp.x.location.sendTimeout))
		}
		if _, err := rp.conn.Write(piece); err != nil {
			return rp.failed(err, Sending), false
		}
		out = out[len(piece):]
	}
	return 0, true
}

// What is wrong with a reply, in nginx's words.
var (
	errTooBig  = errors.New("upstream sent too big header")
	errStatus  = errors.New("upstream sent no valid HTTP/1.0 header")
	errInvalid = errors.New("upstream sent invalid header")
	errChunks  = errors.New("upstream sent invalid chunked response")
)

// readHeader reads until the header is complete. All of it must come within one
// proxy_read_timeout (ngx_http_upstream_process_header in
// src/http/ngx_http_upstream.c sets no new timer) and fit in proxy_buffer_size.
func (rp *reply) readHeader() (failures, bool) {
	x := rp.x
	buf := rp.buffer(x.location.headerSize)
	rp.conn.SetReadDeadline(time.Now().Add(x.location.readTimeout))
	n := 0
	for {
		got, err := rp.conn.Read(buf[n:])
		n += got
		if end := headerEnd(buf[:n], n-got); end > 0 {
			if x.gone() {
				x.end(ClientGone, ReadingHeader, nil)
				return 0, false
			}
			x.try.Header = time.Now()
			rp.early, rp.room = buf[end:n], len(buf)-end
			if err := rp.parse(buf[:end]); err != nil {
				return rp.failed(err, ReadingHeader), false
			}
			return 0, true
		}
		if err == nil && n >= 5 && string(buf[:5]) != "HTTP/" {
			err = errStatus
		}
		if err == nil && n == len(buf) {
			err = errTooBig
		}
		if err != nil {
			return rp.failed(err, ReadingHeader), false
		}
	}
}

// buffer returns a buffer of the size, from the pool if it can.
func (rp *reply) buffer(size int) []byte {
	if b, ok := rp.x.proxy.scratch.Get().(*[]byte); ok && cap(*b) >= size {
		rp.scrap = b
		return (*b)[:size]
	}
	b := make([]byte, size)
	rp.scrap = &b
	return b
}

// headerEnd returns where the header in b ends, 0 if it is not complete. Before
// from there is no end.
func headerEnd(b []byte, from int) int {
	from = max(0, from-3)
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return 0
		}
		from += i + 1
		switch rest := b[from:]; {
		case len(rest) > 0 && rest[0] == '\n':
			return from + 1
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			return from + 2
		}
	}
}

// parse reads the header, and how the body ends.
func (rp *reply) parse(head []byte) error {
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(head)))
	line, err := r.ReadLine()
	if err != nil {
		return errStatus
	}
	proto, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	status, err := strconv.Atoi(code)
	if err != nil || len(code) != 3 || status < 100 || !strings.HasPrefix(proto, "HTTP/") {
		return errStatus
	}
	header, err := r.ReadMIMEHeader()
	if err != nil {
		return invalidHeader(head)
	}
	rp.status, rp.header = status, http.Header(header)
	if n := rp.header.Get("Content-Length"); n != "" {
		if rp.left, err = strconv.ParseInt(n, 10, 64); err != nil || rp.left < 0 {
			rp.left = -1 // ngx_http_upstream_process_content_length, ngx_atoof
			rp.header.Del("Content-Length")
		}
	}
	if strings.EqualFold(rp.header.Get("Transfer-Encoding"), "chunked") {
		rp.left = -1
		rp.chunks = httputil.NewChunkedReader(bufio.NewReader((*wire)(rp)))
		rp.header.Del("Content-Length")
	}
	return nil
}

// invalidHeader is the error of a header that is invalid, with the name of the first
// field that has a character no name can have, up to it.
// Source: src/http/modules/ngx_http_proxy_module.c, ngx_http_proxy_process_header;
// src/http/ngx_http_parse.c, ngx_http_parse_header_line.
func invalidHeader(head []byte) error {
	for line := range bytes.Lines(head[bytes.IndexByte(head, '\n')+1:]) {
		name, _, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(":"))
		if i := bytes.IndexFunc(name, func(c rune) bool { return c <= ' ' || c == 0x7f }); i >= 0 {
			return fmt.Errorf(`%w: "%s\x%02x..."`, errInvalid, name[:i], name[i])
		}
	}
	return errInvalid
}

// Read reads the body. It returns io.EOF when the body is complete: all of a
// known length came, the last chunk, or the end of the connection where neither
// was announced. A connection that ends before gives [io.ErrUnexpectedEOF].
func (rp *reply) Read(b []byte) (int, error) {
	switch {
	case rp.chunks != nil:
		return rp.chunks.Read(b)
	case rp.left < 0:
		return (*wire)(rp).Read(b)
	case rp.left == 0:
		return 0, io.EOF
	}
	n, err := (*wire)(rp).Read(b[:min(int64(len(b)), rp.left)])
	rp.left -= int64(n)
	if err == io.EOF && rp.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// wire reads what follows the header as it comes, with proxy_read_timeout between
// two reads.
type wire reply

func (w *wire) Read(b []byte) (int, error) {
	x := w.x
	if len(w.early) > 0 {
		if x.try.FirstBody.IsZero() {
			x.try.FirstBody = x.try.Header
		}
		n := copy(b, w.early)
		w.early = w.early[n:]
		return n, nil
	}
	w.conn.SetReadDeadline(time.Now().Add(x.location.readTimeout))
	n, err := w.conn.Read(b)
	if n > 0 && x.try.FirstBody.IsZero() {
		x.try.FirstBody = time.Now()
	}
	if err == nil && x.gone() {
		err = net.ErrClosed
	}
	return n, err
}
