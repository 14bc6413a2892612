// That each way to serve is recognised, and that what cannot be told apart is said
// not to be.

package live_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/live"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

const (
	blocking = "/blocking_sleep/"
	dirty    = "/dirty/"
)

func with(c worker.Config, change func(*worker.Config)) worker.Config {
	change(&c)
	return c
}

func threaded(workers, threads int) worker.Config {
	return with(worker.Defaults(worker.Threaded), func(c *worker.Config) { c.Workers, c.Threads = workers, threads })
}

func syncs(n int) worker.Config {
	return with(pocserver.RunSync(), func(c *worker.Config) { c.Workers = n })
}

func loops(n int) worker.Config {
	return with(pocserver.RunAsync12(), func(c *worker.Config) { c.Workers = n })
}

func costing(c worker.Config, cpu time.Duration) worker.Config {
	return with(c, func(c *worker.Config) { c.CPU = cpu })
}

func TestEachServerIsRecognised(t *testing.T) {
	const ms = time.Millisecond
	type names = []string
	loopOrThreads := []live.Model{live.OneLoop, live.Unlimited}
	morePool := []live.Model{live.Pool}
	for _, c := range []struct {
		name   string
		config worker.Config
		lacks  []string
		models []live.Model // that are left
		or     []live.Model // that are left on a condition
		called string       // the name of the only model, as a pattern
		fits   names
	}{
		{"run.sync", pocserver.RunSync(), nil, []live.Model{live.OneSync}, nil, "one sync worker", names{"run.sync"}},
		{"run.async", pocserver.RunAsync(), nil, []live.Model{live.OneLoop}, nil, "one event loop", names{"run.async"}},
		{"run.async12", pocserver.RunAsync12(), nil, []live.Model{live.Loops}, nil, "12 event loops", names{"run.async12"}},
		{"run.dev", pocserver.RunDev(), nil, []live.Model{live.Unlimited}, morePool, "a thread for each request", names{"run.dev"}},

		{"run.sync without the probe", pocserver.RunSync(), names{blocking}, []live.Model{live.OneSync}, nil, "one sync worker", names{"run.sync"}},
		{"run.async without the probe", pocserver.RunAsync(), names{blocking}, loopOrThreads, []live.Model{live.Pool, live.Loops}, "", names{"run.dev", "run.async"}},
		{"run.dev without the probe", pocserver.RunDev(), names{blocking}, loopOrThreads, []live.Model{live.Pool, live.Loops}, "", names{"run.dev", "run.async"}},
		{"run.async12 without the probe", pocserver.RunAsync12(), names{blocking}, []live.Model{live.Loops, live.Unlimited}, morePool, "", names{"run.async12"}},

		{"run.sync at 5 ms a request", costing(pocserver.RunSync(), 5*ms), nil, []live.Model{live.OneSync}, nil, "one sync worker", names{"run.sync"}},
		{"run.async at 5 ms a request", costing(pocserver.RunAsync(), 5*ms), nil, []live.Model{live.OneLoop}, nil, "one event loop", names{"run.async"}},
		{"run.async12 at 5 ms a request", costing(pocserver.RunAsync12(), 5*ms), nil, []live.Model{live.Loops}, nil, "12 event loops", names{"run.async12"}},
		{"run.dev at 5 ms a request", costing(pocserver.RunDev(), 5*ms), nil, []live.Model{live.Unlimited}, morePool, "a thread for each request", names{"run.dev"}},

		{"a loop that keeps replies to the end of its turn", with(pocserver.RunAsync(), func(c *worker.Config) { c.Replies = worker.EndOfTurn }),
			nil, []live.Model{live.OneLoop}, nil, "one event loop", names{"run.async"}},
		{"a sync worker that is recycled all the time", with(pocserver.RunSync(), func(c *worker.Config) { c.MaxRequests = 20 }),
			nil, []live.Model{live.OneSync}, nil, "one sync worker", names{"run.sync"}},
		{"a loop that is recycled all the time", with(loops(1), func(c *worker.Config) { c.MaxRequests = 50 }),
			nil, []live.Model{live.OneLoop}, nil, "one event loop", names{"run.async"}},
		{"a loop that is killed after 2 s", with(loops(1), func(c *worker.Config) { c.Timeout, c.Heartbeat = 2*time.Second, time.Second }),
			nil, []live.Model{live.OneLoop}, nil, "one event loop", names{"run.async"}},

		{"2 sync workers", syncs(2), nil, []live.Model{live.SyncWorkers}, morePool, "2 sync workers", nil},
		{"4 sync workers", syncs(4), nil, []live.Model{live.SyncWorkers}, morePool, "4 sync workers", nil},
		{"12 sync workers", syncs(12), nil, []live.Model{live.SyncWorkers}, morePool, "12 sync workers", nil},
		{"4 event loops", loops(4), nil, []live.Model{live.Loops}, nil, "4 event loops", nil},
		{"8 threads", threaded(1, 8), nil, []live.Model{live.Pool}, []live.Model{live.SyncWorkers}, "a pool of 8 threads in one process .or another limit of 8.", nil},
		{"2 × 25 threads", threaded(2, 25), nil, []live.Model{live.Pool}, nil, "a pool of about (50|49|48) threads in at least 2 processes .or another limit of .*", nil},

		// Nothing but a view in which users meet tells these apart.
		{"4 sync workers where nobody could meet", syncs(4), names{dirty}, []live.Model{live.SyncWorkers, live.Pool}, nil, "", nil},
		// A proxy before sync workers would keep connections, too.
		{"8 threads where nobody could meet", threaded(1, 8), names{dirty}, []live.Model{live.Pool}, []live.Model{live.SyncWorkers}, "", nil},
		{"a loop with nothing but its blocking view", pocserver.RunAsync(), names{"/sync_sleep/", "/async_sleep/", dirty, "/dirty_fixed/"},
			[]live.Model{live.OneLoop}, []live.Model{live.OneSync}, "", names{"run.async"}},
	} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%s, seed %d", c.name, seed), func(t *testing.T) {
				if racedetector.On && (seed > 0 || c.name != "run.sync" && c.name != "run.async") {
					t.Skip("two of these take long enough, and threads have a data race on purpose: it needs a run without -race")
				}
				r, _ := poc(c.config, seed).without(c.lacks...).diagnose(t)
				require.Equal(t, c.models, firm(r), "%s", r)
				assert.Equal(t, c.or, conditional(r), "%s", r)
				assert.Equal(t, c.fits, r.Deployments, "%s", r)
				if c.called != "" {
					assert.Regexp(t, "^"+c.called+"$", r.Possible[0].Name, "%s", r)
				}
				assert.LessOrEqual(t, r.Took, time.Minute)
				assert.LessOrEqual(t, r.Requests, 3000)
			})
		}
	}
}

func TestTheSameSeedGivesTheSameReport(t *testing.T) {
	if racedetector.On {
		t.Skip("two more diagnoses: it needs a run without -race")
	}
	first, progress := poc(pocserver.RunAsync12(), 7).diagnose(t)
	second, again := poc(pocserver.RunAsync12(), 7).diagnose(t)
	assert.Equal(t, first.String(), second.String())
	assert.Equal(t, progress, again)
}

// The view that leaks was repaired: then nobody meets, on whatever model, and no
// number of processes is made of that.
func TestARepairedViewProvesNothing(t *testing.T) {
	if racedetector.On {
		t.Skip("it needs a run without -race")
	}
	repaired := threaded(1, 8)
	s := poc(repaired, 1)
	s.wrap = repairedView
	r, _ := s.diagnose(t)
	assert.Contains(t, possible(r), live.Pool, "%s", r)
	for _, c := range r.Crosstalk {
		assert.False(t, c.Leaks(), "%s", r)
	}
	one := pocserver.RunAsync()
	s = poc(one, 1)
	s.wrap = repairedView
	r, _ = s.diagnose(t)
	assert.Equal(t, []live.Model{live.OneLoop}, possible(r), "%s", r)
}
