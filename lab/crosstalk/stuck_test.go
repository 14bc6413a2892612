// Handlers that virtual time cannot run, or that leave goroutines behind: each in
// a process of its own, as what they leave stays.

package crosstalk_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/crosstalk"
)

// children are checks whose words go to stdout.
var children = map[string]func(t *testing.T){
	"process left alone": func(t *testing.T) {
		runtime.GOMAXPROCS(2)
		debug.SetGCPercent(123)
		saying(func() http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Printf("GOMAXPROCS %d, GOGC %d\n", runtime.GOMAXPROCS(0), debug.SetGCPercent(123))
				_, _ = io.WriteString(w, user(r))
			})
		})(t)
	},
	"lock held across a nap": saying(heldAcrossANap),
	"channel from outside": saying(func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-outside
			_, _ = io.WriteString(w, user(r))
		})
	}),
	"real socket": saying(func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				panic(err)
			}
			defer listener.Close()
			_, _ = listener.Accept()
			_, _ = io.WriteString(w, user(r))
		})
	}),
	"a lock that only some run into": saying(locksLate),
	"no answer, ever": saying(func() http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { select {} })
	}),
	"no answer for days": saying(func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(48 * time.Hour)
			_, _ = io.WriteString(w, user(r))
		})
	}),
	"a janitor that nobody ends": saying(func() http.Handler {
		go func() {
			for range time.Tick(time.Second) {
			}
		}()
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			_, _ = io.WriteString(w, user(r))
		})
	}),
	"dirty, with a janitor": saying(func() http.Handler {
		go func() { select {} }()
		return poc()
	}),
}

// outside is made in no bubble.
var outside = make(chan int)

// locksLate holds a lock around its writes, but only after so many requests that
// nobody expects one any more.
func locksLate() http.Handler {
	var lock sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Millisecond)
		if served.Add(1) > 60 {
			lock.Lock()
			defer lock.Unlock()
		}
		_, _ = io.WriteString(w, user(r))
	})
}

// served counts requests, of all instances.
var served atomic.Int64

func saying(newHandler func() http.Handler) func(t *testing.T) {
	return func(*testing.T) {
		var s said
		crosstalk.Check(&s, newHandler, inQuery)
		fmt.Printf("failed: %v\n%s", s.failed, s.text)
	}
}

func TestALockThatOnlySomeRunIntoIsNoFault(t *testing.T) {
	t.Parallel()
	text := runChild(t, "a lock that only some run into")
	assert.Contains(t, text, "failed: false")
	assert.Contains(t, text, cleanWords)
}

func TestAProcessThatDoesNotAskIsLeftAlone(t *testing.T) {
	t.Parallel()
	text := runChild(t, "process left alone")
	assert.Contains(t, text, "failed: false")
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "GOMAXPROCS") {
			assert.Equal(t, "GOMAXPROCS 2, GOGC 123", line)
		}
	}
	assert.Contains(t, text, "GOMAXPROCS")
}

func TestAnEndlessLoopIsNamed(t *testing.T) {
	t.Parallel()
	text := flat(runChild(t, "an endless loop, then a plain one"))
	assert.Contains(t, text, "endless failed: true")
	assert.Regexp(t, `computes at crosstalk/verdicts_test.go:\d+`, text)
	assert.Contains(t, text, "an endless loop")
	assert.Contains(t, text, "plain failed: false", "the loop still runs, and spoils nothing")
}

func TestWhatStopsTheClockIsNamed(t *testing.T) {
	t.Parallel()
	for name, wants := range map[string][]string{
		"lock held across a nap": {"waits for a sync.Mutex at crosstalk/realtime_test.go:", "naps at crosstalk/realtime_test.go:", "it holds the lock", "Let go of the lock", "crosstalk.RealTime()"},
		"channel from outside":   {"waits to receive at crosstalk/stuck_test.go:", "Make it where the app is built", "crosstalk.RealTime()"},
		"real socket":            {"waits for real I/O at crosstalk/stuck_test.go:", "crosstalk.RealTime()"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := flat(runChild(t, name))
			assert.Contains(t, text, "failed: true")
			assert.Contains(t, text, "did not come to its end")
			assert.Contains(t, text, "the virtual clock moves")
			for _, want := range wants {
				assert.Contains(t, text, want)
			}
		})
	}
}

func TestWhatIsLeftBehindIsNoCrosstalk(t *testing.T) {
	t.Parallel()
	for name, wants := range map[string][]string{
		"no answer, ever":            {"failed: true", "no request was answered", "left behind"},
		"no answer for days":         {"failed: true", "no request was answered", "left behind"},
		"a janitor that nobody ends": {"failed: false", cleanWords, "left behind", "Close method"},
		"dirty, with a janitor":      {"failed: true", dirtyWords, "«B's canary»", "left behind"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := flat(runChild(t, name))
			for _, want := range wants {
				assert.Contains(t, text, want)
			}
		})
	}
}
