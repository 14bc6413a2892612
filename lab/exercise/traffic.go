// The traffic of make exercise, and what each route's users need of it.

package exercise

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab/load"
)

const (
	// polling is how long the requests come.
	polling = 120 * time.Second
	// streams are opened at streamsAt and held for streamsHeld, as long as the
	// polls go on: a repair has to stand both, for that is what was reported.
	streams     = 75
	streamsAt   = 30 * time.Second
	streamsHeld = 90 * time.Second
	// horizon is when a client who has no answer yet stops waiting: beyond nginx's
	// own 60 s for the last of them.
	horizon = polling + Patience
)

// A need is what a route's users need, and how many of them there are.
type need struct {
	path string
	rate float64 // requests a second, for as long as polling; 0 for the stream
	page string  // how a reply of this route begins

	// within is how long 99 of 100 wait at the most: for their reply, or for the
	// first line of a stream.
	within time.Duration
	// lines is how many a stream brings at least while it is held.
	lines int
}

// slowestPoll is the feed's longest, and grace what a route may add to what it
// does by itself, which is a poll for the last two and nothing for the others.
const (
	slowestPoll = 5 * time.Second
	grace       = time.Second
)

// needs are the four routes.
var needs = []*need{
	{path: "/", rate: 1, page: `{"Title":`, within: grace},
	{path: "/hash_me", rate: 1, page: `{"uuid4":`, within: grace},
	{path: "/check_feed", rate: 10, page: `{"updates":`, within: slowestPoll + grace},
	{path: "/stream_feed", page: `{"updates":`, within: slowestPoll + grace, lines: fewestLines(streamsHeld)},
}

// fewestLines is how many lines even an unlucky stream brings while it is held:
// the mean number of polls that end in that time, less four standard deviations.
// Polls of mean μ and variance σ² that follow each other are T/μ in a time T, with
// variance σ²T/μ³ (renewal theory).
func fewestLines(held time.Duration) int {
	μ := feedsim.Delay{}.Mean().Seconds()
	const variance = (6*6 - 1) / 12.0 // of a whole number from 0 to 5
	t := held.Seconds()
	return int(t/μ - 4*math.Sqrt(variance*t/(μ*μ*μ)))
}

// streamed reports whether the route is a stream.
func (n *need) streamed() bool { return n.lines > 0 }

// String says the need in words.
func (n *need) String() string {
	if n.streamed() {
		return fmt.Sprintf("a first line within %s and %d lines in %s", seconds(n.within), n.lines, seconds(streamsHeld))
	}
	return fmt.Sprintf("99 %% within %s", seconds(n.within))
}

// Traffic is all of the exercise's at once, each load named by its route: 10
// requests a second to /check_feed and 1 to / and to /hash_me for 120 s, and 75
// clients of /stream_feed who come at second 30 and stay for 90 s.
func Traffic() []load.Load {
	var all []load.Load
	for _, n := range needs {
		l := load.Open{Name: n.path, Path: n.path, Rate: n.rate, Duration: polling, KeepBody: true}
		if n.streamed() {
			l.Rate, l.Start, l.Duration, l.Timeout = streams/burst.Seconds(), streamsAt, burst, streamsHeld
		}
		all = append(all, l)
	}
	return all
}

// A fate is what became of a request.
type fate int

const (
	good   fate = iota
	late        // what its client wanted, and not as soon
	failed      // not what its client wanted
)

// fateOf is what became of a request, as far as its client can tell.
func (n *need) fateOf(r load.Record) fate {
	fine := r.Status == 200 && strings.HasPrefix(r.Body, n.page)
	if n.streamed() {
		// A client that holds its stream to the end is the one who closes it.
		fine = fine && r.Kind == load.Timeout && r.Lines >= n.lines
	} else {
		fine = fine && r.Good()
	}
	switch {
	case !fine:
		return failed
	case n.waited(r) > n.within:
		return late
	}
	return good
}

// waited is how long a request's client waited until something came back.
func (n *need) waited(r load.Record) time.Duration {
	if n.streamed() && r.Bytes > 0 {
		return r.FirstByte
	}
	return r.Latency
}

// tooMany reports whether these fates are worse than the route's users can bear:
// one request that failed, or more late ones than the one in a hundred that a
// 99th percentile leaves out.
func tooMany(fates []fate) bool {
	n := 0
	for _, f := range fates {
		if f == failed {
			return true
		}
		if f == late {
			n++
		}
	}
	return len(fates)-n < load.NearestRank(99, len(fates))
}

// percentile is the p-th percentile of durations in any order, 0 if there are none.
func percentile(p float64, ds []time.Duration) time.Duration {
	d, _ := load.Percentile(slices.Sorted(slices.Values(ds)), p)
	return d
}
