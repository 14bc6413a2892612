package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
)

func TestProgressIsALineForEachRunThatIsOn(t *testing.T) {
	running := []lab.RunProgress{
		{Number: 3, Horizon: 161*time.Second + 250*time.Millisecond, Reached: load.Reached{At: 41*time.Second + 5, Sent: 205_000, Done: 85_000}},
		{Number: 4, Horizon: 161 * time.Second},
	}
	assert.Equal(t, []string{
		"run 3 of 10: 41 s of 161 s (virtual), 205,000 requests sent, 120,000 in flight",
		"run 4 of 10: 0 s of 161 s (virtual), 0 requests sent, 0 in flight",
	}, progress(running, 10, false))
	assert.Contains(t, progress(running, 1_010, true)[0], "run 3 of at most 1,010: ")
	assert.Empty(t, progress(nil, 10, false))
}

// TestProgressIsPrintedAtEachTick gives the ticks itself. None is printed before the first, nor after stop.
func TestProgressIsPrintedAtEachTick(t *testing.T) {
	var stderr strings.Builder
	ticks, stopped, every := make(chan time.Time), false, time.Duration(0)
	p := &program{ctx: context.Background(), stderr: &stderr, ticker: func(d time.Duration) (<-chan time.Time, func()) {
		every = d
		return ticks, func() { stopped = true }
	}}
	asked := 0
	stop := p.follow(func() []string {
		asked++
		return map[int][]string{1: {"run 1", "run 2"}, 2: nil, 3: {"run 3"}}[asked]
	})
	for range 3 {
		ticks <- time.Time{}
	}
	stop()
	assert.Equal(t, 2*time.Second, every)
	assert.True(t, stopped)
	assert.Equal(t, "outagelab: run 1\noutagelab: run 2\noutagelab: run 3\n", stderr.String())
}
