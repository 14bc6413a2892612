// results.json: what was predicted and what came of it, as virtual facts only.
// The same seeds give the same bytes, at any time and on any machine.

package lab

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"example.com/outagelab/lab/atomicfile"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver/worker"
)

// Results is what the rows of a table gave: nothing before the test in which they
// run has ended.
type Results struct {
	rows []*Result // nil for those that did not run
}

// Collect makes one table of what [Judge] has returned.
func Collect(results ...*Result) *Results { return &Results{results} }

// Complete reports whether every row has run.
func (r *Results) Complete() bool { return !slices.Contains(r.rows, nil) }

// Rows is each row that ran, in the table's order.
func (r *Results) Rows() []*Result {
	return slices.DeleteFunc(slices.Clone(r.rows), func(r *Result) bool { return r == nil })
}

// String is the table that make lab prints, of those that ran.
func (r *Results) String() string { return table(r.Rows()) }

// Write writes dir/results.json, of those that ran in virtual time, and returns
// its path.
func (r *Results) Write(dir string) (path string, err error) { return writeResults(dir, r.Rows()) }

// A Writer writes results to dir in another form, and returns the path of what it
// has written.
type Writer func(dir string, r *Results) (path string, err error)

// A Result is an experiment that was run, in the form of results.json. Durations
// are in seconds. There is no map in it, so its order is the table's.
type Result struct {
	Name  string `json:"name"`
	Claim string `json:"claim"`
	Holds bool   `json:"holds"`
	// Undecided: no demand fails, and of one the seeds do not tell. Holds is false then.
	Undecided bool           `json:"undecided,omitempty"`
	Trouble   string         `json:"trouble,omitempty"` // what went wrong besides the checks
	Seed      uint64         `json:"seed"`
	Seeds     int            `json:"seeds,omitempty"` // how many runs the observed numbers are the means of, if not one
	System    string         `json:"system"`
	Horizon   float64        `json:"horizon_s"`
	Checks    []ResultCheck  `json:"checks"`
	Loads     []ResultLoad   `json:"loads"`
	Workers   []ResultWorker `json:"workers"`
	Log       []LogCount     `json:"nginx_log,omitempty"` // nginx's error log; nil if there is no nginx
	Cause     string         `json:"cause"`
	Fix       string         `json:"fix"`

	// Seen is what was observed, of the first seed, and nil if nothing was.
	Seen *Observation `json:"-"`
	// Latencies is what theory says of the latencies.
	Latencies []Distribution `json:"-"`
	// Parts are the system in words, the part that clients ask first at first.
	Parts []string `json:"-"`
	// Note is what else there is to say, in lines for a terminal, such as what a
	// search has tried.
	Note string `json:"-"`
	// RealTime says that the numbers are no virtual facts.
	RealTime bool `json:"-"`

	text func() string
}

// Text is all that is known of the experiment, as a failing test prints it.
func (r *Result) Text() string { return r.text() }

// A ResultCheck is one number, predicted and observed. Observed is null where
// there was nothing to measure, Low and High where there is no bound.
type ResultCheck struct {
	Metric    string   `json:"metric"`
	Unit      string   `json:"unit"`
	Formula   string   `json:"formula"`
	Predicted float64  `json:"predicted"`
	Observed  *float64 `json:"observed"`
	Low       *float64 `json:"allowed_low"`
	High      *float64 `json:"allowed_high"`
	From      string   `json:"derived_from"`
	Holds     bool     `json:"holds"`
	// Undecided: the seeds do not tell whether the bound of a demand is kept. Holds is false then.
	Undecided bool `json:"undecided,omitempty"`
	// Demand says that Predicted is what somebody demands.
	Demand bool `json:"demand,omitempty"`
	// Samples are the numbers of which Observed is the mean, one a seed; nil if
	// there was one seed only. What is no number, such as the percentile of requests
	// that got no reply, is null in results.json.
	Samples Samples `json:"samples,omitempty"`

	verdict verdict
}

// Samples are numbers of which some may be infinite or none at all.
type Samples []float64

// MarshalJSON writes null for what JSON has no number for.
func (s Samples) MarshalJSON() ([]byte, error) {
	numbers := make([]*float64, len(s))
	for i, x := range s {
		numbers[i] = finite(x)
	}
	return json.Marshal(numbers)
}

// Allowed is what the prediction allows, in a few characters: "±16 %".
func (c *ResultCheck) Allowed() string { return c.verdict.Within.short() }

// Judged reports whether the verdict depends on it: a number that is only shown is not
// judged.
func (c *ResultCheck) Judged() bool { return c.verdict.Within.kind != shown }

// Error is how far the observed number is from the predicted one, in parts of the
// prediction; NaN where that means nothing.
func (c *ResultCheck) Error() float64 { return c.verdict.errorPart() }

// A ResultLoad is what became of a load's requests.
type ResultLoad struct {
	Name     string        `json:"name"`
	Words    string        `json:"words"`
	Requests int           `json:"requests"`
	Outcomes []ResultCount `json:"outcomes"`
	// Latency of complete replies, late ones included.
	P50 *float64 `json:"latency_p50_s"`
	P90 *float64 `json:"latency_p90_s"`
	P99 *float64 `json:"latency_p99_s"`
	Max *float64 `json:"latency_max_s"`
}

// A ResultCount is how many requests ended in one way.
type ResultCount struct {
	Outcome string `json:"outcome"`
	Count   int    `json:"count"`
}

// A ResultWorker is what one worker did.
type ResultWorker struct {
	Busy     float64 `json:"busy"` // part of the time, 0 to 1
	TimedOut int     `json:"timed_out"`
	Recycled int     `json:"recycled"`
}

// newResult puts together what came of e.
func newResult(e *Experiment, o *Observation, vs []verdict, err error) *Result {
	r := &Result{
		Name: e.Name, Claim: e.Claim, Holds: err == nil, Seed: e.Seed,
		System: e.System.String(), Horizon: e.horizon().Seconds(),
		Cause: e.Lesson.Cause, Fix: e.Lesson.Fix,
		Checks: []ResultCheck{}, Loads: []ResultLoad{}, Workers: []ResultWorker{},
		Seen: o, Latencies: e.Latencies, Parts: e.System.parts(), RealTime: e.RealTime,
	}
	// Through Seen: whoever lets go of what was seen, which is large, has let go.
	r.text = func() string { return e.lesson(r.Seen, vs, err, "") }
	if err != nil {
		r.Trouble = summary(err)
	}
	for _, v := range vs {
		low, high := v.Within.bounds(v.Want)
		r.Checks = append(r.Checks, ResultCheck{
			Metric: v.Metric.Name, Unit: v.Metric.Unit, Formula: v.Formula,
			Predicted: v.Want, Observed: finite(v.observed), Low: finite(low), High: finite(high),
			From: v.Within.from, Holds: v.ok, Undecided: v.undecided, Demand: v.Demand,
			Samples: v.samples, verdict: v,
		})
		r.Holds = r.Holds && v.ok
	}
	r.Undecided = err == nil && !r.Holds && !slices.ContainsFunc(vs, func(v verdict) bool { return v.outcome() == Fails })
	if o == nil {
		return r
	}
	for _, l := range e.Load {
		r.Loads = append(r.Loads, newResultLoad(l, o.On(l.String())))
	}
	r.Log = o.LogCounts()
	for w := range o.Workers {
		rw := ResultWorker{Busy: o.busy(w)}
		for _, x := range o.Exits {
			if x.Worker != w {
				continue
			}
			switch x.Reason {
			case worker.TimedOut:
				rw.TimedOut++
			case worker.Recycled:
				rw.Recycled++
			}
		}
		r.Workers = append(r.Workers, rw)
	}
	return r
}

func newResultLoad(l load.Load, o *Observation) ResultLoad {
	r := ResultLoad{Name: l.String(), Words: loadWords(l), Requests: len(o.Records), Outcomes: []ResultCount{}}
	for _, row := range outcomesOf(o.Records, o.Horizon, 1) {
		r.Outcomes = append(r.Outcomes, ResultCount{row.name, row.total})
	}
	r.P50, r.P90 = finite(Latency(50).Of(o)), finite(Latency(90).Of(o))
	r.P99, r.Max = finite(Latency(99).Of(o)), finite(Latency(100).Of(o))
	return r
}

// finite is x, or nil for what JSON has no number for.
func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// writeResults writes dir/results.json, of the experiments in virtual time, and
// returns its path.
func writeResults(dir string, results []*Result) (string, error) {
	virtual := slices.DeleteFunc(slices.Clone(results), func(r *Result) bool { return r.RealTime })
	text, err := json.MarshalIndent(struct {
		Experiments []*Result `json:"experiments"`
	}{virtual}, "", "  ")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "results.json")
	return path, atomicfile.Write(path, append(text, '\n'), 0o644)
}

// virtualTime is how long the experiments took together, on their own clocks.
func virtualTime(results []*Result) time.Duration {
	sum := 0.0
	for _, r := range results {
		if !r.RealTime {
			sum += r.Horizon
		}
	}
	return time.Duration(sum * float64(time.Second))
}
