// oneLine and the tests of how numbers are written.

package lab

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/load"
)

// oneLine undoes the wrapping of a page.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestNumbersHaveFourDigits(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 20: "20", 19.43: "19.43", 19.4321: "19.43", 0.05123: "0.05123", 9983.2: "9,983", 999.96: "1000",
		10000: "10,000", 1234567: "1,234,567", -1234.5: "-1,234", -0.5: "-0.5", math.Inf(1): "∞",
	} {
		assert.Equal(t, want, number(x))
	}
	assert.Equal(t, "none", number(math.NaN()))
}

func TestDurationsHaveTheirUnit(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 300 * time.Second: "300 s", 250 * time.Millisecond: "0.25 s", 2500 * time.Microsecond: "2.5 ms",
		1500 * time.Nanosecond: "1.5 µs", 12: "12 ns",
	} {
		assert.Equal(t, want, seconds(d))
	}
}

func TestLoadsAreSaidInWords(t *testing.T) {
	for want, l := range map[string]load.Load{
		"500 connections, each asking for / again as soon as it is answered, for 10 s; a reply after 2 s is late": load.Closed{
			Path: "/", Connections: 500, Duration: 10 * time.Second},
		"test: 1 connection asking for / once, from 1 s on, giving up after 7 s": load.Closed{
			Name: "test", Path: "/", Connections: 1, Requests: 1, Start: time.Second, Timeout: 7 * time.Second, GiveUp: true},
		"1 connection asking for / again as soon as it is answered, 3 times; a reply after 2 s is late": load.Closed{
			Path: "/", Connections: 1, Requests: 3},
		"75 requests for /stream, all at once, from 2 s on": load.Open{
			Path: "/stream", Rate: 75 / 150e-9, Start: 2 * time.Second, Duration: 150 * time.Nanosecond},
		"front: 1 request/s for /, whatever the replies, for 10 s": load.Probe("front", "/", time.Second, 10*time.Second),
		"2.5 requests/s for /, whatever the replies, at random moments, for 4 s, giving up after 1 s": load.Open{
			Path: "/", Rate: 2.5, Poisson: true, Duration: 4 * time.Second, Timeout: time.Second},
	} {
		assert.Equal(t, want, loadWords(l))
	}
}
