// Bubbles that end badly: with goroutines left behind, with a clock that stands
// still. Each is a failure that says what to do, in a process of its own.

package lab

import (
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/pocserver/worker"
)

// hasty is a watchdog for tests in which nothing legitimate takes long.
var hasty = func() bubble.Watchdog {
	w := bubble.Quick
	w.Computing = time.Second
	return w
}()

// two asks a handler twice, the second time a millisecond after the first, on a
// server with a thread for each.
func two(h http.HandlerFunc) Experiment {
	return Experiment{
		Name:   "two",
		System: System{Server: worker.Defaults(worker.ThreadPerRequest), App: Always(h)},
		Load:   []load.Load{load.Open{Path: "/", Rate: 1000, Duration: 2 * time.Millisecond}},
		// The naps below are long enough to be found in.
		Horizon: 10 * time.Second,
	}
}

// children are what the tests run in processes of their own.
var children = map[string]func(*testing.T){
	"process left alone": func(t *testing.T) {
		procs, gc := runtime.GOMAXPROCS(2), debug.SetGCPercent(123)
		is := func(when string) {
			percent := debug.SetGCPercent(123)
			if p := runtime.GOMAXPROCS(0); p != 2 || percent != 123 {
				t.Errorf("%s GOMAXPROCS is %d and GOGC %d: they were 2 and 123", when, p, percent)
			}
		}
		_, err := two(func(http.ResponseWriter, *http.Request) { is("in a handler") }).Run(t)
		require.NoError(t, err)
		is("afterwards")
		runtime.GOMAXPROCS(procs)
		debug.SetGCPercent(gc)
	},
	"lock held across a nap": func(t *testing.T) {
		var account locked
		_, err := two(account.ServeHTTP).Run(t)
		t.Log(err)
	},
	"channel from outside": func(t *testing.T) {
		dog = hasty
		_, err := two(func(http.ResponseWriter, *http.Request) { <-outside }).Run(t)
		t.Log(err)
	},
	"real connection": func(t *testing.T) {
		dog = hasty
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		_, err = two(func(http.ResponseWriter, *http.Request) {
			c, err := net.Dial("tcp", ln.Addr().String())
			if err == nil {
				c.Read(make([]byte, 1))
			}
		}).Run(t)
		t.Log(err)
	},
	"endless loop": func(t *testing.T) {
		dog = hasty
		var stop atomic.Bool
		_, err := two(func(http.ResponseWriter, *http.Request) {
			for n := 0; !stop.Load(); n++ {
			}
		}).Run(t)
		t.Log(err)
		stop.Store(true)
	},
	"long computation": func(t *testing.T) {
		// All that a false alarm needs: the clock stands far longer than the dog's
		// patience, and a goroutine waits for a lock, in the same place, throughout.
		dog = hasty
		dog.Computing = time.Hour
		var mu sync.Mutex
		obs, err := two(func(w http.ResponseWriter, r *http.Request) {
			// To one instant, so that one computes while the other waits.
			now := time.Now()
			time.Sleep(now.Truncate(time.Second).Add(time.Second).Sub(now))
			mu.Lock()
			defer mu.Unlock()
			for begin := realClock(); realClock()-begin < 3*dog.Still; {
			}
		}).Run(t)
		require.NoError(t, err)
		require.Equal(t, 2.0, Replies(200).Of(obs))
	},
	"goroutines left": func(t *testing.T) {
		obs, err := two(func(w http.ResponseWriter, r *http.Request) { leak() }).Run(t)
		require.NotNil(t, obs)
		t.Logf("replies %v\n%v", Replies(200).Of(obs), err)
	},
	"handlers that never return": func(t *testing.T) {
		for _, server := range []worker.Config{
			{}, worker.Defaults(worker.ThreadPerRequest), worker.Defaults(worker.Sync),
			worker.Defaults(worker.Threaded), worker.Defaults(worker.Evented),
		} {
			e := two(func(http.ResponseWriter, *http.Request) { <-make(chan int) })
			e.System.Server = server
			obs, err := e.Run(t)
			require.Equal(t, 2.0, Failures(load.Unfinished).Of(obs))
			t.Log(&e.System, err)
		}
	},
	"a server that does not close": func(t *testing.T) {
		e := two(nil)
		e.System.App = Seeded(func(uint64) func() http.Handler {
			return func() http.Handler { select {} } // a worker that never boots
		})
		_, err := e.Run(t)
		t.Log(err)
	},
	"panic with goroutines left": func(t *testing.T) {
		e := two(nil)
		e.System.App = Seeded(func(uint64) func() http.Handler { leak(); panic("no app today") })
		_, err := e.Run(t)
		t.Log(err)
	},
	"data race": func(t *testing.T) {
		shared := 0
		// The two must overlap: one that comes after the other's reply is ordered
		// after it by the clients.
		obs, err := two(func(w http.ResponseWriter, r *http.Request) {
			shared++
			worker.Await(r.Context(), 5*time.Millisecond)
			shared--
		}).Run(nil)
		require.NotNil(t, obs)
		t.Logf("replies %v\n%v", Replies(200).Of(obs), err)
	},
	"table": func(t *testing.T) { Test(t, outages()) },
	"table that fails": func(t *testing.T) {
		rows := outages()
		rows[0].System.Server.Workers = 2 // no claim of theirs any more
		rows[1].Sibling = func(*Experiment) {}
		Test(t, rows)
	},
	"table with holes": func(t *testing.T) { Test(t, []Experiment{{Name: "empty"}}) },
	"table with a leak": func(t *testing.T) {
		rows := outages()[:1]
		rows[0].System.App = Always(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leak() }))
		Test(t, rows)
	},
}

// locked is a handler with the bug that virtual time cannot run.
type locked struct {
	mu  sync.Mutex
	sum int
}

func (l *locked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sum++
	worker.Block(r.Context(), 3*time.Second)
}

// outside is a channel that no bubble knows of.
var outside = make(chan int)

// leak starts a goroutine that never ends.
func leak() { go func() { <-make(chan int) }() }

// realClock is the time outside the bubble, which time.Now does not tell inside:
// that of a file just written.
func realClock() time.Duration {
	f, err := os.CreateTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		panic(err)
	}
	return time.Duration(info.ModTime().UnixNano())
}

func TestALockHeldAcrossANapIsNamed(t *testing.T) {
	t.Parallel()
	text, status := runChild(t, "lock held across a nap", "-test.v")
	assert.Zero(t, status, "Run returns; the test goes on")
	assert.Contains(t, text, "✗ the virtual clock moves")
	assert.Regexp(t, `goroutine \d+ waits for a sync.Mutex at lab/bubble_test.go:\d+, in lab.\(\*locked\).ServeHTTP`, oneLine(text))
	assert.Regexp(t, `goroutine \d+ waits .* at lab/bubble_test.go:\d+, in the same function: it holds the lock`, oneLine(text))
	assert.Contains(t, oneLine(text), "golang.org/x/sync/semaphore or sync.Cond")
}

func TestWaitingForTheWorldOutsideIsNamed(t *testing.T) {
	t.Parallel()
	for child, want := range map[string][]string{
		"channel from outside": {"waits to receive at lab/bubble_test.go", "made outside", "where the app is built"},
		"real connection":      {"waits for real I/O at", "the simulated network"},
	} {
		text, status := runChild(t, child, "-test.v")
		assert.Zero(t, status)
		for _, part := range want {
			assert.Contains(t, oneLine(text), part)
		}
	}
}

func TestAnEndlessLoopIsNamed(t *testing.T) {
	t.Parallel()
	text, _ := runChild(t, "endless loop", "-test.v")
	assert.Contains(t, oneLine(text), "computes at lab/bubble_test.go")
	assert.Contains(t, oneLine(text), "endless loop, or one that polls the clock")
}

func TestAProcessThatDoesNotAskIsLeftAlone(t *testing.T) {
	t.Parallel()
	text, status := runChild(t, "process left alone")
	assert.Zero(t, status, text)
}

func TestALongComputationIsNoFault(t *testing.T) {
	t.Parallel()
	text, status := runChild(t, "long computation")
	assert.Zero(t, status, text)
}

func TestGoroutinesLeftBehindAreListed(t *testing.T) {
	t.Parallel()
	text, _ := runChild(t, "goroutines left", "-test.v")
	text = oneLine(text)
	assert.Contains(t, text, "replies 2 ", "what was observed is there all the same")
	assert.Contains(t, text, "✗ nothing is left behind")
	assert.Contains(t, text, "2 goroutines are still there 60 s after the server was closed")
	assert.Regexp(t, `waits to receive at lab/bubble_test.go:\d+, in lab.leak.func1; created by lab.leak at lab/bubble_test.go:\d+`, text)
}

func TestAPanicInAnExperimentIsAnError(t *testing.T) {
	e := two(nil)
	e.System.App = Seeded(func(uint64) func() http.Handler { panic("no app today") })
	_, err := e.Run(t)
	require.ErrorContains(t, err, "no app today")
}

func TestAHandlerThatNeverReturnsIsListed(t *testing.T) {
	t.Parallel()
	text, status := runChild(t, "handlers that never return", "-test.v")
	assert.Zero(t, status)
	assert.GreaterOrEqual(t, strings.Count(oneLine(text), "waits to receive at lab/bubble_test.go"), 5, "on every model")
}

func TestAServerThatDoesNotCloseIsAnError(t *testing.T) {
	t.Parallel()
	text, status := runChild(t, "a server that does not close", "-test.v")
	assert.Zero(t, status)
	assert.Contains(t, oneLine(text), "the server is still serving 60 s after it was closed")
	assert.Contains(t, oneLine(text), "waits in a select at lab/bubble_test.go")
}

func TestNoErrorHidesAnother(t *testing.T) {
	t.Parallel()
	text, _ := runChild(t, "panic with goroutines left", "-test.v")
	assert.Contains(t, text, "no app today")
	assert.Contains(t, text, "✗ nothing is left behind")
}

func TestADataRaceIsAFailedCheck(t *testing.T) {
	t.Parallel()
	if !racedetector.On {
		t.Skip("needs the race detector: go test -race")
	}
	text, status := runChild(t, "data race", "-test.v")
	assert.NotZero(t, status)
	assert.Contains(t, text, "WARNING: DATA RACE")
	assert.Contains(t, oneLine(text), "replies 2 ✗ no data race")
}
