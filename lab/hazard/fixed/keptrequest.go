// A page with an audit trail that users do not wait for.

package fixed

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"example.com/outagelab/pocserver/worker"
)

// KeptRequest greets who the Authorization header says is asking, and tells the
// audit service so in the background. As in many web frameworks, what a handler
// knows about its request is in a context that comes from a pool.
func KeptRequest(upstream http.RoundTripper) http.Handler {
	return &keptRequestApp{
		client:   http.Client{Transport: upstream, Timeout: 10 * time.Second},
		contexts: sync.Pool{New: func() any { return new(keptContext) }},
	}
}

type keptRequestApp struct {
	client   http.Client
	contexts sync.Pool
}

type keptContext struct{ request *http.Request }

func (c *keptContext) user() string { return c.request.Header.Get("Authorization") }

func (a *keptRequestApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := a.contexts.Get().(*keptContext)
	defer a.contexts.Put(c)
	c.request = r
	a.hello(w, c)
}

func (a *keptRequestApp) hello(w http.ResponseWriter, c *keptContext) {
	ctx := context.WithoutCancel(c.request.Context())
	user := c.user()
	go func() {
		time.Sleep(50 * time.Millisecond) // what users wait for goes first
		a.audit(ctx, user)
	}()
	worker.Await(c.request.Context(), 10*time.Millisecond)
	_, _ = io.WriteString(w, "Hello, "+c.user())
}

// audit tells the audit service who was here, if it answers.
func (a *keptRequestApp) audit(ctx context.Context, user string) {
	body := strings.NewReader(url.Values{"user": {user}}.Encode())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://audit/", body)
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if res, err := a.client.Do(req); err == nil {
		_ = res.Body.Close()
	}
}
