// What a request costs the client, apart from any server.

package load_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/simnet"
)

// canned is a connection whose peer answers every write at once with the same
// bytes, at no cost.
type canned struct {
	net.Conn
	reply string
	rest  strings.Reader
}

func (c *canned) Write(p []byte) (int, error) {
	c.rest.Reset(c.reply)
	return len(p), nil
}
func (c *canned) Read(p []byte) (int, error)  { return c.rest.Read(p) }
func (c *canned) SetDeadline(time.Time) error { return nil }
func (c *canned) Close() error                { return nil }

const (
	sized   = "HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: 22\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nI napped for 0.05 seconds"
	chunked = "HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nTransfer-Encoding: chunked\r\n\r\n16\r\nI napped for 0.05 seco\r\n0\r\n\r\n"
)

// BenchmarkClient is the client alone: request bytes out, reply parsed, record
// written; no network, no server, no other goroutine.
func BenchmarkClient(b *testing.B) {
	for name, reply := range map[string]string{"sized": sized[:len(sized)-3], "chunked": chunked} {
		b.Run(name, func(b *testing.B) {
			target := load.Target{Host: addr, Dial: func(context.Context, int) (net.Conn, error) {
				return &canned{reply: reply}, nil
			}}
			b.ReportAllocs()
			records, err := load.Run(context.Background(), target, time.Hour,
				load.Closed{Path: "/sync_sleep/?sleep=0.1", Connections: 1, Requests: b.N})
			if err != nil || len(records) != b.N || !records[0].Good() {
				b.Fatal(err, len(records), records[0])
			}
		})
	}
}

// benchNetwork runs loads(b.N) in a bubble against a server that start starts. The
// benchmark's clock stays outside, where time is real.
func benchNetwork(b *testing.B, start func(l net.Listener) (stop func()), loads func(n int) load.Load) {
	b.ReportAllocs()
	n := b.N
	inBubble(func(t *testing.T) {
		var network simnet.Network
		l, err := network.Listen(addr)
		if err != nil {
			t.Fatal(err)
		}
		stop := start(l)
		defer stop()
		if _, err = load.Run(context.Background(), onNetwork(&network), 1000*time.Hour, loads(n)); err != nil {
			t.Error(err)
		}
	})
}

// leanServer answers each request after a nap of 50 ms with as little as it can.
func leanServer(l net.Listener) func() {
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf, end := make([]byte, 4096), []byte("\r\n\r\n")
				for {
					n, err := c.Read(buf)
					if err != nil {
						return
					}
					if bytes.HasSuffix(buf[:n], end) {
						time.Sleep(50 * time.Millisecond)
						io.WriteString(c, sized[:len(sized)-3])
					}
				}
			}()
		}
	}()
	return func() { l.Close() }
}

// httpServer does the same with net/http.
func httpServer(l net.Listener) func() {
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(50 * time.Millisecond)
		fmt.Fprint(w, "I napped for 0.05 seconds")
	})}
	go srv.Serve(l)
	return func() { srv.Close() }
}

// BenchmarkChain is the whole chain in virtual time, per request: client,
// network, server, and the clock's step; with GOMAXPROCS=1 (-cpu 1) it costs
// least, since no other thread is woken.
func BenchmarkChain(b *testing.B) {
	closed := func(n int) load.Load {
		return load.Closed{Path: "/", Connections: 100, Requests: (n + 99) / 100}
	}
	open := func(n int) load.Load {
		return load.Open{Path: "/", Rate: 1000, Duration: time.Duration(n) * time.Millisecond}
	}
	b.Run("closed/lean", func(b *testing.B) { benchNetwork(b, leanServer, closed) })
	b.Run("closed/net/http", func(b *testing.B) { benchNetwork(b, httpServer, closed) })
	b.Run("open/lean", func(b *testing.B) { benchNetwork(b, leanServer, open) })
	b.Run("open/net/http", func(b *testing.B) { benchNetwork(b, httpServer, open) })
}

// BenchmarkQueued is what a request of an open loop takes in memory, client,
// network and server together, while it waits: for a SYN to be answered, in the
// backlog, for a net/http handler that naps, and with a reply under way.
//
// Measured on amd64 with Go 1.26, in use: 6.6 KB while it dials and 5.8 KB in the
// backlog, of which 4 KB are the client's stack; 27 KB with a handler and 34 KB
// with a stream under way, most of it net/http's buffers and stacks. The process
// holds about twice that, since the garbage collector lets the heap grow.
func BenchmarkQueued(b *testing.B) {
	const n = 10_000
	never := func(net.Listener) {}
	served := func(begin bool) func(net.Listener) {
		return func(l net.Listener) {
			srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if begin {
					fmt.Fprintln(w, "a line")
					_ = http.NewResponseController(w).Flush()
				}
				time.Sleep(10 * time.Hour)
			})}
			go srv.Serve(l)
		}
	}
	for _, c := range []struct {
		name    string
		backlog int
		start   func(net.Listener)
	}{
		{"dialling", 0, never},
		{"backlog", n, never},
		{"handler", n, served(false)},
		{"stream", n, served(true)},
	} {
		b.Run(c.name, func(b *testing.B) {
			var each float64
			for b.Loop() {
				inBubble(func(t *testing.T) {
					var network simnet.Network
					l, err := network.Listen(addr)
					if err != nil {
						t.Fatal(err)
					}
					l.SetBacklog(c.backlog)
					before := inUse()
					c.start(l)
					go func() {
						time.Sleep(90 * time.Second)
						each = float64(inUse()-before) / n
						l.Close()
					}()
					target := onNetwork(&network)
					target.Dial = func(ctx context.Context, client int) (net.Conn, error) {
						return network.DialFrom(ctx, 1+client%65535, addr)
					}
					load.Run(context.Background(), target, 100*time.Second, load.Open{Path: "/", Rate: n, Duration: time.Second})
					time.Sleep(20 * time.Hour)
				})
			}
			b.ReportMetric(each, "B/request")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// inUse is the memory of objects that are reachable, and of stacks.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
