// Requests that take long besides their naps, computing or waiting, and pools that are
// larger than most bursts.

package live_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/live"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

// sharing lets every request compute for so long first, on one processor that takes
// turns.
func sharing(long time.Duration) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		processor := make(chan struct{}, 1)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			const turn = 5 * time.Millisecond
			for range int(long / turn) {
				processor <- struct{}{}
				time.Sleep(turn)
				<-processor
			}
			h.ServeHTTP(w, r)
		})
	}
}

// awaiting lets every request wait for something that all may wait for at once.
func awaiting(long time.Duration) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			worker.Await(r.Context(), long)
			h.ServeHTTP(w, r)
		})
	}
}

func TestWhatARequestTakesBesidesItsNapIsNotALimit(t *testing.T) {
	if racedetector.On {
		t.Skip("these are more diagnoses: it needs a run without -race")
	}
	const ms = time.Millisecond
	for _, c := range []struct {
		name  string
		of    server
		is    live.Model
		alone bool // no other model is left
	}{
		{"threads that compute for 200 ms", server{app: pocserver.Instances(1), wrap: sharing(200 * ms)}, live.Unlimited, false},
		{"threads that compute for 50 ms", server{app: pocserver.Instances(1), wrap: sharing(50 * ms)}, live.Unlimited, false},
		{"a loop that computes for 200 ms", poc(costing(pocserver.RunAsync(), 200*ms), 1), live.OneLoop, true},
		{"a loop that computes for 20 ms", poc(costing(pocserver.RunAsync(), 20*ms), 1), live.OneLoop, true},
		{"a loop that computes for 200 ms, without the probe", poc(costing(pocserver.RunAsync(), 200*ms), 1).without(blocking), live.OneLoop, false},
		{"a sync worker that computes for 200 ms", poc(costing(pocserver.RunSync(), 200*ms), 1), live.OneSync, true},
		{"a loop whose requests wait for 1 s first", waiting(poc(pocserver.RunAsync(), 1), 1000*ms), live.OneLoop, true},
		{"a loop whose requests wait for 0.2 s first", waiting(poc(pocserver.RunAsync(), 1), 200*ms), live.OneLoop, true},
		{"threads whose requests wait for 1 s first", waiting(poc(pocserver.RunDev(), 1), 1000*ms), live.Unlimited, false},
		{"a sync worker whose requests take 1 s more", waiting(poc(pocserver.RunSync(), 1), 1000*ms), live.OneSync, true},
		{"4 sync workers whose requests take 1 s more", waiting(poc(syncs(4), 1), 1000*ms), live.SyncWorkers, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := c.of.diagnose(t)
			assert.Contains(t, possible(r), c.is, "%s", r)
			if c.alone {
				assert.Equal(t, []live.Model{c.is}, firm(r), "%s", r)
			}
			assert.LessOrEqual(t, r.Took, time.Minute)
			for _, c := range r.Crosstalk {
				assert.LessOrEqual(t, c.Strangers, c.Crowd, "of a crowd no more were told another's address than it had\n%s", r)
				assert.LessOrEqual(t, c.Leaked, c.Pairs)
			}
		})
	}
}

func waiting(s server, long time.Duration) server {
	s.wrap = awaiting(long)
	return s
}

func TestALargePoolIsNotAThreadForEachRequest(t *testing.T) {
	if racedetector.On {
		t.Skip("these are more diagnoses: it needs a run without -race")
	}
	for _, threads := range []int{64, 80, 100, 200} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%d threads, seed %d", threads, seed), func(t *testing.T) {
				r, _ := poc(threaded(1, threads), seed).diagnose(t)
				assert.Equal(t, []live.Model{live.Pool}, firm(r), "%s", r)
				assert.Empty(t, r.Deployments, "%s", r)
			})
		}
	}
	r, _ := poc(threaded(1, 1000), 1).diagnose(t)
	assert.Contains(t, conditional(r), live.Pool, "there may be more of them than were asked for at a time\n%s", r)
	assert.Regexp(t, `^behaves like a thread for each request, or like a pool of threads \(or another limit\) if it has more than 2\d\d: at least`, r.Headline())
}
