// What makes uvicorn's workers differ from gevent's: no limit on connections, no
// worker timeout, and sync views in a pool of threads that the loop does not wait
// for.

package worker_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/pocserver/worker"
)

// By Little's law 100 requests/s of 20 s are 2,000 at a time. gevent holds 1,000,
// so it serves 50/s and half of the requests wait: the 1,000 that come in the first
// 10 s are served at once, and each 1,000 later ones wait 10 s longer than those
// before. uvicorn takes them all.
func TestUvicornHasNoLimitOnConnections(t *testing.T) {
	if racedetector.On {
		t.Skip("8,000 requests that share nothing: the plain run has them")
	}
	for model, p50 := range map[worker.Model]time.Duration{
		worker.Uvicorn: 20 * time.Second, worker.Evented: 30 * time.Second,
	} {
		inHouse(t, config(model), app(), func(h *house) {
			var all []<-chan answer
			var sent []time.Duration
			for i := range 4_000 { // 40 s
				h.sleepUntil(time.Duration(i) * 10 * time.Millisecond)
				sent = append(sent, time.Since(h.began))
				all = append(all, h.ask("/await/20s"))
			}
			var took []time.Duration
			for i, at := range times(all) {
				took = append(took, (at - sent[i]).Round(time.Second))
			}
			slices.Sort(took)
			assert.Equal(t, p50, took[len(took)/2-1], "the median on %v", model)
		})
	}
}

func TestUvicornAloneHasNoWorkerTimeout(t *testing.T) {
	for name, c := range map[string]struct {
		cfg   worker.Config
		exits []string
	}{
		"alone":          {config(worker.Uvicorn), nil},
		"under gunicorn": {worker.UvicornWorker(), []string{"0.0 at 31s: worker timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, c.cfg, app(), func(h *house) {
				time.Sleep(time.Microsecond)
				<-h.ask("/block/100s")
				assert.Equal(t, c.exits, h.exits())
			})
		})
	}
}

func TestUvicornKeepsIdleConnectionsFor5s(t *testing.T) {
	inHouse(t, config(worker.Uvicorn), app(), func(h *house) {
		for _, idle := range []time.Duration{4900 * time.Millisecond, 5100 * time.Millisecond} {
			c := h.dial()
			require.NoError(t, h.over(c, "/").err)
			time.Sleep(idle)
			assert.Equal(t, idle > 5*time.Second, h.over(c, "/").err != nil, "after %v", idle)
			c.Close()
		}
	})
}

// Sync views of a loop with a ThreadLimit run so many at a time, in the order in
// which they came. The loop serves others meanwhile.
func TestTheThreadLimitBoundsSyncViewsAndNotTheLoop(t *testing.T) {
	for _, c := range []struct {
		limit int
		want  []time.Duration
	}{
		{0, seconds(1, 1, 1, 1, 1)},
		{1, seconds(1, 2, 3, 4, 5)},
		{2, seconds(1, 1, 2, 2, 3)},
		{5, seconds(1, 1, 1, 1, 1)},
	} {
		for _, model := range []worker.Model{worker.Uvicorn, worker.Evented} {
			t.Run(fmt.Sprintf("%v with %d", model, c.limit), func(t *testing.T) {
				cfg := config(model, func(cfg *worker.Config) { cfg.ThreadLimit = c.limit })
				inHouse(t, cfg, app(), func(h *house) {
					all := h.asks(5, "/thread/1s")
					assert.Equal(t, 100*time.Millisecond, (<-h.ask("/await/100ms")).at, "the loop is free")
					assert.Equal(t, c.want, times(all))
				})
			})
		}
	}
}

// A worker that is killed ends the wait for a thread, and its replacement has a
// pool that nothing holds.
func TestAKillEndsTheWaitForAThread(t *testing.T) {
	cfg := worker.UvicornWorker()
	cfg.ThreadLimit = 1
	inHouse(t, cfg, app(), func(h *house) {
		time.Sleep(time.Microsecond)
		all := h.asks(3, "/thread/1h")
		holds := h.ask("/block/1h")
		for _, a := range append(all, holds) {
			assert.Error(t, (<-a).err, "cut with the worker")
		}
		h.sleepUntil(40 * time.Second)
		assert.Equal(t, 41*time.Second, (<-h.ask("/thread/1s")).at)
	})
}

// Requests that come to InThread at one instant, in one turn of the loop, take
// their threads in the order in which they were accepted.
func TestThreadsAreTakenInTheOrderOfAccepts(t *testing.T) {
	cfg := config(worker.Uvicorn, func(c *worker.Config) { c.ThreadLimit = 1 })
	inHouse(t, cfg, app(), func(h *house) {
		holds := h.ask("/block/1s")
		time.Sleep(time.Nanosecond)
		all := h.asks(5, "/thread/1s")
		require.NoError(t, (<-holds).err)
		assert.Equal(t, seconds(2, 3, 4, 5, 6), times(all))
	})
}

func TestAViewInAThreadTakesNoSecondThread(t *testing.T) {
	nested := func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			worker.InThread(r.Context(), func() {
				worker.InThread(r.Context(), func() { worker.Block(r.Context(), time.Second) })
			})
		})
	}
	inHouse(t, config(worker.Uvicorn, func(c *worker.Config) { c.ThreadLimit = 1 }), nested, func(h *house) {
		assert.Equal(t, seconds(1, 2), times(h.asks(2, "/")))
	})
}

func TestAViewThatPanicsGivesItsThreadBack(t *testing.T) {
	faulty := func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			worker.InThread(r.Context(), func() { panic(http.ErrAbortHandler) })
		})
	}
	inHouse(t, config(worker.Uvicorn, func(c *worker.Config) { c.ThreadLimit = 1 }), faulty, func(h *house) {
		for range 3 {
			a := <-h.ask("/")
			assert.Error(t, a.err)
			assert.Zero(t, a.at)
		}
	})
}

// Close ends the waits for a thread even if nothing holds the loop.
func TestCloseEndsTheWaitForAThread(t *testing.T) {
	inHouse(t, config(worker.Uvicorn, func(c *worker.Config) { c.ThreadLimit = 1 }), app(), func(h *house) {
		all := h.asks(3, "/thread/1h")
		time.Sleep(time.Second)
		h.server.Close()
		for _, a := range all {
			got := <-a
			assert.Error(t, got.err)
			assert.Equal(t, time.Second, got.at)
		}
	}) // the bubble does not end while a handler waits
}

func TestUvicornsDefaults(t *testing.T) {
	alone, gevent := worker.Defaults(worker.Uvicorn), worker.Defaults(worker.Evented)
	assert.Zero(t, alone.Timeout)
	assert.Equal(t, 5*time.Second, alone.KeepAlive)
	assert.Equal(t, 2048, alone.Backlog)
	assert.Greater(t, alone.GracefulTimeout, 24*time.Hour)

	gevent.Model, gevent.WorkerConnections, gevent.Heartbeat = worker.Uvicorn, 0, 0
	assert.Equal(t, gevent, worker.UvicornWorker(), "the rest is gunicorn's")
}

func TestTheThreadLimitIsChecked(t *testing.T) {
	_, err := worker.New(config(worker.Uvicorn, func(c *worker.Config) { c.ThreadLimit = -1 }), app())
	assert.ErrorContains(t, err, "worker: Config.ThreadLimit is -1: want 0 (no limit) or more")
	assert.Equal(t, 40, worker.AnyIOThreads)
}
