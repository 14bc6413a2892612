// Polls: what holds a worker, what ends a wait, and what the client is told.

package feedsim_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/pocserver/worker"
)

// Three polls of 2 s each, asked for together, and who waits for whom.
func TestABlockingPollHoldsTheLoopAndAnAwaitingOneDoesNot(t *testing.T) {
	for _, c := range []struct {
		name     string
		server   worker.Config
		awaiting bool
		want     []time.Duration
	}{
		{"sync", server(worker.Sync), false, seconds(2, 4, 6)},
		{"sync, awaiting", server(worker.Sync), true, seconds(2, 4, 6)},
		{"threaded", server(worker.Threaded, threads(2)), false, seconds(2, 2, 4)},
		{"evented, blocking", server(worker.Evented), false, seconds(2, 4, 6)},
		{"evented, awaiting", server(worker.Evented), true, seconds(2, 2, 2)},
	} {
		t.Run(c.name, func(t *testing.T) {
			open{constant(2), feedsim.AppConfig{Awaiting: c.awaiting}, c.server}.run(t, func(h *house) {
				polls := h.asks(3, "/check_feed")
				assert.Equal(t, c.want, times(polls), "when the polls were answered")
				// (In which order polls of one instant reach the feed, their ports say.)
				assert.ElementsMatch(t, []string{"q1.1", "q2.1", "q3.1"}, h.polled(), "each poll is named for its request")
			})
		})
	}
}

// The front page, asked for after a poll has begun, comes when the loop is free.
func TestTheFrontPageWaitsForABlockingPoll(t *testing.T) {
	for awaiting, want := range map[bool]time.Duration{false: 3 * time.Second, true: 0} {
		open{constant(3), feedsim.AppConfig{Awaiting: awaiting}, server(worker.Evented)}.run(t, func(h *house) {
			poll := h.ask("/check_feed", 0)
			front := <-h.ask("/", 0)
			assert.Equal(t, want, front.at, "when the front page came, awaiting: %v", awaiting)
			assert.Equal(t, "3s: 200 "+nulls, (<-poll).String())
		})
	}
}

func TestAStreamIsALineAPoll(t *testing.T) {
	for _, awaiting := range []bool{false, true} {
		open{constant(2), feedsim.AppConfig{Awaiting: awaiting}, server(worker.Evented)}.run(t, func(h *house) {
			stream := <-h.ask("/stream_feed", 7*time.Second)
			assert.Equal(t, http.StatusOK, stream.status)
			assert.Equal(t, "application/json", stream.header.Get("Content-Type"))
			assert.Equal(t, seconds(2, 4, 6), stream.lines, "when the lines came, awaiting: %v", awaiting)
			assert.Equal(t, nulls+"\n"+nulls+"\n"+nulls+"\n", stream.body)
			assert.Equal(t, []string{"q1.1", "q1.2", "q1.3", "q1.4"}, h.polled())
		})
	}
}

// Two requests for one worker; the first client leaves after 1 s of its 5 s poll.
func TestAWorkerDoesNotKnowThatItsClientHasLeftUnlessTheAppLooks(t *testing.T) {
	for _, c := range []struct {
		name   string
		honour bool
		want   string
	}{
		{"ignored", false, "10s: 200 " + nulls},
		{"honoured", true, "6s: 200 " + nulls},
	} {
		for _, server := range []worker.Config{server(worker.Sync), server(worker.Threaded), server(worker.Evented)} {
			t.Run(c.name+", "+server.Model.String(), func(t *testing.T) {
				open{constant(5), feedsim.AppConfig{HonourCancel: c.honour}, server}.run(t, func(h *house) {
					impatient := h.ask("/check_feed", time.Second)
					second := h.ask("/check_feed", 0)
					assert.Error(t, (<-impatient).err)
					assert.Equal(t, c.want, (<-second).String(), "the second client's reply")
				})
			})
		}
	}
}

// A client that left while it was queued: its request is read from the dead
// connection, and polled for, or not.
func TestAQueuedRequestWhoseClientHasLeftIsNotPolledForIfTheAppLooks(t *testing.T) {
	for honour, want := range map[bool][]string{false: {"q1.1", "q2.1", "q3.1"}, true: {"q1.1", "q3.1"}} {
		open{constant(5), feedsim.AppConfig{HonourCancel: honour}, server(worker.Sync)}.run(t, func(h *house) {
			first := h.ask("/check_feed", 0)
			impatient := h.ask("/check_feed", time.Second)
			third := h.ask("/check_feed", 0)
			<-first
			<-impatient
			<-third
			assert.Equal(t, want, h.polled(), "the polls that reached the feed, honouring: %v", honour)
		})
	}
}

// The same where it is this very instant that the client leaves.
func TestWhoLeavesAtOneInstantIsNotPolledForIfTheAppLooks(t *testing.T) {
	for _, cfg := range []feedsim.AppConfig{{HonourCancel: true}, {HonourCancel: true, Coalesce: true}, {HonourCancel: true, SharedPoller: true}} {
		for range 30 {
			synctest.Test(t, func(t *testing.T) {
				polls := 0
				cfg.Client = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
					polls++
					return httptest.NewRecorder().Result(), nil
				})}
				app := newApp(t, cfg)
				ctx, leave := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, leave)
				time.Sleep(time.Second)
				for _, path := range []string{"/check_feed", "/stream_feed"} {
					app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil))
				}
				synctest.Wait()
				require.Zero(t, polls, "polls for a client who has left: %+v", cfg)
			})
		}
	}
}

// A stream whose reader has left ends by itself: at the second line that cannot be
// written if the app does not look, at once if it does.
func TestAStreamEndsWhenItCannotBeWritten(t *testing.T) {
	for honour, want := range map[bool]int{false: 3, true: 2} {
		open{constant(2), feedsim.AppConfig{HonourCancel: honour}, server(worker.Sync)}.run(t, func(h *house) {
			<-h.ask("/stream_feed", 3*time.Second)
			front := <-h.ask("/", 0)
			assert.Len(t, h.polled(), want, "polls of a stream that was read for 3 s, honouring: %v", honour)
			require.NoError(t, front.err, "the worker is free again")
			if honour {
				assert.Equal(t, 3*time.Second, front.at)
			} else {
				assert.Equal(t, 6*time.Second, front.at, "a write at 4 s is answered with a reset, the one at 6 s fails")
			}
		})
	}
}

// A stream whose reader left while it was in the queue costs one poll and not two:
// its header is the first to be answered with a reset, and its first line fails.
func TestAStreamWhoseReaderHasLeftBeforeItBeganCostsOnePoll(t *testing.T) {
	open{constant(2), feedsim.AppConfig{}, server(worker.Sync)}.run(t, func(h *house) {
		busy := h.ask("/check_feed", 0)
		time.Sleep(time.Microsecond)
		h.ask("/stream_feed", time.Second)
		time.Sleep(time.Microsecond)
		front := <-h.ask("/", 0)
		require.NoError(t, (<-busy).err)
		require.NoError(t, front.err)
		assert.Equal(t, 4*time.Second, front.at.Round(time.Millisecond), "two seconds behind who was first, and two behind the stream")
		assert.Len(t, h.polled(), 2)
	})
}

// A feed slower than the worker timeout: the arbiter kills the worker, and its
// poll with it, though nobody ever answers that.
func TestAKilledWorkersPollEnds(t *testing.T) {
	hangs := feedsim.FeedConfig{Hangs: 1}
	for _, c := range []struct {
		name string
		app  feedsim.AppConfig
		path string
	}{
		{"blocking", feedsim.AppConfig{}, "/check_feed"},
		{"stream", feedsim.AppConfig{}, "/stream_feed"},
		{"honouring", feedsim.AppConfig{HonourCancel: true}, "/check_feed"},
		{"coalesced", feedsim.AppConfig{Coalesce: true}, "/check_feed"},
		{"shared poller", feedsim.AppConfig{SharedPoller: true}, "/stream_feed"},
		{"limited", feedsim.AppConfig{MaxPolls: 1}, "/check_feed"},
	} {
		for _, model := range []worker.Model{worker.Sync, worker.Evented} {
			t.Run(c.name+", "+model.String(), func(t *testing.T) {
				open{hangs, c.app, server(model)}.run(t, func(h *house) {
					left := h.leaving()
					poll := <-h.ask(c.path, 0)
					assert.Error(t, poll.err, "the client is cut off")
					assert.Equal(t, []string{"0.0 at 31s: worker timeout"}, h.ended())
					assert.Equal(t, 31*time.Second, left(), "when the poll left the feed: with its worker")
				})
			})
		}
	}
}

// The same when the client left before: nothing tells the app of the kill, and it
// looks once a second.
func TestAKilledWorkersPollEndsWithinASecondOfAClientWhoLeftBefore(t *testing.T) {
	open{feedsim.FeedConfig{Hangs: 1}, feedsim.AppConfig{}, server(worker.Sync)}.run(t, func(h *house) {
		left := h.leaving()
		<-h.ask("/check_feed", 10500*time.Millisecond)
		assert.Equal(t, 31500*time.Millisecond, left(), "when the poll left the feed")
		assert.Equal(t, []string{"0.0 at 31s: worker timeout"}, h.ended())
	})
}

// What a request that got no answer from the feed is told.
func TestAFeedThatFails(t *testing.T) {
	errors := feedsim.FeedConfig{Delay: feedsim.Constant(time.Second), Errors: 1}
	nobody := feedsim.NewClient(func(context.Context, string, string) (net.Conn, error) {
		return new(simnet.Network).DialContext(context.Background(), "tcp", feedAddr)
	})
	impatient := func(h *http.Client) *http.Client { h.Timeout = time.Second; return h }
	for _, c := range []struct {
		name string
		feed feedsim.FeedConfig
		app  feedsim.AppConfig
		want string
	}{
		{"an error", errors, feedsim.AppConfig{}, `1s: 500 {"error":"the feed answered 500"}`},
		{"nobody there", constant(1), feedsim.AppConfig{Client: nobody}, `0s: 500 {"error":"no answer from the feed: connection refused"}`},
		{"a timeout", constant(3), feedsim.AppConfig{FeedTimeout: 2 * time.Second}, `2s: 504 {"error":"the feed did not answer in time"}`},
		{"a timeout that is enough", constant(1), feedsim.AppConfig{FeedTimeout: 2 * time.Second}, "1s: 200 " + nulls},
		{"as long as the timeout", constant(2), feedsim.AppConfig{FeedTimeout: 2 * time.Second}, `2s: 504 {"error":"the feed did not answer in time"}`},
		{"a hang, with a timeout", feedsim.FeedConfig{Hangs: 1}, feedsim.AppConfig{FeedTimeout: 2 * time.Second}, `2s: 504 {"error":"the feed did not answer in time"}`},
		{"an error, coalesced", errors, feedsim.AppConfig{Coalesce: true}, `1s: 500 {"error":"the feed answered 500"}`},
		{"a timeout, coalesced", constant(3), feedsim.AppConfig{Coalesce: true, FeedTimeout: 2 * time.Second}, `2s: 504 {"error":"the feed did not answer in time"}`},
		{"an error, shared poller", errors, feedsim.AppConfig{SharedPoller: true}, `1s: 500 {"error":"the feed answered 500"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, path := range []string{"/check_feed", "/stream_feed"} {
				open{c.feed, c.app, server(worker.Sync)}.run(t, func(h *house) {
					a := <-h.ask(path, 100*time.Second)
					if path == "/stream_feed" && a.status == 200 {
						return // as it should be: /check_feed says so
					}
					assert.Equal(t, c.want, a.String(), path)
				})
			}
		})
	}
	t.Run("the client's own timeout", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			app := newApp(t, feedsim.AppConfig{Client: impatient(direct(newFeed(t, constant(3))))})
			began := time.Now()
			w := get(app, "/check_feed", "")
			assert.Equal(t, http.StatusGatewayTimeout, w.Code, w.Body)
			assert.Equal(t, time.Second, time.Since(began))
		})
	})
}

// A stream that has begun cannot be told of an error: it is cut, which its reader
// can tell from an end.
func TestAStreamThatHasBegunIsCutWhenTheFeedFails(t *testing.T) {
	for _, shared := range []bool{false, true} {
		n := 0
		fails := roundTrip(func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			w := httptest.NewRecorder()
			if n++; n > 2 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return w.Result(), nil
		})
		app := feedsim.AppConfig{Client: &http.Client{Transport: fails}, SharedPoller: shared}
		open{constant(1), app, server(worker.Sync)}.run(t, func(h *house) {
			a := <-h.ask("/stream_feed", 0)
			assert.Equal(t, seconds(1, 2), a.lines, "shared poller: %v", shared)
			assert.ErrorContains(t, a.err, "unexpected EOF", "the stream has no end")
			assert.Equal(t, 3*time.Second, a.at)
		})
	}
}

// A poll that is given up while it dials a feed that drops its SYNs gives up the
// dial too; http.Transport would go on for 127 s.
func TestAPollThatIsGivenUpGivesUpItsDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n simnet.Network
		ln, err := n.Listen(feedAddr) // nobody accepts
		require.NoError(t, err)
		defer ln.Close()
		require.NoError(t, ln.SetBacklog(0))
		full, err := n.DialContext(t.Context(), "tcp", feedAddr)
		require.NoError(t, err)
		defer full.Close()

		began, dialled := time.Now(), make(chan time.Duration, 1)
		client := feedsim.NewClient(func(ctx context.Context, _, addr string) (net.Conn, error) {
			c, err := n.DialFrom(ctx, feedsim.PollPort(ctx), addr)
			dialled <- time.Since(began)
			return c, err
		})
		w := get(newApp(t, feedsim.AppConfig{Client: client, FeedTimeout: 2 * time.Second}), "/check_feed", "")
		assert.Equal(t, http.StatusGatewayTimeout, w.Code)
		assert.Equal(t, 2*time.Second, <-dialled, "how long the poll dialled")
	})
}

func TestAPollsPortIsItsNames(t *testing.T) {
	var ports []int
	client := feedsim.NewClient(func(ctx context.Context, _, _ string) (net.Conn, error) {
		ports = append(ports, feedsim.PollPort(ctx))
		return nil, net.ErrClosed
	})
	for _, name := range []string{"a", "a", "b"} {
		get(newApp(t, feedsim.AppConfig{Client: client}), "/check_feed", name)
	}
	require.Len(t, ports, 3)
	assert.Equal(t, ports[0], ports[1], "the same request")
	assert.NotEqual(t, ports[0], ports[2], "another request")
	for _, p := range append(ports, feedsim.PollPort(context.Background())) {
		assert.True(t, 1 <= p && p <= 65535, "port %d", p)
	}
}
