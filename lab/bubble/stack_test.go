// The reading of stack dumps, on one that the runtime has just written and on
// lines of it that a test cannot bring about.

package bubble

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestADumpIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan int)
		go func() { <-stop }()
		synctest.Wait()

		bubble := thisBubble()
		require.NotZero(t, bubble)
		gs := inside(bubble)
		require.Len(t, gs, 2, "this goroutine and the one it started: %v", gs)
		waiting := gs[1]
		if gs[0].state == "chan receive" {
			waiting = gs[0]
		}
		assert.Equal(t, "chan receive", waiting.state)
		assert.True(t, waiting.durable)
		assert.Equal(t, "bubble.TestADumpIsRead.func1.1", waiting.At().name())
		assert.Equal(t, "bubble.TestADumpIsRead.func1", waiting.creator.name())
		assert.Regexp(t, `^bubble/stack_test.go:\d+$`, waiting.At().String())
		close(stop)
	})
	assert.Zero(t, thisBubble())
}

func TestTheLengthOfANapIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, d := range []time.Duration{1, time.Second, time.Hour} {
			go time.Sleep(d)
			synctest.Wait()
		}
		stop := make(chan int)
		go func() { <-stop }()
		synctest.Wait()
		var naps []time.Duration
		for _, g := range Others() {
			naps = append(naps, g.Nap())
		}
		assert.ElementsMatch(t, []time.Duration{1, time.Second, time.Hour, 0}, naps)
		close(stop)
		time.Sleep(2 * time.Hour)
	})
}

func TestAHeaderIsRead(t *testing.T) {
	for line, want := range map[string]Goroutine{
		"goroutine 7 [running]:": {id: 7, state: "running"},
		"goroutine 12 [chan receive (durable), 2 minutes, synctest bubble 3]:": {id: 12, state: "chan receive", durable: true, bubble: 3},
		"goroutine 5 [select (no cases) (durable), synctest bubble 1]:":        {id: 5, state: "select (no cases)", durable: true, bubble: 1},
		"goroutine 9 gp=0xc0 m=nil [sync.Mutex.Lock, synctest bubble 4]:":      {id: 9, state: "sync.Mutex.Lock", bubble: 4},
	} {
		g, ok := parseHeader(line)
		assert.True(t, ok, line)
		assert.Equal(t, want, g, line)
	}
	for _, line := range []string{"", "goroutine", "goroutine 7", "goroutine 7 [", "main.main()"} {
		_, ok := parseHeader(line)
		assert.False(t, ok, line)
	}
}
