// How long a nap is, and how its length is written.

package pocserver

import (
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// draw returns a nap drawn evenly from 0 to sleep, to the nanosecond. It is a
// function of the app's seed and the request's X-Request-ID; of a request
// without one, of its number among those of its instance.
func (a *app) draw(r *http.Request, sleep time.Duration) time.Duration {
	var request uint64
	// Indexed by hand because Get would allocate a canonical key for each call.
	if id := r.Header["X-Request-Id"]; len(id) > 0 && id[0] != "" {
		request = repeatable.Hash(id[0])
	} else {
		// 2^40 requests fit between two instances: more than one will serve.
		request = a.instance<<40 + a.unnamed.Add(1) - 1
	}
	// The first number of a generator seeded with the pair: PCG-DXSM mixes
	// well enough that neighbouring seeds and requests draw apart (the tests
	// measure it), and one on the stack costs no allocation.
	var pcg rand.PCG
	pcg.Seed(a.seed, request)
	u := float64(pcg.Uint64()>>11) / (1 << 53)
	return time.Duration(math.Round(u * float64(sleep)))
}

// maxSeconds is room enough for what appendSeconds writes: 3599.999999999 and
// 1.23456e-05 are about the longest.
const maxSeconds = 16

// appendSeconds appends d in seconds as Python prints a float: with the fewest
// digits that say it, 0.0 for nothing, 5e-05 below a ten-thousandth.
func appendSeconds(b []byte, d time.Duration) []byte {
	// A quotient of two whole numbers below 2^53 is the float nearest to the
	// decimal, whose shortest form then is that decimal: Seconds() adds two
	// floats and may miss it.
	n := len(b)
	b = strconv.AppendFloat(b, float64(d)/float64(time.Second), 'g', -1, 64)
	for _, c := range b[n:] {
		if c == '.' || c == 'e' {
			return b
		}
	}
	return append(b, ".0"...)
}
