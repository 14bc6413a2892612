// A seat is paid for, which takes 150 ms. Meanwhile it is held for its buyer, 50 ms
// at a time, so that nobody else can buy it.

package fixed

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"example.com/outagelab/pocserver/worker"
)

// Ticker sells a seat.
func Ticker(_ http.RoundTripper) http.Handler {
	var holds atomic.Int64 // in the table of seats
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		go func() {
			for {
				select {
				case <-tick.C:
					holds.Add(1)
				case <-r.Context().Done():
					return
				}
			}
		}()
		worker.Await(r.Context(), 150*time.Millisecond)
		fmt.Fprintln(w, "the seat is yours")
	})
}
