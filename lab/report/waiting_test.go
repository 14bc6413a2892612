package report

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/load"
)

func TestWaitingIsFromWantingToSendUntilTheEnd(t *testing.T) {
	records := []load.Record{
		reply("/", 200, 1, 4),
		failed("/", load.Timeout, 2, 3),
		failed("/", load.Unfinished, 3, 6), // still open when its load ends
		failed("/", load.Unfinished, 9, 10),
	}
	assert.Equal(t, []int{0, 1, 2, 2, 2, 1, 1, 0, 0, 1}, waitingOf(records, s(1), 10),
		"the most of each second: one that ends at its beginning was still there")
}

func TestWaitingIsNotDrawnWhereNobodyWaits(t *testing.T) {
	var p palette
	few := seen(10, 0, nil, []load.Record{reply("/", 200, 1, 2), reply("/", 200, 1, 2)})
	_, ok := waitingPanel(few, &p, 10)
	assert.False(t, ok)
	many := seen(10, 0, nil, []load.Record{reply("/", 200, 1, 2), reply("/", 200, 1, 2), reply("/", 200, 1, 2)})
	pa, ok := waitingPanel(many, &p, 10)
	require.True(t, ok)
	assert.Equal(t, 3.0, pa.plot.Y.Max)
}
