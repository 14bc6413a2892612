// A real listener's queue, where the system can look into it.

//go:build unix

package worker

import (
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// counted is a listener that counts its Accepts, and lets one through for each
// value in gate.
type counted struct {
	*net.TCPListener
	accepts atomic.Int64
	begun   chan struct{}
	gate    chan struct{}
}

func (l *counted) Accept() (net.Conn, error) {
	l.accepts.Add(1)
	l.begun <- struct{}{}
	<-l.gate
	return l.TCPListener.Accept()
}

// SetDeadline keeps the test apart from how long anything takes.
func (l *counted) SetDeadline(time.Time) error { return nil }

func listening(t *testing.T) (*counted, *socketQueue) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &counted{TCPListener: ln.(*net.TCPListener), begun: make(chan struct{}, 9), gate: make(chan struct{}, 9)}
	q, err := queueOf(l, 16)
	require.NoError(t, err)
	t.Cleanup(func() { q.Close() })
	return l, q.(*socketQueue)
}

func dialling(t *testing.T, l net.Listener) {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
}

// A connection that Wait is about to accept is not accepted beside it.
func TestAcceptBeforeLeavesToWaitWhatItAccepts(t *testing.T) {
	l, q := listening(t)
	dialling(t, l) // the connection waits in the kernel when Dial returns
	waited := make(chan error)
	go func() { waited <- q.Wait() }()
	<-l.begun
	assert.True(t, q.readable())
	_, ok := q.AcceptBefore(time.Time{})
	assert.False(t, ok)
	assert.EqualValues(t, 1, l.accepts.Load(), "Wait's own")
	l.gate <- struct{}{}
	require.NoError(t, <-waited)
	require.NoError(t, q.Wait(), "what it has in its hand waits still")
	assert.EqualValues(t, 1, l.accepts.Load())

	dialling(t, l)
	l.gate <- struct{}{}
	for range 2 { // the hand's, and one from the kernel
		c, ok := q.AcceptBefore(time.Time{})
		require.True(t, ok)
		c.Close()
	}
	assert.EqualValues(t, 2, l.accepts.Load())
}

// With nothing in the queue, AcceptBefore does not even try: an Accept would wait.
func TestAcceptBeforeDoesNotWait(t *testing.T) {
	l, q := listening(t)
	l.gate <- struct{}{}
	_, ok := q.AcceptBefore(time.Time{})
	assert.False(t, ok)
	assert.Zero(t, l.accepts.Load())
}

func TestCloseClosesWhatWaitHadAccepted(t *testing.T) {
	l, q := listening(t)
	for range 2 {
		l.gate <- struct{}{}
	}
	dialling(t, l)
	require.NoError(t, q.Wait())
	hand := q.hand
	require.NoError(t, q.Close())
	assert.ErrorIs(t, hand.SetDeadline(time.Time{}), net.ErrClosed)
	assert.Error(t, q.Wait())
	assert.Nil(t, q.hand)
}

// failing is a listener whose Accept returns errors, then a connection.
type failing struct {
	net.Listener
	errs []error
}

func (l *failing) Accept() (net.Conn, error) {
	if len(l.errs) == 0 {
		c, _ := net.Pipe()
		return c, nil
	}
	err := l.errs[0]
	l.errs = l.errs[1:]
	return nil, err
}

type passing struct{ passes bool }

func (passing) Error() string     { return "too many open files" }
func (p passing) Temporary() bool { return p.passes }

func TestWaitWaitsOutErrorsThatPass(t *testing.T) {
	for name, c := range map[string]struct {
		errs []error
		fine bool
	}{
		"none":              {nil, true},
		"one that passes":   {[]error{passing{true}}, true},
		"two":               {[]error{passing{true}, passing{true}}, true},
		"one that does not": {[]error{passing{false}}, false},
		"another kind":      {[]error{errors.New("broken")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			q := &socketQueue{Listener: &failing{errs: c.errs}}
			assert.Equal(t, c.fine, q.Wait() == nil)
			assert.Equal(t, c.fine, q.hand != nil)
			conn, ok := q.AcceptBefore(time.Time{})
			assert.Equal(t, c.fine, ok)
			if ok {
				conn.Close()
			}
			_, ok = q.AcceptBefore(time.Time{})
			assert.False(t, ok, "without a file descriptor nothing can be looked into")
		})
	}
}
