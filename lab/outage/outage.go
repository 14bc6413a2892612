// What an outage is, and the list of all of them.

// Package outage is a list of outages as lessons: each a hope that a deployment
// does not meet, with the smallest change that makes it meet it. The experiments
// say what does happen; an outage says what somebody believed, so that its checks
// fail on the broken system, and hold on the fixed one under the same load.
package outage

import (
	"slices"

	"example.com/outagelab/lab"
)

// An Outage is a hope and two systems. The two are functions of one name in the
// packages broken and fixed, so that what differs between those is the fix.
type Outage struct {
	// Name is "theme/what". Themes are those of the experiments.
	Name string
	// Question is what a lesson on it asks, in one line.
	Question string
	// Covers is which experiments it is the lesson of: their names, or, with a
	// slash at the end, what their names begin with.
	Covers []string
	// Read is what to read next.
	Read []string

	// Source is the name of the file in broken and in fixed: Go, or the nginx.conf
	// where that is what has to be edited.
	Source string
	// Broken and Fixed make the system without and with the fix.
	Broken, Fixed func() (lab.System, error)
	// Experiment is the hope as an experiment: its Claim is what was hoped, its
	// Lesson why that fails. It has no System: see With.
	Experiment lab.Experiment
}

// With is the experiment on one of the outage's two systems.
func (o Outage) With(system func() (lab.System, error)) (lab.Experiment, error) {
	e := o.Experiment
	var err error
	e.System, err = system()
	return e, err
}

// All returns the outages, by theme: the PoC's first, then the exercise's.
func All() []Outage {
	all := slices.Concat(exhaustion, twoUsers, blocking, recycling, queue, crossover, polls, streams, errors502, errors504, feed, buffering, routing)
	for i := range all {
		all[i].Experiment.Name = all[i].Name
	}
	return all
}
