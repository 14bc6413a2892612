// A page that is put together in the background and handed over by a channel.

package broken

import (
	"context"
	"io"
	"net/http"
	"time"
)

// SharedChannel answers with what the accounts service says about who the
// Authorization header says is asking, if they wait for it. The goroutine that
// calls the service and the one that answers share no memory: they communicate.
func SharedChannel(upstream http.RoundTripper) http.Handler {
	client := &http.Client{Transport: upstream, Timeout: 10 * time.Second}
	accounts := make(chan string, 64)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The service counts a call that is broken off as a failure of its own.
		ctx := context.WithoutCancel(r.Context())
		go func() { accounts <- sharedFetch(ctx, client, r.Header.Get("Authorization")) }()
		select {
		case account := <-accounts:
			_, _ = io.WriteString(w, account)
		case <-r.Context().Done():
		}
	})
}

// sharedFetch returns what the service says, or that it says nothing.
func sharedFetch(ctx context.Context, client *http.Client, token string) string {
	const nothing = "The accounts service does not answer."
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://accounts/", nil)
	if err != nil {
		return nothing
	}
	req.Header.Set("Authorization", token)
	res, err := client.Do(req)
	if err != nil {
		return nothing
	}
	defer res.Body.Close()
	account, err := io.ReadAll(res.Body)
	if err != nil {
		return nothing
	}
	return string(account)
}
