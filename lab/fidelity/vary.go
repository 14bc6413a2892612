// The field's machine on another day: what is random from run to run, or not
// known better, drawn for a run.

package fidelity

import (
	"math"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"example.com/outagelab/pocserver/worker"
	"example.com/outagelab/pocserver/worker/repeatable"
)

// Vary returns the server as it is in one run, drawn from the seed:
//
//   - The machine is slower or faster by one factor in all that it computes, CPU
//     and BootTime, lognormal with PaceSpread.
//   - SleepOvershoot is lognormal with OvershootSpread.
//   - Of threaded workers, AcceptAgain is normal with AcceptAgainSpread, around
//     the constant AcceptAgain if the server has none: a fair draw is not what
//     they were seen to make.
//
// A cost of 0 stays 0. Servers of one run share a seed, as they share a machine.
func Vary(server worker.Config, seed uint64) worker.Config {
	pace := factor(PaceSpread, seed, "pace")
	server.CPU = times(server.CPU, pace)
	server.BootTime = times(server.BootTime, pace)
	server.SleepOvershoot = times(server.SleepOvershoot, factor(OvershootSpread, seed, "overshoot"))
	if server.Model == worker.Threaded {
		if server.AcceptAgain == 0 {
			server.AcceptAgain = AcceptAgain
		}
		again := server.AcceptAgain + AcceptAgainSpread*normal(seed, "accept again")
		server.AcceptAgain = rounded(min(max(0, again), 0.99)) // with 1 nobody else ever would
	}
	return server
}

// factor draws one whose logarithm is normal, with this standard deviation.
func factor(spread float64, seed uint64, purpose string) float64 {
	return rounded(math.Exp(spread * normal(seed, purpose)))
}

func times(d time.Duration, factor float64) time.Duration {
	return time.Duration(math.Round(float64(d) * factor))
}

// normal draws from the standard normal distribution.
func normal(seed uint64, purpose string) float64 {
	const half = 1.0 / (1 << 54) // Draw gives multiples of two halves: 0, but never 1
	return distuv.UnitNormal.Quantile(repeatable.Draw(seed, "fidelity: "+purpose, 0) + half)
}

// rounded makes of processors that differ in the last bit of a logarithm the same
// machine.
func rounded(x float64) float64 { return math.Round(x*1e4) / 1e4 }
