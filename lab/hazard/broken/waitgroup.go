// A product's page, put together from three services that are asked at once. The
// page is shown without a part that cannot be had.

package broken

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// waitGroupPart asks one of the services, for no longer than 2 s.
func waitGroupPart(ctx context.Context, upstream http.RoundTripper, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://shop.example/"+name, nil)
	if err != nil {
		return "", err
	}
	answer, err := upstream.RoundTrip(ask)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", name, answer.Status)
	}
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// WaitGroup shows a product with its price, its stock and what people think of it.
func WaitGroup(upstream http.RoundTripper) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked sync.WaitGroup
		parts := make([]string, 3)
		for i, name := range []string{"price", "stock", "reviews"} {
			asked.Add(1)
			go func() {
				text, err := waitGroupPart(r.Context(), upstream, name)
				if err != nil {
					return
				}
				parts[i] = text
				asked.Done()
			}()
		}
		asked.Wait()
		fmt.Fprintln(w, strings.Join(parts, "\n"))
	})
}
