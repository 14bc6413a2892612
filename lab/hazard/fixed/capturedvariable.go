// An inbox behind a middleware that finds out who asks.

package fixed

import (
	"io"
	"net/http"
	"time"

	"example.com/outagelab/pocserver/worker"
)

// CapturedVariable answers with the inbox of who the Authorization header says
// is asking, if they have not asked too often.
func CapturedVariable(_ http.RoundTripper) http.Handler {
	return capturedAuth(func(w http.ResponseWriter, user *capturedUser) {
		_, _ = io.WriteString(w, "The inbox of "+user.name+" is empty")
	})
}

type capturedUser struct{ name string }

// capturedAuth calls next with who asks.
func capturedAuth(next func(http.ResponseWriter, *capturedUser)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := &capturedUser{name: "guest"}
		if token := r.Header.Get("Authorization"); token != "" {
			user = &capturedUser{name: "the holder of " + token}
		}
		worker.Await(r.Context(), 20*time.Millisecond) // how often did they ask?
		next(w, user)
	})
}
