// The way back to the client: through buffers or as it comes, error pages, and
// what happens when either side goes away half-way.

package front

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"
)

// statusClientGone is nginx's status for a client who did not wait.
const statusClientGone = 499

// sendTimeout is the default of send_timeout: how long a client may read nothing.
const sendTimeout = 60 * time.Second

func itoa(n int) string { return strconv.Itoa(n) }

// respond passes a reply on.
func (x *exchange) respond(rp *reply) {
	defer rp.free()
	x.try.Status, x.record.Status = rp.status, rp.status
	switch rp.header.Get("X-Accel-Buffering") { // ngx_http_upstream_process_buffering
	case "yes":
		x.record.Buffered = true
	case "no":
		x.record.Buffered = false
	}
	h := x.w.Header()
	for k, v := range rp.header {
		if !notPassedBack[k] {
			h[k] = v
		}
	}
	h["Server"] = serverName
	if x.r.Method == http.MethodHead || rp.status < 200 || rp.status == http.StatusNoContent || rp.status == http.StatusNotModified {
		x.over(rp, nil)
		x.w.WriteHeader(rp.status)
		x.record.FirstByte = time.Now()
		return
	}
	if rp.left < 0 && x.r.ProtoAtLeast(1, 1) {
		h["Transfer-Encoding"] = chunked // else net/http counts a short body
	}
	var failed bool
	if x.record.Buffered {
		failed = x.buffered(rp)
	} else {
		failed = x.unbuffered(rp)
	}
	if failed {
		x.record.Cut = true
		x.leave()
	}
}

var (
	serverName = []string{"nginx"}
	chunked    = []string{"chunked"}
)

// notPassedBack are headers of replies that are nginx's own to set or to use
// (ngx_http_proxy_hide_headers; ngx_http_upstream_headers_in).
var notPassedBack = map[string]bool{
	"Date": true, "Server": true, "X-Pad": true, "Connection": true, "Keep-Alive": true,
	"Transfer-Encoding": true, "X-Accel-Expires": true, "X-Accel-Redirect": true,
	"X-Accel-Limit-Rate": true, "X-Accel-Buffering": true, "X-Accel-Charset": true,
}

// over is the end of the reply's body, with the error it ended by, if any. The
// peer has done its part, even if the reply broke off: it counts as a failure
// only before the header (ngx_http_upstream_finalize_request).
func (x *exchange) over(rp *reply, err error) {
	if rp.conn == nil {
		return
	}
	if err == nil {
		x.end(Served, "", nil)
	} else {
		rp.failed(err, ReadingBody)
	}
	rp.close()
	x.leavePeer(leaveFine)
}

// clientFailed is the end of the reply because the client took no more of it: it
// left, or err is that send_timeout passed.
func (x *exchange) clientFailed(rp *reply, err error) {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	if rp.conn == nil {
		x.log(Info, afterwards(err))
		return
	}
	x.end(ClientGone, ReadingBody, err)
	rp.close()
	x.leavePeer(leaveFine)
}

// leave ends the client's connection without another byte. A client that left
// before the first is logged with status 499 (ngx_http_terminate_request).
func (x *exchange) leave() {
	if x.record.FirstByte.IsZero() && x.try.Outcome == ClientGone {
		x.record.Status, x.record.Cut = statusClientGone, false
	}
	panic(http.ErrAbortHandler)
}

// send writes to the client and flushes, the header too if that has not left yet,
// within send_timeout.
func (x *exchange) send(b []byte) error {
	x.client.SetWriteDeadline(time.Now().Add(sendTimeout))
	if len(b) > 0 {
		if _, err := x.w.Write(b); err != nil {
			return err
		}
	}
	if err := x.w.(interface{ FlushError() error }).FlushError(); err != nil {
		return err
	}
	if x.record.FirstByte.IsZero() {
		x.record.FirstByte = time.Now()
	}
	x.record.Bytes += int64(len(b))
	return nil
}

// unbuffered passes the header on at once, and then whatever comes, as it comes
// (ngx_http_upstream_process_non_buffered_request). It returns whether the reply
// has to be cut.
func (x *exchange) unbuffered(rp *reply) bool {
	defer x.client.SetWriteDeadline(time.Time{})
	x.w.WriteHeader(rp.status)
	if len(rp.early) == 0 {
		if err := x.send(nil); err != nil {
			x.clientFailed(rp, err)
			return true
		}
	}
	buf := make([]byte, x.location.headerSize)
	for {
		n, err := rp.Read(buf)
		if n > 0 {
			if err := x.send(buf[:n]); err != nil {
				x.clientFailed(rp, err)
				return true
			}
		}
		if err == io.EOF {
			x.over(rp, nil)
			return false
		}
		if err != nil {
			x.over(rp, err)
			return true
		}
	}
}

// buffered fills buffers, and passes each on when it is full or the upstream has
// ended: first what is left of proxy_buffer_size after the header, then one of
// proxy_buffers after another. Nothing is sent before, not even the header
// (postpone_output). A client that reads slowly does not hold up the upstream until
// the buffers and the temporary file are full, see [pipe]. Source:
// src/event/ngx_event_pipe.c, ngx_event_pipe_read_upstream and
// ngx_event_pipe_copy_input_filter.
//
// It returns whether the reply has to be cut.
func (x *exchange) buffered(rp *reply) bool {
	first := make([]byte, rp.room)
	n, err := fill(rp, first)
	if err == io.EOF { // all of it
		x.over(rp, nil)
		x.w.WriteHeader(x.record.Status)
		x.record.FirstByte = time.Now()
		sent, err := x.w.Write(first[:n])
		x.record.Bytes = int64(sent)
		return err != nil
	}
	defer x.client.SetWriteDeadline(time.Time{})
	x.w.WriteHeader(rp.status)
	if err != nil {
		return x.breakOff(rp, first[:n], err)
	}

	out := newPipe(x.location, x.send, rp.conn.Close, x.spooled)
	go out.drain()
	out.add(first)
	var b []byte
	for err == nil {
		if b = out.buffer(); b == nil {
			break
		}
		if n, err = fill(rp, b); err == nil {
			out.add(b)
		}
	}
	broke := out.broken()
	switch {
	case broke != nil:
		x.clientFailed(rp, broke)
	case err == io.EOF:
		x.over(rp, nil)
	default:
		x.over(rp, err)
	}
	switch {
	case x.try.Outcome == ClientGone:
		x.client.Close() // what waits for the client need not
	case keeps(x.try.Outcome):
		out.add(b[:n])
	}
	out.finish()
	if late := out.broken(); broke == nil && late != nil && x.try.Outcome != ClientGone {
		x.clientFailed(rp, late)
		return true
	}
	return x.try.Outcome != Served
}

// spooled logs that a temporary file was begun, or cannot be written.
func (x *exchange) spooled(err error) {
	if err != nil {
		x.log(Crit, err.Error())
		return
	}
	x.log(Warn, spooled)
}

// keeps reports whether what a buffer held when the upstream ended so is still
// sent: only after a FIN. After an error nginx does not look into the buffers that
// are not full (ngx_http_upstream_process_upstream, ngx_event_pipe_read_upstream).
func keeps(o Outcome) bool { return o == Served || o == ClosedEarly }

// breakOff ends a reply that failed in its first buffer.
func (x *exchange) breakOff(rp *reply, b []byte, err error) bool {
	x.over(rp, err)
	switch {
	case x.try.Outcome == ClientGone, x.try.Outcome == Invalid: // not even the header
	case keeps(x.try.Outcome):
		x.send(b)
	default:
		x.send(nil)
	}
	return true
}

// fill reads until b is full or the body ends, with io.EOF where it is complete.
func fill(rp *reply, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var got int
		got, err = rp.Read(b[n:])
		n += got
	}
	if err == nil && rp.left == 0 {
		err = io.EOF
	}
	return n, err
}

// errorPage answers with a page of nginx's own. Some statuses end the connection
// (ngx_http_special_response_handler in src/http/ngx_http_special_response.c).
func (x *exchange) errorPage(status int) {
	h := x.w.Header()
	if slices.Contains([]int{400, 413, 500}, status) {
		h["Connection"] = []string{"close"}
	}
	x.page(status)
}

// redirect sends the client to where a location's slash is.
func (x *exchange) redirect(to string) {
	x.w.Header()["Location"] = []string{to}
	x.page(http.StatusMovedPermanently)
}

func (x *exchange) page(status int) {
	text := itoa(status) + " " + reasons[status]
	body := "<html>\r\n<head><title>" + text + "</title></head>\r\n<body>\r\n<center><h1>" + text +
		"</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
	h := x.w.Header()
	h["Server"] = serverName
	h["Content-Type"] = []string{"text/html"}
	h["Content-Length"] = []string{itoa(len(body))}
	x.record.Status = status
	x.record.FirstByte = time.Now()
	x.w.WriteHeader(status)
	sent, _ := io.WriteString(x.w, body)
	x.record.Bytes = int64(sent)
}

// reasons are nginx's words for the statuses of its own pages.
var reasons = map[int]string{
	301: "Moved Permanently", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
	405: "Not Allowed", 413: "Request Entity Too Large", 429: "Too Many Requests",
	500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Temporarily Unavailable",
	504: "Gateway Time-out",
}
