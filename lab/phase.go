// The phase in which a load begins: what a run must draw because nobody chose it.

package lab

import (
	"slices"
	"time"

	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver/worker/repeatable"
)

// arbiterPeriod is how often gunicorn's arbiter looks at its workers (Arbiter.sleep in gunicorn/arbiter.py waits for a
// second at most).
const arbiterPeriod = time.Second

// phase is how much later than its Start a load begins at a seed: a part of its period, and a part of the arbiter's
// second, both uniform and drawn from (seed, load). Each part alone makes the load's phase uniform with regard to what
// has that period, whatever the other is, so that two loads at regular intervals meet in any way, and so do a load and
// the arbiter. A load has a period if its requests come at regular intervals.
func phase(l load.Load, seed uint64) time.Duration {
	part := func(of time.Duration, purpose string) time.Duration {
		return time.Duration(repeatable.Draw(seed, purpose+l.String(), 0) * float64(of))
	}
	late := part(arbiterPeriod, "phase to the arbiter: ")
	if l, ok := l.(load.Open); ok && !l.Poisson {
		late += part(time.Duration(float64(time.Second)/l.Rate), "phase: ")
	}
	return late
}

// inPhase is e at its seed: the loads that Phased names begin in their phases, and the horizon is later by as much as the
// last of them, or as the load that ends last.
func (e Experiment) inPhase() Experiment {
	if len(e.Phased) == 0 {
		return e
	}
	e.Load = slices.Clone(e.Load)
	latest := time.Duration(0)
	for i, l := range e.Load {
		if !slices.Contains(e.Phased, l.String()) {
			continue
		}
		late := phase(l, e.Seed)
		latest = max(latest, late)
		switch l := l.(type) {
		case load.Open:
			l.Start += late
			e.Load[i] = l
		case load.Closed:
			l.Start += late
			e.Load[i] = l
		}
	}
	if e.Horizon > 0 {
		e.Horizon += latest
	}
	return e
}
