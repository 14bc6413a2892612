// This file tests deadlines, and what wakes a read or write that waits.

package simnet_test

import (
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/outagelab/lab/simnet"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fill fills the buffer that c writes to.
func fill(t *testing.T, c net.Conn) {
	t.Helper()
	_, err := c.Write(make([]byte, 64<<10))
	require.NoError(t, err)
}

// waits are the two calls that can wait, on a connection on which they do.
var waits = []struct {
	name    string
	prepare func(t *testing.T, c net.Conn)
	call    func(c net.Conn) error
	set     func(c net.Conn, deadline time.Time) error
	end     func(peer net.Conn) // what the peer does to end the wait well
}{
	{
		"read", func(*testing.T, net.Conn) {},
		func(c net.Conn) error { _, err := c.Read(make([]byte, 1)); return err },
		net.Conn.SetReadDeadline,
		func(peer net.Conn) { peer.Write([]byte("x")) },
	},
	{
		"write", fill,
		func(c net.Conn) error { _, err := c.Write([]byte("x")); return err },
		net.Conn.SetWriteDeadline,
		func(peer net.Conn) { peer.Read(make([]byte, 1)) },
	},
}

func TestADeadlineEndsTheWait(t *testing.T) {
	for _, w := range waits {
		for name, set := range map[string]func(c net.Conn) error{
			"set before":   func(c net.Conn) error { return w.set(c, time.Now().Add(time.Second)) },
			"both at once": func(c net.Conn) error { return c.SetDeadline(time.Now().Add(time.Second)) },
			"set while it waits": func(c net.Conn) error {
				time.AfterFunc(time.Second/2, func() { w.set(c, time.Now().Add(time.Second/2)) })
				return nil
			},
			"brought forward while it waits": func(c net.Conn) error {
				time.AfterFunc(time.Second/2, func() { w.set(c, time.Now().Add(time.Second/2)) })
				return w.set(c, time.Now().Add(time.Hour))
			},
			"put off while it waits": func(c net.Conn) error {
				time.AfterFunc(time.Second/4, func() { w.set(c, time.Now().Add(3*time.Second/4)) })
				return w.set(c, time.Now().Add(time.Second/2))
			},
			"set to the past while it waits": func(c net.Conn) error {
				time.AfterFunc(time.Second, func() { w.set(c, time.Unix(1, 0)) })
				return w.set(c, time.Now().Add(time.Hour))
			},
		} {
			t.Run(w.name+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, _ := connected(t)
					w.prepare(t, c)
					began := startClock()
					require.NoError(t, set(c))
					err := w.call(c)
					assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
					assert.Equal(t, time.Second, began.passed(), "when it ended")
				})
			})
		}
	}
}

func TestNoDeadlineIsLeftOnceItIsTakenBack(t *testing.T) {
	for _, w := range waits {
		t.Run(w.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, peer := connected(t)
				w.prepare(t, c)
				began := startClock()
				require.NoError(t, w.set(c, time.Now().Add(2*time.Second)))
				time.AfterFunc(time.Second, func() { w.set(c, time.Time{}) })
				time.AfterFunc(time.Hour, func() { w.end(peer) })
				assert.NoError(t, w.call(c))
				assert.Equal(t, time.Hour, began.passed(), "when it ended")
			})
		})
	}
}

func TestATimerRunsOnlyWhileSomebodyWaits(t *testing.T) {
	for _, w := range waits {
		t.Run(w.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, peer := connected(t)
				require.NoError(t, w.set(c, time.Now().Add(time.Hour)))
				assert.Zero(t, c.StopTimers(), "timers with a deadline that nobody waits for")
				w.prepare(t, c)
				time.AfterFunc(time.Second, func() { w.end(peer) })
				require.NoError(t, w.call(c))
				assert.Zero(t, c.StopTimers(), "timers after the wait")
			})
		})
	}
}

// What the peer does at the instant of the deadline comes too late, whichever of
// the two happens first in the run.
func TestTheDeadlineWinsAtItsInstant(t *testing.T) {
	for _, w := range waits {
		t.Run(w.name, func(t *testing.T) {
			sameEveryTime(t, func(t *testing.T, n *simnet.Network) []func() string {
				c, peer := connected(t)
				w.prepare(t, c)
				require.NoError(t, w.set(c, time.Now().Add(time.Second)))
				return []func() string{
					does(0, func() string {
						err := w.call(c)
						assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
						return err.(*net.OpError).Err.Error()
					}),
					does(time.Second, func() string { w.end(peer); return "" }),
				}
			})
		})
	}
}

func TestClosingEndsTheWait(t *testing.T) {
	for _, w := range waits {
		for _, c := range []struct {
			name  string
			close func(own, peer *simnet.Conn) error
			want  map[string]error // of a read, of a write
		}{
			{"own Close", func(own, _ *simnet.Conn) error { return own.Close() },
				map[string]error{"read": net.ErrClosed, "write": net.ErrClosed}},
			{"own CloseWrite", func(own, peer *simnet.Conn) error { peer.CloseWrite(); return own.CloseWrite() },
				map[string]error{"read": io.EOF, "write": syscall.EPIPE}},
			{"the peer's Close", func(_, peer *simnet.Conn) error { return peer.Close() },
				map[string]error{"read": io.EOF, "write": syscall.ECONNRESET}}, // it left bytes unread
			{"the peer's reset", func(_, peer *simnet.Conn) error { peer.SetLinger(0); return peer.Close() },
				map[string]error{"read": syscall.ECONNRESET, "write": syscall.ECONNRESET}},
		} {
			t.Run(w.name+", "+c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					own, peer := connected(t)
					w.prepare(t, own)
					began := startClock()
					time.AfterFunc(time.Second, func() { c.close(own, peer) })
					assert.ErrorIs(t, w.call(own), c.want[w.name])
					assert.Equal(t, time.Second, began.passed(), "when it ended")
				})
			})
		}
	}
}

func TestAWriteThatEndsHalfwaySaysHowMuchWasWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := connected(t)
		require.NoError(t, c.SetWriteDeadline(time.Now().Add(time.Second)))
		n, err := c.Write(make([]byte, 100<<10))
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Equal(t, 64<<10, n)
		require.NoError(t, c.Close())
		got, err := io.ReadAll(peer)
		assert.NoError(t, err)
		assert.Len(t, got, n)
	})
}

func TestReadingAndWritingAllocatesNothing(t *testing.T) {
	client, server := connected(t)
	b := make([]byte, 100)
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		client.Write(b)
		server.Read(b)
	}))
	require.NoError(t, server.SetReadDeadline(time.Unix(1, 0)))
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		server.Read(b) // how net/http ends its background read at each request
	}), "a read past its deadline")
}

func TestWaitReadEndsWhereReadWouldNotWait(t *testing.T) {
	for name, end := range map[string]func(c, peer *simnet.Conn){
		"bytes":    func(_, peer *simnet.Conn) { peer.Write([]byte("x")) },
		"FIN":      func(_, peer *simnet.Conn) { peer.CloseWrite() },
		"RST":      func(_, peer *simnet.Conn) { peer.SetLinger(0); peer.Close() },
		"close":    func(c, _ *simnet.Conn) { c.Close() },
		"deadline": func(c, _ *simnet.Conn) { c.SetReadDeadline(time.Now()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, peer := connected(t)
				defer peer.Close()
				defer c.Close()
				clock := startClock()
				time.AfterFunc(time.Second, func() { end(c, peer) })
				c.SetWriteDeadline(time.Now().Add(time.Second / 2)) // no matter
				for range 2 {
					c.WaitRead()
					assert.Equal(t, time.Second, clock.passed())
				}
				n, _ := c.Read(make([]byte, 2))
				assert.Equal(t, map[string]int{"bytes": 1}[name], n, "bytes that it left to read")
			})
		})
	}
}
