// The turnstile: an instant each, in an order that is the same in every run.

package feedsim_test

import (
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/feedsim"
)

func TestWhoComesTogetherPassesInOrderOfNamesAnInstantEach(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			var turns feedsim.Turnstile
			passed := make([]time.Duration, 8)
			began := time.Now()
			var all sync.WaitGroup
			for i := range passed {
				all.Go(func() {
					if i >= 4 { // these come a nanosecond later, when the others pass
						time.Sleep(time.Nanosecond)
					}
					turns.Pass(strconv.Itoa(i))
					passed[i] = time.Since(began)
				})
			}
			all.Wait()
			assert.Equal(t, []time.Duration{1, 2, 3, 4, 5, 6, 7, 8}, passed, "nanoseconds")
			turns.Pass("later")
			assert.Equal(t, time.Duration(9), time.Since(began))
		})
	}
}

// In real time nobody waits for more than a look at the clock.
func TestInRealTimeNobodyWaits(t *testing.T) {
	var turns feedsim.Turnstile
	var all sync.WaitGroup
	began := time.Now()
	for range 8 {
		all.Go(func() {
			for range 100 {
				turns.Pass("")
			}
		})
	}
	all.Wait()
	assert.Less(t, time.Since(began), time.Second, "800 passed")
}
