// This file measures what a connection costs, next to loopback TCP:
//
//	go test -bench=. -benchmem -cpu=1,2 ./lab/simnet

package simnet_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"example.com/outagelab/lab/simnet"
	"github.com/stretchr/testify/require"
)

// networks are what the benchmarks compare.
var networks = []struct {
	name   string
	listen func() (net.Listener, func() (net.Conn, error), error)
}{
	{"simnet", func() (net.Listener, func() (net.Conn, error), error) {
		var n simnet.Network
		l, err := n.Listen("127.0.0.1:8000")
		return l, func() (net.Conn, error) {
			return n.DialContext(context.Background(), "tcp", "127.0.0.1:8000")
		}, err
	}},
	{"loopback", func() (net.Listener, func() (net.Conn, error), error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		return l, func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) }, err
	}},
}

// connect returns the two ends of a connection.
func connect(tb testing.TB, l net.Listener, dial func() (net.Conn, error)) (client, server net.Conn) {
	tb.Helper()
	client, err := dial()
	require.NoError(tb, err)
	server, err = l.Accept()
	require.NoError(tb, err)
	tb.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// BenchmarkPing sends 100 bytes there and back.
func BenchmarkPing(b *testing.B) {
	for _, network := range networks {
		b.Run(network.name, func(b *testing.B) {
			l, dial, err := network.listen()
			require.NoError(b, err)
			defer l.Close()
			client, server := connect(b, l, dial)
			go func() {
				buf := make([]byte, 100)
				for {
					if _, err := io.ReadFull(server, buf); err != nil {
						return
					}
					server.Write(buf)
				}
			}()
			buf := make([]byte, 100)
			b.ReportAllocs()
			for b.Loop() {
				client.Write(buf)
				if _, err := io.ReadFull(client, buf); err != nil {
					b.Fatal(err)
				}
			}
			client.Close()
		})
	}
}

// BenchmarkStream sends 32 KiB at a time in one direction.
func BenchmarkStream(b *testing.B) {
	for _, network := range networks {
		b.Run(network.name, func(b *testing.B) {
			l, dial, err := network.listen()
			require.NoError(b, err)
			defer l.Close()
			client, server := connect(b, l, dial)
			done := make(chan struct{})
			go func() {
				defer close(done)
				io.Copy(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{server})
			}()
			buf := make([]byte, 32<<10)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.Write(buf); err != nil {
					b.Fatal(err)
				}
			}
			client.Close()
			<-done
		})
	}
}

// BenchmarkConnect dials, accepts and closes.
func BenchmarkConnect(b *testing.B) {
	for _, network := range networks {
		b.Run(network.name, func(b *testing.B) {
			l, dial, err := network.listen()
			require.NoError(b, err)
			defer l.Close()
			b.ReportAllocs()
			for b.Loop() {
				client, err := dial()
				if err != nil {
					b.Fatal(err)
				}
				server, err := l.Accept()
				if err != nil {
					b.Fatal(err)
				}
				client.(interface{ SetLinger(int) error }).SetLinger(0) // no TIME_WAIT
				client.Close()
				server.Close()
			}
		})
	}
}

// BenchmarkKeepAlive is a request and its reply through net/http's server, from a
// client that does little more than write and read.
func BenchmarkKeepAlive(b *testing.B) {
	for _, network := range networks {
		b.Run(network.name, func(b *testing.B) {
			l, dial, err := network.listen()
			require.NoError(b, err)
			server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, "pong")
			})}
			go server.Serve(l)
			defer server.Close()
			client, err := dial()
			require.NoError(b, err)
			defer client.Close()
			request := []byte("GET /ping HTTP/1.1\r\nHost: simnet\r\n\r\n")
			replies := bufio.NewReader(client)
			b.ReportAllocs()
			for b.Loop() {
				client.Write(request)
				reply, err := http.ReadResponse(replies, nil)
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, reply.Body)
				reply.Body.Close()
			}
		})
	}
}

// BenchmarkDefaultClient is the same with net/http's client.
func BenchmarkDefaultClient(b *testing.B) {
	for _, network := range networks {
		b.Run(network.name, func(b *testing.B) {
			l, dial, err := network.listen()
			require.NoError(b, err)
			server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, "pong")
			})}
			go server.Serve(l)
			defer server.Close()
			transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return dial() }}
			defer transport.CloseIdleConnections()
			client := http.Client{Transport: transport}
			b.ReportAllocs()
			for b.Loop() {
				reply, err := client.Get("http://simnet/ping")
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, reply.Body)
				reply.Body.Close()
			}
		})
	}
}
