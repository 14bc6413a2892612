// What repairs the exercise, and what does not.

package exercise

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab/racedetector"
)

// long makes the tests here run what an ordinary run has a few of.
var long = flag.Bool("long", false, "all configurations, the solution over 50 seeds, and all 81 routings (a minute)")

func TestTheSolutionIsHealthy(t *testing.T) {
	t.Parallel()
	s, err := For("solution")
	require.NoError(t, err)
	seeds := 3
	switch {
	case racedetector.On:
		seeds = 1
	case *long:
		seeds = 50
	}
	for seed := range seeds {
		s.Seed, s.OneAddress = uint64(seed), seed%2 == 1
		r := run(t, s)
		require.True(t, r.Healthy(), "seed %d:\n%s", seed, r)
	}
}

// Each part of the solution is needed: without it some route fails.
func TestTheSolutionHasNothingToSpare(t *testing.T) {
	t.Parallel()
	if racedetector.On {
		t.Skip("the table of configurations has rows like these under the race detector")
	}
	solution, err := For("solution")
	require.NoError(t, err)
	for name, less := range map[string]func(*Setup){
		"threads":    func(s *Setup) { s.Threads = 0 },
		"awaiting":   func(s *Setup) { s.Awaiting = false },
		"its routes": func(s *Setup) { s.Conf = parsed(t, but(feedsim.Shipped, "localhost", "127.0.0.1")) },
	} {
		s := solution
		less(&s)
		assert.False(t, run(t, s).Healthy(), "without %s", name)
	}
}

// No routing makes all four healthy as long as the servers are the exercise's own:
// /check_feed alone asks for 25 requests at a time, and each server serves two. (Of
// the 81 routings, 9 send /check_feed and /stream_feed differently. The other two
// routes hold no server for any time, so that these 9 stand for all.)
func TestNoRoutingRepairsIt(t *testing.T) {
	if racedetector.On {
		t.Skip("the runs are too many for the race detector: it needs a run without -race")
	}
	upstreams := []string{"prefork", "threaded", "evented"}
	runs := 9
	if *long {
		runs = 81
	}
	for i := range runs {
		text := to(upstreams[i/27], upstreams[i/9%3], upstreams[i/3%3], upstreams[i%3])
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			r := run(t, Setup{Conf: parsed(t, text), OneAddress: true})
			polls := r.Routes[2]
			assert.False(t, polls.Healthy, "/check_feed, with the servers as shipped:\n%s", text)
			// Two at a time and 2.5 s each are 145 in all; 4σ of 145 polls more.
			assert.LessOrEqual(t, polls.Answered, 145+4*8, "of %d, which is what two at a time can do", polls.Offered)
		})
	}
	t.Run("nor do all three servers together", func(t *testing.T) {
		t.Parallel()
		everyone := but(feedsim.Shipped, "server localhost:5000;", "server localhost:5000; server localhost:5100; server localhost:5200;")
		r := run(t, Setup{Conf: parsed(t, everyone), OneAddress: true})
		assert.False(t, r.Healthy())
		assert.LessOrEqual(t, r.Routes[2].Answered, 3*145+4*14, "six at a time")
	})
}

// The reference solution is a file for nginx as well.
func TestTheRealNginxTakesTheSolution(t *testing.T) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		if os.Getenv("OUTAGELAB_REQUIRE") == "1" {
			t.Fatal("OUTAGELAB_REQUIRE=1, and nginx is not installed: apt-get install nginx")
		}
		t.Skip("needs nginx: apt-get install nginx")
	}
	file, err := filepath.Abs("../../feedsim/solution/nginx.conf")
	require.NoError(t, err)
	dir := t.TempDir()
	said, err := exec.CommandContext(t.Context(), nginx, "-t", "-p", dir, "-c", file, "-e", "stderr", "-g", "pid "+dir+"/pid;").CombinedOutput()
	require.NoError(t, err, "%s", said)
	assert.Contains(t, string(said), "test is successful")
	assert.NotContains(t, string(said), "[warn]")
}
