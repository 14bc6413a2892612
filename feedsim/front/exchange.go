// One request on its way: from a location to a peer, to the next peer where nginx
// would ask one, and to a reply or an error page.

package front

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// maxBody is client_max_body_size's default, in bytes.
const maxBody = 1 << 20

// bodyInMemory is how long a body is that nginx writes to a file: a quarter more than
// client_body_buffer_size's default, in bytes. Source:
// src/http/ngx_http_request_body.c, ngx_http_read_client_request_body.
const bodyInMemory = 16<<10 + 4<<10

// exchange is a request and what became of it. It belongs to the goroutine that
// net/http serves the connection in.
type exchange struct {
	proxy    *Proxy
	client   *clientConn
	process  *process
	w        http.ResponseWriter
	r        *http.Request
	ctx      context.Context // ends when the client leaves, unless that is ignored
	location *location
	uri      string // the request target for the upstream
	body     []byte
	pick     pick
	tries    int // left
	start    time.Time
	record   Record
	try      *Try // the present one
}

// serve is the handler of a server block.
func (p *Proxy) serve(s *server, w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*clientConn)
	x := &exchange{
		proxy: p, client: c, process: p.processes[c.process],
		w: w, r: r, start: time.Now(),
		record: Record{Conn: c.nth, Seq: c.requests, Process: c.process, Method: r.Method, URI: r.RequestURI},
	}
	c.requests++
	x.record.Start = x.start
	defer x.report()
	x.serve(s)
}

// report tells the observer, however the request ended.
func (x *exchange) report() {
	if x.proxy.options.Observe != nil {
		x.record.End = time.Now()
		x.proxy.options.Observe(x.record)
	}
}

func (x *exchange) serve(s *server) {
	if x.r.Method == http.MethodConnect || x.r.Method == http.MethodTrace {
		x.errorPage(http.StatusMethodNotAllowed)
		return
	}
	to := s.route(x.r.URL, x.r.RequestURI)
	switch {
	case to.redirect != "":
		x.redirect(to.url(x.r.Host))
		return
	case to.status != 0:
		x.errorPage(to.status)
		return
	}
	l := to.location
	x.location, x.uri = l, to.uri
	x.record.Location, x.record.Upstream, x.record.Buffered = l.prefix, l.upstream.name, l.buffering
	x.ctx = x.r.Context()
	if l.ignoreAbort {
		x.ctx = x.proxy.ctx
	}
	if status := x.readBody(); status != 0 {
		x.errorPage(status)
		return
	}
	reply, status := x.ask()
	switch {
	case reply != nil:
		x.respond(reply)
	case status == statusClientGone:
		x.leave()
	default:
		x.errorPage(status)
	}
}

// readBody reads the whole of the request's body, as proxy_request_buffering
// does. It returns 0, or the status of the error page.
func (x *exchange) readBody() int {
	if x.r.Body == http.NoBody {
		return 0
	}
	if n := x.r.ContentLength; n > maxBody {
		x.log(Error, fmt.Sprintf("client intended to send too large body: %d bytes", n))
		return http.StatusRequestEntityTooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	case err != nil:
		return http.StatusBadRequest
	}
	x.body = body
	if len(body) >= bodyInMemory {
		x.log(Warn, "a client request body is buffered to a temporary file")
	}
	return 0
}

// ask asks one peer after another for a reply, as long as nginx would. Without a
// reply it returns the status for the client.
func (x *exchange) ask() (*reply, int) {
	group := x.proxy.index[x.location.upstream]
	addrs := x.proxy.addrs[group]
	x.pick.group = group
	if x.tries = len(addrs); x.tries > 1 {
		x.pick.tried = make([]bool, x.tries)
	}
	if n := x.location.nextTries; n > 0 && x.tries > n {
		x.tries = n
	}
	for {
		x.process.ask(event{conn: x.client.nth, kind: choosePeer, pick: &x.pick})
		x.record.Tries = append(x.record.Tries, Try{Start: time.Now()})
		x.try = &x.record.Tries[len(x.record.Tries)-1]
		if x.pick.peer < 0 {
			x.end(NoLive, "", nil)
			return nil, onNoLive.status()
		}
		x.try.Peer = addrs[x.pick.peer]
		if !x.pick.connected {
			x.end(NoSlot, Connecting, nil)
			x.leavePeer(leaveFine)
			return nil, http.StatusInternalServerError
		}
		reply, why := x.askPeer()
		sent := !x.try.Connected.IsZero()
		switch {
		case reply == nil && why == 0:
			x.leavePeer(leaveFine)
			return nil, statusClientGone
		case reply != nil:
			// A status goes on to the next peer only where there is one
			// (ngx_http_upstream_test_next).
			why = onStatus(reply.status)
			if why == 0 || x.tries < 2 || !x.mayTryNext(why, sent) {
				return reply, 0
			}
			reply.close()
			x.end(Passed, "", nil)
		}
		// ngx_http_upstream_next
		if why == on403 || why == on404 {
			x.leavePeer(leaveFine)
		} else {
			x.leavePeer(leaveFail)
		}
		x.tries--
		if x.tries == 0 || !x.mayTryNext(why, sent) {
			return nil, why.status()
		}
	}
}

// mayTryNext reports whether proxy_next_upstream goes on after such a failure.
func (x *exchange) mayTryNext(why failures, sent bool) bool {
	if sent && (x.r.Method == http.MethodPost || x.r.Method == http.MethodPatch || x.r.Method == "LOCK") {
		why |= nonIdempotent
	}
	l := x.location
	return l.nextOn&why == why && (l.nextTimeout == 0 || time.Since(x.start) < l.nextTimeout)
}

// leavePeer ends the use of the peer that was chosen.
func (x *exchange) leavePeer(how eventKind) {
	if x.pick.tried != nil { // a single peer is never marked
		x.process.note(event{conn: x.client.nth, kind: how, pick: &x.pick, peer: x.pick.peer, while: cmp.Or(x.try.While, ReadingHeader)})
	}
}

// end writes down how the present try ended.
func (x *exchange) end(o Outcome, while While, err error) {
	t := x.try
	t.Outcome, t.While, t.Err, t.End = o, while, err, time.Now()
	if level := o.level(); level != "" {
		t.Message = x.message()
		x.log(level, t.Message)
	}
}

// gone reports whether the client has left, at this very instant at the latest.
func (x *exchange) gone() bool {
	repeatable.Settle(time.Now())
	return x.ctx.Err() != nil
}

// head is the request as the upstream gets it: HTTP/1.0, a connection each, and
// the client's own headers but for those that are about its connection.
// Source: src/http/modules/ngx_http_proxy_module.c, ngx_http_proxy_headers.
func (x *exchange) head(b *strings.Builder) {
	b.WriteString(x.r.Method)
	b.WriteByte(' ')
	b.WriteString(x.uri)
	b.WriteString(" HTTP/1.0\r\nHost: ")
	b.WriteString(x.location.host)
	b.WriteString("\r\nConnection: close\r\n")
	if x.r.Body != http.NoBody {
		b.WriteString("Content-Length: ")
		b.WriteString(itoa(len(x.body)))
		b.WriteString("\r\n")
	}
	x.r.Header.WriteSubset(b, notPassedOn)
	b.WriteString("\r\n")
}

var notPassedOn = map[string]bool{
	"Host": true, "Connection": true, "Content-Length": true, "Transfer-Encoding": true,
	"Te": true, "Keep-Alive": true, "Expect": true, "Upgrade": true,
}
