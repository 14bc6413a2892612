// How many requests a load is estimated to make.

package scenario

import (
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
