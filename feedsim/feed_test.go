// The feed: how long it takes, what else may become of a poll, and that seed and
// poll decide which.

package feedsim_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
)

// took is how long the feed takes for a poll of that name.
func took(t *testing.T, feed http.Handler, name string) time.Duration {
	began := time.Now()
	w := get(feed, "/", name)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Equal(t, "null", w.Body.String())
	return time.Since(began)
}

func TestTheExercisesFeedTakes0To5WholeSecondsEachAsLikely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feed := newFeed(t, feedsim.FeedConfig{Seed: 1})
		const n = 3000
		count := map[time.Duration]int{}
		for range n {
			count[took(t, feed, "")]++
		}
		for s := range 6 {
			// A count of n with chance 1/6 each: five standard deviations. The draws
			// are fixed, so that a pass is a pass for ever.
			assert.InDelta(t, n/6, count[time.Duration(s)*time.Second], 5*math.Sqrt(n*5./36), "polls that took %d s", s)
		}
		assert.Len(t, count, 6, "nothing between or beyond: %v", count)
	})
}

// The mean and the share below it, of each distribution, against its own theory,
// within five standard errors; over named polls and over seeds.
func TestEachDelayHasTheMeanAndTheMedianOfItsKind(t *testing.T) {
	const n = 2000
	const s = time.Second
	for _, c := range []struct {
		delay     feedsim.Delay
		says      string
		mean      time.Duration
		deviation float64 // standard deviation, in seconds
		below     time.Duration
		share     float64 // of polls that take less than below
	}{
		{feedsim.Delay{}, "0 to 5 whole seconds", 2500 * time.Millisecond, math.Sqrt(35. / 12), 3 * s, .5},
		{feedsim.WholeSeconds(1, 3), "1 to 3 whole seconds", 2 * s, math.Sqrt(8. / 12), 3 * s, 2. / 3},
		{feedsim.Constant(2 * s), "always 2s", 2 * s, 0, 2 * s, 0},
		{feedsim.Uniform(s, 4*s), "uniform from 1s to 4s", 2500 * time.Millisecond, 3 / math.Sqrt(12), 2 * s, 1. / 3},
		{feedsim.Exponential(2 * s), "exponential with mean 2s", 2 * s, 2, 2 * s, 1 - math.Exp(-1)},
		// Variance mean² (exp(sigma²) - 1); median mean exp(-sigma²/2).
		{feedsim.LogNormal(2*s, 0.5), "log-normal with mean 2s and sigma 0.5", 2 * s, 2 * math.Sqrt(math.Expm1(.25)),
			time.Duration(2e9 * math.Exp(-.125)), .5},
	} {
		assert.Equal(t, c.says, c.delay.String())
		assert.Equal(t, c.mean, c.delay.Mean(), c.says)
		one := newFeed(t, feedsim.FeedConfig{Seed: 1, Delay: c.delay})
		for over, feed := range map[string]func(i int) (http.Handler, string){
			"polls": func(i int) (http.Handler, string) { return one, fmt.Sprintf("12-0.%d", i) },
			"seeds": func(i int) (http.Handler, string) {
				return newFeed(t, feedsim.FeedConfig{Seed: uint64(i), Delay: c.delay}), "12-0.1"
			},
		} {
			synctest.Test(t, func(t *testing.T) {
				var sum float64
				below := 0
				for i := range n {
					feed, name := feed(i)
					d := took(t, feed, name)
					sum += d.Seconds()
					if d < c.below {
						below++
					}
				}
				assert.InDelta(t, c.mean.Seconds(), sum/n, 5*c.deviation/math.Sqrt(n)+1e-9, "%s, over %s: the mean", c.says, over)
				assert.InDelta(t, c.share, float64(below)/n, 5*math.Sqrt(c.share*(1-c.share)/n)+1e-9,
					"%s, over %s: the share below %v", c.says, over, c.below)
			})
		}
	}
}

func TestTheSameSeedAndPollTakeTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := feedsim.FeedConfig{Seed: 7, Delay: feedsim.Exponential(time.Second)}
		one, other := newFeed(t, cfg), newFeed(t, cfg)
		seen := map[time.Duration]string{}
		for _, name := range []string{"a", "b", "ab", "ba", "1-0.1", "1-0.2", "2-0.1"} {
			d := took(t, one, name)
			took(t, one, "another between")
			assert.Equal(t, d, took(t, other, name), "poll %s", name)
			assert.NotContains(t, seen, d, "%s takes as long as %s", name, seen[d])
			seen[d] = name
		}
		assert.Equal(t, took(t, one, ""), took(t, other, ""), "the first poll without a name")
		assert.NotEqual(t, took(t, one, ""), took(t, one, ""), "two polls without a name")
	})
}

func TestErrorsAndHangsComeInTheirShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 2000
		feed := newFeed(t, feedsim.FeedConfig{Seed: 1, Errors: 0.3, Hangs: 0.2})
		var failed, hung, late float64
		for i := range n {
			// A poller who waits for a minute has waited for longer than any poll.
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
			r.Header.Set("X-Request-ID", strconv.Itoa(i))
			w := httptest.NewRecorder()
			began := time.Now()
			feed.ServeHTTP(w, r)
			switch {
			case ctx.Err() != nil:
				hung++
			case w.Code == http.StatusInternalServerError:
				failed++
				late += time.Since(began).Seconds()
			default:
				require.Equal(t, "null", w.Body.String())
			}
			cancel()
		}
		assert.InDelta(t, 0.3, failed/n, 5*math.Sqrt(.3*.7/n), "the share of errors")
		assert.InDelta(t, 0.2, hung/n, 5*math.Sqrt(.2*.8/n), "the share that hangs")
		assert.InDelta(t, 2.5, late/failed, 5*math.Sqrt(35./12/failed), "an error takes as long as an answer")
	})
}

func TestAFeedOfLimitedCapacityTakesPollsInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := constant(2)
		cfg.Capacity = 2
		feed := newFeed(t, cfg)
		began := time.Now()
		ended := make([]time.Duration, 7)
		done := make(chan struct{})
		for i := range ended {
			go func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				ctx := t.Context()
				if i == 3 { // this one leaves while it waits, and 4 moves up
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, time.Second)
					defer cancel()
				}
				feed.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
				ended[i] = time.Since(began).Round(100 * time.Millisecond)
				done <- struct{}{}
			}()
		}
		for range ended {
			<-done
		}
		assert.Equal(t, seconds(2, 2, 4, 1, 4, 6, 6), ended, "two at a time, 2 s each, in the order in which they came")
	})
}

// A hanging poll keeps its place until its poller leaves.
func TestAHangingPollKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feed := newFeed(t, feedsim.FeedConfig{Capacity: 1, Hangs: 1})
		began := time.Now()
		for i := range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if i == 0 {
				go feed.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
				synctest.Wait()
				continue
			}
			w := httptest.NewRecorder()
			feed.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
			assert.Equal(t, 10*time.Second, time.Since(began), "nobody had a place before that")
			assert.Empty(t, w.Body)
		}
	})
}

// Polls that reach the feed at one instant get their places in the order of their
// names, whichever goroutine comes first.
func TestPollsOfOneInstantGetTheirPlacesInOneOrder(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			cfg := constant(1)
			cfg.Capacity = 1
			feed := newFeed(t, cfg)
			const n = 5
			began := time.Now()
			ended := make([]time.Duration, n)
			done := make(chan struct{})
			for i := range n {
				go func() {
					get(feed, "/", strconv.Itoa(i))
					ended[i] = time.Since(began).Truncate(time.Second)
					done <- struct{}{}
				}()
			}
			for range n {
				<-done
			}
			assert.Equal(t, seconds(1, 2, 3, 4, 5), ended)
		})
	}
}

func TestTheFeedAnswersGetAndHeadOnly(t *testing.T) {
	feed := newFeed(t, constant(0))
	assert.Equal(t, http.StatusOK, request(feed, http.MethodHead, "/any/path", "").Code)
	w := request(feed, http.MethodPost, "/", "")
	assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
	assert.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
}

func TestABadFeedConfigIsAnErrorThatNamesTheField(t *testing.T) {
	delay := func(d feedsim.Delay) feedsim.FeedConfig { return feedsim.FeedConfig{Delay: d} }
	for _, c := range []struct {
		cfg  feedsim.FeedConfig
		want string
	}{
		{delay(feedsim.WholeSeconds(-1, 5)), `feedsim: FeedConfig.Delay is "-1 to 5 whole seconds": a poll cannot take less than no time`},
		{delay(feedsim.WholeSeconds(5, 0)), `feedsim: FeedConfig.Delay is "5 to 0 whole seconds": the longest poll is shorter than the shortest`},
		{delay(feedsim.WholeSeconds(0, math.MaxInt)), "want at most 24h0m0s"},
		{delay(feedsim.Constant(-time.Second)), `"always -1s": a poll cannot take less`},
		{delay(feedsim.Uniform(2*time.Second, time.Second)), `"uniform from 2s to 1s": the longest poll is shorter`},
		{delay(feedsim.Exponential(25 * time.Hour)), "want at most 24h0m0s"},
		{delay(feedsim.LogNormal(time.Second, -1)), "want a sigma from 0 to 5"},
		{delay(feedsim.LogNormal(time.Second, math.NaN())), "want a sigma from 0 to 5"},
		{feedsim.FeedConfig{Errors: 1.1}, "feedsim: FeedConfig.Errors is 1.1: want a share from 0 to 1"},
		{feedsim.FeedConfig{Errors: math.NaN()}, "feedsim: FeedConfig.Errors is NaN: want a share from 0 to 1"},
		{feedsim.FeedConfig{Hangs: -0.1}, "feedsim: FeedConfig.Hangs is -0.1: want a share from 0 to 1"},
		{feedsim.FeedConfig{Errors: 0.6, Hangs: 0.5}, "feedsim: FeedConfig.Hangs is 0.5: with Errors 0.6 it is over 1"},
		{feedsim.FeedConfig{Capacity: -1}, "feedsim: FeedConfig.Capacity is -1: want 0 (no limit) or more"},
	} {
		_, err := feedsim.NewFeed(c.cfg)
		assert.ErrorContains(t, err, c.want)
	}
}
