// Pictures on demand. Drawing one takes much memory, so there is a limit to how
// many are drawn at a time.

package fixed

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sync/semaphore"

	"example.com/outagelab/pocserver/worker"
)

// LostSlot draws at most four pictures at a time, each of the width that its
// visitor asks for.
func LostSlot(_ http.RoundTripper) http.Handler {
	slots := semaphore.NewWeighted(4)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slots.Acquire(r.Context(), 1) != nil {
			return // the visitor has left
		}
		defer slots.Release(1)
		width, err := strconv.Atoi(r.FormValue("width"))
		if err != nil {
			http.Error(w, "width is a number of pixels", http.StatusBadRequest)
			return
		}
		worker.Await(r.Context(), 100*time.Millisecond)
		fmt.Fprintf(w, "a picture, %d pixels wide\n", width)
	})
}
