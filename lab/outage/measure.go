// The loads, metrics and tolerances that several outages share.

package outage

import (
	"fmt"
	"math"
	"time"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
)

// The exercise's numbers, by what the formulas call them.
const (
	poll    = 2.5       // E[S]: the mean of 0 to 5 whole seconds
	pollVar = 35.0 / 12 // of whole seconds from 0 to 5: (6² − 1)/12

	// patience is a little longer than nginx waits, which is 60 s: what was sent
	// last has then been answered by somebody.
	patience = 61 * time.Second
)

// polls4σ is four standard deviations of a count of n polls that follow each other.
func polls4σ(n float64) float64 { return 4 * math.Sqrt(n*pollVar/poll/poll) }

// open is requests to path at a rate, in a load of that name.
func open(path string, rate float64, duration time.Duration) load.Open {
	return load.Open{Name: path, Path: path, Rate: rate, Duration: duration}
}

// pollsAndRoot is the exercise's polls, some a second, and a request a second to /.
func pollsAndRoot(rate float64, duration time.Duration) []load.Load {
	return []load.Load{open("/check_feed", rate, duration), open("/", 1, duration)}
}

// streamsAndRoot is n streams that are held for so long, and a request a second to /
// while they are, from second 2 on. The streams come 2 ns apart, as in the exercise.
func streamsAndRoot(n int, held time.Duration) []load.Load {
	burst := time.Duration(n) * 2 * time.Nanosecond
	streams := open("/stream_feed", float64(n)/burst.Seconds(), burst)
	streams.Timeout = held
	root := open("/", 1, held-4*time.Second)
	root.Start = 2 * time.Second
	return []load.Load{streams, root}
}

// all is the check that each of n requests of a load is answered with 200.
func all(name string, n float64) lab.Check {
	return lab.Check{Metric: lab.Replies(200).On(name), Want: n, Formula: "the claim: each request is answered", Within: allSent}
}

// allSent and noException are the tolerances of a claim that is about each of them.
var (
	allSent     = lab.Absolute(0, "as many as are sent")
	noException = lab.Absolute(0, "the claim has no exception")
)

// none is the check that a count is 0, as was claimed.
func none(m lab.Metric, claim string) lab.Check {
	return lab.Check{Metric: m, Want: 0, Formula: "the claim: " + claim, Within: noException}
}

// atOnce is the check that all of a load, or p % of it, are answered at once.
func atOnce(name string, p float64) lab.Check {
	return lab.Check{Metric: lab.Latency(p).On(name), Want: 0.001, Formula: "a millisecond for the server", Within: lab.AtMost("there is nothing to wait for")}
}

// noLonger is the check that a latency is at most so many seconds, and a millisecond
// for the model's nanoseconds.
func noLonger(m lab.Metric, seconds float64, why string) lab.Check {
	return lab.Check{
		Metric: m, Want: seconds + 0.001, Formula: fmt.Sprintf("%s, %g s, and a millisecond for the server", why, seconds),
		Within: lab.AtMost("there is nothing else to wait for"),
	}
}

// firstLines is the checks that each of n streams gets its first line when the feed
// has answered.
func firstLines(n float64) []lab.Check {
	return []lab.Check{
		{Metric: lab.Streaming.On("/stream_feed"), Want: n, Formula: "the claim: each is served", Within: allSent},
		noLonger(lab.FirstByte(100).On("/stream_feed"), 5, "the longest poll"),
	}
}

// lastGood is when the last poll was sent that was answered 200.
var lastGood = lab.Metric{Name: "last poll to get a 200, sent at", Unit: "s", Means: "its reply came later", Of: lab.LastGood.On("/check_feed").Of}

// lines is how many lines streams got.
var lines = lab.Metric{Name: "lines", Unit: "lines", ByLoad: true, Of: func(o *lab.Observation) float64 {
	n := 0
	for _, r := range o.Records {
		if r.Status == 200 {
			n += r.Lines
		}
	}
	return float64(n)
}}
