// A page with a chart in it. Work of both kinds runs in one pool, so that the
// server never does more than four things at a time.

package fixed

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"example.com/outagelab/pocserver/worker"
)

type ownPool struct{ slots chan struct{} }

// run runs task when a slot is free, unless ctx ends before.
func (p *ownPool) run(ctx context.Context, task func() error) error {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.slots }()
	return task()
}

// OwnPool makes the page in 100 ms, and its chart in another 100.
func OwnPool(_ http.RoundTripper) http.Handler {
	pool := &ownPool{slots: make(chan struct{}, 4)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		chart := func() error {
			worker.Await(ctx, 100*time.Millisecond)
			return ctx.Err()
		}
		page := func() error {
			worker.Await(ctx, 100*time.Millisecond)
			return chart()
		}
		if err := pool.run(ctx, page); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "a page with a chart")
	})
}
