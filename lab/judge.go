// Judge: one experiment on its own, over many seeds, for what is no test.

package lab

import (
	"errors"
	"runtime"
	"testing"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/stat"
)

// mostAtATime is how many seeds run at a time: what they may have in flight together takes 2 GB, see [MaxInFlight].
const mostAtATime = 2

// mostTogether is how many requests each of the runs may make that are on at a time: a run of 480,000 took 1.7 GB.
const mostTogether = 200_000

// atATime is how many seeds of e run at a time.
func (e *Experiment) atATime() int {
	if e.Requests > mostTogether {
		return 1
	}
	return min(runtime.GOMAXPROCS(0), mostAtATime)
}

// Judge runs the experiment once with each seed, or with its own, and compares the mean of what was
// measured with what was predicted. A demand whose bound the seeds leave open is
// [Undecided]. It needs no Lesson and no Sibling, and its
// checks may be [Shown] only. tb is as in [Experiment.Run]; what that returns as an
// error is the Result's Trouble. So is a check that is incomplete or that cannot be
// observed, see [Experiment.Observable]; the experiment does not run then.
func Judge(tb testing.TB, e Experiment, seeds ...uint64) *Result {
	if len(seeds) == 0 {
		seeds = []uint64{e.Seed}
	}
	if err := e.checkable(); err != nil {
		return newResult(&e, nil, nil, err)
	}
	samples := make([][]float64, len(e.Checks)) // by check and by seed
	for i := range samples {
		samples[i] = make([]float64, len(seeds))
	}
	var first *Observation
	errs := make([]error, len(seeds))
	var runs errgroup.Group
	runs.SetLimit(e.atATime())
	for s, seed := range seeds {
		runs.Go(func() error {
			e := e
			e.Seed = seed
			o, err := e.Run(tb)
			errs[s] = err
			if o == nil || o.Records == nil {
				return nil
			}
			for i, c := range e.Checks {
				samples[i][s] = c.Metric.Of(o)
			}
			if s == 0 {
				first = o
			}
			return nil
		})
	}
	_ = runs.Wait() // errs has them by seed
	err := errors.Join(errs...)
	e.Seed, e.seeds = seeds[0], len(seeds)
	var vs []verdict
	if err == nil {
		for i, c := range e.Checks {
			v := c.judge(stat.Mean(samples[i], nil))
			if len(seeds) > 1 {
				v.samples, v.undecided = samples[i], c.undecided(samples[i])
				v.ok = v.ok && !v.undecided
			}
			vs = append(vs, v)
		}
	}
	r := newResult(&e, first, vs, err)
	if len(seeds) > 1 {
		r.Seeds = len(seeds)
	}
	return r
}
