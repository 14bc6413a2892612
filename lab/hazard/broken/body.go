// A status page: is the feed up?

package broken

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// bodyCheck asks the feed and returns its status. The check goes on when the
// visitor who caused it has left, since all visitors see its result; the feed has
// 3 s to begin its answer.
func bodyCheck(ctx context.Context, upstream http.RoundTripper) (string, error) {
	ctx, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://feed.example/latest", nil)
	if err != nil {
		giveUp()
		return "", err
	}
	late := time.AfterFunc(3*time.Second, giveUp)
	defer late.Stop()
	answer, err := upstream.RoundTrip(ask)
	if err != nil {
		return "", err
	}
	return answer.Status, nil
}

// Body checks the feed for each visitor and says what it was before, too.
func Body(upstream http.RoundTripper) http.Handler {
	var before atomic.Value
	before.Store("never asked")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now, err := bodyCheck(r.Context(), upstream)
		if err != nil {
			now = "no answer"
		}
		fmt.Fprintf(w, "the feed: %s (before: %s)\n", now, before.Swap(now))
	})
}
