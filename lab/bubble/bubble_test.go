// What Run returns for what ends well, and for what does not; what leaves
// goroutines behind is tried in processes of their own, in package lab.

package bubble

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnErrorOfTheFunctionIsReturned(t *testing.T) {
	mine := errors.New("mine")
	assert.ErrorIs(t, Run(t, time.Second, Quick, func() error { return mine }), mine)
	assert.NoError(t, Run(t, time.Second, Quick, func() error { return nil }))
}

func TestAPanicIsAnError(t *testing.T) {
	err := Run(t, time.Second, Quick, func() error { panic("no more") })
	require.ErrorContains(t, err, "panic: no more")
}

func TestStoppingTheClockReturnsAtOnce(t *testing.T) {
	err := Run(nil, time.Second, Quick, func() error {
		return errors.Join(errors.New("and more"), ErrStopClock)
	})
	require.ErrorIs(t, err, ErrStopClock)
	assert.ErrorContains(t, err, "and more")
}

func TestARaceIsNoOtherTrouble(t *testing.T) {
	assert.True(t, IsRace(raced()))
	assert.False(t, IsRace(&Trouble{}))
	assert.False(t, IsRace(errors.Join(&Trouble{Race: true}, errors.New("another"))))
	assert.False(t, IsRace(nil))
}

func TestOthersAreTheBubblesOnly(t *testing.T) {
	assert.Empty(t, Others(), "outside any bubble")
	require.NoError(t, Run(t, time.Second, Quick, func() error {
		before := len(Others())
		stop := make(chan int)
		go func() { <-stop }()
		time.Sleep(time.Nanosecond)
		assert.Len(t, Others(), before+1)
		for _, g := range Others() {
			assert.NotEqual(t, This(), g.ID())
			assert.True(t, g.Durable(), "%v", g)
			assert.False(t, g.Stuck(), "%v", g)
		}
		close(stop)
		return nil
	}))
}
