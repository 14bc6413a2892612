// Connections between two requests, and what becomes of them when their worker
// retires.

package worker_test

import (
	"bufio"
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/pocserver/worker"
)

// A kept connection whose next request waits for a thread is not idle: a worker
// that retires still serves it, and its thread comes back.
func TestARetiringWorkerServesThoseWhoWaitForAThread(t *testing.T) {
	inHouse(t, config(worker.Threaded), app(), func(h *house) {
		kept := h.dial()
		defer kept.Close()
		require.NoError(t, h.over(kept, "/").err)
		first := h.ask("/block/1s")
		time.Sleep(100 * time.Millisecond)
		second := make(chan answer, 1)
		go func() { second <- h.over(kept, "/block/1s") }()
		time.Sleep(100 * time.Millisecond)
		third := h.ask("/block/1s")
		time.Sleep(100 * time.Millisecond)
		assert.NoError(t, h.server.Shutdown(context.Background()))
		assert.Equal(t, seconds(1, 2, 3), times([]<-chan answer{first, second, third}))
	})
}

// net/http's own way to end idle connections also cuts those that are older than
// 5 s and have not been served yet.
func TestARetiringWorkerServesThoseWhoHaveWaitedLong(t *testing.T) {
	inHouse(t, config(worker.Threaded), app(), func(h *house) {
		all := h.asks(4, "/block/10s")
		h.sleepUntil(7 * time.Second)
		assert.ErrorContains(t, h.server.Shutdown(context.Background()), "graceful timeout of 30s were cut: 1")
		var got []string
		for _, a := range all[:3] {
			got = append(got, (<-a).String())
		}
		assert.Equal(t, []string{"10s: 200 instance 1", "20s: 200 instance 1", "30s: 200 instance 1"}, got)
		last := <-all[3]
		assert.Error(t, last.err)
		assert.Equal(t, 37*time.Second, last.at)
	})
}

func TestAThreadedWorkerKeepsOnlyWhatItHasRoomFor(t *testing.T) {
	cfg := config(worker.Threaded, func(c *worker.Config) { c.WorkerConnections, c.Threads = 3, 1 })
	inHouse(t, cfg, app(), func(h *house) {
		a, b, c := h.dial(), h.dial(), h.dial()
		defer a.Close()
		defer b.Close()
		defer c.Close()
		assert.False(t, h.over(a, "/").close, "3 connections, 1 thread: two may be kept")
		assert.False(t, h.over(b, "/").close, "3 connections, 1 thread: two may be kept")
		assert.True(t, h.over(c, "/").close, "the third is not")
		assert.False(t, h.over(a, "/").close, "one that is in use is not idle")
	})
}

// What is exactly in time is in time, at every run.
func TestTiesHaveOneOutcome(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for name, run := range map[string]func(h *house) string{
		"a request at the end of the keep-alive": func(h *house) string {
			c := h.dial()
			defer c.Close()
			h.over(c, "/")
			time.Sleep(2 * time.Second)
			return h.over(c, "/").String()
		},
		"a reply at the end of the graceful timeout": func(h *house) string {
			return (<-h.ask("/await/3s")).String() // with max requests 1 it retires as this begins
		},
		"the end of a nap beside the arbiter's look": func(h *house) string {
			time.Sleep(time.Second - 3*time.Nanosecond)
			return (<-h.ask("/block/3s")).String()
		},
	} {
		for _, m := range []worker.Model{worker.Sync, worker.Threaded, worker.Evented} {
			got := map[string]int{}
			for i := range 20 {
				runtime.GOMAXPROCS(1 + i%3)
				cfg := config(m, func(c *worker.Config) { c.Timeout, c.GracefulTimeout = 2*time.Second, 3*time.Second })
				if strings.Contains(name, "graceful") {
					cfg.MaxRequests, cfg.Timeout = 1, 0
				}
				inHouse(t, cfg, app(), func(h *house) { got[run(h)]++ })
			}
			assert.Len(t, got, 1, "%s on %v: outcomes of 20 runs", name, m)
		}
	}
}

// Bytes of a second request that came with the first are with net/http already:
// the rest may take its time.
func TestAPartOfTheNextRequestIsNotIdle(t *testing.T) {
	inHouse(t, config(worker.Evented), app(), func(h *house) {
		c := h.dial()
		defer c.Close()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT")
		r := bufio.NewReader(c)
		require.NoError(t, h.read(r).err)
		time.Sleep(time.Second)
		fmt.Fprint(c, "TP/1.1\r\nHost: ")
		time.Sleep(3 * time.Second)
		fmt.Fprint(c, "x\r\n\r\n")
		assert.Equal(t, "4s: 200 instance 1", h.read(r).String())
	})
}
