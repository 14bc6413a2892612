// News for everybody who listens, at the pace that each of them asks for.

package broken

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

type slowReaderHub struct {
	mu      sync.Mutex
	readers map[chan string]struct{}
}

func (h *slowReaderHub) join() chan string {
	h.mu.Lock()
	defer h.mu.Unlock()
	news := make(chan string, 4)
	h.readers[news] = struct{}{}
	return news
}

func (h *slowReaderHub) leave(news chan string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.readers, news)
}

func (h *slowReaderHub) publish(text string) {
	h.mu.Lock()
	readers := slices.Collect(maps.Keys(h.readers))
	h.mu.Unlock()
	for _, news := range readers {
		news <- text
	}
}

// SlowReader streams news on GET /news, one each ?every= and no more than one a
// second, and publishes what is sent to it with POST.
func SlowReader(_ http.RoundTripper) http.Handler {
	hub := &slowReaderHub{readers: map[chan string]struct{}{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /news", func(w http.ResponseWriter, r *http.Request) {
		every, _ := time.ParseDuration(r.FormValue("every"))
		every = max(every, time.Second)
		out := http.NewResponseController(w)
		news := hub.join()
		defer hub.leave(news)
		for {
			select {
			case text := <-news:
				fmt.Fprintln(w, text)
				out.Flush()
			case <-r.Context().Done():
				return
			}
			select {
			case <-time.After(every):
			case <-r.Context().Done():
				return
			}
		}
	})
	mux.HandleFunc("POST /news", func(w http.ResponseWriter, r *http.Request) {
		hub.publish(r.FormValue("text"))
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}
