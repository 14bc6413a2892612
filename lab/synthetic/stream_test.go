package synthetic_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/lab/synthetic"
	"example.com/outagelab/pocserver/worker"
)

// Eleven clients ask one worker for a stream with a line each 2 s and leave after so long. A twelfth then asks for
// another page. gunicorn 20.1 with one sync worker, measured on loopback: 20.5 s after 1.5 s, and 21.5 s after 0.5 s. Each
// stream costs one wait, because the header and the first line are two writes and the second of them fails.
func TestAnAbandonedStreamCostsOneWait(t *testing.T) {
	for held, want := range map[time.Duration]time.Duration{
		1500 * time.Millisecond: 20500 * time.Millisecond,
		500 * time.Millisecond:  21500 * time.Millisecond,
	} {
		for _, c := range []worker.Config{worker.Defaults(worker.Sync), worker.Defaults(worker.Threaded)} {
			assert.Equal(t, want, afterStreams(t, c, held), "%v, clients leave after %v", c, held)
		}
	}
}

// afterStreams is how long a client waits for its reply that comes when eleven others have left.
func afterStreams(t *testing.T, c worker.Config, held time.Duration) (waited time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var network simnet.Network
		ln, err := network.Listen("127.0.0.1:8000")
		require.NoError(t, err)
		server, err := worker.New(c, synthetic.Instances(
			synthetic.Route{Path: "/stream", Time: feedsim.Constant(2 * time.Second), Stream: true},
			synthetic.Route{Path: "/", Time: feedsim.Constant(0)},
		)(1))
		require.NoError(t, err)
		served := make(chan error, 1)
		go func() { served <- server.Serve(ln) }()
		synctest.Wait()

		ask := func(path string, port int) net.Conn {
			conn, err := network.DialFrom(context.Background(), port, "127.0.0.1:8000")
			require.NoError(t, err)
			_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
			require.NoError(t, err)
			return conn
		}
		var streams []net.Conn
		for i := range 11 {
			streams = append(streams, ask("/stream", 1000+i))
		}
		time.Sleep(held)
		for _, conn := range streams {
			require.NoError(t, conn.Close())
		}
		left := time.Now()
		conn := ask("/", 2000)
		reply, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, reply.StatusCode)
		waited = time.Since(left).Round(time.Millisecond)
		require.NoError(t, conn.Close())
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	})
	return waited
}
