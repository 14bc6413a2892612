// A page whose calls to a service are made of options, as gRPC's calls are.

package broken

import (
	"context"
	"io"
	"net/http"
	"time"

	"example.com/outagelab/pocserver/worker"
)

// AppendAliasing answers with what the accounts service says about who the
// Authorization header says is asking.
func AppendAliasing(upstream http.RoundTripper) http.Handler {
	c := &appendClient{http: http.Client{Transport: upstream, Timeout: 10 * time.Second}}
	c.defaults = append(c.defaults, appendHeader("User-Agent", "accountpage/1.0"))
	c.defaults = append(c.defaults, appendHeader("Accept", "text/plain"))
	c.defaults = append(c.defaults, appendHeader("Accept-Language", "en"))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := r.Header.Get("Authorization")
		account, err := c.call(r.Context(), "/account", appendHeader("Authorization", token))
		if err != nil {
			http.Error(w, "the accounts service does not answer", http.StatusBadGateway)
			return
		}
		_, _ = w.Write(account)
	})
}

// An appendOption changes a call before it is made.
type appendOption func(*http.Request)

func appendHeader(name, value string) appendOption {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

type appendClient struct {
	http     http.Client
	defaults []appendOption // of every call, before its own
}

func (c *appendClient) call(ctx context.Context, path string, options ...appendOption) ([]byte, error) {
	options = append(c.defaults, options...)
	worker.Await(ctx, 10*time.Millisecond) // the service allows so many calls a second
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://accounts"+path, nil)
	if err != nil {
		return nil, err
	}
	for _, option := range options {
		option(req)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}
