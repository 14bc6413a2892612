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
		{"M/D/1 again, with a service time of which rounding makes a variance below 0", `
server: {model: sync}
service: {distribution: constant, time: 105ms}
load: {path: /, rate: 2, for: 1000s, arrivals: poisson}`,
			map[string]any{"requests in service": 0.21, "utilisation": 0.21, "mean latency": 0.105 + 2*0.105*0.105/(2*0.79), "p99": 0.0}},
		{"M/M/50, where nobody waits and 1 in 1,100 leaves", `
server: {model: threaded, threads: 50}
service: {distribution: exponential, mean: 1s}
load: {path: /, rate: 1, for: 1000s, arrivals: poisson, timeout: 7s}`,
			map[string]any{"requests in service": 1.0, "utilisation": 0.02, "mean latency": 1.0, "p99": math.Log(100)}},
		{"regular loads meet as they happen to, and Little's law does not mind", `
server: {model: sync, workers: 2}
service: {distribution: constant, time: 90ms}
load: [{name: a, path: /, rate: 5, arrivals: constant, for: 2m}, {name: b, path: /, rate: 5, arrivals: constant, for: 2m}]`,
			map[string]any{"requests in service": 0.9, "utilisation": 0.45}},
		{"a probe beside a load that is 90 times as much: both at random, but for an SCV of 0.989", `
server: {model: sync}
service: {distribution: constant, time: 100ms}
load: [{name: a, path: /, rate: 4.95, for: 1000s, arrivals: poisson}, {name: b, path: /, rate: 0.05, arrivals: constant, for: 1000s}]`,
			map[string]any{"requests in service": 0.5, "utilisation": 0.5, "mean latency of a": 0.1 + 0.05*0.99*math.Exp(-2.0/3*0.0001/0.99), "mean latency of b": 0.1 + 0.05*0.99*math.Exp(-2.0/3*0.0001/0.99), "p99 of a": 0.0, "p99 of b": 0.0}},
		{"workers with a queue each", `
server: {model: threaded, workers: 2, threads: 4}
service: {distribution: exponential, mean: 1s}
load: {path: /, rate: 6, for: 30m, arrivals: poisson}`,
			map[string]any{"requests in service": 6.0, "utilisation": 0.75}},
		{"workers with a queue each, in which nobody waits", `
server: {model: threaded, workers: 4, threads: 25}
service: {distribution: exponential, mean: 500ms}
load: {path: /, rate: 100, for: 30m, arrivals: poisson}`,
			map[string]any{"requests in service": 50.0, "utilisation": 0.5, "mean latency": 0.5, "p99": 0.5 * math.Log(100)}},
		{"a load that is too short for a steady state", `
server: {model: sync}
service: {distribution: exponential, mean: 1s}
load: {path: /, rate: 0.99, for: 2m, arrivals: poisson}`,
			map[string]any{"requests in service": 0.99, "utilisation": 0.99}},
		{"a load that goes on beyond the horizon", `
server: {model: threaded, threads: 50}
service: {distribution: exponential, mean: 1s}
load: {path: /, rate: 10, for: 10m, arrivals: poisson}
horizon: 1m`,
			map[string]any{"requests in service": 10.0, "utilisation": 0.2}},
		{"a thread is held while its request waits for the CPU: ρc/(2(1−ρ)) of ρ = 0.9, c = 9 ms", `
server: {model: threaded, threads: 50, cpu: 9ms}
service: {distribution: exponential, mean: 100ms}
load: {path: /, rate: 100, for: 5m, arrivals: poisson}`,
			map[string]any{"requests in service": 14.95, "utilisation": 0.299, "mean latency": 0.1495, "p99": 0.0}},
		{"which of two loops gets a regular request is drawn: ρc/(2(1−ρ)) of ρ = 0.5, c = 0.1 s", `
server: {model: evented, workers: 2, cpu: 100ms}
service: {distribution: exponential, mean: 1s}
waits: await
load: {path: /, rate: 10, arrivals: constant, for: 1000s}`,
			map[string]any{"requests in flight": 11.5, "mean latency": 1.15, "p99": 0.0}},
		{"of one loop a regular request comes back at random: an SCV of 1/2, with Krämer and Langenbach-Belz's correction", `
server: {model: evented, cpu: 100ms}
service: {distribution: exponential, mean: 1s}
waits: await
load: {path: /, rate: 5, arrivals: constant, for: 1000s}`,
			map[string]any{"requests in flight": 5 * (1.1 + 0.025*math.Exp(-1.0/3)), "mean latency": 1.1 + 0.025*math.Exp(-1.0/3), "p99": 0.0}},
		{"a loop's CPU that is the limit, 1/c, and 0.1 s of it after 100 s", `
server: {model: evented, cpu: 20ms}
service: {distribution: constant, time: 80ms}
waits: await
load: {path: /, rate: 100, arrivals: constant, for: 100s}`,
			map[string]any{"throughput": 50 * 1.001}},
		{"M/M/2 of a loop's threads, at half their capacity: see above", `
server: {model: uvicorn, thread_limit: 2}
service: {distribution: exponential, mean: 1s}
waits: thread
load: {path: /, rate: 1, for: 1000s, arrivals: poisson}`,
			map[string]any{"requests in flight": 4.0 / 3, "mean latency": 4.0 / 3, "p99": 0.0}},
		{"a thread is always free, and 0.1 s of CPU is left to wait for", `
server: {model: uvicorn, cpu: 100ms}
service: {distribution: exponential, mean: 1s}
waits: thread
load: {path: /, rate: 5, for: 1000s, arrivals: constant}`,
			map[string]any{"requests in flight": 5 * (1.1 + 0.025*math.Exp(-1.0/3)), "mean latency": 1.1 + 0.025*math.Exp(-1.0/3), "p99": 0.0}},
		{"Django has a thread for each", `
server: {model: uvicorn, thread_limit: none}
service: {distribution: exponential, mean: 1s}
waits: thread
load: {path: /, rate: 60, for: 1000s, arrivals: poisson}`,
			map[string]any{"requests in flight": 60.0, "mean latency": 1.0, "p99": math.Log(100)}},
		{"more requests/s than 40 threads serve in 1 s: all are served, for nobody leaves", `
server: {model: uvicorn}
service: {distribution: constant, time: 1s}
waits: thread
load: {path: /, rate: 60, for: 1m}`,
			map[string]any{"good replies": 3600.0}},
		{"a closed loop on 2 threads of a loop", `
server: {model: uvicorn, thread_limit: 2}
service: {distribution: constant, time: 100ms}
waits: thread
load: {path: /, connections: 20, for: 100s}`,
			map[string]any{"throughput": 20.0, "mean latency": 1.0}},
		{"streams of which each has a thread", `
server: {model: uvicorn}
routes: {/: {service: {distribution: constant, time: 1s}, stream: true, waits: thread}}
load: {path: /, connections: 40, for: 1m}`,
			map[string]any{"streams that got a line": 40.0}},
		{"that of one of two servers is of its load alone", `
servers: [{model: evented, cpu: 20ms, address: 127.0.0.1:8001}, {model: sync, address: 127.0.0.1:8002}]
nginx: app.conf
routes: {/inner: {service: {distribution: constant, time: 80ms}, waits: await}, /: {service: {distribution: constant, time: 1s}}}
waits: block
load: [{name: a, path: /app/, rate: 100, arrivals: constant, for: 100s}, {name: b, path: /second, rate: 0.1, arrivals: constant, for: 100s}]`,
			map[string]any{"throughput of a": 50 * 1.001}},
		{"D/D/1: nobody waits", `
server: {model: sync}
service: {distribution: constant, time: 1s}
load: {path: /, rate: 0.5, arrivals: constant, for: 1000s}`,
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
		{"a boot of 0.18 s for each 100 to 200 requests of 10 ms", `
server: {model: sync, max_requests: 100, max_requests_jitter: 100}
service: {distribution: constant, time: 10ms}
load: {path: /, connections: 10, for: 100s}`,
			map[string]any{"throughput": 150 / (1.5 + 0.18), "mean latency": 10 * (1.5 + 0.18) / 150}},
		{"no request outlasts a worker timeout of 30 times the mean, in 100 s", `
server: {model: sync}
service: {distribution: exponential, mean: 1s}
load: {path: /, connections: 5, for: 100s}`,
			map[string]any{"throughput": 1.0, "mean latency": 5.0}},
		{"clients that would give up, and have no reason to", `
server: {model: threaded, threads: 20}
service: {distribution: constant, time: 1s}
load: {path: /, connections: 20, for: 2m, timeout: 2s, give_up: true}`,
			map[string]any{"throughput": 20.0, "mean latency": 1.0}},
		{"worker_connections let in 10 of 100", `
server: {model: evented, worker_connections: 10}
service: {distribution: constant, time: 100ms}
waits: await
load: {path: /, connections: 100, for: 20s}`,
			map[string]any{"throughput": 100.0}},
		{"fewer worker_connections than threads are so many threads", `
server: {model: threaded, threads: 10, worker_connections: 4}
service: {distribution: constant, time: 100ms}
load: {path: /, rate: 30, arrivals: constant, for: 20s}`,
			map[string]any{"requests in service": 3.0, "utilisation": 0.75, "mean latency": 0.1, "p99": 0.1}},
		{"M/G/1 of a worker that boots for 0.2 s after each 100 requests: E[S] = 0.102 s, E[S²] = 0.01 + (0.04 + 0.04)/100", `
server: {model: sync, max_requests: 100, boot_time: 200ms}
service: {distribution: constant, time: 100ms}
load: {path: /, rate: 5, for: 1000s, arrivals: poisson}`,
			map[string]any{"requests in service": 0.5, "utilisation": 0.5, "mean latency": 0.1 + 5*0.0108/(2*0.49), "p99": 0.0}},
		{"two workers, of which one may get less than 25 of 50 connections", `
server: {model: threaded, workers: 2, threads: 25}
service: {distribution: constant, time: 1s}
load: {path: /, connections: 50, for: 100s}`,
			map[string]any{"throughput": 50.0}},
		{"two workers, of which each gets 25 of 100 connections at least", `
server: {model: threaded, workers: 2, threads: 25}
service: {distribution: constant, time: 1s}
load: {path: /, connections: 100, for: 100s}`,
			map[string]any{"throughput": 50.0, "mean latency": 2.0}},
		{"a closed loop that the horizon ends", `
server: {model: sync}
service: {distribution: constant, time: 100ms}
load: {path: /, connections: 100, for: 100s}
horizon: 8s`,
			map[string]any{"throughput": 10.0, "timeouts": 60.0}},
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
load: {path: /, rate: 10, arrivals: constant, for: 100s}`,
			map[string]any{"requests in flight": 25.0, "mean latency": 2.5, "p99": 5.0}},
		{"awaiting on a machine that wakes late", `
server: {model: evented, sleep_overshoot: 10ms}
service: {distribution: constant, time: 1s}
waits: await
load: {path: /, rate: 10, arrivals: constant, for: 100s}`,
			map[string]any{"requests in flight": 10.1, "mean latency": 1.01, "p99": 1.01}},
		{"awaiting where clients leave: those that are seen under way are not all", `
server: {model: evented}
service: {distribution: exponential, mean: 1s}
waits: await
load: {path: /, rate: 10, arrivals: constant, for: 100s, timeout: 2s}`,
			map[string]any{}},
		{"collapse: λμT/(λ−μ) = 10·0.8·60/9.2, the last at μT/(λ−μ)", `
server: {model: sync, workers: 2, address: 127.0.0.1:5000}
nginx: shipped
service: {distribution: uniform, from: 0s, to: 5s, step: 1s}
load: {path: /check_feed, rate: 10, arrivals: constant, for: 2m}`,
			map[string]any{"good replies": 480 / 9.2, "last good request": between{48 / 9.2, 50 / 9.2}}},
		{"collapse with clients who leave before nginx: T = 20 s", `
server: {model: sync, workers: 2, address: 127.0.0.1:5000}
nginx: shipped
service: {distribution: uniform, from: 0s, to: 5s, step: 1s}
load: {path: /check_feed, rate: 10, arrivals: constant, for: 2m, timeout: 20s}`,
			map[string]any{"good replies": 160 / 9.2, "last good request": between{16 / 9.2, 18 / 9.2}}},
		{"overload where nobody leaves: μ until the horizon", `
server: {model: sync}
service: {distribution: constant, time: 1s}
load: {path: /, rate: 10, arrivals: constant, for: 1m}
horizon: 100s`,
			map[string]any{"good replies": 100.0, "last good request": 10.0}},
		{"overload that the horizon ends before anybody leaves: 2/s for 30 s, of 3/s that come", `
server: {model: sync, workers: 2}
service: {distribution: constant, time: 1s}
load: {path: /, rate: 3, arrivals: constant, for: 10m, timeout: 60s}
horizon: 30s`,
			map[string]any{"good replies": 60.0, "last good request": 20.0}},
		{"overload that ends before anybody leaves: a wait of 30 s·(3/2 − 1)", `
server: {model: sync, workers: 2}
service: {distribution: constant, time: 1s}
load: {path: /, rate: 3, arrivals: constant, for: 30s, timeout: 60s}`,
			map[string]any{"good replies": 90.0}},
		{"kills where half of the requests end before the arbiter looks: 0.005/s, but for the last 31 s", `
server: {model: sync, workers: 2}
service: {distribution: constant, time: 30500ms}
load: {path: /, rate: 0.01, for: 10m, arrivals: poisson}`,
			map[string]any{"workers killed a minute": between{0.3 * (1 - 31.0/600), 0.3}}},
		{"kills where regular requests all end before it looks, or none: 1/4 of 0.01/s outlast 31 s, and 1/2 of them 30 s", `
server: {model: sync, workers: 2}
service: {distribution: uniform, from: 28s, to: 32s}
load: {path: /, rate: 0.01, arrivals: constant, for: 10m}`,
			map[string]any{"workers killed a minute": between{0.15 * (1 - 31.0/600), 0.3}}},
		{"kills by some of the requests that fill a worker: at most 60/(30 + 0.18)", `
server: {model: sync}
service: {distribution: exponential, mean: 20s}
load: {path: /, rate: 1, for: 30m, arrivals: poisson, timeout: 60s}`,
			map[string]any{"workers killed a minute": 60 / 30.18}},
		{"kills: 2·60/(30 + 1 + 0.18), less one a worker in 10 min, to 2·60/(30 + 0.18)", `
server: {model: sync, workers: 2}
service: {distribution: constant, time: 40s}
load: {path: /, rate: 1, arrivals: constant, for: 10m}`,
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
load: {path: /, rate: 75000, arrivals: constant, for: 1ms, timeout: 90s}`,
			map[string]any{"streams that got a line": 4.0}},
		{"streams whose first line comes when nobody waits for it", `
server: {model: evented}
routes: {/: {service: {distribution: constant, time: 70s}, stream: true, waits: await}}
load: {path: /, connections: 10, for: 60s}`,
			map[string]any{"streams that got a line": 0.0}},
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
				require.True(t, known, "nothing is known of %s, predicted %v: %s", p.metric.Name, p.number(), p.formula)
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
load: [{name: a, path: /, rate: 0.1, arrivals: constant, for: 1m}, {name: b, path: /, connections: 3, for: 1m}]`,
		"a and b: several closed loops share a pool": `
server: {model: sync}
service: {distribution: constant, time: 1s}
load: [{name: a, path: /, connections: 1, for: 1m}, {name: b, path: /, connections: 3, for: 1m}]`,
		"a, b and c: the loads on one pool are not on at the same time": `
server: {model: sync}
service: {distribution: constant, time: 1s}
load: [{name: a, path: /, rate: 0.1, arrivals: constant, for: 1m}, {name: b, path: /, rate: 0.1, arrivals: constant, for: 2m}, {name: c, path: /, rate: 0.1, arrivals: constant, for: 1m}]`,
		"/two: nginx sends them to several servers in turn": `
servers: [{model: sync, address: 127.0.0.1:8001}, {model: sync, address: 127.0.0.1:8002}]
nginx: app.conf
service: {distribution: constant, time: 1s}
load: {path: /two, rate: 0.1, arrivals: constant, for: 1m}`,
		"a and b: handlers that block share a loop with handlers that await": `
server: {model: evented}
routes: {/: {service: {distribution: constant, time: 1s}}, /b: {service: {distribution: constant, time: 1s}, waits: await}}
waits: block
load: [{name: a, path: /, rate: 0.1, arrivals: constant, for: 1m}, {name: b, path: /b, rate: 0.1, arrivals: constant, for: 1m}]`,
		"a and b: streams, which have no end, share a pool with others": `
server: {model: threaded}
routes: {/: {service: {distribution: constant, time: 1s}}, /b: {service: {distribution: constant, time: 1s}, stream: true}}
load: [{name: a, path: /, rate: 0.1, arrivals: constant, for: 1m}, {name: b, path: /b, rate: 0.1, arrivals: constant, for: 1m}]`,
		"/: at a utilisation of exactly 1 nothing waits only as long as all is regular, and whatever was late once stays late. workers: needs 2 workers": `
server: {model: sync}
service: {distribution: constant, time: 1s}
load: {path: /, rate: 1, arrivals: constant, for: 1m}`,
		"/: the requests take no time": `
server: {model: sync}
service: {distribution: constant, time: 0s}
load: {path: /, rate: 1, arrivals: constant, for: 1m}`,
		"/: a round of all connections takes 25 s, beyond the clients' timeout of 2 s, and who leaves is served all the same": `
server: {model: sync}
service: {distribution: constant, time: 50ms}
load: {path: /, connections: 500, for: 1m, give_up: true}`,
		"/: a turn of all handlers that block outlasts the worker timeout: the loop is killed with all that it accepted": `
server: {model: evented}
service: {distribution: constant, time: 1s}
waits: block
load: {path: /, connections: 50, for: 1m}`,
		"/: more connections than the workers and the backlog hold, 12": `
server: {model: sync, backlog: 10}
service: {distribution: constant, time: 50ms}
load: {path: /, connections: 500, for: 1m}`,
		"/: 540 are in the queue when the load ends, and the workers and the backlog hold 12": `
server: {model: sync, backlog: 10}
service: {distribution: constant, time: 1s}
load: {path: /, rate: 10, arrivals: constant, for: 1m, timeout: 1000s}`,
		"/: 60 are in the queue when the wait is as long as 60 s, the clients' timeout, and the workers and the backlog hold 12": `
server: {model: sync, backlog: 10}
service: {distribution: constant, time: 1s}
load: {path: /, rate: 10, arrivals: constant, for: 1m, timeout: 1m}`,
		"/: 600 are in the queue when the load ends, and the workers and the backlog hold 7": `
server: {model: sync, overflow: refuse, backlog: 5}
service: {distribution: constant, time: 100ms}
load: {path: /, rate: 20, arrivals: constant, for: 1m}`,
		"/: more than 1 in 1,000 find the workers and the backlog full, which hold 3": `
server: {model: sync, overflow: refuse, backlog: 1}
service: {distribution: exponential, mean: 100ms}
load: {path: /, rate: 9, for: 10m, arrivals: poisson}`,
		"/: 11 are under way at a time on average, and at times more than worker_connections allows, 12": `
server: {model: evented, worker_connections: 12}
service: {distribution: exponential, mean: 1s}
waits: await
load: {path: /, rate: 11, for: 10m, arrivals: poisson}`,
		"b: 11 are under way at a time on average, and at times more than worker_connections allows, 12": `
server: {model: evented, worker_connections: 12}
service: {distribution: exponential, mean: 1s}
waits: await
load: [{name: a, path: /, connections: 10, for: 10m}, {name: b, path: /, rate: 1, for: 10m, arrivals: poisson}]`,
		"b: 10 are under way at a time on average, and at times more than worker_connections allows, 5": `
server: {model: evented, worker_connections: 5}
routes: {/: {service: {distribution: constant, time: 1s}}, /b: {service: {distribution: constant, time: 0s}}}
waits: await
load: [{name: a, path: /, connections: 10, for: 10m}, {name: b, path: /b, rate: 1, for: 10m, arrivals: poisson}]`,
		"p99 of /: 0.4999 % of the requests have no reply yet at the horizon": `
server: {model: sync}
service: {distribution: exponential, mean: 1s}
load: {path: /, rate: 0.9, for: 2100s, arrivals: poisson}
horizon: 2000s`,
		"latency of /: workers are recycled meanwhile, and much of what requests wait for is that one boots": `
server: {model: sync, max_requests: 10, boot_time: 1s}
service: {distribution: constant, time: 10ms}
load: {path: /, rate: 2, for: 1000s, arrivals: poisson}`,
		"latency of /: connections that are let in keep their place, and the others wait for all of the time": `
server: {model: evented, worker_connections: 10}
service: {distribution: constant, time: 100ms}
waits: await
load: {path: /, connections: 100, for: 20s}`,
		"latency of /: connections keep to their worker, and one worker has more of them than another": `
server: {model: evented, workers: 2, cpu: 1ms, accept_again: 0.5}
service: {distribution: constant, time: 1s}
waits: await
load: {path: /, connections: 100, for: 20s}`,
		"latency of a and b: several loads that come at regular intervals meet, or do not, as they happen to begin": `
server: {model: sync, workers: 2}
service: {distribution: constant, time: 90ms}
load: [{name: a, path: /, rate: 5, arrivals: constant, for: 2m}, {name: b, path: /, rate: 5, arrivals: constant, for: 2m}]`,
		"p99 of b: who comes at regular intervals and who comes at random wait differently": `
server: {model: sync, workers: 2}
service: {distribution: constant, time: 70ms}
load: [{name: a, path: /, rate: 5, for: 2m, arrivals: poisson}, {name: b, path: /, rate: 5, arrivals: constant, for: 2m}]`,
		"latency of /: each worker has a queue of its own, and who comes to a busy one waits though another is free": `
server: {model: threaded, workers: 2, threads: 4}
service: {distribution: exponential, mean: 1s}
load: {path: /, rate: 6, for: 30m, arrivals: poisson}`,
		"latency of a: each worker has a queue of its own, and who comes to a busy one waits though another is free": `
server: {model: threaded, workers: 4, threads: 25, accept_again: 0.5}
service: {distribution: exponential, mean: 500ms}
load: {name: a, path: /, rate: 100, for: 30m, arrivals: poisson}`,
		"latency of /: the service time varies too much: its squared coefficient of variation is 100, and the approximation is good up to 2": `
server: {model: threaded, threads: 10}
service: {distribution: lognormal, mean: 100ms, deviation: 1s}
load: {path: /, rate: 80, for: 30m, arrivals: poisson}`,
		"p99 of /: the service time varies too much: its squared coefficient of variation is 4, and the approximation is good up to 2": `
server: {model: sync}
service: {distribution: lognormal, mean: 100ms, deviation: 200ms}
load: {path: /, rate: 5, for: 30m, arrivals: poisson}`,
		"p99.95 of /: the approximation is good up to p99.9": `
server: {model: sync}
service: {distribution: uniform, from: 0s, to: 160ms}
load: {path: /, rate: 10, for: 1h, arrivals: poisson}
hold: {metric: p99.95, at_most: 60s}`,
		"latency of /: at a utilisation of 0.99 the queue still grows after 120 s: a steady state takes some 100,000 s": `
server: {model: sync}
service: {distribution: exponential, mean: 1s}
load: {path: /, rate: 0.99, for: 2m, arrivals: poisson}`,
		"latency of /: at a utilisation of 0.99 the queue still grows after 60 s: a steady state takes some 500 s": `
server: {model: evented, cpu: 10ms}
service: {distribution: exponential, mean: 1s}
waits: await
load: {path: /, rate: 99, for: 1m, arrivals: poisson}`,
		"latency of /: 1.667 % of the requests have no reply yet at the horizon": `
server: {model: threaded, threads: 50}
service: {distribution: exponential, mean: 1s}
load: {path: /, rate: 10, for: 10m, arrivals: poisson}
horizon: 1m`,
		"p99 of /: 0.3333 % of the requests have no reply yet at the horizon": `
server: {model: threaded, threads: 50}
service: {distribution: exponential, mean: 1s}
load: {path: /, rate: 10, for: 10m, arrivals: poisson}
horizon: 5m`,
		"latency of /: more than 1 in 1,000 take longer than 2 s, the clients' timeout": `
server: {model: threaded, threads: 100}
service: {distribution: uniform, from: 0s, to: 5s}
load: {path: /, rate: 10, for: 2m, arrivals: poisson, timeout: 2s}`,
		"latency of /: more than 1 in 1,000 take longer than 6 s, the clients' timeout": `
server: {model: threaded, threads: 50}
service: {distribution: exponential, mean: 1s}
load: {path: /, rate: 1, for: 1000s, arrivals: poisson, timeout: 6s}`,
		"/: requests come and come back in a rhythm, and who meets whom at the CPU depends on it": `
server: {model: threaded, threads: 50, cpu: 9ms}
service: {distribution: constant, time: 100ms}
load: {path: /, rate: 100, arrivals: constant, for: 5m}`,
		"/: the threads are held by requests that wait for the workers' CPU": `
server: {model: threaded, threads: 12, cpu: 9ms}
service: {distribution: exponential, mean: 100ms}
load: {path: /, rate: 100, for: 5m, arrivals: poisson}`,
		"latency of a and b: several loads that come at regular intervals meet at the CPU, or do not, as they happen to begin": `
server: {model: evented, cpu: 10ms}
service: {distribution: exponential, mean: 100ms}
waits: await
load: [{name: a, path: /, rate: 5, arrivals: constant, for: 2m}, {name: b, path: /, rate: 5, arrivals: constant, for: 2m}]`,
		"/: some requests may take longer than 5.5 s, the clients' timeout, and who leaves is served all the same": `
server: {model: sync}
service: {distribution: uniform, from: 0s, to: 100ms}
load: {path: /, connections: 100, for: 2m, timeout: 5500ms, give_up: true}`,
		"/: some requests outlast the worker timeout, and are cut": `
server: {model: sync}
service: {distribution: exponential, mean: 10s}
load: {path: /, connections: 5, for: 100s}`,
		"/: streams whose clients leave and ask again are more than there are clients": `
server: {model: evented}
routes: {/: {service: {distribution: constant, time: 1s}, stream: true, waits: await}}
load: {path: /, connections: 10, for: 60s, timeout: 5s, give_up: true}`,
		"a: some streams have their first line when nobody waits for it any more": `
server: {model: evented}
routes: {/: {service: {distribution: constant, time: 5s}, stream: true, waits: await}}
load: {name: a, path: /, rate: 1, arrivals: constant, for: 10s}
horizon: 12s`,
		"latency of /: requests wait for a thread, and for the CPU as well": `
server: {model: threaded, threads: 20, cpu: 9ms}
service: {distribution: exponential, mean: 100ms}
load: {path: /, rate: 100, for: 5m, arrivals: poisson}`,
		"latency of /: the CPU gets exactly what it can do, and its queue grows without limit, like √t": `
server: {model: threaded, threads: 50, cpu: 10ms}
service: {distribution: exponential, mean: 100ms}
load: {path: /, rate: 100, for: 5m, arrivals: poisson}`,
		"latency of /: one worker is favoured, and how much of the CPU's work it gets depends on who is free": `
server: {model: evented, workers: 2, cpu: 10ms, accept_again: 0.5}
service: {distribution: exponential, mean: 100ms}
waits: await
load: {path: /, rate: 10, for: 5m, arrivals: poisson}`,
		"/: more than can be served, and 100 % take longer than 5 s, the clients' timeout, by themselves": `
server: {model: sync, workers: 2}
service: {distribution: constant, time: 10s}
load: {path: /, rate: 3, arrivals: constant, for: 10m, timeout: 5s}`,
		"/: more than can be served, and nginx asks [::1]:5000 in its place, where nobody listens": `
server: {model: sync, workers: 2, address: 127.0.0.1:5000}
nginx: shipped
hosts: {localhost: [127.0.0.1, "::1"]}
service: {distribution: uniform, from: 0s, to: 5s}
load: {path: /, rate: 10, arrivals: constant, for: 2m}`,
		"b: another server behind the same nginx gets more than it can serve, and who waits there takes of nginx's worker_connections": `
servers: [{model: evented, cpu: 20ms, address: 127.0.0.1:8001}, {model: sync, address: 127.0.0.1:8002}]
nginx: app.conf
routes: {/inner: {service: {distribution: constant, time: 80ms}, waits: await}, /: {service: {distribution: constant, time: 1s}}}
waits: block
load: [{name: a, path: /app/, rate: 100, arrivals: constant, for: 100s}, {name: b, path: /second, rate: 0.1, arrivals: constant, for: 100s}]`,
		"/: some requests may take longer than 1.5 s, the clients' timeout, and who leaves is served all the same": `
server: {model: threaded, threads: 20}
service: {distribution: exponential, mean: 1s}
load: {path: /, connections: 20, for: 2m, timeout: 1500ms, give_up: true}`,
		"/: a loop that blocks accepts all that wait, and when their handlers together outlast the worker timeout of 1 s it is killed with all of them": `
server: {model: evented, timeout: 1s}
service: {distribution: constant, time: 100ms}
waits: block
load: {path: /, rate: 9, for: 10m, arrivals: poisson}`,
		"a and b: streams share a loop's CPU with others": `
server: {model: evented, cpu: 1ms}
waits: await
routes: {/: {service: {distribution: constant, time: 1s}}, /b: {service: {distribution: constant, time: 1s}, stream: true}}
load: [{name: a, path: /, rate: 0.1, arrivals: constant, for: 1m}, {name: b, path: /b, rate: 0.1, arrivals: constant, for: 1m}]`,
		"/: some streams have their first line when nobody waits for it any more": `
server: {model: evented}
routes: {/: {service: {distribution: exponential, mean: 10s}, stream: true, waits: await}}
load: {path: /, connections: 10, for: 60s}`,
		"/: there are more streams than worker_connections allows": `
server: {model: evented, worker_connections: 5}
routes: {/: {service: {distribution: constant, time: 1s}, stream: true, waits: await}}
load: {path: /, connections: 10, for: 60s}`,
		"/: nginx keeps their lines back until a buffer is full, for proxy_buffering is on": `
server: {model: evented, address: 127.0.0.1:5000}
nginx: shipped
routes: {/: {service: {distribution: constant, time: 1s}, stream: true, waits: await}}
load: {path: /, connections: 10, for: 60s}`,
		"latency of /: more than 1 in 1,000 take longer than 1 s, the clients' timeout": `
server: {model: thread-per-request}
service: {distribution: exponential, mean: 1s}
load: {path: /, rate: 10, arrivals: constant, for: 1m, timeout: 1s}`,
		"/: 100 % of the requests outlast the worker timeout of 30 s, and take their worker with them": `
server: {model: sync}
service: {distribution: constant, time: 31s}
load: {path: /, rate: 1, arrivals: constant, for: 1m}`,
	} {
		without := parsed(t, file).theory().without
		assert.Contains(t, without, why, "%s", file)
		for _, text := range without {
			assert.NotContains(t, text, "queueing", "a report has plain words: %s", file)
		}
	}
}

func TestAnExcessBreaksWhatAQueueWouldBreak(t *testing.T) {
	// The last of 60 s waits for 60·0.25 s, the median for half of that.
	th := &theory{excess: []excess{{loads: []string{"a"}, span: 60, growth: 0.25}}}
	assert.True(t, th.breaks(hold{most: true, percentile: 50, load: "a", bound: 7}))
	assert.False(t, th.breaks(hold{most: true, percentile: 50, load: "a", bound: 8}))
	assert.False(t, th.breaks(hold{percentile: 50, load: "a", bound: 7}), "at least")
	assert.False(t, th.breaks(hold{most: true, load: "a", bound: 7}), "it is no percentile")
	assert.False(t, th.breaks(hold{most: true, percentile: 50, load: "b", bound: 7}), "another pool's")
	assert.False(t, th.breaks(hold{most: true, percentile: 50, bound: 7}), "of all, and who knows how many they are")
}

func TestWhatHasNoFormulaIsSaidOnce(t *testing.T) {
	s := parsed(t, `
servers: [{model: sync, address: 127.0.0.1:8001}, {model: sync, address: 127.0.0.1:8002}]
nginx: app.conf
service: {distribution: constant, time: 1s}
load: {path: /two, rate: 0.1, arrivals: constant, for: 1m}`)
	assert.Equal(t, []string{"/two: nginx sends them to several servers in turn"}, s.theory().without)
}

func TestAPathsWayThroughNginxIsNginxsOwn(t *testing.T) {
	s := parsed(t, `
servers: [{model: sync, address: 127.0.0.1:8001}, {model: sync, address: 127.0.0.1:8002}]
nginx: app.conf
routes: {/inner/x: {service: {distribution: constant, time: 1s}}, /two: {service: {distribution: constant, time: 1s}}}
load:
  - {path: "/app/x?q=1", rate: 1, arrivals: constant, for: 10s}
  - {path: /two, rate: 1, arrivals: constant, for: 10s}`)
	assert.Equal(t, way{servers: []int{0}, path: "/inner/x?q=1", patience: 7e9, buffered: true}, s.ways["/app/x?q=1"], "a patience and a path of its own")
	assert.Equal(t, way{servers: []int{0, 1}, path: "/two", patience: 60e9, buffered: true}, s.ways["/two"], "two peers, and nginx's default patience")
}
