package lab_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver"
)

// TestProgressFollowsTheRuns looks from the app, 5 s after the begin of each of three runs one after another.
func TestProgressFollowsTheRuns(t *testing.T) {
	var (
		progress lab.Progress
		seen     []lab.RunProgress
	)
	app := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen = append(seen, progress.Running()...) })
	e := lab.Experiment{
		Name:    "progress",
		System:  lab.System{Server: pocserver.RunSync(), App: lab.Always(app)},
		Load:    []load.Load{load.Open{Name: "one", Path: "/", Rate: 1, Start: 5 * time.Second, Duration: time.Second}},
		Horizon: 10 * time.Second, Progress: &progress,
	}
	for range 3 {
		_, err := e.Run(t)
		require.NoError(t, err)
	}
	require.Len(t, seen, 3)
	for i, r := range seen {
		assert.Equal(t, lab.RunProgress{
			Number: i + 1, Horizon: 10 * time.Second, Reached: load.Reached{At: 5 * time.Second, Sent: 1},
		}, r)
	}
	assert.Equal(t, 3, progress.Begun())
	assert.Empty(t, progress.Running(), "no run is on")
}
