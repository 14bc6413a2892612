// The deployments are the exercise's own, and each is a server that can be built.

package feedsim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/pocserver/worker"
)

func TestEachDeploymentIsTheExercisesOwn(t *testing.T) {
	newApp, err := feedsim.Instances(feedsim.AppConfig{Feed: feedURL})
	require.NoError(t, err)
	for says, c := range map[string]worker.Config{
		"2 sync workers":                feedsim.Prefork(),
		"2 threaded workers × 1 thread": feedsim.Threaded(),
		"2 evented workers":             feedsim.Evented(),
	} {
		assert.Equal(t, says, c.String())
		assert.Equal(t, 30*time.Second, c.Timeout, "%s: gunicorn's worker timeout", says)
		assert.Equal(t, 2048, c.Backlog, "%s: gunicorn's backlog", says)
		_, err := worker.New(c, newApp)
		require.NoError(t, err)
	}
}

// What each of them serves, as shipped and repaired: 10 polls of 2 s at once.
func TestWhatTheDeploymentsServe(t *testing.T) {
	for _, c := range []struct {
		name     string
		server   worker.Config
		awaiting bool
		last     time.Duration
	}{
		{"prefork", feedsim.Prefork(), false, 10 * time.Second},
		{"threaded, one thread each", feedsim.Threaded(), false, 10 * time.Second},
		{"threaded, 5 each", server(worker.Threaded, workers(2), threads(5)), false, 2 * time.Second},
		{"evented, awaiting", feedsim.Evented(), true, 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			open{constant(2), feedsim.AppConfig{Awaiting: c.awaiting}, c.server}.run(t, func(h *house) {
				var last time.Duration
				for _, at := range times(h.asks(10, "/check_feed")) {
					last = max(last, at)
				}
				// Which of two workers takes a connection is a draw, with threads to
				// spare for neither: one of them may have more than half.
				assert.GreaterOrEqual(t, last, c.last)
				assert.LessOrEqual(t, last, 2*c.last)
			})
		})
	}
}

// The exercise's evented worker: blocking handlers hold the loop past the worker
// timeout, and everybody it had accepted is cut.
func TestBlockingHandlersKillAnEventedWorker(t *testing.T) {
	open{constant(5), feedsim.AppConfig{}, server(worker.Evented)}.run(t, func(h *house) {
		answered := 0
		for _, a := range h.asks(20, "/check_feed") {
			if (<-a).err == nil {
				answered++
			}
		}
		assert.Equal(t, []string{"0.0 at 31s: worker timeout"}, h.ended(), "one turn of 20 polls would take 100 s")
		assert.Equal(t, 6, answered, "polls of 5 s that fit into 31 s; the others were in the same turn")
	})
}
