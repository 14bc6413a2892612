// The access log's parts: what is flushed through it, and lines that are not
// lost.

package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// A handler behind the log can still flush.
func TestTheLogHidesNoFlush(t *testing.T) {
	out := newLines(newOutput())
	app := logged(func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusTeapot)
			assert.NoError(t, http.NewResponseController(w).Flush())
		})
	}, out)()
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	out.flush()
	assert.True(t, w.Flushed)
	assert.Contains(t, out.w.(*output).String(), `GET "/" 418 0B`, "the last status counts, not the informational one")
}

// A stranger's bytes reach no terminal as they are.
func TestATargetIsLoggedInPrintableASCII(t *testing.T) {
	r := &http.Request{Method: http.MethodGet, RequestURI: "/é\u202e\x9b2J\""}
	line := appendAccess(nil, r, &response{status: 404, bytes: 5}, true, 1234*time.Microsecond, 3)
	assert.Equal(t, `GET "/\u00e9\u202e\x9b2J\"" 404 5B 1.2ms app 3`+"\n", string(line))
}

func TestLinesAreWrittenWholeAndSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		written := newOutput()
		l := newLines(written)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				for range 10 {
					l.printf("one line\n")
				}
			})
		}
		all.Wait()
		time.Sleep(flushAfter + 1)
		synctest.Wait()
		assert.Equal(t, strings.Repeat("one line\n", 1000), written.String())

		// And again, after the first flush.
		l.printf("the last\n")
		time.Sleep(flushAfter + 1)
		synctest.Wait()
		assert.True(t, strings.HasSuffix(written.String(), "the last\n"), "a line after a flush is flushed too")
	})
}
