// The mitigations: what each of them spares the feed, the worker or the others.

package feedsim_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/pocserver/worker"
)

func TestCoalescedRequestsShareAPoll(t *testing.T) {
	together := feedsim.AppConfig{Awaiting: true, Coalesce: true}
	open{constant(2), together, server(worker.Evented)}.run(t, func(h *house) {
		first := h.asks(20, "/check_feed")
		h.sleepUntil(time.Second)
		late := h.ask("/check_feed", 0) // gets what is under way
		for _, a := range append(first, late) {
			assert.Equal(t, "2s: 200 "+nulls, (<-a).String())
		}
		assert.Equal(t, []string{"app-0-0-together-1"}, h.polled(), "21 requests at the same time are one poll")

		h.sleepUntil(3 * time.Second)
		assert.Equal(t, "5s: 200 "+nulls, (<-h.ask("/check_feed", 0)).String(), "nobody gets an answer from before they asked")
		assert.Len(t, h.polled(), 2)
	})
}

// One poll at a time is also what a feed of small capacity can bear.
func TestCoalescingSparesAFeedOfSmallCapacity(t *testing.T) {
	for coalesce, want := range map[bool]time.Duration{false: 20 * time.Second, true: 2 * time.Second} {
		feed := constant(2)
		feed.Capacity = 1
		open{feed, feedsim.AppConfig{Awaiting: true, Coalesce: coalesce}, server(worker.Evented)}.run(t, func(h *house) {
			var last time.Duration
			for _, at := range times(h.asks(10, "/check_feed")) {
				last = max(last, at)
			}
			assert.Equal(t, want, last, "when the last of 10 was answered, coalesced: %v", coalesce)
		})
	}
}

// Coalescing shares within a process: where requests run one at a time there is
// nothing to share, and a loop that is held has nobody to share with.
func TestCoalescingIsNoHelpToWhoRunsOneRequestAtATime(t *testing.T) {
	for _, cfg := range []worker.Config{feedsim.Prefork(), feedsim.Threaded(), feedsim.Evented()} {
		open{constant(2), feedsim.AppConfig{Coalesce: true}, cfg}.run(t, func(h *house) {
			said(h.asks(4, "/check_feed"))
			assert.Len(t, h.polled(), 4, "%v, blocking: the polls of 4 requests", cfg)
		})
	}
}

// Whoever came first may leave: the others' poll goes on.
func TestACoalescedPollOutlivesTheRequestThatBeganIt(t *testing.T) {
	cfg := feedsim.AppConfig{Awaiting: true, Coalesce: true, HonourCancel: true}
	open{constant(3), cfg, server(worker.Evented)}.run(t, func(h *house) {
		impatient := h.ask("/check_feed", time.Second)
		patient := h.ask("/check_feed", 0)
		assert.Error(t, (<-impatient).err)
		assert.Equal(t, "3s: 200 "+nulls, (<-patient).String())
		assert.Len(t, h.polled(), 1)
	})
}

func TestBeyondMaxPollsARequestIsToldAtOnceToComeAgain(t *testing.T) {
	for _, cfg := range []worker.Config{server(worker.Threaded, threads(10)), server(worker.Evented)} {
		open{constant(3), feedsim.AppConfig{Awaiting: true, MaxPolls: 2}, cfg}.run(t, func(h *house) {
			const busy = `0s: 503 {"error":"too many polls are under way: come again later"}`
			two, beyond := h.asks(2, "/check_feed"), h.asks(2, "/check_feed")
			assert.Equal(t, "5", func() string {
				a := <-beyond[0]
				assert.Equal(t, busy, a.String(), "%v", cfg)
				return a.header.Get("Retry-After")
			}(), "Retry-After")
			assert.Equal(t, busy, (<-beyond[1]).String(), "%v", cfg)
			assert.Equal(t, 200, (<-h.ask("/", 0)).status, "what does not poll is not limited")
			assert.Equal(t, []string{"3s: 200 " + nulls, "3s: 200 " + nulls}, said(two), "%v", cfg)
			assert.Equal(t, "6s: 200 "+nulls, (<-h.ask("/check_feed", 0)).String(), "%v: a place is free again", cfg)
		})
	}
}

// A stream keeps its place for as long as it is open.
func TestAStreamKeepsItsPlace(t *testing.T) {
	open{constant(1), feedsim.AppConfig{Awaiting: true, MaxPolls: 1}, server(worker.Evented)}.run(t, func(h *house) {
		stream := h.ask("/stream_feed", 4500*time.Millisecond)
		for at := 500 * time.Millisecond; at < 4*time.Second; at += 500 * time.Millisecond {
			h.sleepUntil(at)
			assert.Equal(t, 503, (<-h.ask("/check_feed", 0)).status, "at %v", at)
		}
		assert.Len(t, (<-stream).lines, 4)
		h.sleepUntil(10 * time.Second)
		assert.Equal(t, 200, (<-h.ask("/check_feed", 0)).status, "the stream is over, its place free")
	})
}

// The limit is the server's: two sync workers with one place for polls leave the
// other worker to everybody else.
func TestTheWorkersShareTheLimit(t *testing.T) {
	open{constant(5), feedsim.AppConfig{MaxPolls: 1}, feedsim.Prefork()}.run(t, func(h *house) {
		poll := h.ask("/check_feed", 0)
		for range 5 {
			assert.Equal(t, 503, (<-h.ask("/check_feed", 0)).status)
			assert.Equal(t, 200, (<-h.ask("/", 0)).status)
		}
		assert.Less(t, h.now(), time.Second, "none of these waited for the poll")
		assert.Equal(t, "5s: 200 "+nulls, (<-poll).String())
	})
}

// A killed worker's place is free again.
func TestAKilledWorkersPlaceIsFreeAgain(t *testing.T) {
	open{constant(40), feedsim.AppConfig{MaxPolls: 1}, server(worker.Sync)}.run(t, func(h *house) {
		assert.Error(t, (<-h.ask("/check_feed", 0)).err)
		require.Equal(t, []string{"0.0 at 31s: worker timeout"}, h.ended())
		h.ask("/check_feed", 0)
		h.sleepUntil(35 * time.Second)
		assert.Len(t, h.polled(), 2, "the second request has the place of the first")
	})
}

func TestOnePollerServesAllStreams(t *testing.T) {
	shared := feedsim.AppConfig{Awaiting: true, SharedPoller: true}
	open{constant(2), shared, server(worker.Evented)}.run(t, func(h *house) {
		var streams []<-chan answer
		for range 10 {
			streams = append(streams, h.ask("/stream_feed", 7*time.Second))
		}
		h.sleepUntil(time.Second)
		late := h.ask("/stream_feed", 2*time.Second)
		for _, s := range streams {
			assert.Equal(t, seconds(2, 4, 6), (<-s).lines)
		}
		assert.Equal(t, seconds(2), (<-late).lines, "who comes in between gets the next line with the others")
		assert.Len(t, h.polled(), 4, "the polls of 11 streams in 7 s")

		h.sleepUntil(30 * time.Second)
		before := len(h.polled())
		assert.LessOrEqual(t, before, 6, "without streams nobody polls")
		h.ask("/stream_feed", 2500*time.Millisecond)
		h.sleepUntil(33 * time.Second)
		assert.Len(t, h.polled(), before+2, "the poller begins again with the next stream")
	})
}

// Whom honours: with the last reader the poll that is under way is given up.
func TestTheSharedPollerStopsWithItsLastReader(t *testing.T) {
	cfg := feedsim.AppConfig{Awaiting: true, SharedPoller: true, HonourCancel: true}
	open{feedsim.FeedConfig{Hangs: 1}, cfg, server(worker.Evented)}.run(t, func(h *house) {
		left := h.leaving()
		h.ask("/stream_feed", 2*time.Second)
		h.ask("/stream_feed", 3*time.Second)
		assert.Equal(t, 3*time.Second, left(), "when the poll left the feed")
	})
}

// sluggish is a client's end of a reply who reads nothing until read is closed.
// It takes nothing of the deadline that is set for it, if deaf.
type sluggish struct {
	*httptest.ResponseRecorder
	read  chan struct{}
	deaf  bool
	limit time.Time
}

func (s *sluggish) SetWriteDeadline(t time.Time) error {
	s.limit = t
	return nil
}

func (s *sluggish) Write(b []byte) (int, error) {
	late := make(<-chan time.Time)
	if !s.deaf {
		t := time.NewTimer(time.Until(s.limit))
		defer t.Stop()
		late = t.C
	}
	select {
	case <-s.read:
		return s.ResponseRecorder.Write(b)
	case <-late:
		return 0, http.ErrHandlerTimeout
	}
}

// slowly streams to a client who begins to read after so long, for 30 s, and
// returns when its stream ended, how many lines it got, and whether it was cut.
func slowly(t *testing.T, app http.Handler, client *sluggish, reads time.Duration) (ended time.Duration, lines int, cut bool) {
	began := time.Now()
	reading := time.AfterFunc(reads, func() { close(client.read) })
	defer reading.Stop()
	defer func() {
		cut = recover() == http.ErrAbortHandler
		ended = time.Since(began).Round(time.Millisecond)
		lines = strings.Count(client.Body.String(), "\n")
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	app.ServeHTTP(client, httptest.NewRequestWithContext(ctx, http.MethodGet, "/stream_feed", nil))
	return
}

// A reader who does not read is dropped: after 10 s where the connection can be
// given a deadline, and in any case when it is 16 lines behind.
func TestTheSharedPollerDropsASlowReaderAndOthersGoOn(t *testing.T) {
	for _, c := range []struct {
		name  string
		deaf  bool
		reads time.Duration
		ended time.Duration
		lines int
		cut   bool
	}{
		{"never reads", false, time.Hour, 11 * time.Second, 0, false}, // the line of 1 s, and 10 s
		// The line of 1 s is being written, those of 2 to 17 s wait, that of 18 s is
		// too many.
		{"reads when it is 17 lines behind", true, 18500 * time.Millisecond, 18500 * time.Millisecond, 1, true},
		{"reads when it is 16 lines behind", true, 17500 * time.Millisecond, 30 * time.Second, 29, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				app := newApp(t, feedsim.AppConfig{SharedPoller: true, HonourCancel: true, Client: direct(newFeed(t, constant(1)))})
				other := make(chan int)
				go func() {
					quick := &sluggish{ResponseRecorder: httptest.NewRecorder(), read: make(chan struct{})}
					_, lines, _ := slowly(t, app, quick, 0)
					other <- lines
				}()
				slow := &sluggish{ResponseRecorder: httptest.NewRecorder(), read: make(chan struct{}), deaf: c.deaf}
				ended, lines, cut := slowly(t, app, slow, c.reads)
				assert.Equal(t, c.ended, ended, "when the slow reader's stream ended")
				assert.Equal(t, c.lines, lines, "the slow reader's lines")
				assert.Equal(t, c.cut, cut, "the slow reader was cut off")
				assert.Equal(t, 29, <-other, "the other reader's lines in 30 s")
			})
		})
	}
}

// The same on a real worker's connection: 64 KiB of lines that nobody reads.
func TestASlowReaderDoesNotKeepItsWorker(t *testing.T) {
	cfg := feedsim.AppConfig{Awaiting: true, SharedPoller: true}
	feed := feedsim.FeedConfig{Delay: feedsim.Constant(time.Millisecond)}
	open{feed, cfg, server(worker.Threaded)}.run(t, func(h *house) {
		c, err := h.net.DialFrom(context.Background(), 1, appAddr)
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Write([]byte("GET /stream_feed HTTP/1.1\r\nHost: x\r\n\r\n"))
		require.NoError(t, err)
		front := <-h.ask("/", 0) // the one thread is the stream's
		require.NoError(t, front.err)
		// 64 KiB are full after 2,700 lines of 24 bytes, chunked: 2.7 s.
		assert.Greater(t, front.at, 12*time.Second)
		assert.Less(t, front.at, 14*time.Second, "the worker is free 10 s after the client's buffer was full")
	})
}
