// That an app is served on each kind of server, closed in the end, and not waited
// for for ever.

package appserver_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/appserver"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/pocserver/worker"
)

const address = "127.0.0.1:8000"

// An app counts how often it was closed.
type app struct{ closed *int }

func (a app) ServeHTTP(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") }

func (a app) Close() error { *a.closed++; return nil }

func get(t *testing.T, network *simnet.Network) string {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
		return network.DialContext(ctx, "tcp", addr)
	}}
	defer transport.CloseIdleConnections()
	reply, err := (&http.Client{Transport: transport}).Get("http://" + address + "/")
	require.NoError(t, err)
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	require.NoError(t, err)
	return string(body)
}

func TestEachInstanceIsServedAndClosed(t *testing.T) {
	two := worker.Defaults(worker.Sync)
	two.Workers = 2
	for name, c := range map[string]struct {
		config *worker.Config
		apps   int
	}{"net/http": {nil, 1}, "two sync workers": {&two, 2}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var network simnet.Network
				closed := 0
				wrap := func(h http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						fmt.Fprint(w, "wrapped ")
						h.ServeHTTP(w, r)
					})
				}
				s, err := appserver.Start(&network, address, c.config, func() http.Handler { return app{&closed} }, wrap)
				require.NoError(t, err)
				assert.Equal(t, "wrapped hello", get(t, &network))
				require.NoError(t, s.Close(time.Minute))
				assert.Equal(t, c.apps, closed)
			})
		})
	}
}

func TestAnAddressOrServerThatCannotBeIsAnError(t *testing.T) {
	var network simnet.Network
	newApp := func() http.Handler { return http.NotFoundHandler() }
	_, err := appserver.Start(&network, "nowhere", nil, newApp, nil)
	assert.ErrorContains(t, err, "nowhere")
	config := worker.Defaults(worker.Sync)
	config.Workers = 0
	_, err = appserver.Start(&network, address, &config, newApp, nil)
	assert.ErrorContains(t, err, "Config.Workers")
}

// ExampleStart serves a greeting in virtual time.
func ExampleStart() {
	var network simnet.Network
	greet := func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") })
	}
	server, err := appserver.Start(&network, address, nil, greet, nil)
	if err != nil {
		panic(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
		return network.DialContext(ctx, "tcp", addr)
	}}}
	reply, err := client.Get("http://" + address)
	if err != nil {
		panic(err)
	}
	body, _ := io.ReadAll(reply.Body)
	fmt.Println(string(body), server.Close(time.Second))
	// Output: hello <nil>
}
