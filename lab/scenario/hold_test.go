package scenario

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
)

func TestPercentilesAreExactInDecimals(t *testing.T) {
	o := new(lab.Observation)
	for i := range 1_000 {
		o.Records = append(o.Records, load.Record{Complete: true, Status: 200, Latency: time.Duration(1_000-i) * time.Second})
	}
	assert.Equal(t, 999.0, new(Scenario).latency(99.9).Of(o))
	o.Records = o.Records[900:]
	assert.Equal(t, 55.0, new(Scenario).latency(55).Of(o))
}
