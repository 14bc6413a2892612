// What a file says is what is run.

package scenario_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/pocserver/worker"
)

func TestWhatIsLeftOutIsTheModelsDefault(t *testing.T) {
	for _, model := range []worker.Model{worker.Sync, worker.Threaded, worker.Evented, worker.Uvicorn, worker.ThreadPerRequest} {
		e := parse(t, "server: {model: "+model.String()+`}
service: {distribution: constant, time: 1s}
waits: block
load: {path: /, rate: 1, for: 10s}`).Experiment(7)
		assert.Equal(t, worker.Defaults(model), e.System.Server)
		assert.Equal(t, "test", e.Name, "the file's")
		assert.Equal(t, uint64(7), e.Seed)
		assert.Equal(t, 71*time.Second, e.Horizon, "the last client waits for 61 s")
		assert.Equal(t, []load.Load{load.Open{Name: "/", Path: "/", Rate: 1, Poisson: true, Duration: 10 * time.Second}}, e.Load)
	}
}

func TestUvicornWithATimeoutIsGunicornsWorker(t *testing.T) {
	const rest = "\nservice: {distribution: constant, time: 1s}\nwaits: await\nload: {path: /, rate: 1, for: 10s}"
	want := worker.UvicornWorker()
	want.Timeout = 10 * time.Second
	assert.Equal(t, want, parse(t, "server: {model: uvicorn, timeout: 10s}"+rest).Experiment(1).System.Server)
}

// A sync view has one of anyio's threads if the file does not say otherwise. Where no handler waits in a thread there is no
// limit to speak of.
func TestTheThreadLimitIsAnyIOsUnlessTheFileSaysOtherwise(t *testing.T) {
	for _, c := range []struct {
		server, waits string
		want          int
		says          string
	}{
		{"model: uvicorn", "thread", 40, "settings model: uvicorn, thread_limit: 40; arrivals"},
		{"model: evented", "thread", 40, "settings model: evented, thread_limit: 40; arrivals"},
		{"model: uvicorn, thread_limit: 7", "thread", 7, "settings model: uvicorn, thread_limit: 7; arrivals"},
		{"model: uvicorn, thread_limit: none", "thread", 0, "settings model: uvicorn, thread_limit: none; arrivals"},
		{"model: uvicorn", "await", 0, "settings model: uvicorn; arrivals"},
		{"model: sync", "thread", 0, "settings model: sync; arrivals"},
	} {
		s := parse(t, "server: {"+c.server+"}\nwaits: "+c.waits+`
service: {distribution: constant, time: 10ms}
load: {path: /, rate: 1, for: 10s}`)
		assert.Equal(t, c.want, s.Experiment(1).System.Server.ThreadLimit, "%s, waits: %s", c.server, c.waits)
		assert.Contains(t, words(run(t, s)), c.says)
	}
}

func TestEverySettingReachesItsField(t *testing.T) {
	e := parse(t, `
name: all/settings
claim: All of it is read.
server:
  {model: evented, workers: 2, worker_connections: 3, thread_limit: 41, backlog: 4, timeout: 5s, heartbeat: 6s, graceful_timeout: 7s,
   keep_alive: 8s, max_requests: 9, max_requests_jitter: 10, boot_time: 11ms, cpu: 12us, sleep_overshoot: 13us,
   replies: end-of-turn, accept_again: 0.5, address: "127.0.0.1:8001", overflow: refuse}
nginx: app.conf
hosts: {stranger: [10.0.0.1, "::1"]}
routes: {/inner: {service: {distribution: constant, time: 1s}, waits: thread}}
load: {name: all, path: /app/, connections: 2, for: 10s, start: 1s, timeout: 3s, give_up: true, requests: 4}
horizon: 20s
`).Experiment(1)
	assert.Equal(t, "all/settings", e.Name)
	assert.Equal(t, "All of it is read.", e.Claim)
	assert.Equal(t, worker.Config{
		Model: worker.Evented, Workers: 2, Threads: 1, WorkerConnections: 3, ThreadLimit: 41, Backlog: 4, Timeout: 5 * time.Second,
		Heartbeat: 6 * time.Second, GracefulTimeout: 7 * time.Second, KeepAlive: 8 * time.Second, MaxRequests: 9,
		MaxRequestsJitter: 10, BootTime: 11 * time.Millisecond, CPU: 12 * time.Microsecond,
		SleepOvershoot: 13 * time.Microsecond, Replies: worker.EndOfTurn, AcceptAgain: 0.5,
	}, e.System.Server)
	assert.Equal(t, "127.0.0.1:8001", e.System.Address)
	assert.Equal(t, simnet.Refuse, e.System.Overflow)
	assert.Equal(t, "app.conf", e.System.Front.Config.String())
	assert.Equal(t, map[string][]netip.Addr{
		"localhost": {netip.MustParseAddr("127.0.0.1")},
		"stranger":  {netip.MustParseAddr("10.0.0.1"), netip.IPv6Loopback()},
	}, e.System.Front.Hosts, "localhost is where it always is")
	assert.Equal(t, []load.Load{load.Closed{
		Name: "all", Path: "/app/", Connections: 2, Start: time.Second, Duration: 10 * time.Second, Requests: 4,
		Timeout: 3 * time.Second, GiveUp: true,
	}}, e.Load)
	assert.Equal(t, 20*time.Second, e.Horizon)
	assert.Contains(t, e.System.Variant, "/inner takes 1 s, in a thread of a pool")
}

func TestTheEndIsWhenTheLastClientHasWaited(t *testing.T) {
	for file, end := range map[string]time.Duration{
		"{path: /, rate: 1, for: 10s}":                                                            71 * time.Second,
		"{path: /, rate: 1, for: 10s, start: 5s, timeout: 3s}":                                    18 * time.Second,
		"{path: /, connections: 1, for: 10s, start: 5s}":                                          15 * time.Second,
		"[{path: /, rate: 1, for: 1s, timeout: 1s}, {name: b, path: /, connections: 1, for: 9s}]": 9 * time.Second,
	} {
		e := parse(t, "server: {model: sync}\nservice: {distribution: constant, time: 1s}\nload: "+file).Experiment(1)
		assert.Equal(t, end, e.Horizon, file)
	}
}

func TestWhatWasMeasuredIsKeptWithItsMetric(t *testing.T) {
	s := parse(t, `server: {model: sync}
service: {distribution: constant, time: 1s}
load:
  - {name: a, path: /, rate: 1, arrivals: constant, for: 10s}
  - {name: b, path: /, rate: 1, arrivals: constant, for: 10s}
measured:
  - {metric: replies 200, of: a, values: [58, 44]}
  - {metric: p50, values: [1500ms]}
`)
	require.Len(t, s.Measured, 2)
	assert.Equal(t, "replies 200 of a", s.Measured[0].Name)
	assert.Equal(t, []float64{58, 44}, s.Measured[0].Values)
	assert.Equal(t, 7, s.Measured[0].Line)
	assert.Equal(t, []float64{1.5}, s.Measured[1].Values, "in seconds")
	o, err := s.Experiment(1).Run(t)
	require.NoError(t, err)
	assert.Equal(t, 10.0, s.Measured[0].Metric.Of(o))
}
