// What every test here shares: a request to a view, and the end of it all,
// where nothing may be left running.

package pocserver_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"example.com/outagelab/pocserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask sends app a request, named id if it is not empty, and returns the reply
// and how long it took.
func ask(app http.Handler, method, target, id string) (*httptest.ResponseRecorder, time.Duration) {
	r := httptest.NewRequest(method, target, nil)
	if id != "" {
		r.Header.Set("X-Request-ID", id)
	}
	w := httptest.NewRecorder()
	began := time.Now()
	app.ServeHTTP(w, r)
	return w, time.Since(began)
}

// get asks a new instance with seed 1.
func get(target string) *httptest.ResponseRecorder {
	w, _ := ask(pocserver.NewHandler(1), http.MethodGet, target, "")
	return w
}
