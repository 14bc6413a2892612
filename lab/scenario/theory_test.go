// What theory says, against numbers that were worked out by hand.

package scenario

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func parsed(t *testing.T, text string) *Scenario {
	t.Helper()
	s, err := Parse("testdata/test.yaml", []byte(text))
	require.NoError(t, err)
	return s
}

// between are two bounds.
type between [2]float64

func TestTheoryIsRightOnCasesWorkedOutByHand(t *testing.T) {
	for _, c := range []struct {
		name, file string
		want       map[string]any // by metric: a number, or the bounds that it is between
	}{
		{"M/M/1: 1/(μ−λ), and its exponential quantiles", `
server: {model: sync}
service: {distribution: exponential, mean: 1s}
load: {path: /, rate: 0.5, for: 1000s, arrivals: poisson}
hold: {metric: p90, at_most: 1h}`,
			map[string]any{"requests in service": 0.5, "utilisation": 0.5, "mean latency": 2.0, "p99": 2 * math.Log(100), "p90": 2 * math.Log(10)}},
		{"M/M/2 at half its capacity: a wait of 1/3 of the service", `
server: {model: threaded, threads: 2}
service: {distribution: exponential, mean: 1s}
load: {path: /, rate: 1, for: 1000s, arrivals: poisson}`,
			map[string]any{"requests in service": 1.0, "utilisation": 0.5, "mean latency": 4.0 / 3, "p99": 0.0}},
		{"M/D/1, where Allen and Cunneen are exact: ρS/(2(1−ρ))", `
server: {model: sync}
service: {distribution: constant, time: 1s}
load: {path: /, rate: 0.5, for: 1000s, arrivals: poisson}`,
			map[string]any{"requests in service": 0.5, "utilisation": 0.5, "mean latency": 1.5, "p99": 0.0}},
		{"D/D/1: nobody waits", `
server: {model: sync}
service: {distribution: constant, time: 1s}
load: {path: /, rate: 0.5, for: 1000s}`,
			map[string]any{"requests in service": 0.5, "utilisation": 0.5, "mean latency": 1.0, "p99": 1.0}},
		{"two loads on one pool are one: E[S] = 1.5 s, E[S²] = 2.5 s², a wait of λE[S²]/(2(1−ρ))", `
server: {model: sync}
routes: {/: {service: {distribution: constant, time: 1s}}, /b: {service: {distribution: constant, time: 2s}}}
load:
  - {name: a, path: /, rate: 0.2, for: 1000s, arrivals: poisson}
  - {name: b, path: /b, rate: 0.2, for: 1000s, arrivals: poisson}`,
			map[string]any{"requests in service": 0.6, "utilisation": 0.6, "mean latency of a": 1 + 1.25, "mean latency of b": 2 + 1.25, "p99 of a": 0.0, "p99 of b": 0.0}},
		{"the PoC: 1/E[S], and (10 s − 2 s)/E[S] late", `
server: {model: sync, timeout: 300s}
service: {distribution: uniform, from: 0s, to: 100ms}
load: {path: /, connections: 500, for: 10s}`,
			map[string]any{"throughput": 20.0, "timeouts": 160.0}},
		{"a boot of 0.18 s for each 500 requests of 1 ms", `
server: {model: sync, max_requests: 500}
service: {distribution: constant, time: 1ms}
load: {path: /, connections: 100, for: 10s}`,
			map[string]any{"throughput": 500 / (0.5 + 0.18), "mean latency": 100 * (0.5 + 0.18) / 500}},
		{"naps overlap and CPU does not: at most 1/c, and at least N/(Z + N·c)", `
server: {model: evented, cpu: 1ms}
service: {distribution: constant, time: 100ms}
waits: await
load: {path: /, connections: 500, for: 100s}`,
			map[string]any{"throughput": between{500 / 0.6, 1000}, "mean latency": between{0.5, 0.6}}},
		{"awaiting: Little's λ·E[S] in flight, and the service's own time", `
server: {model: evented}
service: {distribution: uniform, from: 0s, to: 5s, step: 1s}
waits: await
load: {path: /, rate: 10, for: 100s}`,
			map[string]any{"requests in flight": 25.0, "mean latency": 2.5, "p99": 5.0}},
		{"collapse: λμT/(λ−μ) = 10·0.8·60/9.2, the last at μT/(λ−μ)", `
server: {model: sync, workers: 2, address: 127.0.0.1:5000}
nginx: shipped
service: {distribution: uniform, from: 0s, to: 5s, step: 1s}
load: {path: /check_feed, rate: 10, for: 2m}`,
			map[string]any{"good replies": 480 / 9.2, "last good request": 48 / 9.2}},
		{"collapse with clients who leave before nginx: T = 20 s", `
server: {model: sync, workers: 2, address: 127.0.0.1:5000}
nginx: shipped
service: {distribution: uniform, from: 0s, to: 5s, step: 1s}
load: {path: /check_feed, rate: 10, for: 2m, timeout: 20s}`,
			map[string]any{"good replies": 160 / 9.2, "last good request": 16 / 9.2}},
		{"overload where nobody leaves: μ until the horizon", `
server: {model: sync}
service: {distribution: constant, time: 1s}
load: {path: /, rate: 10, for: 1m}
horizon: 100s`,
			map[string]any{"good replies": 100.0}},
		{"kills: 2·60/(30 + 1 + 0.18), less one a worker in 10 min, to 2·60/(30 + 0.18)", `
server: {model: sync, workers: 2}
service: {distribution: constant, time: 40s}
load: {path: /, rate: 1, for: 10m}`,
			map[string]any{"workers killed a minute": between{120/31.18 - 0.2, 120 / 30.18}}},
		{"streams: one a thread", `
server: {model: threaded, workers: 2, threads: 25}
routes: {/: {service: {distribution: constant, time: 1s}, stream: true}}
load: {path: /, connections: 75, for: 90s}`,
			map[string]any{"streams that got a line": 50.0}},
		{"streams: two sync workers, and two more when they were killed", `
server: {model: sync, workers: 2}
routes: {/: {service: {distribution: constant, time: 1s}, stream: true}}
load: {path: /, connections: 75, for: 59s}`,
			map[string]any{"streams that got a line": 4.0}},
		{"streams: two sync workers, and two more until nginx gives up", `
server: {model: sync, workers: 2, address: 127.0.0.1:5000}
nginx: shipped
routes: {/: {service: {distribution: constant, time: 1s}, stream: true}}
load: {path: /, rate: 75000, for: 1ms, timeout: 90s}`,
			map[string]any{"streams that got a line": 4.0}},
		{"streams: all, where they await", `
server: {model: evented, workers: 2}
routes: {/: {service: {distribution: constant, time: 1s}, stream: true, waits: await}}
load: {path: /, connections: 75, for: 60s}`,
			map[string]any{"streams that got a line": 75.0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			th := parsed(t, c.file).theory()
			got := map[string]any{}
			for _, p := range th.predictions {
				want, known := c.want[p.metric.Name]
				require.True(t, known, "nothing is known of %s, predicted %v", p.metric.Name, p.number())
				got[p.metric.Name] = want
				switch want := want.(type) {
				case between:
					assert.InEpsilon(t, want[0], p.low, 1e-9, "%s: %s", p.metric.Name, p.formula)
					assert.InEpsilon(t, want[1], p.high, 1e-9, "%s: %s", p.metric.Name, p.formula)
				case float64:
					if want > 0 { // 0 is: not worked out
						assert.InEpsilon(t, want, p.high, 1e-9, "%s: %s", p.metric.Name, p.formula)
						assert.InEpsilon(t, want, p.low, 1e-9, "%s: %s", p.metric.Name, p.formula)
					}
				}
			}
			assert.Equal(t, c.want, got, "these are all predicted; beyond that: %q", th.without)
		})
	}
}

func TestWhereThereIsNoFormulaItSaysWhy(t *testing.T) {
	for why, file := range map[string]string{
		"a and b: open and closed loops share a pool": `
server: {model: sync}
service: {distribution: constant, time: 1s}
load: [{name: a, path: /, rate: 0.1, for: 1m}, {name: b, path: /, connections: 3, for: 1m}]`,
		"a and b: several closed loops share a pool": `
server: {model: sync}
service: {distribution: constant, time: 1s}
load: [{name: a, path: /, connections: 1, for: 1m}, {name: b, path: /, connections: 3, for: 1m}]`,
		"a, b and c: the loads on one pool are not on at the same time": `
server: {model: sync}
service: {distribution: constant, time: 1s}
load: [{name: a, path: /, rate: 0.1, for: 1m}, {name: b, path: /, rate: 0.1, for: 2m}, {name: c, path: /, rate: 0.1, for: 1m}]`,
		"/two: nginx sends them to several servers in turn": `
servers: [{model: sync, address: 127.0.0.1:8001}, {model: sync, address: 127.0.0.1:8002}]
nginx: app.conf
service: {distribution: constant, time: 1s}
load: {path: /two, rate: 0.1, for: 1m}`,
		"a and b: handlers that block share a loop with handlers that await": `
server: {model: evented}
routes: {/: {service: {distribution: constant, time: 1s}}, /b: {service: {distribution: constant, time: 1s}, waits: await}}
load: [{name: a, path: /, rate: 0.1, for: 1m}, {name: b, path: /b, rate: 0.1, for: 1m}]`,
		"a and b: streams, which have no end, share a pool with others": `
server: {model: threaded}
routes: {/: {service: {distribution: constant, time: 1s}}, /b: {service: {distribution: constant, time: 1s}, stream: true}}
load: [{name: a, path: /, rate: 0.1, for: 1m}, {name: b, path: /b, rate: 0.1, for: 1m}]`,
		"/: at a utilisation of 1 a queue grows, and there is no saying how fast": `
server: {model: sync}
service: {distribution: constant, time: 1s}
load: {path: /, rate: 1, for: 1m}`,
		"/: the requests take no time": `
server: {model: sync}
service: {distribution: constant, time: 0s}
load: {path: /, rate: 1, for: 1m}`,
		"/: a round of all connections takes 25 s, beyond the clients' timeout of 2 s, and who leaves is served all the same": `
server: {model: sync}
service: {distribution: constant, time: 50ms}
load: {path: /, connections: 500, for: 1m, give_up: true}`,
		"/: a turn of all handlers that block outlasts the worker timeout: the loop is killed with all that it accepted": `
server: {model: evented}
service: {distribution: constant, time: 1s}
load: {path: /, connections: 50, for: 1m}`,
		"/: more connections than the workers and the backlog hold, 12": `
server: {model: sync, backlog: 10}
service: {distribution: constant, time: 50ms}
load: {path: /, connections: 500, for: 1m}`,
		"/: the backlog is full before the wait is as long as the clients' timeout, 1,000 s": `
server: {model: sync, backlog: 10}
service: {distribution: constant, time: 1s}
load: {path: /, rate: 10, for: 1m, timeout: 1000s}`,
		"latency of /: 36.79 % take longer than the clients' timeout, 1 s": `
server: {model: thread-per-request}
service: {distribution: exponential, mean: 1s}
load: {path: /, rate: 10, for: 1m, timeout: 1s}`,
		"/: 100 % of the requests outlast the worker timeout of 30 s, and take their worker with them": `
server: {model: sync}
service: {distribution: constant, time: 31s}
load: {path: /, rate: 1, for: 1m}`,
	} {
		assert.Contains(t, parsed(t, file).theory().without, why, "%s", file)
	}
}

func TestAPathsWayThroughNginxIsNginxsOwn(t *testing.T) {
	s := parsed(t, `
servers: [{model: sync, address: 127.0.0.1:8001}, {model: sync, address: 127.0.0.1:8002}]
nginx: app.conf
routes: {/inner/x: {service: {distribution: constant, time: 1s}}, /two: {service: {distribution: constant, time: 1s}}}
load:
  - {path: "/app/x?q=1", rate: 1, for: 10s}
  - {path: /two, rate: 1, for: 10s}`)
	assert.Equal(t, way{servers: []int{0}, path: "/inner/x?q=1", patience: 7e9}, s.ways["/app/x?q=1"], "a patience and a path of its own")
	assert.Equal(t, way{servers: []int{0, 1}, path: "/two", patience: 60e9}, s.ways["/two"], "two peers, and nginx's default patience")
}
