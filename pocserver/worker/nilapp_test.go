// An app that is nil is an error of Serve, at each boot.

package worker_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/pocserver/worker"
)

func TestANilAppEndsServeWithAnError(t *testing.T) {
	for _, c := range []struct {
		apps int // how many newApp returns before it returns nil
		want string
	}{
		{0, "worker: newApp returned nil for boot 0 of worker 0: it has to return a handler each time"},
		{1, "worker: newApp returned nil for boot 0 of worker 1: it has to return a handler each time"},
		{2, "worker: newApp returned nil for boot 1 of worker 0: it has to return a handler each time"},
	} {
		synctest.Test(t, func(t *testing.T) {
			made := 0
			newApp := func() http.Handler {
				if made++; made > c.apps {
					return nil
				}
				return app()()
			}
			cfg := config(worker.Sync, func(c *worker.Config) { c.Workers, c.MaxRequests = 2, 1 })
			srv, err := worker.New(cfg, newApp)
			require.NoError(t, err)
			var network simnet.Network
			ln, err := network.Listen(addr)
			require.NoError(t, err)
			served := make(chan error, 1)
			go func() { served <- srv.Serve(ln) }()
			time.Sleep(time.Second)
			if c.apps == cfg.Workers { // a request recycles a worker, whose replacement has no app
				client, err := network.DialFrom(t.Context(), 20_000, addr)
				require.NoError(t, err)
				_, err = client.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
				require.NoError(t, err)
				time.Sleep(time.Second)
				client.Close()
			}
			assert.EqualError(t, <-served, c.want)
		})
	}
}
