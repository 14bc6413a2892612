package repeatable_test

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"

	"example.com/outagelab/pocserver/worker/repeatable"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSettleSeesAllThatAnInstantBrought(t *testing.T) {
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			came, begin := 0, time.Now()
			for range 10 {
				go func() {
					mu.Lock()
					came++
					mu.Unlock()
				}()
			}
			assert.Equal(t, time.Nanosecond, repeatable.Settle(begin).Sub(begin))
			mu.Lock()
			defer mu.Unlock()
			assert.Equal(t, 10, came, "goroutines of that instant that have run")
		})
	}
}

func TestDrawsAreEvenAndApart(t *testing.T) {
	const n = 10_000
	for name, draw := range map[string]func(i uint64) float64{
		"by number": func(i uint64) float64 { return repeatable.Draw(1, "accept", i) },
		"by seed":   func(i uint64) float64 { return repeatable.Draw(i, "accept", 1) },
	} {
		sum, products, before := 0.0, 0.0, 0.5
		for i := range uint64(n) {
			u := draw(i)
			sum += u
			products += (u - 0.5) * (before - 0.5)
			before = u
		}
		// 4σ: a draw has a variance of 1/12, a product of two of 1/144.
		assert.InDelta(t, 0.5, sum/n, 4/math.Sqrt(12*n), "mean %s", name)
		assert.InDelta(t, 0, products/n, 4/(12*math.Sqrt(n)), "covariance of neighbours %s", name)
	}
}

func ExampleDraw() {
	fmt.Println(repeatable.Draw(7, "accept", 1) == repeatable.Draw(7, "accept", 1))
	fmt.Println(repeatable.Draw(7, "accept", 1) == repeatable.Draw(7, "accept", 2))
	// Output:
	// true
	// false
}

// The reference implementation's first numbers from the seed 1234567
// (https://prng.di.unimi.it/splitmix64.c).
func TestMixIsSplitMix64s(t *testing.T) {
	x := uint64(1234567)
	for _, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423} {
		x += repeatable.Weyl
		assert.Equal(t, want, repeatable.Mix(x))
	}
}

// Test vectors of the hash's authors (Fowler, Noll and Vo), FNV-1a of 64 bits.
func TestHashIsFNV1a(t *testing.T) {
	for s, want := range map[string]uint64{"": 0xcbf29ce484222325, "a": 0xaf63dc4c8601ec8c, "foobar": 0x85944171f73967e8} {
		assert.Equal(t, want, repeatable.Hash(s), s)
	}
}
