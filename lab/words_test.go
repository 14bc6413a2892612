// oneLine and the test of how loads are written.

package lab

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/typeset"
)

// oneLine undoes the wrapping of a page.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

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
		"front: 1 request/s for /, whether or not they are answered, for 10 s": load.Probe("front", "/", time.Second, 10*time.Second),
		"1 request for /": load.Open{Name: "/", Path: "/", Rate: 1, Duration: time.Second},
		"1 request/s for /, whether or not they are answered, at random moments, for 1 s": load.Open{
			Path: "/", Rate: 1, Poisson: true, Duration: time.Second},
		"2 requests/s for /, whether or not they are answered, for 1 ms": load.Open{
			Path: "/", Rate: 2, Duration: time.Millisecond},
		"1 request for /, at 3.5 s": load.Open{Name: "/", Path: "/", Rate: 1, Start: 3500 * time.Millisecond, Duration: time.Second},
		"2.5 requests/s for /, whether or not they are answered, at random moments, for 4 s, giving up after 1 s": load.Open{
			Path: "/", Rate: 2.5, Poisson: true, Duration: 4 * time.Second, Timeout: time.Second},
	} {
		assert.Equal(t, want, loadWords(l))
	}
}

func TestANumberHasItsUnit(t *testing.T) {
	assert.Equal(t, "3", withUnit(3, ""))
	assert.Equal(t, "3 s", withUnit(3, "s"))
	assert.Equal(t, "1 reply", withUnit(1, "replies"))
	assert.Equal(t, "1.5 replies", withUnit(1.5, "replies"))
	assert.Equal(t, typeset.Number(math.NaN()), withUnit(math.NaN(), "s"))
}
