// Prices as a stream of server-sent events, a line a second.

package broken

import (
	"fmt"
	"net/http"
	"time"
)

// Stream sends the price on /prices, each second anew, for as long as somebody
// listens. /health says that the server is up.
func Stream(_ http.RoundTripper) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /prices", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		out := http.NewResponseController(w)
		for n := 0; ; n++ {
			fmt.Fprintf(w, "data: %d\n\n", 100+n%7)
			out.Flush()
			time.Sleep(time.Second)
		}
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	return mux
}
