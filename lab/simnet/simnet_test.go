// This file holds what every test of the package needs.

package simnet_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/outagelab/lab/simnet"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

const addr = "127.0.0.1:8000"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen opens a listener that the test closes, with room for backlog+1.
func listen(t *testing.T, n *simnet.Network, backlog int) *simnet.Listener {
	t.Helper()
	l, err := n.Listen(addr)
	require.NoError(t, err)
	require.NoError(t, l.SetBacklog(backlog))
	t.Cleanup(func() { l.Close() })
	return l
}

// dial connects from port and closes the connection when the test ends.
func dial(t *testing.T, n *simnet.Network, port int) *simnet.Conn {
	t.Helper()
	c, err := n.DialFrom(context.Background(), port, addr)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c.(*simnet.Conn)
}

// connected returns the two ends of a connection.
func connected(t *testing.T) (client, server *simnet.Conn) {
	t.Helper()
	var n simnet.Network
	l := listen(t, &n, 0)
	client = dial(t, &n, 40000)
	c, err := l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return client, c.(*simnet.Conn)
}

// port is the port that a server sees its client come from.
func port(c net.Conn) int { return c.RemoteAddr().(*net.TCPAddr).Port }

// A clock tells how much time passed since it was started.
type clock struct{ start time.Time }

func startClock() clock                    { return clock{time.Now()} }
func (c clock) passed() time.Duration      { return time.Since(c.start) }
func (c clock) sleepUntil(d time.Duration) { time.Sleep(d - c.passed()) }

func TestBytesArriveWithoutLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := connected(t)
		began := startClock()
		_, err := client.Write([]byte("ping"))
		require.NoError(t, err)
		got := make([]byte, 10)
		n, err := server.Read(got)
		require.NoError(t, err)
		assert.Equal(t, "ping", string(got[:n]))
		assert.Zero(t, began.passed())
	})
}

func TestWriteWaitsWhileThePeersBufferIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := connected(t)
		const size = 64<<10 + 1
		var wrote int
		go func() {
			wrote, _ = client.Write(make([]byte, size))
		}()
		synctest.Wait()
		require.Zero(t, wrote, "a write of 64 KiB and a byte returned before anybody read")
		_, err := io.ReadFull(server, make([]byte, 1))
		require.NoError(t, err)
		synctest.Wait()
		assert.Equal(t, size, wrote, "one byte was read, so there was room for the last one")
	})
}

func TestEveryByteArrivesOnceAndInOrder(t *testing.T) {
	client, server := connected(t)
	const size = 1 << 20
	sent := make([]byte, size)
	rand.NewChaCha8([32]byte{}).Read(sent)
	go func() {
		// Pieces of odd sizes, so that the ring grows, wraps and fills up.
		for rest, piece := sent, 1; len(rest) > 0; piece = piece*3%70001 + 1 {
			n, _ := client.Write(rest[:min(piece, len(rest))])
			rest = rest[n:]
		}
		client.CloseWrite()
	}()
	var got []byte
	for piece := 1; ; piece = piece*5%50021 + 1 {
		buf := make([]byte, piece)
		n, err := server.Read(buf)
		got = append(got, buf[:n]...)
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
	}
	if string(got) != string(sent) { // not assert.Equal: it would print 2 MB
		t.Fatalf("got %d bytes that differ from the %d sent", len(got), len(sent))
	}
}

func TestTheBufferGoesRound(t *testing.T) {
	client, server := connected(t)
	var sent, got []byte
	write := func(n int) {
		b := make([]byte, n)
		rand.NewChaCha8([32]byte{byte(len(sent))}).Read(b)
		_, err := client.Write(b)
		require.NoError(t, err)
		sent = append(sent, b...)
	}
	read := func(n int) {
		b := make([]byte, n)
		_, err := io.ReadFull(server, b)
		require.NoError(t, err)
		got = append(got, b...)
	}
	write(60 << 10)
	read(50 << 10)
	write(54 << 10) // the last 50 KiB go where the first were
	read(64 << 10)
	write(200)
	read(150)
	write(1 << 10) // in a buffer that has been emptied
	read(50 + 1<<10)
	if string(got) != string(sent) { // not assert.Equal: it would print it all
		t.Fatalf("got %d bytes that differ from the %d sent", len(got), len(sent))
	}
}

func TestWritesAtOneTimeDoNotMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := connected(t)
		const each = 100 << 10 // more than fits, so that each write waits halfway
		for _, letter := range "abc" {
			go client.Write([]byte(fmt.Sprintf("%0*d", each, 0)[:each-1] + string(letter)))
		}
		for range 3 {
			got := make([]byte, each)
			_, err := io.ReadFull(server, got)
			require.NoError(t, err)
			for i, b := range got[:each-1] {
				if b != '0' {
					t.Fatalf("byte %d is %q: another write got in between", i, b)
				}
			}
		}
	})
}

// The second write waits for its turn, and must get it though nobody reads any
// more, whichever of the two is woken first by the last read.
func TestAWriteThatWaitsForItsTurnGetsIt(t *testing.T) {
	for reads := range 6 {
		synctest.Test(t, func(t *testing.T) {
			client, server := connected(t)
			var done sync.WaitGroup
			for _, size := range []int{64<<10 + 1 + reads, 1} {
				done.Go(func() {
					n, err := client.Write(make([]byte, size))
					assert.NoError(t, err, "a write still waited with 98 bytes of room")
					assert.Equal(t, size, n)
				})
				synctest.Wait()
			}
			for range reads {
				_, err := io.ReadFull(server, make([]byte, 1))
				require.NoError(t, err)
				synctest.Wait()
			}
			_, err := io.ReadFull(server, make([]byte, 100)) // room for both
			require.NoError(t, err)
			synctest.Wait()
			require.NoError(t, client.SetWriteDeadline(time.Unix(1, 0)))
			done.Wait()
		})
	}
}

func TestItWorksInRealTime(t *testing.T) {
	var n simnet.Network
	l, err := n.Listen(addr)
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
				io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
			}()
		}
	}()
	for i := range 100 {
		c, err := n.DialContext(context.Background(), "tcp", addr)
		require.NoError(t, err)
		_, err = fmt.Fprintf(c, "hello %d", i)
		require.NoError(t, err)
		require.NoError(t, c.(*simnet.Conn).CloseWrite())
		got, err := io.ReadAll(c)
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprintf("hello %d", i), string(got))
		require.NoError(t, c.Close())
	}
}
