// How far the runs of an experiment are, for a person who waits for them.

package lab

import (
	"slices"
	"sync"
	"time"

	"example.com/outagelab/lab/load"
)

// A Progress tells how far the runs of experiments are. The zero value is ready to use: put its address in
// [Experiment.Progress]. Its methods may be called from any goroutine, and do not change what the runs do.
type Progress struct {
	mu    sync.Mutex
	begun int
	on    []*following
}

// A RunProgress is how far a run is.
type RunProgress struct {
	Number  int           // of the run, in the order in which they began, from 1
	Horizon time.Duration // when it ends, in virtual time
	load.Reached
}

// following is a run that is on.
type following struct {
	number  int
	horizon time.Duration
	load    load.Progress
}

// Begun returns how many runs have begun.
func (p *Progress) Begun() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.begun
}

// Running returns the runs that are on, by number. It costs as much as [load.Progress.Reached] of each.
func (p *Progress) Running() []RunProgress {
	p.mu.Lock()
	on := slices.Clone(p.on)
	p.mu.Unlock()
	var all []RunProgress
	for _, f := range on {
		all = append(all, RunProgress{f.number, f.horizon, f.load.Reached()})
	}
	return all
}

// begin adds a run that ends at the horizon. It returns what to put in [load.Target.Progress], and what to call after
// the run. p may be nil.
func (p *Progress) begin(horizon time.Duration) (of *load.Progress, end func()) {
	if p == nil {
		return nil, func() {}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun++
	f := &following{number: p.begun, horizon: horizon}
	p.on = append(p.on, f)
	return &f.load, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.on = slices.DeleteFunc(p.on, func(other *following) bool { return other == f })
	}
}
