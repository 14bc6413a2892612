// How many requests may be in flight, and how far a run shows that it is.

package load_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/load"
)

// napping is a server whose replies take d.
func napping(t *testing.T, d time.Duration) load.Target {
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(d)
		fmt.Fprint(w, "x")
	})
}

func TestARunWithTooManyInFlightEnds(t *testing.T) {
	const second = time.Second
	flood := load.Open{Path: "/", Rate: 10, Duration: 10 * second}
	for _, c := range []struct {
		name     string
		limit    int
		reply    time.Duration
		loads    []load.Load
		at       time.Duration // 0: it is no error
		inFlight int
	}{
		// With 16, every second arrival counts those before it.
		{"more than the limit", 16, 20 * second, []load.Load{flood}, 1700 * time.Millisecond, 17},
		{"a limit less than eight", 3, 20 * second, []load.Load{flood}, 400 * time.Millisecond, 4},
		{"as many as the limit", 25, 2450 * time.Millisecond, []load.Load{flood}, 0, 0},
		{"no limit", 0, 20 * second, []load.Load{flood}, 0, 0},
		{"one fewer than the limit of one", 1, 99 * time.Millisecond, []load.Load{flood}, 0, 0},
		{"what ends at the instant of an arrival is in flight at it", 1, 200*time.Millisecond - 2,
			[]load.Load{flood}, 200 * time.Millisecond, 2},
		{"two loads", 16, 20 * second, []load.Load{flood, flood}, 800*time.Millisecond + 1, 17},
		{"a closed loop counts with all connections", 16, 20 * second,
			[]load.Load{load.Closed{Path: "/", Connections: 10, Duration: 10 * second}, flood}, 700*time.Millisecond + 10, 17},
		{"closed loops alone, before the first request", 16, 20 * second,
			[]load.Load{load.Closed{Path: "/", Connections: 17, Duration: 10 * second}}, -1, 17},
		{"closed loops alone, as many as the limit", 17, 20 * second,
			[]load.Load{load.Closed{Path: "/", Connections: 17, Duration: 10 * second}}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target := napping(t, c.reply)
				target.MaxInFlight = c.limit
				begin := time.Now()
				records, err := load.Run(context.Background(), target, time.Hour, c.loads...)
				if c.at == 0 {
					require.NoError(t, err)
					return
				}
				var many *load.TooManyError
				require.ErrorAs(t, err, &many)
				assert.Equal(t, load.TooManyError{At: max(c.at, 0), InFlight: c.inFlight, Limit: c.limit}, *many)
				assert.Equal(t, max(c.at, 0), time.Since(begin), "it ends at once")
				assert.Len(t, load.Of(records, ""), 0)
				unfinished := 0
				for _, r := range records {
					if r.Kind == load.Unfinished {
						unfinished++
					}
				}
				if c.at > 0 {
					assert.GreaterOrEqual(t, unfinished, c.inFlight-2, "the replies are not waited for")
				}
			})
		})
	}
}

func TestARequestThatIsDiallingIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := load.Target{Host: addr, MaxInFlight: 8, Dial: func(ctx context.Context, _ int) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		_, err := load.Run(context.Background(), target, time.Minute, load.Open{Path: "/", Rate: 1, Duration: time.Minute})
		require.EqualError(t, err, "load: 9 requests are in flight at 9s of the run, and the limit is 8: give the clients "+
			"a timeout, lower the rate or the number of connections, or make the load shorter")
	})
}

func TestALimitBelowZeroIsAnError(t *testing.T) {
	_, err := load.Run(context.Background(), load.Target{
		Host: addr, MaxInFlight: -1, Dial: func(context.Context, int) (net.Conn, error) { return nil, nil },
	}, time.Second, load.Probe("", "/", time.Second, time.Second))
	require.EqualError(t, err, "load: Target.MaxInFlight is -1: it must be 0 or more")
}

func TestProgressIsSeenFromOutside(t *testing.T) {
	var (
		progress load.Progress
		done     = make(chan struct{})
		seen     atomic.Bool
	)
	assert.Zero(t, progress.Reached(), "before the run")
	go func() {
		defer close(done)
		synctest.Test(t, func(t *testing.T) {
			var served atomic.Int64
			target := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				time.Sleep(500 * time.Millisecond)
				if served.Add(1) == 3 {
					for !seen.Load() { // real time passes
						runtime.Gosched()
					}
				}
			})
			target.Progress = &progress
			run(t, target, time.Minute,
				load.Open{Path: "/", Rate: 1, Duration: 100 * time.Second},
				load.Closed{Path: "/", Connections: 1, Start: 50 * time.Second, Duration: 6 * time.Second, Requests: 4})
			for range 2 {
				assert.Equal(t, load.Reached{At: 59500*time.Millisecond + 2, Sent: 64, Done: 64}, progress.Reached(), "after it")
			}
		})
	}()
	for progress.Reached().Sent < 3 {
		runtime.Gosched()
	}
	assert.Equal(t, load.Reached{At: 2 * time.Second, Sent: 3, Done: 2}, progress.Reached())
	seen.Store(true)
	<-done
}

func TestProgressCountsThoseWhoHaveLongEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var progress load.Progress
		target := napping(t, 10*time.Millisecond)
		target.Progress = &progress
		go func() {
			time.Sleep(500*time.Second + time.Millisecond)
			r := progress.Reached()
			assert.Equal(t, 501, r.Sent)
			assert.Equal(t, 500, r.Done)
			assert.GreaterOrEqual(t, r.At, 500*time.Second)
		}()
		run(t, target, time.Hour, load.Open{Path: "/", Rate: 1, Duration: 1000 * time.Second})
		assert.Equal(t, 1000, progress.Reached().Sent)
		assert.Equal(t, 1000, progress.Reached().Done)
	})
}

func TestAContextThatEndsCallsOffOpenAndClosedLoops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := napping(t, time.Hour)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second+time.Millisecond)
		defer cancel()
		begin := time.Now()
		records, err := load.Run(ctx, target, 10*time.Minute,
			load.Open{Path: "/", Rate: 1, Duration: time.Minute},
			load.Closed{Path: "/", Connections: 3, Duration: time.Minute})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 5*time.Second+time.Millisecond, time.Since(begin))
		require.Len(t, records, 6+3)
		for _, r := range records {
			assert.Equal(t, load.Unfinished, r.Kind, "%+v", r)
		}
	})
}
