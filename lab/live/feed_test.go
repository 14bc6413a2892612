// The exercise's three app servers: what streams hold.

package live_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab/appserver"
	"example.com/outagelab/lab/live"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/pocserver/worker"
)

// diagnoseFeed diagnoses the exercise's app on a worker model, with its feed beside it.
func diagnoseFeed(t *testing.T, config worker.Config, awaiting bool, seed uint64) *live.Report {
	t.Helper()
	const feedAddress = "127.0.0.1:5300"
	config.Seed = seed
	var report *live.Report
	require.NoError(t, inBubble(func() error {
		var network simnet.Network
		feed, err := feedsim.NewFeed(feedsim.FeedConfig{Seed: seed})
		if err != nil {
			return err
		}
		feeding, err := appserver.Start(&network, feedAddress, nil, func() http.Handler { return feed }, nil)
		if err != nil {
			return err
		}
		defer feeding.Close(time.Second)
		app, err := feedsim.Instances(feedsim.AppConfig{Seed: seed, Feed: "http://" + feedAddress + "/", Awaiting: awaiting,
			Client: feedsim.NewClient(func(ctx context.Context, _, addr string) (net.Conn, error) {
				return network.DialFrom(ctx, feedsim.PollPort(ctx), addr)
			})})
		if err != nil {
			return err
		}
		running, err := appserver.Start(&network, address, &config, app, nil)
		if err != nil {
			return err
		}
		defer running.Close(time.Minute)
		report, err = live.Diagnose(context.Background(), targetOn(&network), nil)
		return err
	}))
	return report
}

func TestStreamsTellWhatTheyHold(t *testing.T) {
	if racedetector.On {
		t.Skip("these are minutes of virtual time: it needs a run without -race")
	}
	for _, c := range []struct {
		name     string
		config   worker.Config
		awaiting bool
		models   []live.Model
		up       bool
	}{
		{"prefork", feedsim.Prefork(), false, []live.Model{live.SyncWorkers, live.Pool}, true},
		{"threaded as shipped", feedsim.Threaded(), false, []live.Model{live.SyncWorkers, live.Pool}, true},
		{"evented as shipped", feedsim.Evented(), false, []live.Model{live.SyncWorkers, live.Pool, live.Loops}, true},
		{"2 × 25 threads", threaded(2, 25), false, nil, false},
		{"evented, awaiting", feedsim.Evented(), true, []live.Model{live.OneLoop, live.Loops, live.Unlimited, live.Pool}, false},
	} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%s, seed %d", c.name, seed), func(t *testing.T) {
				r := diagnoseFeed(t, c.config, c.awaiting, seed)
				if c.models != nil {
					assert.ElementsMatch(t, c.models, possible(r), "%s", r)
				}
				require.NotNil(t, r.Streams, "%s", r)
				assert.Equal(t, c.up, r.Streams.Up, "%s", r)
				if c.up {
					assert.Contains(t, r.Headline(), "a pool of 2 threads", "%s", r)
					assert.Equal(t, 2, r.Lines, "two workers serve two streams\n%s", r)
				} else {
					assert.Equal(t, 16, r.Lines, "%s", r)
				}
				assert.Equal(t, []string{"/", "/hash_me", "/check_feed", "/stream_feed"}, r.Routes)
				assert.Empty(t, r.Deployments, "it is not the PoC")
				assert.LessOrEqual(t, r.Took, time.Minute)
			})
		}
	}
}
