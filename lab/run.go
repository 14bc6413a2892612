// Running an experiment: in virtual time or in real time, from the first worker
// to the last goroutine.

package lab

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/load"
)

// Run runs the experiment once, with its seed, and returns what it saw. It
// checks nothing: see [Test].
//
// It returns an error that names the field for an experiment that cannot run;
// one that lists the goroutines for an app that leaves some behind (with the
// Observation) or that stops virtual time (without it, and the goroutines
// stay); one for a data race (with the Observation); and the server's own.
//
// tb is the test that a data race is put down to, and fails. It may be a
// benchmark, or nil: whatever tb is, a race makes the process exit with status
// 66. Run must not be called in a synctest bubble.
func (e Experiment) Run(tb testing.TB) (*Observation, error) {
	if err := e.runnable(); err != nil {
		return nil, fmt.Errorf("lab: %w", inExperiment(e.Name, err))
	}
	e = e.inPhase()
	var (
		obs   Observation
		notes notebook
		err   error
	)
	obs.Horizon, obs.loads = e.horizon(), e.Load
	obs.Workers, obs.labels, obs.kinds = e.System.workers(), e.System.workerLabels(), e.System.workerKinds()
	if e.RealTime {
		err = e.measure(new(loopback), &obs, &notes)
	} else {
		// 500 steps of the clock are enough to see it move, and cost nothing.
		step := max(obs.Horizon/500, time.Millisecond)
		err = bubble.Run(tb, step, dog, func() error { return e.measure(new(simulated), &obs, &notes) })
	}
	var tr *bubble.Trouble
	if errors.As(err, &tr) && tr.Abandoned {
		return nil, err
	}
	notes.into(&obs)
	return &obs, err
}

// inExperiment says which experiment an error is about, if that has a name.
func inExperiment(name string, err error) error {
	if name == "" {
		return err
	}
	return fmt.Errorf("experiment %s: %w", name, err)
}

// dog watches what runs in virtual time.
var dog = bubble.Patient

// MaxInFlight is how many requests a run may have in flight. More ends the run with a [*load.TooManyError], which says
// what to do. It keeps the two runs that [Judge] has at a time below 2 GB: with 20,000 streams each the process held
// 1.6 GB.
const MaxInFlight = 20_000

// headStart is how long the server is up before the load begins. Its length is
// odd on purpose: what a server does each whole second from its start, such as
// an arbiter's look at its workers, then meets no request sent at a whole second
// of the load, and what would happen at one instant has an order.
const headStart = 1_234_567 * time.Nanosecond

// measure starts the system on n, puts the load on it and closes it.
func (e *Experiment) measure(n network, obs *Observation, notes *notebook) error {
	up, err := e.System.start(n, e.Seed, notes)
	if err != nil {
		return err
	}
	time.Sleep(headStart + e.Uptime)
	obs.Begin = time.Now()
	target := load.Target{Dial: up.dial, Host: up.host, Seed: draw(e.Seed, drawLoad), MaxInFlight: MaxInFlight}
	progress, end := e.Progress.begin(obs.Horizon)
	defer end()
	target.Progress = progress
	obs.Records, err = load.Run(context.Background(), target, obs.Horizon, e.Load...)
	return errors.Join(err, up.ran(), up.close())
}
