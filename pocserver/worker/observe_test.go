// What the observer is told.

package worker_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/pocserver/worker"
)

func TestSpans(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  worker.Config
		path string
		want []string
	}{
		{"a sync worker is busy from accept to close", config(worker.Sync), "/block/1s",
			[]string{"0.0 0s to 1s GET /block/1s", "0.0 1s to 2s GET /block/1s"}},
		{"a threaded worker once for each thread", config(worker.Threaded, func(c *worker.Config) { c.Threads = 2 }), "/block/1s",
			[]string{"0.0 0s to 1s GET /block/1s", "0.0 0s to 1s GET /block/1s"}},
		{"with ample threads as well", config(worker.Threaded, func(c *worker.Config) { c.Threads = 1000 }), "/block/1s",
			[]string{"0.0 0s to 1s GET /block/1s", "0.0 0s to 1s GET /block/1s"}},
		{"a thread per request likewise", config(worker.ThreadPerRequest), "/await/1s",
			[]string{"0.0 0s to 1s GET /await/1s", "0.0 0s to 1s GET /await/1s"}},
		{"a loop while it is held", config(worker.Evented), "/block/1s",
			[]string{"0.0 0s to 1s GET /block/1s", "0.0 1s to 2s GET /block/1s"}},
		{"and not while all await", config(worker.Evented), "/await/1s", nil},
		{"a killed worker until it is killed", config(worker.Sync, func(c *worker.Config) { c.Timeout = 2 * time.Second }), "/block/1h",
			[]string{"0.0 0s to 3s GET /block/1h", "0.1 3.18s to 6s GET /block/1h"}},
		{"a killed loop as well", config(worker.Evented, func(c *worker.Config) { c.Timeout = 2 * time.Second }), "/block/1h",
			[]string{"0.0 0s to 3s GET /block/1h"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inHouse(t, test.cfg, app(), func(h *house) {
				time.Sleep(time.Microsecond)
				for _, a := range h.asks(2, test.path) {
					<-a
				}
				synctest.Wait()
				h.seen.mu.Lock()
				defer h.seen.mu.Unlock()
				var got []string
				for _, s := range h.seen.spans {
					since := func(t time.Time) time.Duration { return t.Sub(h.began).Round(time.Millisecond) }
					got = append(got, fmt.Sprintf("%d.%d %v to %v %s", s.Worker, s.Boot, since(s.From), since(s.To), s.What))
				}
				slices.Sort(got)
				assert.Equal(t, test.want, got)
			})
		})
	}
}
