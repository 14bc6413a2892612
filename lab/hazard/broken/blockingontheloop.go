// Invoices, which a printing service turns into a PDF.

package broken

import (
	"fmt"
	"net/http"
	"time"

	"example.com/outagelab/pocserver/worker"
)

// BlockingOnTheLoop prints an invoice, for which the service takes 2.5 s.
// /health says that the server is up.
func BlockingOnTheLoop(_ http.RoundTripper) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /invoice", func(w http.ResponseWriter, r *http.Request) {
		worker.Block(r.Context(), 2500*time.Millisecond)
		fmt.Fprintln(w, "the invoice is printed")
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	return mux
}
