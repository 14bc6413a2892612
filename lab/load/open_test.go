// The open loop: its schedule, its patience, and what its latency counts from.

package load_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/simnet"
)

func TestAConstantRateIsExact(t *testing.T) {
	const ms = time.Millisecond
	for _, tc := range []struct {
		load load.Open
		want []time.Duration
	}{
		{load.Open{Rate: 10, Duration: 500 * ms}, []time.Duration{0, 100 * ms, 200 * ms, 300 * ms, 400 * ms}},
		{load.Open{Rate: 10, Duration: 499 * ms}, []time.Duration{0, 100 * ms, 200 * ms, 300 * ms}},
		{load.Open{Rate: 3, Start: time.Second, Duration: time.Second}, []time.Duration{1000 * ms, 1333333333, 1666666667}},
		// As floats, 1/0.003 × 0.009 is less than 3; the third must not be lost.
		{load.Probe("", "", 3*ms, 9*ms), []time.Duration{0, 3 * ms, 6 * ms}},
		// What the horizon cuts off is not sent.
		{load.Open{Rate: 0.1, Duration: time.Hour}, []time.Duration{0, 10 * time.Second, 20 * time.Second}},
	} {
		tc.load.Path = "/"
		t.Run(tc.load.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				served := 0
				slot := make(chan struct{}, 1) // not a mutex: see the package's rules
				target := serve(t, func(http.ResponseWriter, *http.Request) { slot <- struct{}{}; served++; <-slot })
				records := run(t, target, 30*time.Second, tc.load)
				var at []time.Duration
				for _, r := range records {
					at = append(at, r.Scheduled)
					assert.True(t, r.Good())
				}
				assert.Equal(t, tc.want, at)
				assert.Equal(t, len(tc.want), served)
			})
		})
	}
}

func TestTheRateDoesNotWaitForReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		target := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(2450 * time.Millisecond)
			now.Add(-1)
		})
		records := run(t, target, time.Hour, load.Open{Path: "/check_feed", Rate: 10, Duration: 10 * time.Second})
		assert.Len(t, records, 100)
		assert.EqualValues(t, 25, most.Load(), "10/s × 2.45 s are in flight, and the one that comes")
		for _, r := range records {
			require.Equal(t, 2450*time.Millisecond, about(r.Latency))
			require.False(t, r.Reused)
		}
	})
}

func TestLatencyCountsFromTheScheduledStartWhenTheDialHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := serve(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			fmt.Fprint(w, "x")
		})
		dial := target.Dial
		target.Dial = func(ctx context.Context, client int) (net.Conn, error) {
			time.Sleep(3 * time.Second)
			return dial(ctx, client)
		}
		open := run(t, target, time.Minute, load.Open{Path: "/", Rate: 1, Duration: time.Second})[0]
		assert.Equal(t, 3*time.Second, about(open.Start))
		assert.Equal(t, 4*time.Second, about(open.Latency))
		assert.Equal(t, 4*time.Second, about(open.FirstByte))
		assert.Equal(t, load.OK, open.Kind)

		// The closed loop's counts from the request, as wrk's does.
		closed := run(t, target, time.Minute, load.Closed{Path: "/", Connections: 1, Requests: 1})[0]
		assert.Equal(t, 3*time.Second, about(closed.Start-closed.Scheduled))
		assert.Equal(t, time.Second, about(closed.Latency))
		assert.Equal(t, time.Second, about(closed.FirstByte))
	})
}

func TestPatienceCountsFromTheScheduledStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cancelled atomic.Int32
		target := serve(t, func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			cancelled.Add(1)
		})
		dial := target.Dial
		target.Dial = func(ctx context.Context, client int) (net.Conn, error) {
			time.Sleep(3 * time.Second)
			return dial(ctx, client)
		}
		records := run(t, target, 7*time.Second, load.Open{Path: "/", Rate: 1, Duration: 4 * time.Second, Timeout: 5 * time.Second})
		synctest.Wait()
		assert.Equal(t, []load.Kind{load.Timeout, load.Timeout, load.Unfinished, load.Unfinished}, kinds(records))
		assert.Equal(t, 5*time.Second, records[0].Latency)
		assert.Equal(t, 5*time.Second, records[1].Latency)
		assert.Equal(t, 5*time.Second, records[2].Latency, "7 s, the horizon, wins over its own 7 s")
		assert.Equal(t, 4*time.Second, records[3].Latency)
		assert.EqualValues(t, 4, cancelled.Load())
	})
}

func TestAnUnansweredDialIsUnfinishedAtTheHorizon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n simnet.Network
		l, err := n.Listen(addr)
		require.NoError(t, err)
		defer l.Close()
		require.NoError(t, l.SetBacklog(0))
		records := run(t, onNetwork(&n), 10*time.Second, load.Open{Path: "/", Rate: 1, Duration: 2 * time.Second})
		assert.Equal(t, []load.Kind{load.Unfinished, load.Unfinished}, kinds(records))
		assert.Equal(t, load.Reading, records[0].Op, "it waits in the backlog")
		assert.Equal(t, load.Dialing, records[1].Op, "its SYN is dropped")
		assert.Equal(t, 10*time.Second, records[1].End)

		// Without a horizon near, the network's own dial time-out is what it is.
		records = run(t, onNetwork(&n), time.Hour, load.Open{Path: "/", Rate: 1, Duration: time.Second, Timeout: 20 * time.Minute})
		assert.Equal(t, load.Timeout, records[0].Kind)
		assert.Equal(t, 127*time.Second, about(records[0].Latency))
		assert.Equal(t, 1, load.Summarize(time.Second, records).Connect)
	})
}

// arrivals runs a Poisson load and returns its schedule. Nobody listens, which
// is all the same to an open loop.
func arrivals(t *testing.T, seed uint64, loads ...load.Load) (at []time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		var n simnet.Network
		target := onNetwork(&n)
		target.Seed = seed
		for _, r := range run(t, target, time.Hour, loads...) {
			at = append(at, r.Scheduled)
		}
	})
	return at
}

func TestPoissonArrivalsAreRandomByTheSeedAlone(t *testing.T) {
	poisson := load.Open{Path: "/", Rate: 20, Poisson: true, Duration: 100 * time.Second}
	at := arrivals(t, 1, poisson)

	// 2,000 are expected, with a standard deviation of 45; so that a wrong rate
	// shows and this seed does not matter, three of them are allowed.
	assert.InDelta(t, 2000, len(at), 135)
	// Gaps of an exponential distribution: mean 50 ms, as much deviation, and one
	// in e is longer than the mean.
	var sum, squares float64
	longer := 0
	for i := 1; i < len(at); i++ {
		gap := (at[i] - at[i-1]).Seconds()
		require.Positive(t, gap)
		sum += gap
		squares += gap * gap
		if gap > 0.05 {
			longer++
		}
	}
	n := float64(len(at) - 1)
	mean := sum / n
	assert.InDelta(t, 0.05, mean, 0.0035)
	assert.InDelta(t, 0.0025, squares/n-mean*mean, 0.0005)
	assert.InDelta(t, 0.368, float64(longer)/n, 0.035)

	// Where gaps of a nanosecond are common, no two arrive together all the same.
	dense := arrivals(t, 1, load.Open{Path: "/", Rate: 1e8, Poisson: true, Duration: 5 * time.Microsecond})
	require.Greater(t, len(dense), 400)
	for i := range dense[1:] {
		require.Greater(t, dense[i+1], dense[i])
	}

	assert.Equal(t, at, arrivals(t, 1, poisson), "the same seed, the same arrivals")
	assert.NotEqual(t, at, arrivals(t, 2, poisson), "another seed, others")

	// A load that is added at the end changes nothing for the ones before it, and
	// two loads do not arrive in step.
	both := arrivals(t, 1, poisson, poisson)
	require.Greater(t, len(both), len(at))
	assert.Equal(t, at, both[:len(at)])
	inStep := 0
	for i, first := range at[:100] {
		if gap := both[len(at)+i] - first; gap.Abs() < time.Microsecond {
			inStep++
		}
	}
	assert.Zero(t, inStep)
}
