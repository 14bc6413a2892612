// An account page whose lookups are shared by those who ask at the same time.

package broken

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/singleflight"
)

// CacheKey answers with what the accounts service says about the path for who
// the Authorization header says is asking. That service is slow, so requests for
// the same thing at the same time share one call.
func CacheKey(upstream http.RoundTripper) http.Handler {
	return &cacheKeyPage{client: http.Client{Transport: upstream, Timeout: 10 * time.Second}}
}

type cacheKeyPage struct {
	client  http.Client
	flights singleflight.Group
}

func (p *cacheKeyPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.URL.Path
	page, err, _ := p.flights.Do(key, func() (any, error) { return p.fetch(r) })
	if err != nil {
		http.Error(w, "the accounts service does not answer", http.StatusBadGateway)
		return
	}
	_, _ = w.Write(page.([]byte))
}

// fetch calls the accounts service. Others may wait for the answer: it goes on
// when who asked first has left.
func (p *cacheKeyPage) fetch(r *http.Request) ([]byte, error) {
	ctx := context.WithoutCancel(r.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://accounts"+r.URL.EscapedPath(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", r.Header.Get("Authorization"))
	res, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("accounts service: %s", res.Status)
	}
	return io.ReadAll(res.Body)
}
