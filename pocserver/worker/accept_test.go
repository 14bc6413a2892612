// Which of several workers accepts, and that the same seed gives the same run.

package worker_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/pocserver/worker"
)

// acceptors returns which instance answered each of n requests, a second apart.
func acceptors(t *testing.T, cfg worker.Config, n int) []string {
	var all []string
	inHouse(t, cfg, app(), func(h *house) {
		for range n {
			all = append(all, strings.TrimSpace(strings.TrimPrefix((<-h.ask("/")).body, "instance ")))
			time.Sleep(time.Second)
		}
	})
	return all
}

func TestWhoAcceptsIsDrawnFromTheSeed(t *testing.T) {
	for _, m := range []worker.Model{worker.Sync, worker.Threaded, worker.Evented} {
		t.Run(m.String(), func(t *testing.T) {
			cfg := config(m, func(c *worker.Config) { c.Workers = 4; c.Seed = 7 })
			first := acceptors(t, cfg, 40)
			assert.Equal(t, first, acceptors(t, cfg, 40), "the same seed")
			cfg.Seed = 8
			assert.NotEqual(t, first, acceptors(t, cfg, 40), "another seed: equal by chance once in 4^40")
		})
	}
}

func TestTheTendencyToAcceptAgain(t *testing.T) {
	const n = 2000
	for _, tendency := range []float64{0, 0.45, 0.9} {
		cfg := config(worker.Threaded, func(c *worker.Config) { c.Workers = 2; c.AcceptAgain = tendency; c.Seed = 3 })
		all := acceptors(t, cfg, n)
		again := 0
		for i := 1; i < n; i++ {
			if all[i] == all[i-1] {
				again++
			}
		}
		// The same worker accepts again by its tendency, or by a fair draw of two.
		p := tendency + (1-tendency)/2
		assert.InDelta(t, p, float64(again)/(n-1), 4*math.Sqrt(p*(1-p)/(n-1)),
			"share of connections accepted by the worker that accepted the one before, AcceptAgain %v", tendency)
	}
}

// Everything that a server decides, at instants that many share: the transcript
// of a run must not depend on which goroutine came first.
func TestTheSameSeedGivesTheSameRun(t *testing.T) {
	configs := map[string]worker.Config{
		"sync": config(worker.Sync, func(c *worker.Config) { c.Workers = 3; c.MaxRequests = 7 }),
		"threaded": config(worker.Threaded, func(c *worker.Config) {
			c.Workers, c.Threads, c.CPU, c.AcceptAgain = 2, 3, time.Millisecond, 0.45
		}),
		"evented": config(worker.Evented, func(c *worker.Config) {
			c.Workers, c.CPU, c.MaxRequests, c.MaxRequestsJitter = 3, time.Millisecond, 9, 4
		}),
		"end-of-turn": config(worker.Evented, func(c *worker.Config) { c.Workers, c.Replies = 2, worker.EndOfTurn }),
		"killed":      config(worker.Evented, func(c *worker.Config) { c.Workers, c.Timeout = 2, 2*time.Second }),
	}
	for name, cfg := range configs {
		t.Run(name, func(t *testing.T) {
			cfg.Seed = 11
			transcript := func() string {
				var b strings.Builder
				inHouse(t, cfg, app(), func(h *house) {
					var all []<-chan answer
					for i := range 60 {
						// Naps of few sizes end together, in threads and on the loop.
						how := []string{"await", "block", "thread"}[i%3]
						all = append(all, h.ask(fmt.Sprintf("/%s/%dms", how, 100*(i%4))))
						if i%20 == 19 {
							time.Sleep(700 * time.Millisecond)
						}
					}
					for i, a := range all {
						got := <-a
						fmt.Fprintln(&b, i, got.at, got.status, got.body, got.err)
					}
					fmt.Fprintln(&b, h.exits())
				})
				return b.String()
			}
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
			first := transcript()
			for range 10 {
				runtime.GOMAXPROCS(1 + rand.IntN(4))
				if !assert.Equal(t, first, transcript(), "two runs with one seed") {
					return
				}
			}
		})
	}
}
