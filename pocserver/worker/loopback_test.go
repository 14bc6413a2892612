// The same server in real time, over the kernel's TCP: no test here asserts how
// long anything took.

package worker_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/pocserver/worker"
)

// overLoopback serves on a port of 127.0.0.1 while f runs.
func overLoopback(t *testing.T, cfg worker.Config, app func() http.Handler, f func(url string, ln net.Listener)) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s, err := worker.New(cfg, app)
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	f("http://"+ln.Addr().String(), ln)
	require.NoError(t, s.Close())
	require.ErrorIs(t, <-served, http.ErrServerClosed)
}

func get(client *http.Client, url string) (string, error) {
	r, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	return string(b), err
}

func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestEachModelServesOverLoopback(t *testing.T) {
	for _, m := range models {
		t.Run(m.String(), func(t *testing.T) {
			cfg := config(m)
			if m != worker.ThreadPerRequest {
				cfg.Workers = 2
			}
			cfg.CPU = 10 * time.Microsecond
			overLoopback(t, cfg, app(), func(url string, _ net.Listener) {
				client := newClient(t)
				var clients sync.WaitGroup
				for i := range 8 {
					clients.Go(func() {
						for n := range 10 {
							how := []string{"block", "await", "thread"}[(i+n)%3]
							body, err := get(client, fmt.Sprintf("%s/%s/1ms", url, how))
							assert.NoError(t, err)
							assert.Contains(t, body, "instance ")
						}
					})
				}
				clients.Wait()
			})
		})
	}
}

// A loop that was held finds several connections in the kernel's queue, and
// takes them all before its next turn: they then nap together.
func TestALoopAcceptsAllThatWaitInTheKernel(t *testing.T) {
	const n = 10
	held, arrived := make(chan bool), make(chan bool)
	together := make(chan bool, n)
	meet := func() http.Handler {
		var all sync.WaitGroup
		all.Add(n)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/hold" {
				held <- true
				<-arrived // computing, as far as the loop can tell
				return
			}
			worker.InThread(r.Context(), func() { all.Done(); all.Wait() })
			together <- true
		})
	}
	overLoopback(t, config(worker.Evented), meet, func(url string, ln net.Listener) {
		client := newClient(t)
		go get(client, url+"/hold")
		<-held
		for range n {
			c, err := net.Dial("tcp", ln.Addr().String()) // the kernel completes it, whatever the loop does
			require.NoError(t, err)
			defer c.Close()
			fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		}
		arrived <- true
		for range n {
			<-together
		}
	})
}

// The arbiter in real time, with a timeout of the least that it can tell.
func TestAKillOverLoopback(t *testing.T) {
	overLoopback(t, config(worker.Evented, func(c *worker.Config) { c.Timeout = time.Nanosecond; c.BootTime = 0 }), app(), func(url string, _ net.Listener) {
		_, err := get(newClient(t), url+"/block/1h")
		assert.Error(t, err, "the loop is held beyond the timeout: the connection is cut")
		body, err := get(newClient(t), url+"/")
		require.NoError(t, err)
		assert.Contains(t, body, "instance ", "the replacement answers")
		assert.NotEqual(t, "instance 1\n", body)
	})
}

func TestShutdownOverLoopback(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s, err := worker.New(config(worker.Sync), app())
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	body, err := get(newClient(t), "http://"+ln.Addr().String())
	require.NoError(t, err)
	assert.Equal(t, "instance 1\n", body)
	assert.NoError(t, s.Shutdown(context.Background()))
	assert.ErrorIs(t, <-served, http.ErrServerClosed)
	_, err = net.Dial("tcp", ln.Addr().String())
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
}

// A listener that is neither the kernel's nor a simulated network's will do.
func TestAnyListener(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s, err := worker.New(config(worker.Evented), app())
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(struct{ net.Listener }{inner}) }()
	body, err := get(newClient(t), "http://"+inner.Addr().String())
	require.NoError(t, err)
	assert.Equal(t, "instance 1\n", body)
	s.Close()
	<-served
}

// passing fails once, the way accept does when a process is out of files.
type passing struct {
	net.Listener
	failed sync.Once
}

func (l *passing) Accept() (c net.Conn, err error) {
	l.failed.Do(func() { err = &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE} })
	if err != nil {
		return nil, err
	}
	return l.Listener.Accept()
}

func TestAnAcceptThatFailsForNowIsTriedAgain(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s, err := worker.New(config(worker.Sync), app())
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(&passing{Listener: inner}) }()
	body, err := get(newClient(t), "http://"+inner.Addr().String())
	assert.NoError(t, err)
	assert.Equal(t, "instance 1\n", body)
	s.Close()
	assert.ErrorIs(t, <-served, http.ErrServerClosed)
}

func TestAFlushToAClientWhoIsGoneSaysSo(t *testing.T) {
	told := make(chan error, 1)
	flushing := func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			var err error
			for err == nil {
				w.Write(make([]byte, 1<<16))
				err = http.NewResponseController(w).Flush()
			}
			told <- err
		})
	}
	overLoopback(t, config(worker.Sync), flushing, func(_ string, ln net.Listener) {
		c, err := net.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		c.Close()
		assert.Error(t, <-told)
	})
}
