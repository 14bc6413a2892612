// Running a scenario: every seed, and every value that a search tries.

package scenario

import (
	"fmt"
	"testing"

	"example.com/outagelab/lab"
)

// Run predicts what theory says of the scenario, runs it with every seed, and
// compares. With a search it does so for one value after another. tb is as in
// [lab.Experiment.Run], whose error Run returns.
//
// The metrics that a file can name are p50, p99, p99.9 and so on, of all requests
// in seconds, where who gets no reply below 400 counts as slower than anybody;
// first byte p99; wrk p99, as wrk prints it; mean latency; throughput and goodput;
// replies 200, or another status; good replies, which came in time and are below
// 400; streams, that got a line; timeouts, refused, reset, closed early and
// unfinished, of requests; busy workers and busy threads, parts from 0 to 1; workers
// killed and workers recycled.
//
// Busy workers is the part of the time in which a worker does at least one thing: of
// 25 threads one is enough to make it busy, and an event loop is busy while a handler
// holds it. Busy threads is the utilisation: of all threads, sync workers and event
// loops the part that is held at a time, on average. Both are of all servers
// together; but a thread-per-request server has as many threads as come, and counts
// for busy workers only.
//
// Throughput and goodput are replies a second, and what is busy a part, of the time
// that the loads are on: from the start of the first to the end of the last, or to
// the horizon. What a load has asked for in its last moments comes after its end: a
// reply that is later than the end by no more than 999 in 1,000 requests take by
// themselves counts as well. So 10 requests a second that are all served at once
// are 10 replies a second, and a server that works off a queue after the end gains
// nothing by it.
//
// What must hold is held against the mean over the seeds. With several seeds each number is
// shown with its 95 % confidence interval, see [lab.Uncertainty], and a bound that lies inside
// it is undecided, see [Report.Outcome]. A search takes only a value that holds for an answer,
// and says which smaller ones are undecided. It goes from the
// theory's answer in steps that double, then halves what is left, until it has run
// a value that holds and the one below it, which does not. If it comes to the
// largest value and that does not hold, it begins again with the least and goes up.
// Of a range of no more than 8 values it runs all before it says that none holds.
// If theory knows of the largest value that it breaks a bound by more than chance explains,
// only that value is run. What it finds is the smallest of all where more is better, or where less is.
//
// If Progress is not nil it follows all runs, of which there are [Scenario.Runs] at most.
func (s *Scenario) Run(tb testing.TB) (*Report, error) {
	run := func(s *Scenario) (*lab.Result, error) {
		e := s.Experiment(s.seeds[0])
		e.Progress = s.Progress
		r := lab.Judge(tb, e, s.seeds...)
		if r.Trouble != "" {
			return nil, fmt.Errorf("scenario %s: %s", s.name, r.Trouble)
		}
		return r, nil
	}
	if s.search == nil {
		r, err := run(s)
		if err != nil {
			return nil, err
		}
		return &Report{scenario: s, result: r, theory: s.theory()}, nil
	}
	try := func(value int) (trial, *lab.Result, error) {
		at := s.with(value)
		r, err := run(at)
		if err != nil {
			return trial{}, nil, err
		}
		return at.trial(r), r, nil
	}
	f := s.foreknown()
	if err := f.run(s.hopeless(), try); err != nil {
		return nil, err
	}
	s = s.with(f.shown)
	return &Report{scenario: s, result: f.result, theory: s.theory(), found: f}, nil
}

// Runs is how many runs [Scenario.Run] makes at the most: one for each seed, of each value that a search tries.
func (s *Scenario) Runs() int {
	if s.search == nil {
		return len(s.seeds)
	}
	return len(s.seeds) * s.search.tries()
}

// Searches reports whether the scenario has a search, which may make fewer runs than Runs.
func (s *Scenario) Searches() bool { return s.search != nil }
