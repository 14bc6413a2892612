// Articles, each with the number of its views.

package fixed

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"example.com/outagelab/pocserver/worker"
)

// mapWriteViews counts the views of each article.
type mapWriteViews struct {
	mu sync.Mutex
	of map[string]int
}

func (v *mapWriteViews) count(article string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.of[article]++
	return v.of[article]
}

// MapWrite loads the article in 100 ms and says how often it was viewed.
func MapWrite(_ http.RoundTripper) http.Handler {
	views := &mapWriteViews{of: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /articles/{name}", func(w http.ResponseWriter, r *http.Request) {
		worker.Await(r.Context(), 100*time.Millisecond)
		n := views.count(r.PathValue("name"))
		fmt.Fprintf(w, "an article, viewed %d times\n", n)
	})
	return mux
}
