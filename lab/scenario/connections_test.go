package scenario

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Theory predicted 100 requests in service where nginx has room for 74, and named no bottleneck.
func TestNginxConnectionsAreABottleneck(t *testing.T) {
	text, err := os.ReadFile("testdata/bug-silent-log.yaml")
	require.NoError(t, err)
	th := parsed(t, string(text)).theory()
	assert.Empty(t, th.predictions)
	assert.Contains(t, th.without, "/: nginx worker_connections: 74 fit, 150 needed")
	require.Len(t, th.bottlenecks, 1)
	assert.Equal(t, "nginx worker_connections: 74 fit, 150 needed. 100 requests are in nginx at a time on average, and each "+
		"takes two connections, to the client and to the server. worker_connections 302 in b150.conf fits them.",
		th.bottlenecks[0].String())
	assert.Equal(t, "Set worker_connections to 302 or more.", th.lesson.Fix)

	// Five fit into twelve connections: one is that of the address, and one that of the channel to the master.
	const file = `
server: {model: threaded, threads: 200}
nginx: b12.conf
service: {distribution: constant, time: 1s}
load: [{path: /, LOAD}]`
	for load, want := range map[string]string{
		"rate: 5, arrivals: constant, for: 20s":    "",
		"rate: 5.1, arrivals: constant, for: 20s":  "5 fit, 6 needed",
		"connections: 5, for: 20s":                 "",
		"connections: 6, for: 20s":                 "5 fit, 6 needed",
		"rate: 0.5, arrivals: poisson, for: 2000s": "",
		"rate: 2, arrivals: poisson, for: 20s":     "5 fit, 11 needed",
	} {
		th := parsed(t, strings.Replace(file, "LOAD", load, 1)).theory()
		if want == "" {
			assert.Empty(t, th.bottlenecks, load)
			continue
		}
		if assert.Len(t, th.bottlenecks, 1, load) {
			assert.Equal(t, "nginx worker_connections: "+want, th.bottlenecks[0].needs(), load)
		}
	}
}

// A queue that grows until the load ends is in nginx as well: of 5 requests/s two are served, and after 4 s 2 are in
// service and 12 wait.
func TestAQueueTakesOfNginxConnections(t *testing.T) {
	th := parsed(t, `
server: {model: threaded, threads: 2}
nginx: b12.conf
service: {distribution: constant, time: 1s}
load: [{path: /, rate: 5, arrivals: constant, for: 4s}]`).theory()
	require.Len(t, th.bottlenecks, 2)
	assert.Equal(t, "threads: needs 6 threads", th.bottlenecks[0].needs())
	assert.Equal(t, "nginx worker_connections: 5 fit, 14 needed", th.bottlenecks[1].needs())
}
