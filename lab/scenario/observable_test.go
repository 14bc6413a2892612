package scenario_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/scenario"
)

// Every metric is accepted where some run can show it.
func TestMetricsThatASystemShowsAreAccepted(t *testing.T) {
	for _, file := range []string{`
server: {model: sync, max_requests: 100, overflow: refuse}
service: {distribution: constant, time: 1s}
load: [{name: a, path: /, rate: 1, for: 20s}, {name: b, path: /, rate: 1, for: 20s, timeout: 10s}]
hold:
  - {metric: replies 200, at_least: 1}
  - {metric: good replies, of: a, at_least: 1}
  - {metric: timeouts, at_most: 0}
  - {metric: timeouts, of: b, at_most: 0}
  - {metric: refused, at_most: 0}
  - {metric: reset, of: a, at_most: 0}
  - {metric: closed early, at_most: 0}
  - {metric: unfinished, at_most: 0}
  - {metric: workers killed, at_most: 0}
  - {metric: workers recycled, at_most: 1}
  - {metric: busy threads, at_most: 0.5, at_least: 0.1}
  - {metric: wrk p50, at_least: 0s}`, `
server: {model: threaded}
nginx: few.conf
routes:
  /: {service: {distribution: constant, time: 1s}}
  /s: {service: {distribution: constant, time: 1s}, stream: true}
load:
  - {name: a, path: /, rate: 1, for: 20s, timeout: 10s}
  - {name: s, path: /s, connections: 3, for: 3s}
horizon: 29s
hold:
  - {metric: replies 200, of: s, at_most: 0}
  - {metric: replies 500, at_most: 0}
  - {metric: replies 502, at_most: 0}
  - {metric: replies 504, at_most: 0}
  - {metric: reset, at_most: 0}
  - {metric: streams, at_least: 1}
  - {metric: timeouts, of: s, at_most: 0}
  - {metric: unfinished, of: a, at_most: 0}
  - {metric: first byte p99, of: s, at_most: 1s}`, `
server: {model: evented, cpu: 1ms}
waits: await
service: {distribution: constant, time: 1s}
load: {path: /, rate: 1, for: 20s}
hold: [{metric: workers killed, at_most: 0}, {metric: reset, at_most: 0}]`, `
server: {model: evented}
waits: block
service: {distribution: constant, time: 1s}
load: {path: /, rate: 1, for: 20s}
hold: [{metric: workers killed, at_most: 0}]`, `
server: {model: evented, heartbeat: 30s}
waits: await
service: {distribution: constant, time: 1s}
load: {path: /, rate: 1, for: 20s}
hold: [{metric: workers killed, at_most: 0}]`, `
server: {model: sync}
service: {distribution: constant, time: 1s}
load: {path: /, rate: 1, for: 20s}
hold: [{metric: workers recycled, at_most: 3}]
search: {max_requests: 1..3}`,
	} {
		_, err := scenario.Parse("testdata/test.yaml", []byte(file))
		assert.NoError(t, err, file)
	}
}

// A client that leaves never sees nginx's 499. Counted as timeouts, 39 of these 40 leave.
func TestAnObjectiveOf499NamesWhatToCountInstead(t *testing.T) {
	text, err := os.ReadFile("testdata/l-499.yaml")
	require.NoError(t, err)
	_, err = scenario.Parse("testdata/l-499.yaml", text)
	assert.EqualError(t, err, `testdata/l-499.yaml:5:17: metric is "replies 499", which says nothing here: `+
		"nginx logs 499 for a client that left, and sends it to nobody: want timeouts, of a load with a timeout")
	r := run(t, parse(t, strings.Replace(string(text), "replies 499", "timeouts", 1)))
	assert.False(t, r.Holds())
	assert.Equal(t, 39.0, measured(t, r)["timeouts"])
}
