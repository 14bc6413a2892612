// Prices for everybody who listens. Each listener has a goroutine that keeps the
// newest price for it, so that a slow one neither holds up the others nor gets
// old prices.

package broken

import (
	"fmt"
	"net/http"
	"sync"
)

type subscriberHub struct {
	mu        sync.Mutex
	listeners map[*subscriber]struct{}
}

type subscriber struct {
	in, out chan string
}

func (h *subscriberHub) join() *subscriber {
	s := &subscriber{in: make(chan string, 1), out: make(chan string, 1)}
	h.mu.Lock()
	h.listeners[s] = struct{}{}
	h.mu.Unlock()
	go s.keepNewest()
	return s
}

func (h *subscriberHub) leave(s *subscriber) {
	h.mu.Lock()
	delete(h.listeners, s)
	h.mu.Unlock()
	close(s.in)
}

func (h *subscriberHub) publish(price string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.listeners {
		select {
		case s.in <- price:
		default: // it has one to look at already
		}
	}
}

// keepNewest replaces the price that waits to be sent, until in is closed.
func (s *subscriber) keepNewest() {
	for price := range s.in {
		select {
		case <-s.out:
		default:
		}
		s.out <- price
	}
}

// Subscriber streams prices on GET /prices, and takes a new one with POST.
func Subscriber(_ http.RoundTripper) http.Handler {
	hub := &subscriberHub{listeners: map[*subscriber]struct{}{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /prices", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		out := http.NewResponseController(w)
		s := hub.join()
		for {
			select {
			case price := <-s.out:
				fmt.Fprintf(w, "data: %s\n\n", price)
				if out.Flush() != nil {
					hub.leave(s)
					return
				}
			case <-r.Context().Done():
				return
			}
		}
	})
	mux.HandleFunc("POST /prices", func(w http.ResponseWriter, r *http.Request) {
		hub.publish(r.FormValue("price"))
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}
