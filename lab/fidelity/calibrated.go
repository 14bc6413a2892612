// What was calibrated, once, and on which rows of the field data. All else that
// the model gives is a prediction.

// Package fidelity holds the model to the field data: its tests run the cases
// that were measured on the real programs, and its constants are what was
// calibrated on them.
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
	// Boot is how long a replacement gunicorn worker took to boot.
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
