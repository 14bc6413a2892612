// The design's table, row by row: who accepts, how many at a time, keep-alive,
// what memory is shared.

package worker_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/pocserver/worker"
)

func TestHowManyRequestsAModelServesAtATime(t *testing.T) {
	workers := func(n int) func(*worker.Config) { return func(c *worker.Config) { c.Workers = n } }
	threads := func(n int) func(*worker.Config) { return func(c *worker.Config) { c.Threads = n } }
	for _, test := range []struct {
		name string
		cfg  worker.Config
		path string
		want []time.Duration // when each of four requests of a second is answered
	}{
		{"sync naps for one at a time", config(worker.Sync), "/block/1s", seconds(1, 2, 3, 4)},
		{"sync with two workers for two", config(worker.Sync, workers(2)), "/block/1s", seconds(1, 1, 2, 2)},
		{"sync awaits no better than it blocks", config(worker.Sync), "/await/1s", seconds(1, 2, 3, 4)},
		{"sync has no other thread", config(worker.Sync), "/thread/1s", seconds(1, 2, 3, 4)},
		{"threaded has one thread unless told", config(worker.Threaded), "/block/1s", seconds(1, 2, 3, 4)},
		{"threaded with three threads naps for three", config(worker.Threaded, threads(3)), "/block/1s", seconds(1, 1, 1, 2)},
		{"threaded awaits no better than it blocks", config(worker.Threaded), "/await/1s", seconds(1, 2, 3, 4)},
		{"threaded has no thread but its own", config(worker.Threaded), "/thread/1s", seconds(1, 2, 3, 4)},
		{"evented awaits for all", config(worker.Evented), "/await/1s", seconds(1, 1, 1, 1)},
		{"evented gives each sync view a thread", config(worker.Evented), "/thread/1s", seconds(1, 1, 1, 1)},
		{"evented blocks for one at a time", config(worker.Evented), "/block/1s", seconds(1, 2, 3, 4)},
		{"a thread per request has no limit", config(worker.ThreadPerRequest), "/block/1s", seconds(1, 1, 1, 1)},
	} {
		t.Run(test.name, func(t *testing.T) {
			inHouse(t, test.cfg, app(), func(h *house) {
				assert.Equal(t, test.want, times(h.asks(4, test.path)),
					"four requests at 0 s on %v, each a nap of 1 s by %s: answered when?", test.cfg, test.path)
			})
		})
	}
}

func TestKeepAlive(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  worker.Config
		// A second request a second after the first, a third three seconds after
		// the second: how many does one connection carry?
		carries int
		closed  bool // by a header, not by an idle timeout
	}{
		{"sync never", config(worker.Sync), 1, true},
		{"threaded for 2 s", config(worker.Threaded), 2, false},
		{"threaded with ample threads for 2 s", config(worker.Threaded, func(c *worker.Config) { c.Threads = 999 }), 2, false},
		{"threaded with no room beside its threads never", config(worker.Threaded, func(c *worker.Config) { c.Threads = 1000 }), 1, true},
		{"evented for 2 s", config(worker.Evented), 2, false},
		{"evented for 5 s", config(worker.Evented, func(c *worker.Config) { c.KeepAlive = 5 * time.Second }), 3, false},
		{"evented for 0 s, so never", config(worker.Evented, func(c *worker.Config) { c.KeepAlive = 0 }), 1, true},
		{"uvicorn for 5 s", config(worker.Uvicorn), 3, false},
		{"uvicorn under gunicorn for 2 s", worker.UvicornWorker(), 2, false},
		{"a thread per request for ever", config(worker.ThreadPerRequest), 3, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			inHouse(t, test.cfg, app(), func(h *house) {
				c := h.dial()
				defer c.Close()
				carried, closed := 0, false
				for _, pause := range []time.Duration{0, time.Second, 3 * time.Second} {
					time.Sleep(pause)
					a := h.over(c, "/")
					if a.err != nil {
						break
					}
					carried++
					closed = closed || a.close
				}
				assert.Equal(t, test.carries, carried, "requests that one connection carried")
				assert.Equal(t, test.closed, closed, "a reply said Connection: close")
			})
		})
	}
}

func TestEachWorkerHasAnInstanceOfTheAppToItself(t *testing.T) {
	inHouse(t, config(worker.Sync, func(c *worker.Config) { c.Workers = 3 }), app(), func(h *house) {
		seen := map[string]int{}
		for _, a := range h.asks(3, "/block/1s") {
			seen[(<-a).body]++
		}
		assert.Equal(t, map[string]int{"instance 1\n": 1, "instance 2\n": 1, "instance 3\n": 1}, seen,
			"three requests at once on three sync workers: each has one")
	})
}

// A gthread worker gives a connection to its pool when it is accepted, so one
// that sends nothing holds a thread; one that had its reply does not.
func TestASilentNewConnectionHoldsAThread(t *testing.T) {
	inHouse(t, config(worker.Threaded), app(), func(h *house) {
		silent := h.dial()
		waiting := h.ask("/")
		h.sleepUntil(10 * time.Second)
		silent.Close()
		assert.Equal(t, 10*time.Second, (<-waiting).at, "the one thread waits for the silent connection's first byte until it closes")

		kept := h.dial()
		defer kept.Close()
		require.NoError(t, h.over(kept, "/").err)
		assert.Equal(t, 10*time.Second, (<-h.ask("/")).at, "a connection between two requests holds no thread")
	})
}

func TestAKeptConnectionWaitsForAThreadBehindThoseWhoCameBefore(t *testing.T) {
	inHouse(t, config(worker.Threaded), app(), func(h *house) {
		kept := h.dial()
		defer kept.Close()
		require.NoError(t, h.over(kept, "/").err)
		first := h.ask("/block/1s")
		second := h.ask("/block/1s")
		time.Sleep(100 * time.Millisecond)
		third := make(chan answer, 1)
		go func() { third <- h.over(kept, "/block/1s") }()
		assert.Equal(t, seconds(1, 2, 3), times([]<-chan answer{first, second, third}))
	})
}

func TestPipelinedRequestsEachTakeAThread(t *testing.T) {
	inHouse(t, config(worker.Threaded), app(), func(h *house) {
		c := h.dial()
		defer c.Close()
		fmt.Fprint(c, strings.Repeat("GET /block/1s HTTP/1.1\r\nHost: x\r\n\r\n", 3))
		other := h.ask("/block/1s")
		r := bufio.NewReader(c)
		got := []time.Duration{h.read(r).at, h.read(r).at, h.read(r).at, (<-other).at}
		assert.Equal(t, seconds(1, 3, 4, 2), got, "the pool of one serves the other in its turn, between the first and the second")
	})
}

func TestWorkerConnectionsBoundWhatAWorkerHolds(t *testing.T) {
	for _, m := range []worker.Model{worker.Threaded, worker.Evented} {
		t.Run(m.String(), func(t *testing.T) {
			cfg := config(m, func(c *worker.Config) { c.WorkerConnections = 2; c.Threads = 1; c.KeepAlive = 10 * time.Second })
			if m == worker.Threaded {
				cfg.Threads = 2
			}
			inHouse(t, cfg, app(), func(h *house) {
				a, b := h.dial(), h.dial()
				defer b.Close()
				third := h.ask("/")
				h.sleepUntil(3 * time.Second)
				a.Close()
				assert.Equal(t, 3*time.Second, (<-third).at, "the third connection is accepted when one of the two is closed")
			})
		})
	}
}

func TestTheBacklogHoldsOneMoreThanItSays(t *testing.T) {
	inHouse(t, config(worker.Sync, func(c *worker.Config) { c.Backlog = 2 }), app(), func(h *house) {
		all := h.asks(5, "/block/10s") // one is served, three wait, the fifth's SYN is dropped
		assert.Equal(t, seconds(10, 20, 30, 40, 50), times(all))
	})
	inHouse(t, config(worker.Sync, func(c *worker.Config) { c.Backlog = 2 }), app(), func(h *house) {
		all := h.asks(4, "/block/10s")
		h.ask("/")
		h.sleepUntil(9 * time.Second)
		late := h.ask("/") // dropped as well: it comes back at 10 s, when there is room, before the fifth's at 15 s
		assert.Equal(t, seconds(10, 20, 30, 40), times(all))
		assert.Equal(t, 40*time.Second, (<-late).at)
	})
}

func TestAClientWhoLeavesDoesNotEndANap(t *testing.T) {
	inHouse(t, config(worker.Sync), app(), func(h *house) {
		for range 3 {
			gone := h.dial()
			fmt.Fprint(gone, "GET /block/5s HTTP/1.1\r\nHost: x\r\n\r\n")
			gone.Close()
		}
		assert.Equal(t, 15*time.Second, (<-h.ask("/")).at, "the worker works for three clients who have left: it cannot know")
	})
}

func TestAPanicInTheAppEndsItsConnectionOnly(t *testing.T) {
	for _, m := range models {
		t.Run(m.String(), func(t *testing.T) {
			faulty := func() http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/panic" {
						worker.InThread(r.Context(), func() { panic(http.ErrAbortHandler) })
					}
				})
			}
			inHouse(t, config(m), faulty, func(h *house) {
				assert.ErrorIs(t, (<-h.ask("/panic")).err, io.ErrUnexpectedEOF, "cut with no reply")
				assert.Equal(t, 200, (<-h.ask("/")).status, "the worker serves the next one")
			})
		})
	}
}

func TestAModelCallWithNoModelJustNaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		worker.Block(t.Context(), time.Second)
		worker.Await(t.Context(), time.Second)
		worker.InThread(t.Context(), func() { worker.Block(t.Context(), time.Second) })
		assert.Equal(t, 3*time.Second, time.Since(begin))
	})
}

func TestCPUAndOvershootArePaid(t *testing.T) {
	const cpu, over = 100 * time.Millisecond, 10 * time.Millisecond
	costs := func(c *worker.Config) { c.CPU, c.SleepOvershoot = cpu, over }
	ms := func(n ...int) []time.Duration {
		all := make([]time.Duration, len(n))
		for i := range n {
			all[i] = time.Duration(n[i]) * time.Millisecond
		}
		return all
	}
	for _, test := range []struct {
		name string
		cfg  worker.Config
		path string
		want []time.Duration
	}{
		{"sync adds it to the nap", config(worker.Sync, costs), "/block/1s", ms(1110, 2220, 3330)},
		{"sync without a nap oversleeps nothing", config(worker.Sync, costs), "/block/0s", ms(100, 200, 300)},
		{"threads pay one at a time, and nap together", config(worker.Threaded, costs, func(c *worker.Config) { c.Threads = 3 }), "/block/1s", ms(1110, 1160, 1210)},
		{"so does a thread per request", config(worker.ThreadPerRequest, costs), "/block/1s", ms(1110, 1160, 1210)},
		{"a loop is held meanwhile", config(worker.Evented, costs), "/await/1s", ms(1110, 1160, 1210)},
	} {
		t.Run(test.name, func(t *testing.T) {
			inHouse(t, test.cfg, app(), func(h *house) {
				assert.Equal(t, test.want, times(h.asks(3, test.path)))
			})
		})
	}
}
