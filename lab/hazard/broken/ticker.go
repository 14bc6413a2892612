// A report that takes its time. Meanwhile its lease is renewed again and again,
// so that no other server begins the same report.

package broken

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"example.com/outagelab/pocserver/worker"
)

// Ticker makes a report in 2 s.
func Ticker(_ http.RoundTripper) http.Handler {
	var renewals atomic.Int64 // in the table of leases
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		go func() {
			for range tick.C {
				renewals.Add(1)
			}
		}()
		worker.Await(r.Context(), 2*time.Second)
		fmt.Fprintln(w, "the report is ready")
	})
}
