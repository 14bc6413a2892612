// The event loop: what holds it, when it turns, when replies leave.

package worker_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/pocserver/worker"
)

func TestCodeBetweenTwoAwaitsRunsAlone(t *testing.T) {
	var inside, most atomic.Int64
	busy := func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for range 3 {
				n := inside.Add(1)
				most.Store(max(most.Load(), n))
				time.Sleep(time.Millisecond) // computing, as far as the loop can tell
				inside.Add(-1)
				worker.Await(r.Context(), 5*time.Millisecond)
			}
		})
	}
	inHouse(t, config(worker.Evented), busy, func(h *house) {
		for _, a := range h.asks(20, "/") {
			require.NoError(t, (<-a).err)
		}
		assert.EqualValues(t, 1, most.Load(), "handlers that computed at the same time on one loop")
	})
}

func TestATurnRunsThoseWhoWereReadyWhenItBegan(t *testing.T) {
	var order []string // the loop runs one at a time: no lock
	tell := func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/hold" {
				worker.Block(r.Context(), time.Second)
				return
			}
			for i := range 3 {
				order = append(order, fmt.Sprint(r.URL.Path[1:], i))
				worker.Await(r.Context(), 0)
			}
		})
	}
	inHouse(t, config(worker.Evented), tell, func(h *house) {
		hold := h.ask("/hold")
		time.Sleep(time.Millisecond)
		a, b, c := h.ask("/a"), h.ask("/b"), h.ask("/c")
		<-hold
		<-a
		<-b
		<-c
		assert.Equal(t, "a0 b0 c0 a1 b1 c1 a2 b2 c2", strings.Join(order, " "),
			"awaiting nothing yields one turn: nobody runs twice before another who is ready")
	})
}

// What a task that awaits long does not delay: the heartbeat and new
// connections; what one that blocks does: both.
func TestALoopAcceptsBetweenTurnsOnly(t *testing.T) {
	inHouse(t, config(worker.Evented), app(), func(h *house) {
		time.Sleep(time.Millisecond)
		a := h.ask("/block/3s")
		time.Sleep(time.Second)
		b := h.ask("/")
		time.Sleep(time.Second)
		waiting, ok := h.ln.AcceptBefore(time.Now())
		require.True(t, ok, "while a task holds the loop, a new connection waits in the backlog")
		waiting.Close()
		assert.Error(t, (<-b).err)
		c := h.ask("/")
		assert.Equal(t, 3001*time.Millisecond, (<-a).at)
		assert.Equal(t, 3001*time.Millisecond, (<-c).at, "accepted and served when the turn is over")
	})
}

func TestWhenRepliesLeave(t *testing.T) {
	for _, test := range []struct {
		replies worker.Replies
		want    []time.Duration
	}{
		// Two tasks of one turn, each of which blocks for 5 s.
		{worker.AtOnce, seconds(6, 11)},
		{worker.EndOfTurn, seconds(11, 11)},
	} {
		t.Run(test.replies.String(), func(t *testing.T) {
			inHouse(t, config(worker.Evented, func(c *worker.Config) { c.Replies = test.replies }), app(), func(h *house) {
				hold := h.ask("/block/1s")
				time.Sleep(time.Millisecond)
				turn := h.asks(2, "/block/5s")
				require.NoError(t, (<-hold).err)
				assert.Equal(t, test.want, times(turn))
			})
		})
	}
}

func TestAKillTakesRepliesThatHaveNotLeft(t *testing.T) {
	for _, test := range []struct {
		replies worker.Replies
		want    int
	}{{worker.AtOnce, 3}, {worker.EndOfTurn, 0}} {
		t.Run(test.replies.String(), func(t *testing.T) {
			inHouse(t, config(worker.Evented, func(c *worker.Config) { c.Replies = test.replies }), app(), func(h *house) {
				time.Sleep(time.Millisecond)
				hold := h.ask("/block/1s")
				time.Sleep(time.Millisecond)
				turn := h.asks(5, "/block/10s")
				require.NoError(t, (<-hold).err)
				got := 0
				for _, a := range turn {
					if (<-a).err == nil {
						got++
					}
				}
				// The turn would take 50 s; the worker dies in its fourth task.
				assert.Equal(t, []string{"0.0 at 32s: worker timeout"}, h.exits())
				assert.Equal(t, test.want, got, "finished replies that reached their clients")
			})
		})
	}
}

// stream writes a line, waits, writes a line, and so on.
func stream(lines int, wait func(r *http.Request)) func() http.Handler {
	return func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/stream" {
				return
			}
			for i := range lines {
				fmt.Fprintf(w, "line %d\n", i)
				http.NewResponseController(w).Flush()
				wait(r)
			}
		})
	}
}

func TestAStreamLeavesLineByLine(t *testing.T) {
	await := func(r *http.Request) { worker.Await(r.Context(), time.Second) }
	block := func(r *http.Request) { worker.Block(r.Context(), time.Second) }
	for _, test := range []struct {
		name    string
		model   worker.Model
		replies worker.Replies
		wait    func(*http.Request)
		want    []time.Duration
		probe   time.Duration // when another request, sent at 0.5 s, is answered
	}{
		{"sync", worker.Sync, worker.AtOnce, block, seconds(0, 1, 2), 3 * time.Second},
		{"evented, awaiting", worker.Evented, worker.AtOnce, await, seconds(0, 1, 2), 500 * time.Millisecond},
		{"evented, blocking", worker.Evented, worker.AtOnce, block, seconds(0, 1, 2), 3 * time.Second},
		{"evented, awaiting, at the end of the turn", worker.Evented, worker.EndOfTurn, await, seconds(0, 1, 2), 500 * time.Millisecond},
		{"evented, blocking, at the end of the turn", worker.Evented, worker.EndOfTurn, block, seconds(3, 3, 3), 3 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := config(test.model)
			cfg.Replies = test.replies
			inHouse(t, cfg, stream(3, test.wait), func(h *house) {
				c := h.dial()
				defer c.Close()
				fmt.Fprint(c, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
				r := bufio.NewReader(c)
				probe := make(chan time.Duration, 1)
				go func() {
					time.Sleep(500 * time.Millisecond)
					probe <- (<-h.ask("/")).at
				}()
				reply, err := http.ReadResponse(r, nil)
				require.NoError(t, err)
				lines := bufio.NewScanner(reply.Body)
				var got []time.Duration
				for lines.Scan() {
					assert.Equal(t, fmt.Sprint("line ", len(got)), lines.Text())
					got = append(got, h.now())
				}
				assert.Equal(t, test.want, got, "when each line came")
				assert.Equal(t, test.probe, <-probe, "the other request's answer")
			})
		})
	}
}

func TestASlowReaderDoesNotHoldTheLoop(t *testing.T) {
	big := func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/big" {
				w.Write(make([]byte, 1<<20))
			}
		})
	}
	for _, replies := range []worker.Replies{worker.AtOnce, worker.EndOfTurn} {
		t.Run(replies.String(), func(t *testing.T) {
			inHouse(t, config(worker.Evented, func(c *worker.Config) { c.Replies = replies }), big, func(h *house) {
				c := h.dial()
				defer c.Close()
				fmt.Fprint(c, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
				time.Sleep(time.Second)
				assert.Equal(t, time.Second, (<-h.ask("/")).at, "another request, while a megabyte waits for its reader")
				h.sleepUntil(40 * time.Second)
				assert.Empty(t, h.exits(), "and so does the heartbeat")
				reply, err := http.ReadResponse(bufio.NewReader(c), nil)
				require.NoError(t, err)
				n, err := io.Copy(io.Discard, reply.Body)
				assert.NoError(t, err)
				assert.EqualValues(t, 1<<20, n, "the reader gets it all in the end")
			})
		})
	}
}

func TestASlowBodyDoesNotHoldTheLoop(t *testing.T) {
	inHouse(t, config(worker.Evented), app(), func(h *house) {
		c := h.dial()
		defer c.Close()
		fmt.Fprint(c, "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
		time.Sleep(time.Second)
		assert.Equal(t, time.Second, (<-h.ask("/")).at, "another request, while a body is not complete")
		fmt.Fprint(c, "def")
		assert.Equal(t, "1s: 200 instance 1", h.read(bufio.NewReader(c)).String())
	})
}

func TestAHandlersOwnWriteDeadlineHolds(t *testing.T) {
	for _, m := range []worker.Model{worker.Sync, worker.Evented} {
		t.Run(m.String(), func(t *testing.T) {
			failed := make(chan time.Duration, 1)
			var h *house
			strict := func() http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					rc := http.NewResponseController(w)
					require.NoError(t, rc.SetWriteDeadline(time.Now().Add(2*time.Second)))
					for {
						if _, err := w.Write(make([]byte, 1<<16)); err != nil {
							failed <- h.now()
							return
						}
					}
				})
			}
			inHouse(t, config(m), strict, func(in *house) {
				h = in
				failed = make(chan time.Duration, 1)
				c := h.dial()
				defer c.Close()
				fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				assert.Equal(t, 2*time.Second, <-failed)
			})
		})
	}
}

func TestAStreamOfHTTP10EndsWithItsLastLine(t *testing.T) {
	await := func(r *http.Request) { worker.Await(r.Context(), time.Second) }
	for _, replies := range []worker.Replies{worker.AtOnce, worker.EndOfTurn} {
		last := func() http.Handler {
			lines := stream(2, await)()
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				lines.ServeHTTP(w, r)
				io.WriteString(w, "last\n")
				w.(http.Flusher).Flush()
			})
		}
		inHouse(t, config(worker.Evented, func(c *worker.Config) { c.Replies = replies }), last, func(h *house) {
			c := h.dial()
			defer c.Close()
			fmt.Fprint(c, "GET /stream HTTP/1.0\r\n\r\n")
			text, err := io.ReadAll(c)
			assert.NoError(t, err)
			_, body, _ := strings.Cut(string(text), "\r\n\r\n")
			assert.Equal(t, "line 0\nline 1\nlast\n", body, "replies leave %v", replies)
		})
	}
}

func TestAnUnreadBodyDoesNotHoldTheLoop(t *testing.T) {
	careless := func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/close":
				r.Body.Close()
			case "/flush":
				io.WriteString(w, "hello")
				w.(http.Flusher).Flush()
			}
		})
	}
	for _, path := range []string{"/close", "/flush"} {
		inHouse(t, config(worker.Evented), careless, func(h *house) {
			c := h.dial()
			defer c.Close()
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc", path)
			time.Sleep(time.Second)
			assert.Equal(t, time.Second, (<-h.ask("/")).at, "another request, while %s waits for three bytes", path)
		})
	}
}

func TestWhoRecoversFromAPanicInAThreadIsOnTheLoopAgain(t *testing.T) {
	var inside, most atomic.Int64
	recovers := func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			func() {
				defer func() { _ = recover() }()
				worker.InThread(r.Context(), func() { panic("a view's own") })
			}()
			most.Store(max(most.Load(), inside.Add(1)))
			worker.Block(r.Context(), time.Second)
			inside.Add(-1)
		})
	}
	inHouse(t, config(worker.Evented), recovers, func(h *house) {
		assert.Equal(t, seconds(1, 2, 3), times(h.asks(3, "/")))
		assert.EqualValues(t, 1, most.Load(), "handlers at once on one loop")
	})
}

// A goroutine that outlives its request, as under http.TimeoutHandler, must not
// take the loop for it.
func TestWhatOutlivesItsRequestDoesNotTakeTheLoop(t *testing.T) {
	hurried := func() http.Handler { return http.TimeoutHandler(app()(), time.Second, "late") }
	inHouse(t, config(worker.Evented), hurried, func(h *house) {
		assert.Equal(t, 503, (<-h.ask("/await/5s")).status)
		h.sleepUntil(6 * time.Second)
		assert.Equal(t, 6*time.Second, (<-h.ask("/")).at)
		h.sleepUntil(40 * time.Second)
		assert.Empty(t, h.exits())
	})
}

// The heartbeat is a task: it comes due once a second, waits for its turn while
// the loop is held, and does not wait while nobody holds it.
func TestWhenALoopBeats(t *testing.T) {
	timeout := func(d time.Duration) func(*worker.Config) { return func(c *worker.Config) { c.Timeout = d } }
	at := func(h *house, when time.Duration, path string) {
		go func() {
			h.sleepUntil(when)
			c := h.dial()
			defer c.Close()
			h.over(c, path)
		}()
	}
	const ms = time.Millisecond
	for _, test := range []struct {
		name    string
		timeout time.Duration
		load    func(h *house)
		want    string
	}{
		{"an idle loop at whole seconds: last at 1 s", 30500 * ms, func(h *house) {
			at(h, 1700*ms, "/block/1h")
		}, "0.0 at 32s: worker timeout"},
		{"overdue, and at once when the loop is free: at 2.3 s", 5500 * ms, func(h *house) {
			at(h, 1*ms, "/block/2299ms")
			at(h, 3100*ms, "/block/1h")
		}, "0.0 at 8s: worker timeout"},
		{"in its place among those who wait: after 2 s more, at 4 s", 5 * time.Second, func(h *house) {
			before, after := h.dial(), h.dial() // accepted, and silent so far
			time.Sleep(ms)
			at(h, 2*ms, "/block/1998ms")
			go func() { h.sleepUntil(500 * ms); h.over(before, "/block/2s") }()
			go func() { h.sleepUntil(1500 * ms); h.over(after, "/block/1h") }()
		}, "0.0 at 10s: worker timeout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inHouse(t, config(worker.Evented, timeout(test.timeout)), app(), func(h *house) {
				test.load(h)
				h.sleepUntil(60 * time.Second)
				require.NotEmpty(t, h.exits())
				assert.Equal(t, test.want, h.exits()[0])
			})
		})
	}
}
