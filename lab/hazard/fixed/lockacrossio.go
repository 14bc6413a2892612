// The exchange rate, from a service that is slow today.

package fixed

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// lockAcrossIORate is the last rate that anybody got.
type lockAcrossIORate struct {
	upstream http.RoundTripper

	mu   sync.Mutex
	last string
}

// fetch asks the service, for no longer than half a minute.
func (c *lockAcrossIORate) fetch(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://rates.example/eur", nil)
	if err != nil {
		return "", err
	}
	answer, err := c.upstream.RoundTrip(ask)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	rate, err := io.ReadAll(answer.Body)
	return string(rate), err
}

// LockAcrossIO asks for the rate on /rate. /health says which rate was the last.
func LockAcrossIO(upstream http.RoundTripper) http.Handler {
	c := &lockAcrossIORate{upstream: upstream, last: "unknown"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /rate", func(w http.ResponseWriter, r *http.Request) {
		rate, err := c.fetch(r.Context())
		c.mu.Lock()
		if err == nil {
			c.last = rate
		}
		c.mu.Unlock()
		if err != nil {
			http.Error(w, "no rate: "+err.Error(), http.StatusBadGateway)
			return
		}
		fmt.Fprintln(w, rate)
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		c.mu.Lock()
		last := c.last
		c.mu.Unlock()
		fmt.Fprintln(w, "ok, the last rate was", last)
	})
	return mux
}
