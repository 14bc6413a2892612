// A page that shows what another service says.

package fixed

import (
	"io"
	"net/http"
	"time"
)

// FeedTimeout asks the feed for each /check_feed and passes its answer on.
// /health says that the server is up.
func FeedTimeout(upstream http.RoundTripper) http.Handler {
	client := &http.Client{Transport: upstream, Timeout: 3 * time.Second}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /check_feed", func(w http.ResponseWriter, r *http.Request) {
		ask, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "http://feed.example/latest", nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answer, err := client.Do(ask)
		if err != nil {
			http.Error(w, "the feed does not answer", http.StatusGatewayTimeout)
			return
		}
		defer answer.Body.Close()
		io.Copy(w, answer.Body)
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "ok\n")
	})
	return mux
}
