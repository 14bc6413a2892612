// Naps: repeatable where seed and request are the same, unrelated where not,
// even between 0 and S, and printed as Python prints them.

package pocserver_test

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/pocserver"
)

// nap returns how long app naps for a request of that name.
func nap(t *testing.T, app http.Handler, id string) time.Duration {
	w, took := ask(app, http.MethodGet, "/async_sleep/?sleep=1", id)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	return took
}

func TestTheSameSeedAndRequestNapTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, id := range []string{"", "a", "b", "0", "a long name, as a load balancer gives"} {
			one, other := pocserver.NewHandler(7), pocserver.NewHandler(7)
			assert.Equal(t, nap(t, one, id), nap(t, other, id), "request %q", id)
		}
		app := pocserver.NewHandler(7)
		before := nap(t, app, "a")
		nap(t, app, "b")
		assert.Equal(t, before, nap(t, app, "a"), "request a, again, with others between")
	})
}

func TestAnotherSeedOrRequestNapsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[time.Duration]string{}
		apart := func(d time.Duration, who string) {
			assert.NotContains(t, seen, d, "%s naps as long as %s", who, seen[d])
			seen[d] = who
		}
		for seed := range uint64(5) {
			newApp := pocserver.Instances(seed)
			for instance := range 3 {
				app := newApp()
				for n := range 5 { // unnamed: by their number
					apart(nap(t, app, ""), fmt.Sprintf("seed %d, instance %d, request %d", seed, instance, n))
				}
			}
			app := newApp()
			for _, id := range []string{"a", "b", "ab", "ba", "1", "2"} {
				apart(nap(t, app, id), fmt.Sprintf("seed %d, request %q", seed, id))
			}
		}
	})
}

// A named request naps the same whichever worker gets it.
func TestANamedRequestNapsTheSameInEveryInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		newApp := pocserver.Instances(7)
		one, other := newApp(), newApp()
		assert.Equal(t, nap(t, one, "a"), nap(t, other, "a"))
		assert.NotEqual(t, nap(t, one, ""), nap(t, other, ""))
	})
}

// The draws are even, and neighbours are unrelated: over requests by name, over
// unnamed ones, and over seeds, which is how experiments vary their luck.
// Tolerances are five standard errors; the draws are fixed, so that a pass is a
// pass for ever.
func TestNapsAreEvenAndNeighboursUnrelated(t *testing.T) {
	const n = 4000
	unnamed := pocserver.NewHandler(1)
	named := pocserver.NewHandler(1)
	for name, draw := range map[string]func(t *testing.T, i int) time.Duration{
		"unnamed requests": func(t *testing.T, _ int) time.Duration { return nap(t, unnamed, "") },
		"named requests":   func(t *testing.T, i int) time.Duration { return nap(t, named, strconv.Itoa(i)) },
		"seeds, unnamed":   func(t *testing.T, i int) time.Duration { return nap(t, pocserver.NewHandler(uint64(i)), "") },
		"seeds, named":     func(t *testing.T, i int) time.Duration { return nap(t, pocserver.NewHandler(uint64(i)), "a") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sum, squares, products, last float64
				for i := range n {
					u := draw(t, i).Seconds() - 0.5
					sum += u
					squares += u * u
					products += u * last
					last = u
				}
				// Of a uniform(0, 1) less its mean: variance 1/12, fourth moment
				// 1/80, so that a square varies by 1/80 - 1/144 = 1/180.
				assert.InDelta(t, 0, sum/n, 5*math.Sqrt(1./12/n), "mean, less 0.5")
				assert.InDelta(t, 1./12, squares/n, 5*math.Sqrt(1./180/n), "variance")
				assert.InDelta(t, 0, products/n, 5*(1./12)/math.Sqrt(n), "covariance of neighbours")
			})
		})
	}
}

func TestSecondsArePrintedAsPythonPrintsThem(t *testing.T) {
	assert.Equal(t, "I napped for 0.0 seconds", get("/sync_sleep/?sleep=0").Body.String())
	for d, want := range map[time.Duration]string{ // want: python3 -c 'print(d)'
		0:                              "0.0",
		1:                              "1e-09",
		50 * time.Microsecond:          "5e-05",
		99999 * time.Nanosecond:        "9.9999e-05",
		100 * time.Microsecond:         "0.0001",
		100 * time.Millisecond:         "0.1",
		300 * time.Millisecond:         "0.3",
		time.Second:                    "1.0",
		1234567891 * time.Nanosecond:   "1.234567891",
		time.Hour:                      "3600.0",
		time.Hour - 1:                  "3599.999999999",
		2649227386:                     "2.649227386", // where the sum of two floats is off
		100*time.Second + 1:            "100.000000001",
		2*time.Second + 675309*1000*10: "8.75309",
	} {
		assert.Equal(t, want, pocserver.Seconds(d), "%d ns", d)
	}
}
