// What the program tells while it serves: a line for each request, and one for
// each worker that ends.

package main

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"example.com/outagelab/pocserver/cmd/lines"
	"example.com/outagelab/pocserver/worker"
)

// logged returns newApp's instances with an access log. They are numbered as
// they are made, so that a reader sees which process had which request.
func logged(newApp func() http.Handler, out *lines.Log) func() http.Handler {
	made := 0
	return func() http.Handler { // the server calls it once at a time
		app, instance := newApp(), made
		made++
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen := &response{ResponseWriter: w}
			began := time.Now()
			ended := false
			// Deferred, because a dead worker unwinds its handlers.
			defer func() {
				out.Add(func(b []byte) []byte {
					return appendAccess(b, r, seen, ended, time.Since(began), instance)
				})
			}()
			app.ServeHTTP(seen, r)
			ended = true
		})
	}
}

// appendAccess appends the line of one request, such as
//
//	GET "/sync_sleep/?sleep=0.1" 200 34B 51.2ms app 0
func appendAccess(b []byte, r *http.Request, w *response, ended bool, took time.Duration, instance int) []byte {
	const most = 200 // bytes of a target: a client can send a megabyte
	b = append(b, r.Method...)
	b = append(b, ' ')
	// In quotes and ASCII: a target is a stranger's, and this is a terminal.
	b = strconv.AppendQuoteToASCII(b, r.RequestURI[:min(most, len(r.RequestURI))])
	b = append(b, ' ')
	switch {
	case !ended:
		b = append(b, "cut"...)
	case w.status == 0:
		b = append(b, "200"...) // net/http's, for a handler that wrote nothing
	default:
		b = strconv.AppendInt(b, int64(w.status), 10)
	}
	b = append(b, ' ')
	b = strconv.AppendInt(b, w.bytes, 10)
	b = append(b, "B "...)
	b = strconv.AppendFloat(b, float64(took)/float64(time.Millisecond), 'f', 1, 64)
	b = append(b, "ms app "...)
	b = strconv.AppendInt(b, int64(instance), 10)
	return append(b, '\n')
}

// response notes what is written. It hides what else the writer beneath can do,
// which http.NewResponseController finds again through Unwrap.
type response struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *response) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) { // not the informational ones
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// exits tells of the workers that end while the server goes on.
type exits struct{ diagnostics *lines.Log }

// Busy is for those who measure.
func (exits) Busy(worker.Span) {}

// Exit prints a line. It is called from inside the model, where nothing may
// wait: the line is written a little later.
func (x exits) Exit(e worker.Exit) {
	if e.Reason == worker.Stopped {
		return
	}
	x.diagnostics.Add(func(b []byte) []byte {
		return fmt.Appendf(b, "worker %d exited: %s\n", e.Worker, e.Reason)
	})
}
