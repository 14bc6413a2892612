// Every kind of failure, each from a real cause, in memory and over loopback
// TCP; and streams.

package load_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/simnet"
)

// lingerer is what both networks' connections have.
type lingerer interface {
	net.Conn
	SetLinger(int) error
}

var causes = []struct {
	name   string
	play   func(c lingerer) // what the server does once it has the request
	kind   load.Kind
	op     load.Op
	status int
	bytes  int64
	lines  int
	err    string
}{
	{
		name: "complete",
		play: func(c lingerer) { io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n") },
		kind: load.OK, status: 200, bytes: 3, lines: 1,
	}, {
		name: "complete, ended by the close",
		play: func(c lingerer) { io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\nok\n") },
		kind: load.OK, status: 200, bytes: 3, lines: 1,
	}, {
		name: "complete, without a body",
		play: func(c lingerer) { io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n") },
		kind: load.OK, status: 204,
	}, {
		name: "closed before a byte",
		play: func(c lingerer) {},
		kind: load.ClosedEarly, op: load.Reading, err: "EOF",
	}, {
		name: "closed within the header",
		play: func(c lingerer) { io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Le") },
		kind: load.ClosedEarly, op: load.Reading, err: "EOF",
	}, {
		name: "closed within the body",
		play: func(c lingerer) { io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok\n") },
		kind: load.ClosedEarly, op: load.Reading, status: 200, bytes: 3, lines: 1, err: "EOF",
	}, {
		name: "closed between two chunks",
		play: func(c lingerer) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n")
		},
		kind: load.ClosedEarly, op: load.Reading, status: 200, bytes: 3, lines: 1, err: "EOF",
	}, {
		name: "reset before a byte",
		play: func(c lingerer) { c.SetLinger(0) },
		kind: load.Reset, op: load.Reading, err: syscall.ECONNRESET.Error(),
	}, {
		name: "reset within the body",
		play: func(c lingerer) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok\n")
			time.Sleep(50 * time.Millisecond) // let it be read
			c.SetLinger(0)
		},
		kind: load.Reset, op: load.Reading, status: 200, bytes: 3, lines: 1, err: syscall.ECONNRESET.Error(),
	}, {
		name: "not HTTP",
		play: func(c lingerer) { io.WriteString(c, "SSH-2.0-OpenSSH_9.6\r\n") },
		kind: load.Malformed, op: load.Reading, err: "malformed HTTP",
	}, {
		name: "a chunk that is none",
		play: func(c lingerer) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\n\r\n")
		},
		kind: load.Malformed, op: load.Reading, status: 200, err: "chunk",
	}, {
		name: "more than one reply",
		play: func(c lingerer) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\nHTTP/1.1 200 OK\r\n")
		},
		kind: load.Malformed, status: 200, bytes: 3, lines: 1, err: "after the reply",
	}, {
		name: "a header without end",
		play: func(c lingerer) { again(c, "HTTP/1.1 200 OK\r\n", "X-A: b\r\n") },
		kind: load.Malformed, op: load.Reading, err: "the header of the reply is longer than 262144 bytes",
	}, {
		name: "1xx responses without end",
		play: func(c lingerer) { again(c, "", "HTTP/1.1 103 Early Hints\r\n\r\n") },
		kind: load.Malformed, op: load.Reading, err: "the header of the reply is longer than 262144 bytes",
	}, {
		name: "silence",
		play: func(c lingerer) { io.Copy(io.Discard, c) }, // until the client leaves
		kind: load.Unfinished, op: load.Reading,
	},
}

// again sends begin and then 4 MiB of more, or less if the client leaves.
func again(w io.Writer, begin, more string) {
	_, err := io.WriteString(w, begin)
	block := strings.Repeat(more, 64<<10/len(more))
	for sent := 0; err == nil && sent < 4<<20; sent += len(block) {
		_, err = io.WriteString(w, block)
	}
}

// What is kept of a body is bounded, and all of it is counted.
func TestALongBodyIsKeptInPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const long = 3 << 20
		target := script(t, func(_ int, c *simnet.Conn) {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", long)
			io.WriteString(c, strings.Repeat("x", long))
		})
		records, err := load.Run(t.Context(), target, time.Minute, load.Closed{Path: "/", Connections: 1, Requests: 1, KeepBody: true})
		require.NoError(t, err)
		require.Len(t, records, 1)
		assert.True(t, records[0].Complete)
		assert.EqualValues(t, long, records[0].Bytes)
		assert.Equal(t, 1<<20, len(records[0].Body), "bytes that are kept")
	})
}

// loads are both loops with one request.
func loads() []load.Load {
	return []load.Load{
		load.Closed{Path: "/", Connections: 1, Requests: 1},
		load.Open{Path: "/", Rate: 1, Duration: time.Second},
	}
}

func checkCause(t *testing.T, i int, records []load.Record, err error) {
	require.NoError(t, err)
	require.Len(t, records, 2)
	want := causes[i]
	for _, r := range records {
		assert.Equal(t, want.kind, r.Kind, r.Err)
		assert.Equal(t, want.op, r.Op)
		assert.Equal(t, want.op == "", r.Complete)
		assert.Equal(t, want.status, r.Status)
		assert.Equal(t, want.bytes, r.Bytes)
		assert.Equal(t, want.lines, r.Lines)
		assert.Equal(t, want.bytes > 0, r.FirstByte > 0)
		assert.Contains(t, r.Err, want.err)
		assert.Equal(t, want.err == "", r.Err == "")
	}
}

func TestEachKindFromItsCauseInMemory(t *testing.T) {
	for i, cause := range causes {
		t.Run(cause.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target := script(t, func(_ int, c *simnet.Conn) { cause.play(c) })
				records, err := load.Run(context.Background(), target, 2*time.Second, loads()...)
				checkCause(t, i, records, err)
			})
		})
	}
}

func TestEachKindFromItsCauseOverTCP(t *testing.T) {
	for i, cause := range causes {
		t.Run(cause.name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer l.Close()
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					go func() {
						defer c.Close()
						if _, err := c.Read(make([]byte, 4096)); err == nil {
							cause.play(c.(*net.TCPConn))
						}
					}()
				}
			}()
			records, err := load.Run(context.Background(), load.TCP(l.Addr().String(), 1), 400*time.Millisecond, loads()...)
			checkCause(t, i, records, err)
		})
	}
}

func TestNobodyListensOverTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l.Close()
	records, err := load.Run(t.Context(), load.TCP(l.Addr().String(), 1), time.Second, loads()...)
	require.NoError(t, err)
	assert.Equal(t, []load.Kind{load.Refused, load.Refused}, kinds(records))
}

func TestAFullBacklogThatRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n simnet.Network
		l, err := n.Listen(addr)
		require.NoError(t, err)
		defer l.Close()
		require.NoError(t, l.SetBacklog(0))
		require.NoError(t, l.SetOverflow(simnet.Refuse))
		records := run(t, onNetwork(&n), time.Second, load.Closed{Path: "/", Connections: 3, Requests: 1})
		assert.Equal(t, []load.Kind{load.Unfinished, load.Refused, load.Refused}, kinds(records))
	})
}

func TestErrorsOfTheDialAreKeptApart(t *testing.T) {
	op := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for _, tc := range []struct {
		err  error
		want load.Kind
	}{
		{op(syscall.ECONNREFUSED), load.Refused},
		{op(syscall.EAGAIN), load.Refused}, // a full unix socket; it calls itself a timeout
		{op(syscall.ECONNRESET), load.Reset},
		{op(syscall.EPIPE), load.Reset},
		{op(syscall.ETIMEDOUT), load.Timeout},
		{op(context.DeadlineExceeded), load.Timeout}, // of the dialler's own
		{io.EOF, load.ClosedEarly},
		{context.Canceled, load.Failed}, // not by us
		{errors.New("no route to the moon"), load.Failed},
	} {
		target := load.Target{Host: "h", Dial: func(context.Context, int) (net.Conn, error) { return nil, tc.err }}
		records, err := load.Run(t.Context(), target, time.Minute, loads()...)
		require.NoError(t, err)
		for _, r := range records {
			assert.Equal(t, tc.want, r.Kind, tc.err)
			assert.Equal(t, load.Dialing, r.Op)
			assert.Equal(t, tc.err.Error(), r.Err)
		}
		sum := load.Summarize(time.Second, records)
		assert.Equal(t, 2, sum.Connect, tc.err)
	}
}

func TestAWriteThatFailsIsAWriteError(t *testing.T) {
	client, server := net.Pipe()
	server.Close()
	target := load.Target{Host: "h", Dial: func(context.Context, int) (net.Conn, error) { return client, nil }}
	records, err := load.Run(t.Context(), target, time.Minute, load.Closed{Path: "/", Connections: 1, Requests: 1})
	require.NoError(t, err)
	assert.Equal(t, load.Reset, records[0].Kind)
	assert.Equal(t, load.Writing, records[0].Op)
	assert.Equal(t, 1, load.Summarize(time.Second, records).Write)
}

func TestAStreamKnowsItsFirstByteAndItsLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A line every 2 s, the header at once, for ever.
		target := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			for r.Context().Err() == nil {
				time.Sleep(2 * time.Second)
				fmt.Fprintln(w, `{"updates": null}`)
				w.(http.Flusher).Flush()
			}
		})
		records := run(t, target, 9*time.Second,
			load.Closed{Path: "/stream_feed", Connections: 2, Requests: 1, KeepBody: true},
			load.Closed{Path: "/stream_feed", Connections: 1, Requests: 1, Duration: time.Second},
		)
		for _, r := range records[:2] {
			assert.Equal(t, load.Unfinished, r.Kind)
			assert.Equal(t, http.StatusOK, r.Status)
			assert.Equal(t, 2*time.Second, about(r.FirstByte))
			assert.Equal(t, 4, r.Lines)
			assert.Equal(t, "{\"updates\": null}\n", r.Body[:len(r.Body)/4])
			assert.Equal(t, 9*time.Second, r.End)
		}
		assert.Zero(t, records[2].FirstByte, "a header is not a line")
		assert.Equal(t, http.StatusOK, records[2].Status)
	})
}

func TestKeepAliveOverTCP(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "ok") }))
	defer srv.Close()
	dials := make(chan int, 100)
	target := load.TCP(srv.Listener.Addr().String(), 1)
	dial := target.Dial
	target.Dial = func(ctx context.Context, client int) (net.Conn, error) { dials <- client; return dial(ctx, client) }
	records, err := load.Run(t.Context(), target, time.Minute, load.Closed{Path: "/", Connections: 3, Requests: 50, KeepBody: true})
	require.NoError(t, err)
	assert.Len(t, records, 150)
	assert.Len(t, dials, 3, "three connections serve all")
	for _, r := range records {
		require.True(t, r.Good())
		require.Equal(t, "ok", r.Body)
		require.Positive(t, r.Latency)
		require.Equal(t, r.Seq > 0, r.Reused)
	}
}

func TestARunOverTCPThatIsCalledOff(t *testing.T) {
	left := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(left)
	}))
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	records, err := load.Run(ctx, load.TCP(srv.Listener.Addr().String(), 1), time.Hour, load.Closed{Path: "/", Connections: 1, Duration: time.Hour})
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, []load.Kind{load.Unfinished}, kinds(records))
	<-left
}
