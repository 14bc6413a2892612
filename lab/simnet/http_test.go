// This file tests net/http over simnet, in a bubble.

package simnet_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"example.com/outagelab/lab/simnet"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Two minutes of net/http in a bubble: keep-alive, a slow handler, and a client
// that does not wait for it.
func TestHTTPKeepsVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n simnet.Network
		l := listen(t, &n, 0)
		left := make(chan time.Time, 1)
		server := http.Server{
			IdleTimeout: time.Minute,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				nap, _ := time.ParseDuration(r.URL.Query().Get("nap"))
				select {
				case <-time.After(nap):
					io.WriteString(w, r.RemoteAddr)
				case <-r.Context().Done():
					left <- time.Now()
				}
			}),
		}
		go server.Serve(l)
		defer server.Close()
		transport := &http.Transport{DialContext: n.DialContext}
		defer transport.CloseIdleConnections()
		client := http.Client{Transport: transport, Timeout: 20 * time.Second}
		get := func(nap string) (string, error) {
			reply, err := client.Get("http://" + addr + "/?nap=" + nap)
			if err != nil {
				return "", err
			}
			defer reply.Body.Close()
			body, err := io.ReadAll(reply.Body)
			return string(body), err
		}

		began := startClock()
		first, err := get("0s")
		require.NoError(t, err)
		assert.Equal(t, 2*time.Nanosecond, began.passed(), "1 ns to get in, 1 to be accepted")
		for range 5 {
			again, err := get("10s")
			require.NoError(t, err)
			assert.Equal(t, first, again, "the same connection")
		}
		assert.Equal(t, 50*time.Second+2, began.passed())

		_, err = get("30s")
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 70*time.Second+2, began.passed())
		assert.Equal(t, 70*time.Second+2, (<-left).Sub(began.start), "when the handler learnt that the client had left")

		second, err := get("0s")
		require.NoError(t, err)
		assert.NotEqual(t, first, second, "a new connection")
		time.Sleep(2 * time.Minute) // past IdleTimeout
		third, err := get("0s")
		require.NoError(t, err)
		assert.NotEqual(t, second, third, "the idle connection was closed")
	})
}
