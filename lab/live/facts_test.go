// The numbers in a report, where they are known.

package live_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/live"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

func TestCrosstalkHasItsRate(t *testing.T) {
	if racedetector.On {
		t.Skip("these are more diagnoses: it needs a run without -race")
	}
	leaks := func(c worker.Config) (pairs, leaked int) {
		for seed := range uint64(5) {
			r, _ := poc(c, seed).diagnose(t)
			require.Len(t, r.Crosstalk, 2)
			pairs, leaked = pairs+r.Crosstalk[0].Pairs, leaked+r.Crosstalk[0].Leaked
			assert.Equal(t, "/dirty_fixed/", r.Crosstalk[1].Path)
			assert.False(t, r.Crosstalk[1].Leaks(), "%s", r)
		}
		return pairs, leaked
	}
	pairs, _ := leaks(pocserver.RunSync())
	assert.Zero(t, pairs, "nobody is answered during another's nap")
	pairs, leaked := leaks(pocserver.RunAsync())
	assert.Greater(t, pairs, 50)
	assert.Equal(t, pairs, leaked, "one memory")
	// Twelve memories; the processes are drawn evenly. Of some 100 pairs 1/12 is 8,
	// with a standard deviation of 2.8.
	pairs, leaked = leaks(pocserver.RunAsync12())
	assert.Greater(t, pairs, 50)
	low, high := (&live.Crosstalk{Pairs: pairs, Leaked: leaked}).Interval()
	assert.LessOrEqual(t, low, 1./12)
	assert.GreaterOrEqual(t, high, 1./12)
}

func TestTheCostIsMeasured(t *testing.T) {
	if racedetector.On {
		t.Skip("it needs a run without -race")
	}
	const cpu = 4 * time.Millisecond
	r, _ := poc(costing(worker.Defaults(worker.Sync), cpu), 1).diagnose(t)
	// In a second 250 are served one after another; the last may be cut off.
	assert.InDelta(t, 250, r.Rate, 1)
	assert.InDelta(t, float64(cpu), float64(r.Alone["/async_sleep/"]), 1e3, "the network takes some nanoseconds")
	r, _ = poc(worker.Defaults(worker.Sync), 1).diagnose(t)
	assert.Zero(t, r.Rate, "what costs nothing has no rate")
}

// delaying makes some of the naps of up to a second late, once.
func delaying(from, to int64, by time.Duration) func(http.Handler) http.Handler {
	var seen atomic.Int64
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.String(), "/async_sleep/?sleep=1") {
				if n := seen.Add(1); from <= n && n < to {
					worker.Await(r.Context(), by)
				}
			}
			h.ServeHTTP(w, r)
		})
	}
}

// A machine that does something else for a while is no limit.
func TestAStallIsNoLimit(t *testing.T) {
	if racedetector.On {
		t.Skip("it needs a run without -race")
	}
	for _, c := range []struct {
		config worker.Config
		want   live.Model
	}{{pocserver.RunDev(), live.Unlimited}, {pocserver.RunAsync(), live.OneLoop}} {
		s := poc(c.config, 1)
		s.wrap = delaying(60, 110, 300*time.Millisecond)
		r, _ := s.diagnose(t)
		assert.Equal(t, []live.Model{c.want}, firm(r), "%s", r)
	}
}

// What a server still works on for nobody would disturb the next burst: that waits
// until a light request is answered promptly again.
func TestWhatWasGivenUpIsWaitedFor(t *testing.T) {
	if racedetector.On {
		t.Skip("it needs a run without -race")
	}
	var naps, meanwhile atomic.Int64
	var until atomic.Pointer[time.Time]
	s := server{app: pocserver.Instances(1), wrap: func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			at := until.Load()
			if r.URL.RawQuery == "sleep=0.4" && naps.Add(1) == 5 {
				stuck := time.Now().Add(15 * time.Second)
				at = &stuck
				until.Store(at)
			}
			if at != nil && time.Now().Before(*at) {
				if r.URL.RawQuery == "sleep=0.6" {
					meanwhile.Add(1)
				}
				time.Sleep(time.Until(*at))
			}
			h.ServeHTTP(w, r)
		})
	}}
	r, _ := s.diagnose(t)
	assert.Regexp(t, `after the step "8 naps of /async_sleep/" it took \d\.\d s until /async_sleep/\?sleep=0 was answered promptly again`, strings.Join(r.Remarks, "\n"))
	assert.Zero(t, meanwhile.Load(), "the next burst came while the server was stuck with the one before\n%s", r)
	assert.Contains(t, firm(r), live.Unlimited, "%s", r)
}

// A view whose requests now and then take longer than they say is not limited.
func TestWhatNowAndThenTakesLongerIsNoLimit(t *testing.T) {
	if racedetector.On {
		t.Skip("it needs a run without -race")
	}
	var seen atomic.Int64
	s := poc(pocserver.RunAsync(), 1)
	s.wrap = func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/async_sleep/" && r.URL.RawQuery != "sleep=0" && seen.Add(1)%4 == 0 {
				worker.Await(r.Context(), 300*time.Millisecond)
			}
			h.ServeHTTP(w, r)
		})
	}
	r, _ := s.diagnose(t)
	assert.Equal(t, []live.Model{live.OneLoop}, possible(r), "%s", r)
	assert.Contains(t, r.String(), "no limit is made of that")
}

// A server that answers nobody for a second, whatever is open, is not held up by what
// is.
func TestAPauseIsNotAHold(t *testing.T) {
	if racedetector.On {
		t.Skip("it needs a run without -race")
	}
	var seen atomic.Int64
	var until atomic.Pointer[time.Time]
	s := poc(pocserver.RunDev(), 1)
	s.wrap = func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery == "sleep=0" && seen.Add(1) == 50 {
				at := time.Now().Add(time.Second)
				until.Store(&at)
			}
			if at := until.Load(); at != nil {
				time.Sleep(time.Until(*at))
			}
			h.ServeHTTP(w, r)
		})
	}
	r, _ := s.diagnose(t)
	if assert.NotNil(t, r.Idle) {
		assert.Equal(t, live.Hold{Most: 64, Fewer: 64}, *r.Idle)
	}
	assert.Greater(t, seen.Load(), int64(50), "it has paused")
	assert.Equal(t, []live.Model{live.Unlimited}, firm(r), "%s", r)
}

// While a worker is recycled everybody waits, and for nobody who is in service.
func TestARecycledLoopIsNoPool(t *testing.T) {
	if racedetector.On {
		t.Skip("it needs a run without -race")
	}
	for _, requests := range []int{50, 100, 300, 500} {
		t.Run(fmt.Sprint(requests), func(t *testing.T) {
			s := poc(with(loops(1), func(c *worker.Config) { c.MaxRequests = requests }), 1).without(blocking)
			r, _ := s.diagnose(t)
			assert.Contains(t, possible(r), live.OneLoop, "%s", r)
		})
	}
}
