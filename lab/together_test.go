package lab

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Two runs of 480,000 requests at a time took 3.3 GB.
func TestSeedsWithManyRequestsRunOneAtATime(t *testing.T) {
	assert.Equal(t, 1, (&Experiment{Requests: 200_001}).atATime())
	assert.Equal(t, min(2, runtime.GOMAXPROCS(0)), (&Experiment{Requests: 200_000}).atATime())
}
