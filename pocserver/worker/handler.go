// A request's way from net/http through the model to the app.

package worker

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// serve is the handler of a worker's http.Server.
func (p *process) serve(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(modelKey{}).(*conn)
	if p.cfg.Observer != nil {
		c.what = r.Method + " " + r.RequestURI
	}
	c.begin()
	defer c.end()
	p.count()
	c.pay()
	c.reply = reply{ResponseWriter: w, conn: c}
	if p.loop != nil && r.Body != http.NoBody {
		c.reply.awaitsBody = true
		p.serveBody(r, c)
	} else {
		p.app.ServeHTTP(&c.reply, r)
	}
	c.reply.last()
	c.pay()
}

// begin waits until the request may run, and stops it if that will never be.
func (c *conn) begin() {
	p := c.process
	c.idle = false
	c.use()
	switch {
	case p.cfg.Model == Sync:
		c.beginSpan(c.accepted)
	case p.loop == nil && p.threads == nil: // nothing to hold
		c.beginSpan(time.Now())
	case c.holding.Load(): // a thread, since before the request was read
		c.nameSpan()
	case !c.hold(time.Now()):
		panic(http.ErrAbortHandler)
	}
	c.mustLive()
}

// end is the end of the request's handler, however it ended. A thread is held
// until the reply has left and a sync worker until the connection is closed, so
// those end elsewhere.
func (c *conn) end() {
	p := c.process
	c.requests.Add(1)
	switch {
	case p.loop != nil:
		c.letGo()
		p.until(c.queued) // net/http may close the connection after this
	case p.cfg.Model != Sync && p.threads == nil:
		c.endSpan()
	}
}

// hold takes the loop or a thread, for which the connection is ready since
// then. It returns false if the worker died first.
func (c *conn) hold(ready time.Time) bool {
	p := c.process
	c.waiter.since = ready
	ok := false
	if p.loop != nil {
		ok = p.loop.acquire(&c.waiter)
	} else {
		ok = p.threads.acquire(&c.waiter)
	}
	if ok {
		c.holding.Store(true)
		if p.cfg.Observer != nil {
			c.beginSpan(time.Now())
		}
		if p.threads != nil && c.closed.Load() { // meanwhile: Close found no thread to give back
			c.letGo()
			return false
		}
	}
	return ok
}

// letGo gives back the loop or the thread, if it is held.
func (c *conn) letGo() {
	if !c.holding.Swap(false) {
		return
	}
	c.endSpan()
	p := c.process
	if p.loop != nil {
		if p.cfg.Replies == EndOfTurn {
			c.turn = p.loop.turnOver()
		}
		p.loop.release()
	} else {
		p.threads.release()
	}
}

// pay takes half of the request's CPU cost off the worker's one interpreter.
func (c *conn) pay() {
	p := c.process
	if p.cfg.CPU == 0 {
		return
	}
	if p.gil == nil {
		p.charge(c)
		return
	}
	c.waiter.since = time.Now()
	if !p.gil.acquire(&c.waiter) {
		panic(http.ErrAbortHandler)
	}
	defer p.gil.release()
	p.charge(c)
}

// reply is the http.ResponseWriter that the app sees. What it forwards are calls
// into the model: those of a dead worker's handler end it.
type reply struct {
	http.ResponseWriter
	conn       *conn
	begun      bool
	awaitsBody bool // it may begin before the request's body has come
	size       int  // bytes written so far, of a reply that awaitsBody
}

func (w *reply) WriteHeader(status int) {
	w.begin()
	w.ResponseWriter.WriteHeader(status)
}

func (w *reply) Write(b []byte) (int, error) {
	w.begin()
	w.sends(len(b))
	return w.ResponseWriter.Write(b)
}

// WriteString spares a copy, as net/http's own does.
func (w *reply) WriteString(s string) (int, error) {
	w.begin()
	w.sends(len(s))
	return io.WriteString(w.ResponseWriter, s)
}

// Flush sends what was written so far.
func (w *reply) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *reply) FlushError() error {
	w.begin()
	w.sends(bufferedReply + 1)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (w *reply) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// begin stops the handler of a dead worker. The first time, it decides whether
// the reply ends its connection.
func (w *reply) begin() {
	p := w.conn.process
	if p.isDead() {
		panic(http.ErrAbortHandler)
	}
	if !w.begun {
		w.begun = true
		if !p.keeps() {
			w.Header().Set("Connection", "close")
		}
	}
}

// bufferedReply is how much of a reply net/http keeps before it sends the header:
// its bufferBeforeChunkingSize.
const bufferedReply = 2048

// sends is told of n more bytes of the reply. When they make net/http send the
// header, it is not to read what is left of the request's body first, as it
// otherwise does (Request.Body, ResponseController.EnableFullDuplex): that would
// hold the loop.
func (w *reply) sends(n int) {
	if !w.awaitsBody {
		return
	}
	if w.size += n; w.size > bufferedReply {
		w.awaitsBody = false
		_ = http.NewResponseController(w.ResponseWriter).EnableFullDuplex()
	}
}

// last is begin for a reply that the handler left to net/http.
func (w *reply) last() {
	if !w.begun {
		w.begin()
	}
}

// serveBody serves a request with a body on an event loop. The handler waits for
// the body by awaiting, and may reply before it has come, as on asyncio.
//
// The handler gets a copy of the request: net/http looks at the original's Body
// to decide whether the connection can be kept.
func (p *process) serveBody(r *http.Request, c *conn) {
	request := *r
	request.Body = awaitedBody{r.Body, c}
	p.app.ServeHTTP(&c.reply, &request)
	if strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		return // the client may wait for a word before it sends the body; net/http closes instead
	}
	// Close reads what is left of a small body. Left to net/http, it would hold the
	// loop, or happen after the handler: at the end of a body net/http begins to
	// read ahead (connReader.backgroundRead), and only the end of a handler stops
	// that, so its read of the next request would panic.
	c.yield(func() { _ = r.Body.Close() })
}

// awaitedBody is a request's body on an event loop, which waits for it by
// awaiting.
type awaitedBody struct {
	io.ReadCloser
	conn *conn
}

func (b awaitedBody) Close() (err error) {
	b.conn.yield(func() { err = b.ReadCloser.Close() })
	return err
}

func (b awaitedBody) Read(p []byte) (n int, err error) {
	b.conn.yield(func() { n, err = b.ReadCloser.Read(p) })
	return n, err
}
