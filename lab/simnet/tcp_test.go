// This file compares simnet with the TCP of the machine it runs on: the same
// script on loopback and on simnet, and the same errors.

package simnet_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/outagelab/lab/simnet"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A script is steps of "end verb": the ends are a and b, and the verbs write
// ("hello"), write0 (no bytes), read (up to 100 bytes), read3, read0, fin
// (CloseWrite), close, linger0 (SetLinger), past (a deadline in the past).
var scripts = []string{
	// FIN: the rest is readable, and the first write to a closed peer succeeds.
	"a write, a close, b read, b read",
	"a close, b write, b write, b read",
	"a close, b read, b write, b read, b write",
	"a write, a close, b write, b read, b read, b write",
	"a write, a close, b write, b write, b read, b read",
	"a close, b write0, b read, b write, b write",
	"a close, b fin, b fin",
	"a close, b fin, b write",
	"a close, b write, b close",
	"b write, b close, a read3, a read, a read",

	// RST from bytes left unread.
	"b write, a close, b write, b read, b read",
	"b write, a close, b read, b read, b write",
	"b write, a read3, a close, b read, b read, b write, b write",
	"b write, a write, a close, b read, b read, b write",
	"b write, a read, a close, b read",

	// RST on purpose: the peer's buffer stays readable, the error is told once.
	"a write, a linger0, a close, b read, b read, b read, b write, b write",
	"a linger0, a close, b write, b write, b read, b read",
	"a linger0, a close, b read, b write, b write, b read",
	"a linger0, a close, b write0, b write",
	"a linger0, a close, b read0, b read",
	"a linger0, a close, b fin",
	"a linger0, a close, b read, b fin",
	"a linger0, a close, b close",
	"b write, b linger0, b close, a write, a read3, a read, a write, a read",

	// Half closed, and RST after FIN.
	"a fin, b write, a read, b read, b fin, a read",
	"a fin, a write, a write0, a write",
	"a fin, a fin",
	"a fin, b fin, a fin",
	"a fin, b fin, b fin",
	"a fin, b close, a read, a write, a fin",
	"a fin, b linger0, b close, a read, a read, a write, a write",
	"a fin, b linger0, b close, a write, a write, a read",
	"a fin, b write, a close, b read, b write",
	"a fin, b write, b write, a close, b write, b read",
	"b write, a fin, b close, a read, a read",
	"b write, a fin, b fin, a close, b read",
	"b write, a fin, a linger0, a close, b read, b write, b read",
	"a write, b fin, b close, a read",
	"a write, b fin, a close, b read, b read, b close",

	// After Close, and past a deadline.
	"a close, a write, a read, a fin, a close, a past, a linger0, a read0, a write0",
	"b write, a past, a read, a write, a read0, a write0",
	"a past, b close, a read, a write",
	"a past, b linger0, b close, a read, a write, a fin",
}

// tcpConn is what *net.TCPConn and *simnet.Conn have in common here.
type tcpConn interface {
	net.Conn
	CloseWrite() error
	SetLinger(int) error
}

func TestEndsLikeLoopbackTCP(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux, whose TCP simnet copies")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	for _, script := range scripts {
		t.Run(script, func(t *testing.T) {
			a, b := connected(t)
			got := play(script, a, b)
			b, a = connected(t)
			require.Equal(t, got, play(script, a, b), "simnet: script played by client and server, then by server and client")

			// A busy kernel may deliver a segment after the next step rather than
			// before it. Then loopback plays again: what it never does is a failure.
			var want string
			for try := 0; try < 5 && want != got; try++ {
				want = playOnLoopback(t, l, script)
			}
			assert.Equal(t, want, got, "expected: loopback TCP; actual: simnet")
		})
	}
}

func playOnLoopback(t *testing.T, l net.Listener, script string) string {
	t.Helper()
	client, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	server, err := l.Accept()
	require.NoError(t, err)
	defer server.Close()
	return play(script, client.(tcpConn), server.(tcpConn))
}

// play runs a script and returns a line a step: what it gave.
func play(script string, a, b tcpConn) string {
	var lines strings.Builder
	for step := range strings.SplitSeq(script, ", ") {
		end, verb, _ := strings.Cut(step, " ")
		c := a
		if end == "b" {
			c = b
		}
		var n int
		var err error
		switch verb {
		case "write":
			n, err = c.Write([]byte("hello"))
		case "write0":
			n, err = c.Write(nil)
		case "read":
			n, err = c.Read(make([]byte, 100))
		case "read3":
			n, err = c.Read(make([]byte, 3))
		case "read0":
			n, err = c.Read(nil)
		case "fin":
			err = c.CloseWrite()
		case "close":
			err = c.Close()
		case "linger0":
			err = c.SetLinger(0)
		case "past":
			err = c.SetDeadline(time.Unix(1, 0))
		default:
			panic("no such verb: " + verb)
		}
		fmt.Fprintf(&lines, "%s: %d, %s\n", step, n, traits(err, c.LocalAddr(), c.RemoteAddr()))
	}
	return lines.String()
}

// traits is all that a caller can tell about an error. The addresses in it, which
// differ from one network to the other, are named: local, remote.
func traits(err error, local, remote net.Addr) string {
	var op *net.OpError
	if !errors.As(err, &op) {
		return fmt.Sprint(err)
	}
	name := func(a net.Addr) string {
		switch {
		case a == nil:
			return "nobody"
		case local != nil && a.String() == local.String():
			return "local"
		case remote != nil && a.String() == remote.String():
			return "remote"
		}
		return "a stranger"
	}
	s := fmt.Sprintf("%s %s %s -> %s: %v", op.Op, op.Net, name(op.Source), name(op.Addr), op.Err)
	if op.Timeout() {
		s += ", timeout"
	}
	if op.Temporary() {
		s += ", temporary"
	}
	for _, target := range []error{
		syscall.ECONNRESET, syscall.EPIPE, syscall.ENOTCONN, syscall.ECONNREFUSED, syscall.EADDRINUSE,
		syscall.ETIMEDOUT, net.ErrClosed, os.ErrDeadlineExceeded, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, target) {
			s += fmt.Sprintf(", is %q", target)
		}
	}
	return s
}

// TestFailsToConnectLikeLoopbackTCP compares the errors of Listen, Accept and
// Dial. Each case returns the error, on either network.
func TestFailsToConnectLikeLoopbackTCP(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux, whose TCP simnet copies")
	}
	type network struct {
		listen func(addr string) (net.Listener, error)
		dial   func(ctx context.Context, addr string) (net.Conn, error)
	}
	var n simnet.Network
	sim := network{
		func(addr string) (net.Listener, error) { return n.Listen(addr) },
		func(ctx context.Context, addr string) (net.Conn, error) { return n.DialContext(ctx, "tcp", addr) },
	}
	tcp := network{
		func(addr string) (net.Listener, error) { return net.Listen("tcp", addr) },
		func(ctx context.Context, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		},
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancel := context.WithDeadline(context.Background(), time.Unix(1, 0))
	defer cancel()

	for name, try := range map[string]func(network, net.Listener) error{
		"listen on a port in use": func(n network, l net.Listener) error {
			_, err := n.listen(l.Addr().String())
			return err
		},
		"listen on nonsense": func(n network, l net.Listener) error {
			_, err := n.listen("127.0.0.1")
			return err
		},
		"close twice": func(n network, l net.Listener) error {
			l.Close()
			return l.Close()
		},
		"accept after close": func(n network, l net.Listener) error {
			l.Close()
			_, err := l.Accept()
			return err
		},
		"dial where nobody listens": func(n network, l net.Listener) error {
			l.Close()
			_, err := n.dial(context.Background(), l.Addr().String())
			return err
		},
		"dial with a cancelled context": func(n network, l net.Listener) error {
			_, err := n.dial(canceled, l.Addr().String())
			return err
		},
		"dial past the deadline": func(n network, l net.Listener) error {
			_, err := n.dial(late, l.Addr().String())
			return err
		},
		"read from a connection that nobody accepted": func(n network, l net.Listener) error {
			c, err := n.dial(context.Background(), l.Addr().String())
			if err != nil {
				return err
			}
			defer c.Close()
			l.Close()
			_, err = c.Read(make([]byte, 1))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			on := func(n network) string {
				l, err := n.listen("127.0.0.1:0")
				require.NoError(t, err)
				defer l.Close()
				return traits(try(n, l), nil, l.Addr())
			}
			assert.Equal(t, on(tcp), on(sim), "expected: loopback TCP; actual: simnet")
		})
	}
}
