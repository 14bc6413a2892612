// What was calibrated, once, and on which rows of the field data. All else that
// the model gives is a prediction.

// Package fidelity holds the model to what was measured: [Judge] says of each
// number whether it lies where one more run of the model would, and [Parameters]
// is what was calibrated on the field data, which the package's own tests judge
// the model by.
//
// The field data are single runs on a real machine, which was not as fast in one
// run as in the next. [Vary] gives the model's server that randomness too.
package fidelity

import "time"

const (
	// SyncCPU is what a request costs gunicorn's sync worker and Django:
	// 10.09 s / 33,436 requests (poc.json: gunicorn_sync, sleep 0).
	SyncCPU = 302 * time.Microsecond
	// AsyncCPU is what it costs uvicorn and Django: the mean of 10.10 s / 11,781,
	// 10.05 s / 11,402 and 10.04 s / 9,402 (poc.json: uvicorn, all rows).
	AsyncCPU = 935 * time.Microsecond
	// Overshoot is how much a sleep took longer than asked for: 10.04 s / 10,730
	// − 0.5 ms − SyncCPU (poc.json: gunicorn_sync, sleep 0.001).
	Overshoot = 134 * time.Microsecond
	// Boot is how long a replacement gunicorn worker took to boot: what 500
	// requests took with a boot, 500/(770.0/s), less what they took without one,
	// 500 × 10.04 s / 10,730 (poc.json: sleep 0.001 of both gunicorns).
	Boot = 180 * time.Millisecond

	// AcceptAgain is the tendency of the gthread worker that accepted last to
	// accept the next connection as well: with it one worker's share of 75 streams
	// has the standard deviation that 25 trials on the real one gave, 7, where a
	// fair draw gives 4.3 (feed.json: threaded25, 49 streams on 50 threads).
	AcceptAgain = 0.45
	// NginxProcesses is how many worker processes the field's nginx had, which
	// feed.json does not say: with 2, a name with two addresses gives as many 504s
	// as there (prefork2_two_addr, 10 and 29), with the 4 of the exercise's file
	// twice as many, for each process learns of a failed peer by itself.
	NginxProcesses = 2
)

// How much of this differs from run to run, or is not known better. See [Vary].
const (
	// PaceSpread is how much slower or faster the machine was from one run to the
	// next: the standard deviation of the logarithm of what a request cost
	// uvicorn, 0.857, 0.881 and 1.068 ms (poc.json: uvicorn, all rows).
	PaceSpread = 0.12
	// OvershootSpread is the standard deviation of the logarithm of Overshoot: the
	// field's sleeps overshot by 0.1 to 0.4 ms, which as two standard deviations
	// to either side is ln(0.4/0.1)/4.
	OvershootSpread = 0.35
	// AcceptAgainSpread is how well 25 trials tell AcceptAgain: the standard
	// deviation of a variance that was estimated from n is √(2/(n−1)) of it.
	AcceptAgainSpread = 0.12
)

// A Parameter is a number of the model that was calibrated.
type Parameter struct {
	Name  string
	Value float64
	Unit  string // "" for a plain number
	Rows  string // what it was calibrated on
}

// Parameters is all that was calibrated.
func Parameters() []Parameter {
	ms := func(d time.Duration) float64 { return d.Seconds() * 1e3 }
	return []Parameter{
		{"SyncCPU", ms(SyncCPU), "ms", "gunicorn_sync, sleep 0"},
		{"AsyncCPU", ms(AsyncCPU), "ms", "uvicorn, all three"},
		{"Overshoot", ms(Overshoot), "ms", "gunicorn_sync, sleep 0.001"},
		{"Boot", ms(Boot), "ms", "gunicorn_sync_maxreq500 against gunicorn_sync, sleep 0.001"},
		{"AcceptAgain", AcceptAgain, "", "threaded25, streams: 25 trials of how two workers share 75"},
		{"NginxProcesses", NginxProcesses, "processes", "prefork2_two_addr, the 504s"},
		{"PaceSpread", PaceSpread, "", "uvicorn, all three: from run to run, of all that is computed"},
		{"OvershootSpread", OvershootSpread, "", "the field's sleeps, 0.1 to 0.4 ms over"},
		{"AcceptAgainSpread", AcceptAgainSpread, "", "the 25 trials, which are no more"},
	}
}
