// A quote that has to be there in time or not at all.

package broken

import (
	"fmt"
	"net/http"
	"time"
)

// lateResultQuote asks the pricing engine, which takes 60 ms on a busy day.
func lateResultQuote() int {
	time.Sleep(60 * time.Millisecond)
	return 100
}

// LateResult gives the pricing engine 50 ms for each /quote. /health says that the
// server is up.
func LateResult(_ http.RoundTripper) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /quote", func(w http.ResponseWriter, r *http.Request) {
		quote := make(chan int)
		go func() { quote <- lateResultQuote() }()
		select {
		case q := <-quote:
			fmt.Fprintln(w, "quote:", q)
		case <-time.After(50 * time.Millisecond):
			http.Error(w, "no quote in time, try again", http.StatusServiceUnavailable)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	return mux
}
