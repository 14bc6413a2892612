// The same seed gives the same run, to the nanosecond: each variant of the app,
// on servers and before a feed where requests get in each other's way.

package feedsim_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver/worker"
)

// traffic is what the exercise's app is asked in some seconds, all at once: polls,
// streams that all begin together, and a front page.
func traffic(t *testing.T, o open) (records []load.Record, polls []string) {
	t.Helper()
	o.run(t, func(h *house) {
		target := load.Target{Host: appAddr, Seed: 1, Dial: func(ctx context.Context, client int) (net.Conn, error) {
			return h.net.DialFrom(ctx, 1+client, appAddr)
		}}
		var err error
		records, err = load.Run(context.Background(), target, 40*time.Second,
			load.Open{Path: "/check_feed", Rate: 10, Duration: 5 * time.Second, Timeout: 15 * time.Second},
			load.Closed{Path: "/stream_feed", Connections: 10, Start: time.Second, Requests: 1, KeepBody: true},
			load.Closed{Path: "/check_feed", Connections: 10, Start: time.Second, Requests: 2},
			load.Probe("front page", "/", time.Second, 20*time.Second),
		)
		require.NoError(t, err)
		polls = h.polled()
	})
	return records, polls
}

func TestTheSameSeedGivesTheSameRun(t *testing.T) {
	slow := feedsim.FeedConfig{Seed: 1}
	narrow := feedsim.FeedConfig{Seed: 1, Delay: feedsim.WholeSeconds(0, 1), Capacity: 3, Errors: 0.1}
	for _, c := range []struct {
		name string
		open open
	}{
		{"as shipped, prefork", open{slow, feedsim.AppConfig{}, feedsim.Prefork()}},
		{"as shipped, evented", open{slow, feedsim.AppConfig{}, feedsim.Evented()}},
		{"threads", open{slow, feedsim.AppConfig{}, server(worker.Threaded, workers(2), threads(10))}},
		{"awaiting, a narrow feed", open{narrow, feedsim.AppConfig{Awaiting: true}, feedsim.Evented()}},
		{"honouring, with a timeout", open{slow, feedsim.AppConfig{Awaiting: true, HonourCancel: true, FeedTimeout: 3 * time.Second}, feedsim.Evented()}},
		{"limited", open{slow, feedsim.AppConfig{Awaiting: true, MaxPolls: 5}, feedsim.Evented()}},
		{"coalesced", open{narrow, feedsim.AppConfig{Awaiting: true, Coalesce: true}, feedsim.Evented()}},
		{"all", open{narrow, feedsim.AppConfig{Awaiting: true, HonourCancel: true, FeedTimeout: 3 * time.Second,
			MaxPolls: 20, Coalesce: true, SharedPoller: true}, feedsim.Evented()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			first, polls := traffic(t, c.open)
			require.NotEmpty(t, polls)
			for range 2 {
				again, pollsAgain := traffic(t, c.open)
				require.Equal(t, polls, pollsAgain, "the polls that reached the feed, in their order")
				require.Len(t, again, len(first))
				for i := range first {
					require.Equal(t, fmt.Sprintf("%+v", first[i]), fmt.Sprintf("%+v", again[i]), "record %d", i)
				}
			}
		})
	}
}

// Another seed is another run.
func TestAnotherSeedIsAnotherRun(t *testing.T) {
	app := feedsim.AppConfig{Awaiting: true}
	one, _ := traffic(t, open{feedsim.FeedConfig{Seed: 1}, app, feedsim.Evented()})
	other, _ := traffic(t, open{feedsim.FeedConfig{Seed: 2}, app, feedsim.Evented()})
	assert.NotEqual(t, fmt.Sprint(one), fmt.Sprint(other))
}

// Who comes at the very instant at which a shared poll ends gets its result or the
// next one's, the same in every run.
func TestWhoComesAtTheVeryInstantOfASharedPollsEnd(t *testing.T) {
	for _, path := range []string{"/check_feed", "/stream_feed"} {
		for after := range time.Duration(6) { // nanoseconds: one of these is that instant
			seen := map[time.Duration]int{}
			for range 30 {
				synctest.Test(t, func(t *testing.T) {
					app := newApp(t, feedsim.AppConfig{Coalesce: true, SharedPoller: true, HonourCancel: true, Client: direct(newFeed(t, constant(2)))})
					began := time.Now()
					ctx, leave := context.WithTimeout(t.Context(), 5*time.Second)
					defer leave()
					ask := func(name string) (first time.Duration) {
						r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
						r.Header.Set("X-Request-ID", name)
						w := &stopwatch{ResponseRecorder: httptest.NewRecorder()}
						app.ServeHTTP(w, r)
						return w.first.Sub(began)
					}
					done := make(chan struct{})
					go func() {
						ask("a")
						close(done)
					}()
					time.Sleep(2*time.Second + after)
					seen[ask("b")]++
					<-done
				})
			}
			assert.Len(t, seen, 1, "%s, 2 s and %d ns after the first: when it was answered, and how often", path, after)
		}
	}
}

// stopwatch is a recorder that remembers when it was first written to.
type stopwatch struct {
	*httptest.ResponseRecorder
	first time.Time
}

func (s *stopwatch) Write(b []byte) (int, error) {
	if s.first.IsZero() {
		s.first = time.Now()
	}
	return s.ResponseRecorder.Write(b)
}
