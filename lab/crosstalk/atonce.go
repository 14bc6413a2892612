// Many requests at once in real time, for a handler that waits for nothing: no
// schedule can get between two of its steps, only luck can.

package crosstalk

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"time"

	"example.com/outagelab/lab/bubble"
)

const (
	users    = 8                    // at once
	mostAsks = 4000                 // in all
	mostTime = 8 * time.Millisecond // for all of them, about
	mostWait = time.Second          // for those that do not notice; they are left behind
)

// atOnce runs the handler with many users at once.
func (c *check) atOnce() error {
	app := c.newHandler()
	if app == nil {
		return errNoHandler
	}
	c.overlapped = true
	defer c.closeApp(app)
	c.ran++
	r := &run{check: c, plan: schedule{name: "many at once, in real time"}, begin: time.Now(), bell: make(chan struct{}, 1)}
	requests := make([]*user, users)
	for i := range requests {
		u := &user{run: r, index: i}
		u.canary, u.token = c.newCanary(owner{c.ran, i})
		var err error
		if u.request, err = c.ask(i, u.canary, false); err != nil {
			return err
		}
		requests[i] = u
		r.users = append(r.users, u)
	}
	// Who still waits when the time is up has to notice that its client has left.
	ctx, cancel := context.WithTimeout(context.Background(), mostTime)
	defer cancel()
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		closed bool // the check goes on without those that are still there
	)
	for _, u := range requests {
		wg.Go(func() {
			for range mostAsks / users {
				got, panicked := c.serveOnce(ctx, app, u)
				mu.Lock()
				if closed {
					mu.Unlock()
					return
				}
				last := u.received
				u.received = got
				if panicked != nil && c.trouble == "" {
					c.trouble, c.troubled = panicked.Error(), r
				}
				if len(c.findings) == 0 && !u.received.same(last) {
					c.findings = append(c.findings, c.lookAt(u)...)
				}
				over := len(c.findings) > 0 || ctx.Err() != nil
				mu.Unlock()
				if over {
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		wg.Wait()
	}()
	select {
	case <-done:
	case <-time.After(mostWait):
	}
	mu.Lock()
	defer mu.Unlock()
	closed = true
	c.plain = true
	if len(c.findings) > 0 {
		c.smallest = &c.findings[0]
	}
	return nil
}

// same reports whether two replies are alike, as most of a user's are.
func (got received) same(as received) bool {
	return as.reply != nil && got.reply.Status == as.reply.Status && bytes.Equal(got.body, as.body) &&
		maps.EqualFunc(got.reply.Header, as.reply.Header, slices.Equal) &&
		maps.EqualFunc(got.reply.Trailer, as.reply.Trailer, slices.Equal)
}

// serveOnce has an instance of the app serve a user's request, in real time and
// without a server. The error is the handler's panic.
func (c *check) serveOnce(ctx context.Context, app http.Handler, u *user) (received, error) {
	req, err := u.arriving(ctx)
	if err != nil {
		return received{}, nil //nolint:nilerr // a server would not call the handler either
	}
	recorder := httptest.NewRecorder()
	panicked := serve(app, yielding{recorder, ctx, bubble.This()}, req)
	return received{reply: recorder.Result(), body: recorder.Body.Bytes()}, panicked
}

// arriving is the user's request as a server would hand it on, for the handler to
// change.
func (u *user) arriving(ctx context.Context) (*http.Request, error) {
	sent := request{u.request.Clone(ctx), nil}
	sent.set(u.request.body)
	var wire bytes.Buffer
	if err := sent.Write(&wire); err != nil {
		return nil, err
	}
	r, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		return nil, err
	}
	r.RemoteAddr, r.TLS = u.address(), u.request.TLS
	ctx = context.WithValue(ctx, http.ServerContextKey, &http.Server{})
	ctx = context.WithValue(ctx, http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8000})
	return r.WithContext(ctx), nil
}

// serve calls the handler and returns its panic.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			err = fmt.Errorf("%v", p)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

// yielding lets others run at each write, and is a client that leaves when the
// time is up, or when it has read enough.
type yielding struct {
	*httptest.ResponseRecorder
	ctx     context.Context
	handler bubble.ID // its goroutine
}

func (y yielding) Write(p []byte) (int, error) {
	runtime.Gosched()
	if y.ctx.Err() == nil && y.Body.Len()+len(p) <= mostBody {
		return y.ResponseRecorder.Write(p)
	}
	if bubble.This() == y.handler {
		panic(http.ErrAbortHandler)
	}
	return 0, http.ErrAbortHandler
}

func (y yielding) WriteString(s string) (int, error) { return y.Write([]byte(s)) }

// What a connection has, and a recorder has not.

func (y yielding) SetReadDeadline(time.Time) error  { return nil }
func (y yielding) SetWriteDeadline(time.Time) error { return nil }
func (y yielding) EnableFullDuplex() error          { return nil }
func (y yielding) FlushError() error                { y.Flush(); return nil }
func (y yielding) CloseNotify() <-chan bool         { return closeNotify(y.ctx) }

// Hijack hands over a connection to a client that reads what comes until the time is
// up, and says nothing.
func (y yielding) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, client := net.Pipe()
	context.AfterFunc(y.ctx, func() { client.Close() })
	go func() { _, _ = io.Copy(io.Discard, client) }()
	return conn, bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn)), nil
}

func (y yielding) ReadFrom(r io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{y}, r) }
