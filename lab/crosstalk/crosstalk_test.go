package crosstalk_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"example.com/outagelab/lab/crosstalk"
	"example.com/outagelab/pocserver/worker"
)

type recorder struct {
	testing.TB
	failed bool
	text   string
}

func (r *recorder) Helper()                   {}
func (r *recorder) Logf(f string, a ...any)   { r.text += fmt.Sprintf(f, a...) + "\n" }
func (r *recorder) Errorf(f string, a ...any) { r.failed = true; r.text += fmt.Sprintf(f, a...) + "\n" }

func byQuery(user int, canary string) *http.Request {
	return httptest.NewRequest("GET", "/?email="+url.QueryEscape(canary), nil)
}

type session struct{ email string }

func (s *session) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.email = r.FormValue("email")
	worker.Await(r.Context(), time.Second)
	fmt.Fprintf(w, "user %s", s.email)
}

type locked struct {
	mu sync.Mutex
	n  int
}

func (s *locked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	time.Sleep(time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	fmt.Fprintf(w, "user %s, number %d", r.FormValue("email"), s.n)
}

func TestTry(t *testing.T) {
	evented := worker.Defaults(worker.Evented)
	for name, c := range map[string]struct {
		h func() http.Handler
		o []crosstalk.Option
	}{
		"session":          {func() http.Handler { return &session{} }, nil},
		"session evented":  {func() http.Handler { return &session{} }, []crosstalk.Option{crosstalk.On(evented)}},
		"session sync":     {func() http.Handler { return &session{} }, []crosstalk.Option{crosstalk.On(worker.Defaults(worker.Sync))}},
		"session threaded": {func() http.Handler { return &session{} }, []crosstalk.Option{crosstalk.On(worker.Defaults(worker.Threaded))}},
		"locked":           {func() http.Handler { return &locked{} }, nil},
		"realtime locked":  {func() http.Handler { return &locked{} }, []crosstalk.Option{crosstalk.RealTime()}},
		"plain": {func() http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.FormValue("email")) })
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{TB: t}
			begin := time.Now()
			crosstalk.Check(r, c.h, byQuery, c.o...)
			t.Logf("failed %v in %v\n%s", r.failed, time.Since(begin), r.text)
		})
	}
}
