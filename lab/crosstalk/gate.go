// Where a handler waits for its client: the ResponseWriter and the body that it
// gets, each call of which is a stop.

package crosstalk

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/pocserver/worker"
)

// userKey is under what a request's context holds its user.
type userKey struct{}

// userOf is the user whose request ctx belongs to, or nil.
func userOf(ctx context.Context) *user {
	u, _ := ctx.Value(userKey{}).(*user)
	return u
}

// gated is the app as the server sees it: it tells each request's user when the
// handler begins and ends, and stops it at its reads and writes.
func (r *run) gated(app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		u := r.userAt(req.RemoteAddr)
		if u == nil {
			app.ServeHTTP(w, req)
			return
		}
		u.enter(bubble.This())
		defer u.leaveHandler()
		req = req.WithContext(context.WithValue(req.Context(), userKey{}, u))
		req.RemoteAddr, req.TLS = u.address(), u.request.TLS
		if req.Body != nil && req.Body != http.NoBody {
			req.Body = &body{req.Body, u, req.Context()}
		}
		defer func() {
			if p := recover(); p != nil {
				if p != http.ErrAbortHandler {
					u.panicked(fmt.Sprintf("%v, at %s", p, place()))
				}
				panic(http.ErrAbortHandler) // net/http says nothing of it
			}
		}()
		app.ServeHTTP(&writer{w, u, req.Context()}, req)
	})
}

// A body is a request's body, whose bytes the client sends when it pleases.
type body struct {
	io.ReadCloser
	user *user
	ctx  context.Context
}

func (b *body) Read(p []byte) (int, error) {
	// On an event loop reading is awaiting: others run meanwhile.
	if b.user.run.evented() {
		worker.InThread(b.ctx, func() { b.user.stop(reading) })
	} else {
		b.user.stop(reading)
	}
	return b.ReadCloser.Read(p)
}

// A writer is a request's ResponseWriter. What is written waits first, for a
// client that does not read.
type writer struct {
	http.ResponseWriter
	user *user
	ctx  context.Context // the request's
}

func (w *writer) WriteHeader(status int) {
	w.call(header, nil, func() error { w.ResponseWriter.WriteHeader(status); return nil })
}

func (w *writer) Write(p []byte) (n int, err error) {
	err = w.call(writing, p, func() error { n, err = w.ResponseWriter.Write(p); return err })
	return n, err
}

// WriteString is Write.
func (w *writer) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// ReadFrom writes what it reads piece by piece.
func (w *writer) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{w}, r)
}

// Flush sends what was written so far.
func (w *writer) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *writer) FlushError() error {
	return w.call(flushing, nil, func() error { return http.NewResponseController(w.ResponseWriter).Flush() })
}

// Hijack hands the connection over: what is written to it then is no stop, but
// is looked at like any reply.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.user.run.hijacked.Store(true)
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// CloseNotify is for frameworks that are older than a request's context.
func (w *writer) CloseNotify() <-chan bool { return closeNotify(w.ctx) }

func closeNotify(ctx context.Context) <-chan bool {
	gone := make(chan bool, 1)
	context.AfterFunc(ctx, func() { gone <- true })
	return gone
}

// What http.ResponseController finds by Unwrap, for those that do without it.

func (w *writer) SetReadDeadline(t time.Time) error {
	return http.NewResponseController(w.ResponseWriter).SetReadDeadline(t)
}

func (w *writer) SetWriteDeadline(t time.Time) error {
	return http.NewResponseController(w.ResponseWriter).SetWriteDeadline(t)
}

func (w *writer) EnableFullDuplex() error {
	return http.NewResponseController(w.ResponseWriter).EnableFullDuplex()
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// call stops, and then does what the handler asked for. When the run is over it
// ends the handler, if it is the handler that called.
func (w *writer) call(what kind, p []byte, do func() error) (err error) {
	u := w.user
	if !u.run.evented() || u.over() {
		u.stop(what)
	}
	late := u.over()
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if u.isHandler(bubble.This()) {
			panic(p)
		}
		err = fmt.Errorf("crosstalk: a write after the reply: %v", p) // nobody could recover it there
	}()
	switch {
	case u.run.closing.Load() || u.run.check.stopped.Load():
		panic(http.ErrAbortHandler)
	case late:
		u.wroteLate(p)
		if what == flushing {
			return http.ErrAbortHandler // net/http would look for a writer that is gone
		}
	}
	return do()
}

// place is where in the handler's code the caller is.
func place() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	var all []bubble.Frame
	for {
		f, more := frames.Next()
		if f.Function != "" {
			all = append(all, bubble.FrameOf(f))
		}
		if !more {
			return theirs(all, module)
		}
	}
}

// theirs is the innermost of frames in the code of the handler's author: in this
// module, or if there is none, outside of the standard library. A framework's code is
// not where the author looks for a fault. It is "" if there is none.
func theirs(frames []bubble.Frame, module string) string {
	found := ""
	for _, f := range frames {
		switch {
		case f.Standard() || f.In(notTheirs...):
		case module != "" && f.In(module+"/", module+"."):
			return f.String()
		case found == "":
			found = f.String()
		}
	}
	return found
}

// module is the path of the module that is tested, "" if it is not known.
var module = func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Path
}()

// notTheirs begin the names of functions that no handler is in: this package's
// methods, and what handlers nap with.
var notTheirs = []string{"example.com/outagelab/lab/crosstalk.(*", "example.com/outagelab/pocserver/worker.", "golang.org/x/sync/"}
