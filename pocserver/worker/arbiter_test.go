// The arbiter: who is aborted, who is replaced, who is recycled, and that the
// dead stay dead.

package worker_test

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/pocserver/worker"
)

func TestARequestLongerThanTheWorkerTimeout(t *testing.T) {
	for _, test := range []struct {
		name    string
		cfg     worker.Config
		path    string
		aborted bool
	}{
		{"is cut on sync", config(worker.Sync), "/block/40s", true},
		{"is cut on sync even if it awaits", config(worker.Sync), "/await/40s", true},
		{"means nothing to threaded", config(worker.Threaded), "/block/40s", false},
		{"means nothing to evented if it awaits", config(worker.Evented), "/await/40s", false},
		{"means nothing to evented in a thread of its own", config(worker.Evented), "/thread/40s", false},
		{"is cut on evented if it holds the loop", config(worker.Evented), "/block/40s", true},
		{"means nothing if the timeout is 0", config(worker.Sync, func(c *worker.Config) { c.Timeout = 0 }), "/block/40s", false},
		{"means nothing to a thread per request", config(worker.ThreadPerRequest), "/block/40s", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			inHouse(t, test.cfg, app(), func(h *house) {
				time.Sleep(500 * time.Millisecond)
				long := <-h.ask(test.path)
				if !test.aborted {
					assert.NoError(t, long.err)
					assert.Equal(t, 40500*time.Millisecond, long.at)
					assert.Empty(t, h.exits())
					return
				}
				// At 30 s the worker has not beaten for 29.5 s; a second later it is
				// over its 30 s.
				assert.ErrorIs(t, long.err, io.ErrUnexpectedEOF, "the client gets no reply")
				assert.Equal(t, 31*time.Second, long.at)
				assert.Equal(t, []string{"0.0 at 31s: worker timeout"}, h.exits())
				next := <-h.ask("/")
				assert.Equal(t, "31.18s: 200 instance 2", next.String(), "the replacement boots in 0.18 s, with an app of its own")
			})
		})
	}
}

func TestAHeldLoopTakesEveryAcceptedConnectionWithIt(t *testing.T) {
	inHouse(t, config(worker.Evented, func(c *worker.Config) { c.WorkerConnections = 3 }), app(), func(h *house) {
		time.Sleep(time.Millisecond)
		napping := h.ask("/await/35s")
		idle := h.dial()
		require.NoError(t, h.over(idle, "/").err)
		holding := h.ask("/block/35s")
		queued := h.ask("/")
		for name, a := range map[string]answer{"the one who holds the loop": <-holding, "one who awaits": <-napping} {
			assert.Error(t, a.err, name)
			assert.Equal(t, 31*time.Second, a.at, name)
		}
		_, err := idle.Read(make([]byte, 1))
		assert.ErrorIs(t, err, io.EOF, "an idle connection is cut as well")
		assert.Equal(t, "31.18s: 200 instance 2", (<-queued).String(), "one that nobody had accepted stays in the backlog")
	})
}

// uvicorn's worker beats every 15 s: one who holds its loop just before the next
// beat has half the worker timeout.
func TestWhatALoopHasNotBeatenForCountsAgainstWhoHoldsIt(t *testing.T) {
	inHouse(t, worker.UvicornWorker(), app(), func(h *house) {
		time.Sleep(44500 * time.Millisecond)
		assert.Empty(t, h.exits(), "a loop that nobody holds beats, at 15 s and at 30 s")
		assert.Equal(t, 61*time.Second, (<-h.ask("/block/40s")).at, "held from 44.5 s on, last beat at 30 s")
	})
}

func TestALoopBeatsInTurnWithItsTasks(t *testing.T) {
	// 25 naps that block for 2 s each, accepted while the first one holds the
	// loop, are one turn of 50 s: the heartbeat has no chance.
	inHouse(t, config(worker.Evented), app(), func(h *house) {
		time.Sleep(time.Millisecond)
		first := h.ask("/block/2s")
		time.Sleep(time.Millisecond)
		rest := h.asks(25, "/block/2s")
		require.NoError(t, (<-first).err)
		answered := 0
		for _, a := range rest {
			if (<-a).err == nil {
				answered++
			}
		}
		// It beat at 2 s, between the turns. At 33 s that is 31 s ago.
		assert.Equal(t, []string{"0.0 at 33s: worker timeout"}, h.exits())
		assert.Equal(t, 15, answered, "replies that left before: one every 2 s from 4 s on")
	})
	// The same 25, one turn each, since each comes when the one before is done.
	inHouse(t, config(worker.Evented), app(), func(h *house) {
		for range 26 {
			require.NoError(t, (<-h.ask("/block/2s")).err)
		}
		assert.Empty(t, h.exits())
	})
}

func TestADeadWorkerDoesNoFurtherWork(t *testing.T) {
	calls := map[string]func(w http.ResponseWriter, ctx context.Context){
		"Block":    func(_ http.ResponseWriter, ctx context.Context) { worker.Block(ctx, time.Second) },
		"Block(0)": func(_ http.ResponseWriter, ctx context.Context) { worker.Block(ctx, 0) },
		"Await":    func(_ http.ResponseWriter, ctx context.Context) { worker.Await(ctx, time.Second) },
		"InThread": func(_ http.ResponseWriter, ctx context.Context) { worker.InThread(ctx, func() {}) },
		"Write":    func(w http.ResponseWriter, _ context.Context) { w.Write([]byte("x")) },
		"Flush":    func(w http.ResponseWriter, _ context.Context) { w.(http.Flusher).Flush() },
		"Header":   func(w http.ResponseWriter, _ context.Context) { w.WriteHeader(200) },
		"String":   func(w http.ResponseWriter, _ context.Context) { io.WriteString(w, "x") },
	}
	for _, m := range []worker.Model{worker.Sync, worker.Evented} {
		for name, call := range calls {
			t.Run(m.String()+"/"+name, func(t *testing.T) {
				var napped, worked atomic.Bool
				faithful := func() http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						time.Sleep(40 * time.Second) // a stranger's nap, which nobody can cut
						napped.Store(true)
						call(w, r.Context())
						worked.Store(true)
					})
				}
				inHouse(t, config(m), faithful, func(h *house) {
					assert.Error(t, (<-h.ask("/")).err)
					assert.Equal(t, 31*time.Second, h.now())
					h.sleepUntil(100 * time.Second)
					assert.True(t, napped.Load(), "the handler's own time.Sleep goes on")
					assert.False(t, worked.Load(), "after its worker's death the handler came back from "+name)
				})
			})
		}
	}

	t.Run("a nap ends with the worker", func(t *testing.T) {
		var ended atomic.Int64
		napping := func() http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() { ended.Add(1) }()
				worker.Await(r.Context(), time.Hour)
			})
		}
		inHouse(t, config(worker.Evented), napping, func(h *house) {
			all := h.asks(3, "/")
			time.Sleep(time.Second)
			h.server.Close()
			for _, a := range all {
				assert.Error(t, (<-a).err)
			}
			assert.Equal(t, time.Second, h.now())
			synctest.Wait()
			assert.EqualValues(t, 3, ended.Load(), "handlers that were unwound at once")
		})
	})
}

func TestCloseEndsThoseWhoWait(t *testing.T) {
	for name, cfg := range map[string]worker.Config{
		"for a thread":               config(worker.Threaded),
		"for the interpreter":        config(worker.ThreadPerRequest, func(c *worker.Config) { c.CPU = 2 * time.Hour }),
		"for a loop that is held":    config(worker.Evented),
		"for a loop, for their turn": config(worker.Evented, func(c *worker.Config) { c.CPU = 2 * time.Hour }),
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, cfg, app(), func(h *house) {
				all := h.asks(3, "/block/1h")
				time.Sleep(time.Second)
				h.server.Close()
				for _, a := range all {
					got := <-a
					assert.Error(t, got.err)
					assert.Equal(t, time.Second, got.at)
				}
			}) // and the bubble would not end if a handler did not
		})
	}
}

func TestMaxRequests(t *testing.T) {
	t.Run("a sync worker ends with the request that fills the number", func(t *testing.T) {
		inHouse(t, config(worker.Sync, func(c *worker.Config) { c.MaxRequests = 2 }), app(), func(h *house) {
			var got []string
			for _, a := range h.asks(5, "/block/1s") {
				got = append(got, (<-a).String())
			}
			assert.Equal(t, []string{
				"1s: 200 instance 1", "2s: 200 instance 1",
				"3.18s: 200 instance 2", "4.18s: 200 instance 2",
				"5.36s: 200 instance 3",
			}, got)
			assert.Equal(t, []string{"0.0 at 2s: max requests", "0.1 at 4.18s: max requests"}, h.exits())
		})
	})
	for _, m := range []worker.Model{worker.Threaded, worker.Evented, worker.Uvicorn} {
		t.Run(m.String()+" finishes what it has", func(t *testing.T) {
			inHouse(t, config(m, func(c *worker.Config) {
				c.MaxRequests = 3
				if m == worker.Threaded {
					c.Threads = 10
				}
			}), app(), func(h *house) {
				idle := h.dial()
				require.NoError(t, h.over(idle, "/").err)
				long := h.ask("/await/2s")
				last := h.ask("/await/1s")
				time.Sleep(time.Millisecond)
				more := h.ask("/")
				_, err := idle.Read(make([]byte, 1))
				assert.ErrorIs(t, err, io.EOF, "an idle connection is closed when the worker retires")
				assert.Equal(t, time.Millisecond, h.now())
				a, b := <-last, <-long
				assert.Equal(t, "1s: 200 instance 1", a.String())
				assert.Equal(t, "2s: 200 instance 1", b.String())
				assert.True(t, a.close && b.close, "each reply says that its connection ends")
				assert.Equal(t, "2.18s: 200 instance 2", (<-more).String(), "it waited in the backlog")
				assert.Equal(t, []string{"0.0 at 2s: max requests"}, h.exits())
			})
		})
	}
	t.Run("what does not finish within the graceful timeout is cut", func(t *testing.T) {
		inHouse(t, config(worker.Evented, func(c *worker.Config) { c.MaxRequests = 1; c.GracefulTimeout = 3 * time.Second }), app(), func(h *house) {
			a := <-h.ask("/await/10s")
			assert.Error(t, a.err)
			assert.Equal(t, 3*time.Second, a.at)
		})
	})
	t.Run("jitter is drawn for each worker, within its bound", func(t *testing.T) {
		limits := map[int]int{}
		for seed := range uint64(300) {
			inHouse(t, config(worker.Sync, func(c *worker.Config) { c.MaxRequests = 2; c.MaxRequestsJitter = 2; c.Seed = seed }), app(), func(h *house) {
				n := 0
				for (<-h.ask("/")).body == "instance 1\n" {
					n++
				}
				limits[n]++
			})
		}
		// Each of 2, 3 and 4 with probability 1/3: 100 of 300, and four standard
		// deviations are 4·√(300·2/9) = 33.
		require.Len(t, limits, 3, "limits drawn: %v", limits)
		for n := 2; n <= 4; n++ {
			assert.InDelta(t, 100, limits[n], 33, "limits drawn: %v", limits)
		}
	})
}

func TestShutdown(t *testing.T) {
	for _, m := range models {
		t.Run(m.String()+" finishes what it has", func(t *testing.T) {
			inHouse(t, config(m, func(c *worker.Config) { c.GracefulTimeout = 30 * time.Second }), app(), func(h *house) {
				a := h.ask("/await/5s")
				time.Sleep(time.Second)
				assert.NoError(t, h.server.Shutdown(context.Background()))
				assert.Equal(t, 5*time.Second, h.now(), "Shutdown returned")
				assert.Equal(t, "5s: 200 instance 1", (<-a).String())
				assert.Error(t, (<-h.ask("/")).err, "nobody listens")
			})
		})
		t.Run(m.String()+" cuts what takes longer than the graceful timeout", func(t *testing.T) {
			inHouse(t, config(m, func(c *worker.Config) { c.GracefulTimeout = 3 * time.Second }), app(), func(h *house) {
				a := h.ask("/await/10s")
				time.Sleep(time.Second)
				assert.ErrorContains(t, h.server.Shutdown(context.Background()), "graceful timeout of 3s were cut: 1")
				assert.Equal(t, 4*time.Second, (<-a).at)
			})
		})
	}
	t.Run("ends with its context", func(t *testing.T) {
		inHouse(t, config(worker.Sync), app(), func(h *house) {
			a := h.ask("/block/10s")
			time.Sleep(time.Millisecond)
			ctx, cancel := context.WithDeadline(context.Background(), h.began.Add(2*time.Second))
			defer cancel()
			assert.ErrorIs(t, h.server.Shutdown(ctx), context.DeadlineExceeded)
			assert.Equal(t, 2*time.Second, (<-a).at)
		})
	})
	t.Run("says so when a worker times out meanwhile", func(t *testing.T) {
		inHouse(t, config(worker.Sync, func(c *worker.Config) { c.Timeout = 2 * time.Second }), app(), func(h *house) {
			a := h.ask("/block/10s")
			time.Sleep(time.Second)
			assert.ErrorContains(t, h.server.Shutdown(context.Background()), "were cut: 1")
			assert.Error(t, (<-a).err)
		})
	})
	t.Run("with a worker that is booting", func(t *testing.T) {
		inHouse(t, config(worker.Sync, func(c *worker.Config) { c.MaxRequests = 1; c.BootTime = time.Hour }), app(), func(h *house) {
			require.NoError(t, (<-h.ask("/")).err)
			time.Sleep(time.Second)
			assert.NoError(t, h.server.Shutdown(context.Background()))
			assert.Equal(t, time.Second, h.now())
		})
	})
	t.Run("before it serves", func(t *testing.T) {
		s, err := worker.New(config(worker.Sync), app())
		require.NoError(t, err)
		assert.NoError(t, s.Shutdown(context.Background()))
	})
}

func TestAServerServesOnce(t *testing.T) {
	inHouse(t, config(worker.Sync), app(), func(h *house) {
		again, err := h.net.Listen("127.0.0.1:8001")
		require.NoError(t, err)
		assert.ErrorIs(t, h.server.Serve(again), http.ErrServerClosed)
		_, err = again.Accept()
		assert.Error(t, err, "the listener that it did not serve is closed")
	})
}

func TestAListenerThatFailsEndsServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, began: time.Now()}
		ln, err := h.net.Listen(addr)
		require.NoError(t, err)
		s, err := worker.New(config(worker.Evented), app())
		require.NoError(t, err)
		served := make(chan error, 1)
		go func() { served <- s.Serve(ln) }()
		a := h.ask("/await/1h")
		time.Sleep(time.Second)
		ln.Close()
		err = <-served
		assert.Error(t, err)
		assert.NotErrorIs(t, err, http.ErrServerClosed, "nobody asked for it")
		assert.Error(t, (<-a).err)
	})
}

func TestConfigErrorsNameTheField(t *testing.T) {
	for field, bad := range map[string]func(*worker.Config){
		"Model is Model(0)":             func(c *worker.Config) { c.Model = 0 },
		"Workers is 0":                  func(c *worker.Config) { c.Workers = 0 },
		"Workers is -1":                 func(c *worker.Config) { c.Workers = -1 },
		"Threads is 0":                  func(c *worker.Config) { c.Threads = 0 },
		"Threads is 2: only a threaded": func(c *worker.Config) { c.Threads = 2 },
		"Threads is 3: only a threaded": func(c *worker.Config) { *c = worker.Defaults(worker.Evented); c.Threads = 3 },
		"Backlog is 0":                  func(c *worker.Config) { c.Backlog = 0 },
		"Timeout is -1s":                func(c *worker.Config) { c.Timeout = -time.Second },
		"Heartbeat is 0s: a loop that":  func(c *worker.Config) { *c = worker.Defaults(worker.Evented); c.Heartbeat = 0 },
		"GracefulTimeout is -1s":        func(c *worker.Config) { c.GracefulTimeout = -time.Second },
		"KeepAlive is -1s":              func(c *worker.Config) { c.KeepAlive = -time.Second },
		"KeepAlive is 2s: a sync":       func(c *worker.Config) { c.KeepAlive = 2 * time.Second },
		"BootTime is -1s":               func(c *worker.Config) { c.BootTime = -time.Second },
		"CPU is -1ns":                   func(c *worker.Config) { c.CPU = -1 },
		"SleepOvershoot is -1ns":        func(c *worker.Config) { c.SleepOvershoot = -1 },
		"MaxRequests is -1":             func(c *worker.Config) { c.MaxRequests = -1 },
		"MaxRequestsJitter is -1":       func(c *worker.Config) { c.MaxRequestsJitter = -1 },
		"MaxRequestsJitter is 5: there": func(c *worker.Config) { c.MaxRequestsJitter = 5 },
		"Replies is Replies(7)":         func(c *worker.Config) { c.Replies = 7 },
		"Replies is end-of-turn":        func(c *worker.Config) { c.Replies = worker.EndOfTurn },
		"AcceptAgain is -0.1":           func(c *worker.Config) { c.AcceptAgain = -0.1 },
		"AcceptAgain is 1":              func(c *worker.Config) { c.AcceptAgain = 1 },
		"WorkerConnections is 0":        func(c *worker.Config) { *c = worker.Defaults(worker.Evented); c.WorkerConnections = 0 },
		"Workers is 2: thread-per":      func(c *worker.Config) { *c = worker.Defaults(worker.ThreadPerRequest); c.Workers = 2 },
		"Timeout is 1s: thread-per":     func(c *worker.Config) { *c = worker.Defaults(worker.ThreadPerRequest); c.Timeout = time.Second },
		"MaxRequests is 9: thread-per":  func(c *worker.Config) { *c = worker.Defaults(worker.ThreadPerRequest); c.MaxRequests = 9 },
	} {
		_, err := worker.New(config(worker.Sync, bad), app())
		assert.ErrorContains(t, err, "worker: Config."+field)
	}
	for _, c := range []struct {
		cfg  worker.Config
		want string
	}{
		{config(worker.Sync, func(c *worker.Config) { c.Workers = 1_001 }), "worker: Config.Workers is 1001: want at most 1000"},
		{config(worker.Threaded, func(c *worker.Config) { c.Threads = 10_001 }), "worker: Config.Threads is 10001: want at most 10000"},
		{config(worker.Uvicorn, func(c *worker.Config) { c.ThreadLimit = 10_001 }),
			"worker: Config.ThreadLimit is 10001: want 0 (no limit), or at most 10000"},
		{config(worker.Sync, func(c *worker.Config) { c.Backlog = 10_000_001 }), "worker: Config.Backlog is 10000001: want at most 10000000"},
		{config(worker.Evented, func(c *worker.Config) { c.WorkerConnections = 10_000_001 }),
			"worker: Config.WorkerConnections is 10000001: want at most 10000000"},
		{config(worker.Sync, func(c *worker.Config) { c.MaxRequests = 10_000_001 }),
			"worker: Config.MaxRequests is 10000001: want at most 10000000"},
		{config(worker.Sync, func(c *worker.Config) { c.MaxRequests, c.MaxRequestsJitter = 1, 10_000_001 }),
			"worker: Config.MaxRequestsJitter is 10000001: want at most 10000000"},
	} {
		_, err := worker.New(c.cfg, app())
		assert.EqualError(t, err, c.want)
	}
	most := config(worker.Threaded, func(c *worker.Config) {
		c.Workers, c.Threads, c.Backlog, c.WorkerConnections = 1_000, 10_000, 10_000_000, 10_000_000
		c.MaxRequests, c.MaxRequestsJitter = 10_000_000, 10_000_000
	})
	_, err := worker.New(most, app())
	assert.NoError(t, err)
	_, err = worker.New(config(worker.Uvicorn, func(c *worker.Config) { c.ThreadLimit = 10_000 }), app())
	assert.NoError(t, err)
	_, err = worker.New(config(worker.Sync), nil)
	assert.ErrorContains(t, err, "newApp is nil")
	for _, m := range models {
		_, err := worker.New(worker.Defaults(m), app())
		assert.NoError(t, err, "the defaults of %v", m)
	}
}

// Kills after a kill: those of sync workers come at the arbiter's looks, each second
// from the server's begin, those of uvicorn's anywhere in the second after their
// time is over.
func TestAKillAfterAKill(t *testing.T) {
	for _, model := range []worker.Model{worker.Sync, worker.Uvicorn} {
		late := map[time.Duration]bool{}
		for seed := range uint64(20) {
			cfg := config(model, func(c *worker.Config) { c.Timeout, c.Seed = 2*time.Second, seed })
			inHouse(t, cfg, app(), func(h *house) {
				time.Sleep(time.Microsecond)
				for range 3 {
					<-h.asks(1, "/block/1h")[0]
				}
				// A client sees its connection cut before the observer is told of the
				// exit, at the same instant, so wait for that instant to be over.
				synctest.Wait()
				h.seen.mu.Lock()
				defer h.seen.mu.Unlock()
				for i, e := range h.seen.exits[1:3] {
					over := h.seen.exits[i].At.Add(cfg.BootTime + cfg.Timeout)
					d := e.At.Sub(over)
					assert.Greater(t, d, time.Duration(0), "%v, seed %d: a kill before its time", model, seed)
					assert.LessOrEqual(t, d, time.Second+time.Millisecond, "%v, seed %d: the arbiter looks once a second", model, seed)
					late[d.Round(100*time.Millisecond)] = true
				}
			})
		}
		if model == worker.Sync {
			assert.Equal(t, map[time.Duration]bool{800 * time.Millisecond: true}, late, "the replacement boots in 0.18 s, and the look is at the full second")
		} else {
			assert.Greater(t, len(late), 6, "40 kills are spread over the second")
		}
	}
}

// gunicorn's own loop beats between two turns, uvicorn's counts ten of its ticks
// before it looks whether it should, and a long turn is one tick: with turns of 2 s
// it beats at each tenth, every 20 s, with turns of 4 s every 40 s. What it had
// counted while it was idle counts too, and what is left of that stays.
func TestUvicornBeatsAtEachTenthTick(t *testing.T) {
	for _, c := range []struct {
		model        worker.Model
		timeout      time.Duration
		idle         time.Duration // before the first turn
		turn         string
		turns, kills int
	}{
		{worker.Evented, 30 * time.Second, 0, "4s", 12, 0},
		{worker.Uvicorn, 30 * time.Second, 0, "4s", 12, 1},
		{worker.Uvicorn, 30 * time.Second, 0, "2s", 30, 0},
		{worker.Uvicorn, 19 * time.Second, 0, "2s", 30, 3},
		// 16.4 s idle: the last beat at 10.5 s, 4 ticks counted, and 6 turns of 3 s to the next
		// look, at 34.4 s: later than 10.5 s + 21 s, and earlier than 12 s + 24 s.
		{worker.Uvicorn, 21 * time.Second, 16400 * time.Millisecond, "3s", 6, 1},
		{worker.Uvicorn, 24 * time.Second, 16400 * time.Millisecond, "3s", 6, 0},
		// 29.3 s idle: the last beat at 15.5 s, 3 ticks counted, and 7 turns of 2 s to the
		// next look; 10 would be too many.
		{worker.Uvicorn, 31 * time.Second, 29300 * time.Millisecond, "2s", 10, 0},
	} {
		cfg := config(c.model, func(cfg *worker.Config) { cfg.Timeout = c.timeout })
		inHouse(t, cfg, app(), func(h *house) {
			time.Sleep(time.Microsecond + c.idle)
			for range c.turns {
				<-h.asks(1, "/block/"+c.turn)[0]
			}
			assert.Len(t, h.exits(), c.kills, "%+v", c)
		})
	}
}
