// The access log's parts: what is flushed through it, and what a line says.

package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/pocserver/cmd/cmdtest"
	"example.com/outagelab/pocserver/cmd/lines"
)

// A handler behind the log can still flush.
func TestTheLogHidesNoFlush(t *testing.T) {
	written := cmdtest.NewOutput()
	out := lines.New(written)
	app := logged(func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusTeapot)
			assert.NoError(t, http.NewResponseController(w).Flush())
		})
	}, out)()
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	out.Flush()
	assert.True(t, w.Flushed)
	assert.Contains(t, written.String(), `GET "/" 418 0B`, "the last status counts, not the informational one")
}

// net/http sends the first status that is not informational, or the first body's
// 200, and ignores others.
func TestTheFirstStatusIsLogged(t *testing.T) {
	for want, serve := range map[string]func(w http.ResponseWriter){
		" 200 0B ": func(http.ResponseWriter) {},
		" 200 1B ": func(w http.ResponseWriter) { w.Write([]byte("x")); w.WriteHeader(http.StatusTeapot) },
		" 200 2B ": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusOK)
			w.WriteHeader(http.StatusTeapot)
			w.Write([]byte("xx"))
		},
		" 404 3B ": func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound); w.Write([]byte("xxx")) },
		" 101 0B ": func(w http.ResponseWriter) { w.WriteHeader(http.StatusSwitchingProtocols) },
		" 204 0B ": func(w http.ResponseWriter) { w.WriteHeader(http.StatusProcessing); w.WriteHeader(http.StatusNoContent) },
	} {
		written := cmdtest.NewOutput()
		out := lines.New(written)
		app := logged(func() http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { serve(w) })
		}, out)()
		app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		out.Flush()
		assert.Contains(t, written.String(), want)
	}
}

// A stranger's bytes reach no terminal as they are.
func TestATargetIsLoggedInPrintableASCII(t *testing.T) {
	r := &http.Request{Method: http.MethodGet, RequestURI: "/é\u202e\x9b2J\""}
	line := appendAccess(nil, r, &response{status: 404, bytes: 5}, true, 1234*time.Microsecond, 3)
	assert.Equal(t, `GET "/\u00e9\u202e\x9b2J\"" 404 5B 1.2ms app 3`+"\n", string(line))
}
