// Servers that nobody here wrote, or that do not work: what is not known is not said.

package live_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/appserver"
	"example.com/outagelab/lab/live"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

func TestWhatDoesNotTellIsNotEnough(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"an error for everything":   func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oops", http.StatusInternalServerError) },
		"one page for everything":   func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>I napped for 1 seconds</html>") },
		"a redirect for everything": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
		"JSON for everything":       func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"Title": 1}`) },
		"a lock":                    nil, // a handler that one request at a time gets through
	} {
		t.Run(name, func(t *testing.T) {
			if racedetector.On {
				t.Skip("it needs a run without -race")
			}
			s := plain(handler)
			if handler == nil {
				s.app = locked
			}
			r, _ := s.diagnose(t)
			assert.Contains(t, r.String(), "not enough to tell")
			assert.Contains(t, possible(r), live.Unlimited, "which it is\n%s", r)
			assert.NotContains(t, r.Routes, "/hash_me")
			assert.Empty(t, r.Deployments)
		})
	}
}

// locked lets one request at a time in, for a tenth of a second.
func locked() http.Handler {
	lock := make(chan struct{}, 1)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		lock <- struct{}{}
		time.Sleep(100 * time.Millisecond)
		<-lock
		fmt.Fprint(w, "hello")
	})
}

// Requests that share a processor slow each other down, and that is no limit on how
// many are in service.
func TestASharedProcessorIsNoLimit(t *testing.T) {
	if racedetector.On {
		t.Skip("it needs a run without -race")
	}
	s := server{app: func() http.Handler {
		processor := make(chan struct{}, 1)
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for range 20 { // slices of 5 ms, in turn
				processor <- struct{}{}
				time.Sleep(5 * time.Millisecond)
				<-processor
			}
			fmt.Fprint(w, "hello")
		})
	}}
	r, _ := s.diagnose(t)
	assert.Empty(t, r.Concurrency)
	assert.Contains(t, strings.Join(r.Remarks, " "), "slow each other down")
	assert.Contains(t, possible(r), live.Unlimited)
}

// A server that takes long for each request is measured as far as it can be.
func TestSlowServers(t *testing.T) {
	if racedetector.On {
		t.Skip("it needs a run without -race")
	}
	for _, c := range []struct {
		name   string
		config worker.Config
		takes  time.Duration
		models []live.Model
		called string
	}{
		{"one at a time, 2 s", worker.Defaults(worker.Sync), 2 * time.Second, []live.Model{live.OneSync}, "one sync worker"},
		{"three at a time, 2 s", syncs(3), 2 * time.Second, []live.Model{live.SyncWorkers, live.Pool}, "3 sync workers"},
		{"three at a time, 0.1 s", syncs(3), 100 * time.Millisecond, []live.Model{live.SyncWorkers, live.Pool}, "3 sync workers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := plain(func(w http.ResponseWriter, r *http.Request) {
				worker.Block(r.Context(), c.takes)
				fmt.Fprint(w, "hello")
			})
			s.config = &c.config
			r, _ := s.diagnose(t)
			assert.Equal(t, c.models, possible(r), "%s", r)
			assert.Equal(t, c.called, r.Possible[0].Name, "%s", r)
			assert.LessOrEqual(t, r.Took, time.Minute)
		})
	}
}

func TestNoServerIsAClearError(t *testing.T) {
	require.NoError(t, inBubble(func() error {
		var network simnet.Network
		r, err := live.Diagnose(context.Background(), targetOn(&network), nil)
		assert.Nil(t, r)
		assert.EqualError(t, err, "nobody listens at http://127.0.0.1:8000: start it first, for example make run.sync")
		return nil
	}))
	_, err := live.Diagnose(context.Background(), live.Target{}, nil)
	assert.ErrorContains(t, err, "Parse")
}

func TestWhatIsNoWebServerIsAClearError(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(net.Conn)
		want   string
	}{
		{"silence", func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1<<16)); time.Sleep(time.Minute) }, "sent no reply within 10s: all its workers may be busy"},
		{"no word", says(""), "closed the connection without a reply: its worker may have died over the request, it speaks https, or"},
		{"SSH", says("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"), `does not speak HTTP: it said "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"`},
		{"bytes", says("\x00\x9b2J" + string(make([]byte, 100))), `it said "\x00\x9b2J`},
		{"a TLS alert", says("\x15\x03\x01\x00\x02\x02\x46"), "speaks TLS (https)"},
		{"Go's TLS", says("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"), "speaks TLS (https)"},
		{"nginx's TLS", says("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<center>The plain HTTP request was sent to HTTPS port</center>"), "speaks TLS (https)"},
		{"a header that does not end", func(conn net.Conn) {
			for _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n"); err == nil; _, err = io.WriteString(conn, "X-A: b\r\n") {
				time.Sleep(time.Second)
			}
		}, "did not end its header within 10s"},
		{"half of HTTP", says("HTTP/1.1 two hundred\r\n\r\n"), "does not speak HTTP as it should"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := listening(t, context.Background(), c.answer)
			assert.Nil(t, r)
			assert.ErrorContains(t, err, c.want)
			assert.ErrorContains(t, err, "http://127.0.0.1:8000")
		})
	}
}

// A server that dies leaves what was learned until then.
func TestAServerThatDiesMidway(t *testing.T) {
	if racedetector.On {
		t.Skip("it needs a run without -race")
	}
	require.NoError(t, inBubble(func() error {
		var network simnet.Network
		config := pocserver.RunSync()
		running, err := appserver.Start(&network, address, &config, pocserver.Instances(1), nil)
		if err != nil {
			return err
		}
		time.AfterFunc(5*time.Second, func() { running.Close(time.Second) })
		r, err := live.Diagnose(context.Background(), targetOn(&network), nil)
		assert.EqualError(t, err, `http://127.0.0.1:8000 stopped listening during the step "naps of /sync_sleep/": it has died, or was stopped`)
		if assert.NotNil(t, r) {
			assert.Equal(t, []live.Model{live.OneSync}, possible(r), "awaited naps had waited for each other by then\n%s", r)
			assert.Contains(t, r.String(), "cut off", "what became of those under way")
		}
		return nil
	}))
}

// Ctrl-C ends it at once, with what was learned; what fails because of it is not the
// server's doing.
func TestACancelledContextEndsIt(t *testing.T) {
	moments := []time.Duration{1500 * time.Millisecond, 500 * time.Millisecond, 2500 * time.Millisecond, 6 * time.Second, 12 * time.Second}
	if racedetector.On {
		moments = moments[:1]
	}
	for _, after := range moments {
		require.NoError(t, inBubble(func() error {
			var network simnet.Network
			config := pocserver.RunSync()
			running, err := appserver.Start(&network, address, &config, pocserver.Instances(1), nil)
			if err != nil {
				return err
			}
			ctrlC := errors.New("interrupt")
			ctx, cancel := context.WithCancelCause(context.Background())
			begin := time.Now()
			var pressing sync.WaitGroup
			pressing.Go(func() { time.Sleep(after); cancel(ctrlC) })
			r, err := live.Diagnose(ctx, targetOn(&network), nil)
			assert.Equal(t, ctrlC, err)
			assert.Equal(t, after, time.Since(begin))
			if assert.NotNil(t, r) && assert.Len(t, r.Remarks, 1, "after %v", after) {
				assert.Contains(t, r.Remarks[0], "interrupted before: ")
			}
			pressing.Wait()
			return running.Close(time.Minute)
		}))
	}
}

// A server that hangs midway is not one of which there is not enough to tell.
func TestAServerThatAnswersNoMoreIsAnError(t *testing.T) {
	if racedetector.On {
		t.Skip("it needs a run without -race")
	}
	asked := 0
	var mu sync.Mutex
	r, err := listening(t, context.Background(), func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 4096))
		mu.Lock()
		asked++
		n := asked
		mu.Unlock()
		if n > 12 {
			_, _ = conn.Read(make([]byte, 1)) // until the client leaves
			return
		}
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	})
	assert.ErrorContains(t, err, `http://127.0.0.1:8000 answers no more since the step "`)
	assert.LessOrEqual(t, r.Took, time.Minute)
	assert.Contains(t, r.String(), "not enough to tell")
}

// A server that takes nine seconds for everything keeps nobody for longer than was
// said, and its requests are counted as they were sent.
func TestItIsOverInAMinute(t *testing.T) {
	if racedetector.On {
		t.Skip("it needs a run without -race")
	}
	var asked atomic.Int64
	s := plain(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		time.Sleep(9 * time.Second)
		fmt.Fprint(w, "hello")
	})
	r, _ := s.diagnose(t)
	assert.LessOrEqual(t, r.Took, time.Minute)
	assert.EqualValues(t, asked.Load(), r.Requests, "%s", r)
	assert.Contains(t, r.String(), "there was not enough time for: ")
}

// A connection that is dropped, or a request that is refused, now and then costs no
// experiment.
func TestWhatIsDroppedOrRefusedIsTriedAgain(t *testing.T) {
	if racedetector.On {
		t.Skip("it needs a run without -race")
	}
	for first := range int64(40) {
		var seen atomic.Int64
		seen.Store(first)
		s := server{app: pocserver.Instances(1), wrap: func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n := seen.Add(1); n%20 == 0 && r.URL.Path != "/" {
					if n%40 == 0 {
						http.Error(w, "busy", http.StatusServiceUnavailable)
						return
					}
					panic(http.ErrAbortHandler)
				}
				h.ServeHTTP(w, r)
			})
		}}
		r, _ := s.diagnose(t)
		require.Len(t, r.Concurrency, 3, "the %d-th is refused\n%s", 40-first, r)
		if assert.NotNil(t, r.Kept, "%s", r) {
			assert.True(t, *r.Kept, "%s", r)
		}
		assert.NotNil(t, r.Idle, "%s", r)
		assert.Equal(t, []string{"run.dev"}, r.Deployments, "%s", r)
	}
}

// Naps that are not what the server says of them tell nothing.
func TestNapsThatAreNotWhatTheServerSays(t *testing.T) {
	if racedetector.On {
		t.Skip("it needs a run without -race")
	}
	for name, said := range map[string]string{"a third of it": "0.1", "more than it": "0.9", "none at all": "0"} {
		s := plain(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("sleep") == "0" {
				said := "0"
				fmt.Fprintf(w, "I napped for %s seconds", said)
				return
			}
			time.Sleep(300 * time.Millisecond)
			fmt.Fprintf(w, "I napped for %s seconds", said)
		})
		r, _ := s.diagnose(t)
		assert.Empty(t, r.Concurrency, "%s\n%s", name, r)
		assert.Contains(t, strings.Join(r.Remarks, "\n"), "took 0.3 s: nothing is made of that view", name)
		assert.Contains(t, r.String(), "not enough to tell")
		assert.NotContains(t, r.String(), "fits", "what is not enough to tell fits nothing")
		assert.NotContains(t, r.String(), "_sleep/ would tell, which the target lacks", "it has them")
	}
}

// A view that names no user is not the one that should.
func TestOnlyWhatAnswersLikeAViewIsOne(t *testing.T) {
	if racedetector.On {
		t.Skip("it needs a run without -race")
	}
	r, _ := plain(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "I napped for 0.0 seconds") }).diagnose(t)
	assert.Equal(t, []string{"/sync_sleep/", "/async_sleep/", "/blocking_sleep/"}, r.Routes)
}
