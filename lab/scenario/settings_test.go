package scenario_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Requests at regular intervals that leave a worker time for each are never late. Independent users are not regular: at a
// utilization of 0.8 some of them queue for more than three service times.
func TestArrivalsAreRandomUnlessTheFileSaysConstant(t *testing.T) {
	const rest = `
server: {model: sync}
service: {distribution: constant, time: 1s}
hold: {metric: p99, at_most: 3s}
load: {path: /, rate: 0.8, for: 5m`
	byDefault := run(t, parse(t, rest+"}"))
	assert.False(t, byDefault.Holds(), "%s", byDefault)
	assert.Contains(t, words(byDefault), "settings model: sync; arrivals: poisson")
	constant := run(t, parse(t, rest+", arrivals: constant}"))
	assert.True(t, constant.Holds(), "%s", constant)
	assert.Contains(t, words(constant), "settings model: sync; arrivals: constant")
	assert.Equal(t, byDefault.String(), run(t, parse(t, rest+", arrivals: poisson}")).String())
}

func TestAReportShowsTheSettings(t *testing.T) {
	for file, want := range map[string]string{
		`
server: {model: thread-per-request}
service: {distribution: constant, time: 10ms}
load: {path: /, connections: 1, for: 1s}`: "settings model: thread-per-request time",
		`
servers: [{model: threaded, address: 127.0.0.1:8001}, {model: sync, address: 127.0.0.1:8002}]
nginx: app.conf
service: {distribution: constant, time: 10ms}
load:
  - {name: a, path: /app/, rate: 2, for: 1s}
  - {name: b, path: /second, rate: 2, for: 1s, arrivals: constant}
  - {name: c, path: /second, rate: 2, for: 1s, arrivals: constant}`: "settings 127.0.0.1:8001 model: threaded; " +
			"127.0.0.1:8002 model: sync; arrivals: poisson of a; arrivals: constant of b and c; " +
			"nginx: worker_processes 1, worker_connections 512 time",
	} {
		r := run(t, parse(t, file))
		assert.Contains(t, words(r), want)
		rows := r.Results().Rows()
		require.Len(t, rows, 1)
		assert.Contains(t, rows[0].Note, "settings", "on the page too")
	}
}
