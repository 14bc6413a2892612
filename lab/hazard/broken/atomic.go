// The dirty page again, without a lock: who is logged in is one atomic pointer.

package broken

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"example.com/outagelab/pocserver/worker"
)

// Atomic logs in whom the request's email field names, looks for their mail, and
// answers with whom the session is for.
func Atomic(_ http.RoundTripper) http.Handler { return new(atomicPage) }

type atomicPage struct {
	current atomic.Pointer[atomicUser]
}

// An atomicUser does not change once it is made.
type atomicUser struct{ email string }

func (p *atomicPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	current := &p.current
	current.Store(&atomicUser{email: r.FormValue("email")})
	worker.Await(r.Context(), 50*time.Millisecond) // the mail is in the database
	_, _ = io.WriteString(w, "No new mail for "+current.Load().email)
}
