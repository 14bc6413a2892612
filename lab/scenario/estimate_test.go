// How many requests a load is estimated to make.

package scenario

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The PoC's own rows (poc.json: uvicorn), which were refused: 839,063 requests were expected of a loop that computes
// 0.935 ms for each.
func TestTheEstimateOfAClosedLoopIsBoundedByTheCPU(t *testing.T) {
	for nap, measured := range map[string]float64{"0s": 11781, "500us": 11402, "50ms": 9402} {
		s := parsed(t, `
server: {model: uvicorn, timeout: 0s, cpu: 0.935ms}
waits: await
service: {distribution: constant, time: `+nap+`}
load: {path: /, connections: 496, for: 10s}`)
		assert.InEpsilon(t, measured, s.requests(&s.traffic[0]), 0.15, nap)
	}
}

// A client that the backlog drops dials again after simnet.ConnectTimeout, and one that gives up asks again after its
// timeout: those are requests which no server sees.
func TestTheEstimateCountsRequestsThatAreNotServed(t *testing.T) {
	for load, want := range map[string]float64{
		"connections: 12049, for: 127s":                                       127 + 10_000,
		"connections: 100, for: 1h":                                           3600,
		"connections: 100, for: 1h, timeout: 10s, give_up: true":              3600 + 100*360,
		"connections: 100, for: 1h, timeout: 10s":                             3600,
		"connections: 12049, for: 127s, requests: 1":                          127 + 10_000,
		"connections: 100, for: 1h, timeout: 10s, give_up: true, requests: 2": 200,
	} {
		s := parsed(t, `
server: {model: sync, backlog: 2047}
service: {distribution: constant, time: 1s}
load: {path: /, `+load+`}`)
		assert.InDelta(t, want, s.requests(&s.traffic[0]), 1, load)
	}
}

// The load is refused at its line where the run would end with too many requests in flight, with what fits. What fits
// is accepted.
func TestALoadThatPilesUpIsRefused(t *testing.T) {
	const file = `
server: {model: threaded, threads: 4%s}
service: {distribution: constant, time: 10ms}
load: [{path: /, %s}]
`
	for _, c := range []struct{ server, load, wrong string }{
		{"", "rate: 5000, for: 75s", "test.yaml:4:8: 5,000 requests/s come to / and the server replies to 400/s: after 75 s, 345,000 wait, " +
			"and a run may have 20,000 in flight. Give the clients a timeout (timeout: 3.8s), or shorten the load (for: 4.13s), " +
			"or lower the rate (rate: 653)"},
		{"", "rate: 5000, for: 75s, timeout: 3.8s", ""},
		{"", "rate: 5000, for: 4.13s", ""},
		{"", "rate: 653, for: 75s", ""},
		{", overflow: refuse", "rate: 5000, for: 70s", ""},
	} {
		_, err := Parse("test.yaml", fmt.Appendf(nil, file, c.server, c.load))
		if c.wrong == "" {
			assert.NoError(t, err, "%s: %s", c.server, c.load)
		} else {
			assert.EqualError(t, err, c.wrong)
		}
	}
}
