// Bottlenecks: each resource of which loads need as much as there is, and what the queue does then.

package scenario

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/racedetector"
)

func TestABottleneckIsNamedWithTheSmallestNumberThatCarriesTheLoad(t *testing.T) {
	for _, c := range []struct{ server, service, load, want string }{
		{"{model: threaded, threads: 64, cpu: 30ms}", "200ms", "rate: 40",
			"CPU: needs 2 workers. " +
				"40 requests/s of 30 ms each keep 1.2 interpreters busy, and there is 1."},
		{"{model: threaded, threads: 8}", "200ms", "rate: 40",
			"threads: needs 9 threads. " +
				"40 requests/s of 0.2 s each keep 8 threads busy, and there are 8."},
		{"{model: threaded, threads: 9}", "200ms", "rate: 40", ""},
		{"{model: threaded, workers: 2, threads: 4}", "200ms", "rate: 40",
			"threads: needs 5 threads. " +
				"40 requests/s of 0.2 s each keep 8 threads busy, and there are 8."},
		{"{model: threaded, threads: 8, worker_connections: 4}", "200ms", "rate: 40",
			"worker connections: needs 9 worker connections. " +
				"40 requests/s of 0.2 s each keep 8 worker connections busy, and there are 4."},
		{"{model: sync}", "100ms", "rate: 10",
			"workers: needs 2 workers. " +
				"10 requests/s of 0.1 s each keep 1 worker busy, and there is 1."},
		{"{model: sync, workers: 2}", "100ms", "rate: 10", ""},
		{"{model: sync, max_requests: 2, boot_time: 100ms}", "70ms", "rate: 10",
			"workers: needs 2 workers. " +
				"10 requests/s of 0.12 s each keep 1.2 workers busy, and there is 1."},
		{"{model: evented, cpu: 30ms}", "1s", "rate: 100",
			"CPU: needs 4 workers. " +
				"100 requests/s of 30 ms each keep 3 interpreters busy, and there is 1."},
		{"{model: evented, worker_connections: 50}", "1s", "rate: 100",
			"worker connections: needs 101 worker connections. " +
				"100 requests/s of 1 s each keep 100 connections busy, and there are 50."},
		{"{model: uvicorn, thread_limit: 10}", "1s", "rate: 15, path: /thread",
			"threads: needs a thread_limit of 16. " +
				"15 requests/s of 1 s each keep 15 threads busy, and there are 10."},
		{"{model: uvicorn, workers: 2}", "1s", "rate: 15, path: /block",
			"workers: needs 16 workers. " +
				"15 requests/s of 1 s each keep 15 workers busy, and there are 2."},
		{"{model: thread-per-request, cpu: 30ms}", "1s", "rate: 100",
			"CPU: no number of the file gives more of it. " +
				"100 requests/s of 30 ms each keep 3 interpreters busy, and there is 1."},
	} {
		if !strings.Contains(c.load, "path") {
			c.load += ", path: /"
		}
		const routes = `
waits: await
routes:
  /: {service: {distribution: constant, time: TIME}}
  /thread: {service: {distribution: constant, time: TIME}, waits: thread}
  /block: {service: {distribution: constant, time: TIME}, waits: block}
`
		th := parsed(t, "server: "+c.server+strings.ReplaceAll(routes, "TIME", c.service)+"load: {for: 5m, "+c.load+"}").theory()
		if c.want == "" {
			assert.Empty(t, th.bottlenecks, c.server)
			continue
		}
		require.NotEmpty(t, th.bottlenecks, c.server)
		assert.Equal(t, c.want, th.bottlenecks[0].String(), c.server)
	}
}

// Loads that are not on at the same time do not add up, and of those that are the sum counts.
func TestABottleneckIsOfTheLoadsThatAreOnAtATime(t *testing.T) {
	const file = `
server: {model: sync}
service: {distribution: constant, time: 100ms}
load: [{name: a, path: /, rate: 6, for: 1m}, {name: b, path: /, rate: 6, for: 1m, start: `
	assert.Empty(t, parsed(t, file+"1m}]").theory().bottlenecks)
	all := parsed(t, file+"30s}]").theory().bottlenecks
	require.Len(t, all, 1)
	assert.Equal(t, "workers: needs 2 workers", all[0].needs())
}

func TestASearchThatCannotSucceedIsNotRunAndSaysWhy(t *testing.T) {
	read := func(name string) *Scenario {
		s, err := Read("testdata/" + name + ".yaml")
		require.NoError(t, err)
		return s
	}
	cpu := read("s-cpu")
	const why = "CPU: needs 2 workers. 40 requests/s of 30 ms each keep 1.2 interpreters busy, and there is 1."
	assert.Equal(t, why, cpu.hopeless())
	assert.Empty(t, read("s-critical").hopeless(), "32 threads are many")

	f := cpu.foreknown()
	ran := []int{}
	require.NoError(t, f.run(cpu.hopeless(), func(value int) (trial, *lab.Result, error) {
		ran = append(ran, value)
		return trial{outcome: lab.Fails}, new(lab.Result), nil
	}))
	assert.Equal(t, []int{64}, ran)
	assert.Equal(t, "searched threads from 1 to 64. "+why+" No value in that range can hold, so only 64 was run, which does not.",
		f.words()[0])

	// If theory is wrong, the search goes on.
	f, ran = cpu.foreknown(), nil
	require.NoError(t, f.run("because", func(value int) (trial, *lab.Result, error) {
		ran = append(ran, value)
		return trial{outcome: holdsIf(value > 60)}, new(lab.Result), nil
	}))
	assert.Equal(t, 61, f.answer)
	assert.Empty(t, f.hopeless)

	// Chance may keep a bound that is broken on average by little.
	const file = `
server: {model: sync}
service: {distribution: exponential, mean: 500ms}
load: {path: /, rate: 2.1, for: 60s}
hold: {metric: p99, at_most: BOUND}
search: {workers: 1..1}`
	assert.Empty(t, parsed(t, strings.ReplaceAll(file, "BOUND", "2s")).hopeless())
	long := strings.NewReplacer("BOUND", "2s", "60s", "5h").Replace(file)
	assert.Equal(t, "workers: needs 2 workers. 2.1 requests/s of 0.5 s each keep 1.05 workers busy, and there is 1.",
		parsed(t, long).hopeless())
}

func TestACriticalQueueIsSaidToGrowWithoutLimit(t *testing.T) {
	s, err := Read("testdata/s-critical.yaml")
	require.NoError(t, err)
	th := s.with(8).theory()
	assert.True(t, th.critical)
	assert.Equal(t, []string{"/: at a utilisation of exactly 1 the queue has no steady state: it grows without limit, like √t, " +
		"to 124 requests on average after 300 s, which is a wait of 3.09 s. threads: needs 9 threads"}, th.without)
	assert.Contains(t, s.foreknown().words(), "with 8 or fewer the queue grows without limit")
}

// The formula of critical against Lindley's recursion: 400 queues of one server, after 2,000 services on average. The
// standard error of the mean of a half-normal is 0.756/√400 of it.
func TestACriticalQueueGrowsAsTheFormulaSays(t *testing.T) {
	if racedetector.On {
		t.Skip("arithmetic on one goroutine: it needs a run without -race")
	}
	const queues, span = 400, 2000.0
	random := rand.New(rand.NewPCG(1, 2))
	sum := 0.0
	for range queues {
		wait, at := 0.0, 0.0
		for {
			gap := random.ExpFloat64()
			if at += gap; at > span {
				break
			}
			wait = max(0, wait+random.ExpFloat64()-gap)
		}
		sum += wait
	}
	want := math.Sqrt(2 * 1 * 2 * span / math.Pi)
	assert.InEpsilon(t, want, sum/queues, 4*0.756/math.Sqrt(queues))
}
