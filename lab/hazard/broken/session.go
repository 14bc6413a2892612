// The PoC's dirty page: it naps, and then it says for whom.

package broken

import (
	"fmt"
	"net/http"
	"time"

	"example.com/outagelab/pocserver/worker"
)

// Session answers /dirty/?sleep=S&email=E: it keeps E in a session, naps for S
// seconds, and answers with whom the session is for.
func Session(_ http.RoundTripper) http.Handler { return new(sessionPage) }

type sessionPage struct {
	session *session
}

type session struct{ email string }

func (p *sessionPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	nap, err := time.ParseDuration(r.FormValue("sleep") + "s")
	if err != nil {
		http.Error(w, "sleep is not a number of seconds", http.StatusBadRequest)
		return
	}
	p.session = &session{email: r.FormValue("email") + "@django-poc.com"}
	worker.Await(r.Context(), nap)
	fmt.Fprintf(w, "I napped for %g seconds - user %s", nap.Seconds(), p.session.email)
}
