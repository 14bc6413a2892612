// How numbers and durations are written.

package typeset

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestNumbersHaveFourDigits(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 20: "20", 19.43: "19.43", 19.4321: "19.43", 0.05123: "0.05123", 9983.2: "9,983", 999.96: "1000",
		10000: "10,000", 1234567: "1,234,567", -1234.5: "-1,234", -0.5: "-0.5", math.Inf(1): "∞",
	} {
		assert.Equal(t, want, Number(x))
	}
	assert.Equal(t, "none", Number(math.NaN()))
}

func TestDurationsHaveTheirUnit(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 300 * time.Second: "300 s", 250 * time.Millisecond: "0.25 s", 2500 * time.Microsecond: "2.5 ms",
		1500 * time.Nanosecond: "1.5 µs", 12: "12 ns",
	} {
		assert.Equal(t, want, Seconds(d))
	}
}

func TestHowFarOffHasItsSign(t *testing.T) {
	for part, want := range map[float64]string{
		0: "0 %", 0.0004: "0 %", 0.012: "+1.2 %", -0.5: "-50.0 %", 9.99: "+999.0 %", 11.994: "+1,199 %", -20: "-2,000 %",
	} {
		assert.Equal(t, want, PercentOff(part), part)
	}
}

func TestOneHoldsAndTwoHold(t *testing.T) {
	assert.Equal(t, "1 of 2 holds", Hold(1, 2))
	assert.Equal(t, "0 of 2 hold", Hold(0, 2))
	assert.Equal(t, "3 of 5 hold", Hold(3, 5))
}

func TestAListEndsWithAnd(t *testing.T) {
	assert.Equal(t, "", List(nil))
	assert.Equal(t, "a", List([]string{"a"}))
	assert.Equal(t, "a and b", List([]string{"a", "b"}))
	assert.Equal(t, "a, b and c", List([]string{"a", "b", "c"}))
}
