// Requests with a body, on each model as on net/http alone: the same replies, and
// the connection is kept or closed in the same cases.

package worker_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/pocserver/worker"
)

// reads is an app whose path says how much of a body a handler reads, and when.
func reads() http.Handler {
	mux := http.NewServeMux()
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s: %d bytes, sum %d, %v\n", r.Method, len(body), sum(body), err)
	}
	mux.HandleFunc("/all", echo)
	mux.HandleFunc("/none", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, r.Method) })
	mux.HandleFunc("/half", func(w http.ResponseWriter, r *http.Request) {
		half := make([]byte, max(0, r.ContentLength)/2)
		n, err := io.ReadFull(r.Body, half)
		fmt.Fprintf(w, "%s: %d bytes, sum %d, %v\n", r.Method, n, sum(half), err)
	})
	mux.HandleFunc("/close", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, r.Body.Close())
	})
	mux.HandleFunc("/after", func(w http.ResponseWriter, r *http.Request) {
		worker.Await(r.Context(), time.Second)
		echo(w, r)
	})
	mux.HandleFunc("/thread", func(w http.ResponseWriter, r *http.Request) {
		worker.InThread(r.Context(), func() { echo(w, r) })
	})
	mux.HandleFunc("/large-reply", func(w http.ResponseWriter, r *http.Request) {
		w.Write(bytes.Repeat([]byte("x"), 10_000))
	})
	return mux
}

func sum(b []byte) (n int) {
	for _, c := range b {
		n += int(c)
	}
	return n
}

// bodies are requests without their first line, as they go over the wire.
var bodies = map[string]string{
	"none":            "\r\n",
	"empty":           "Content-Length: 0\r\n\r\n",
	"small":           "Content-Length: 3\r\n\r\nx=1",
	"200 kB":          "Content-Length: 200000\r\n\r\n" + strings.Repeat("a", 200_000),
	"300 kB":          "Content-Length: 300000\r\n\r\n" + strings.Repeat("b", 300_000), // more than net/http reads after a handler
	"600 kB":          "Content-Length: 600000\r\n\r\n" + strings.Repeat("b", 600_000),
	"chunked":         "Transfer-Encoding: chunked\r\n\r\n3\r\nx=1\r\n5\r\n&y=22\r\n0\r\n\r\n",
	"chunked, 300 kB": "Transfer-Encoding: chunked\r\n\r\n493e0\r\n" + strings.Repeat("c", 300_000) + "\r\n0\r\n\r\n",
	"100-continue":    "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nx=1",
	"after a reply":   "Connection: close\r\nContent-Length: 3\r\n\r\nx=1",
	"with a trailer":  "Transfer-Encoding: chunked\r\nTrailer: T\r\n\r\n3\r\nx=1\r\n0\r\nT: 1\r\n\r\n",
}

const closed = "the connection is closed"

// exchange sends the request twice, in one go if pipelined, and returns what came
// back until the connection ended.
func exchange(t *testing.T, c net.Conn, first, rest string, pipelined bool) (got []string) {
	request := first + "Host: x\r\n" + rest
	in := bufio.NewReader(c)
	for n := range 2 {
		switch {
		case !pipelined:
			go io.WriteString(c, request)
		case n == 0:
			go io.WriteString(c, request+request)
		}
		for {
			reply, err := http.ReadResponse(in, &http.Request{Method: strings.Fields(first)[0]})
			if err != nil {
				return append(got, closed)
			}
			if reply.StatusCode == http.StatusContinue {
				got = append(got, "100")
				continue
			}
			body, err := io.ReadAll(reply.Body)
			require.NoError(t, err)
			got = append(got, fmt.Sprintf("%d %.60s… close=%v", reply.StatusCode, body, reply.Close))
			if reply.Close {
				return got
			}
			break
		}
	}
	return got
}

// serving calls f in a bubble with a dialler of a server on a simulated network.
func serving(t *testing.T, srv interface {
	Serve(net.Listener) error
	Close() error
}, f func(dial func() net.Conn)) {
	var network simnet.Network
	ln, err := network.Listen(addr)
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	synctest.Wait()
	port := 20_000
	f(func() net.Conn {
		port++
		c, err := network.DialFrom(context.Background(), port, addr)
		require.NoError(t, err)
		return c
	})
	srv.Close()
	require.ErrorIs(t, <-served, http.ErrServerClosed)
	time.Sleep(time.Second) // net/http waits half of it before it closes on a client that still sends
}

// once is a server that keeps no connection.
func once(h http.Handler) *http.Server {
	srv := &http.Server{Handler: h}
	srv.SetKeepAlivesEnabled(false)
	return srv
}

func TestBodiesAreServedAsNetHTTPServesThem(t *testing.T) {
	for _, path := range []string{"/all", "/none", "/half", "/close", "/after", "/thread", "/large-reply"} {
		t.Run(path[1:], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				results := func(srv interface {
					Serve(net.Listener) error
					Close() error
				}) map[string][]string {
					all := map[string][]string{}
					serving(t, srv, func(dial func() net.Conn) {
						for name, rest := range bodies {
							for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
								if (len(rest) > 1000 || racedetector.On && method != "GET") && method != "POST" {
									continue // of large bodies, and under -race, the method makes no difference
								}
								for _, pipelined := range []bool{false, true} {
									c := dial()
									got := exchange(t, c, method+" "+path+" HTTP/1.1\r\n", rest, pipelined)
									c.Close()
									if path == "/large-reply" { // its header leaves before it is known whether the rest can be read
										got = slices.DeleteFunc(got, func(s string) bool { return s == closed })
										for i := range got {
											got[i] = strings.TrimSuffix(strings.TrimSuffix(got[i], "close=true"), "close=false")
										}
									}
									all[fmt.Sprintf("%s, %s, pipelined %v", method, name, pipelined)] = got
								}
							}
						}
					})
					return all
				}
				keeping, closing := results(&http.Server{Handler: reads()}), results(once(reads()))
				for _, model := range models {
					srv, err := worker.New(config(model), reads)
					require.NoError(t, err)
					want := keeping
					if model == worker.Sync { // it closes every connection after one reply
						want = closing
					}
					for name, got := range results(srv) {
						assert.Equal(t, want[name], got, "%v: %s", model, name)
					}
				}
			})
		})
	}
}
