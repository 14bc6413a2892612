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

// A caller that comes alone passes at the next instant, however many passed before.
func TestACallerThatComesAlonePassesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns feedsim.Turnstile
		for range 800 {
			began := time.Now()
			turns.Pass("")
			assert.Equal(t, time.Nanosecond, time.Since(began))
		}
	})
}

// In real time, too, every caller passes.
func TestInRealTimeEveryCallerPasses(t *testing.T) {
	var turns feedsim.Turnstile
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				turns.Pass("")
			}
		})
	}
	all.Wait()
}
