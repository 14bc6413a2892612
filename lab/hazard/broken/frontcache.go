// A cache in front of a shop.

package broken

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// FrontCache passes requests on to the shop, and keeps pages for whoever asks
// for them next: when very many want to get in, most of them should not reach
// the shop.
func FrontCache(upstream http.RoundTripper) http.Handler {
	return &frontCache{
		shop:  http.Client{Transport: upstream, Timeout: 10 * time.Second},
		pages: make(map[string]frontPage),
	}
}

type frontCache struct {
	shop  http.Client
	mu    sync.Mutex
	pages map[string]frontPage // by URL
}

type frontPage struct {
	header http.Header
	body   []byte
}

func (c *frontCache) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	url := r.URL.RequestURI()
	shared := r.Method == http.MethodGet
	c.mu.Lock()
	page, hit := c.pages[url]
	c.mu.Unlock()
	if shared && hit {
		page.send(w, http.StatusOK)
		return
	}

	req, err := http.NewRequestWithContext(r.Context(), r.Method, "http://shop"+url, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	req.Header = r.Header.Clone()
	res, err := c.shop.Do(req)
	if err != nil {
		http.Error(w, "the shop does not answer", http.StatusBadGateway)
		return
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		http.Error(w, "the shop does not answer", http.StatusBadGateway)
		return
	}
	page = frontPage{header: res.Header, body: body}
	if shared && res.StatusCode == http.StatusOK {
		c.mu.Lock()
		c.pages[url] = page
		c.mu.Unlock()
	}
	page.send(w, res.StatusCode)
}

func (p frontPage) send(w http.ResponseWriter, status int) {
	for name, values := range p.header {
		w.Header()[name] = append([]string(nil), values...)
	}
	w.WriteHeader(status)
	_, _ = w.Write(p.body)
}
