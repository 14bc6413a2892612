// The dirty page again, with a session that any number of goroutines may use.

package broken

import (
	"io"
	"net/http"
	"sync"
	"time"

	"example.com/outagelab/pocserver/worker"
)

// Mutex logs in whom the request's email field names, looks for their mail, and
// answers with whom the session is for.
func Mutex(_ http.RoundTripper) http.Handler { return new(mutexPage) }

type mutexPage struct {
	session mutexSession
}

// A mutexSession remembers who is logged in. Its methods may be called by
// several goroutines at once.
type mutexSession struct {
	mu   sync.Mutex
	user string
}

func (s *mutexSession) login(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user = user
}

func (s *mutexSession) who() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.user
}

func (p *mutexPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	session := &p.session
	session.login(r.FormValue("email"))
	worker.Await(r.Context(), 50*time.Millisecond) // the mail is in the database
	_, _ = io.WriteString(w, "No new mail for "+session.who())
}
