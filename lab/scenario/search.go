// The search: the smallest value of one number with which all holds.

package scenario

import (
	"cmp"
	"math/bits"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"go.yaml.in/yaml/v3"

	"example.com/outagelab/lab"
	"example.com/outagelab/pocserver/worker"
)

// search is a parameter of a server, and the values to try.
type search struct {
	key       string
	field     func(*worker.Config) *int
	low, high int
	server    int
}

// searchables are the parameters that can be searched for.
var searchables = map[string]func(*worker.Config) *int{
	"workers":            func(c *worker.Config) *int { return &c.Workers },
	"threads":            func(c *worker.Config) *int { return &c.Threads },
	"worker_connections": func(c *worker.Config) *int { return &c.WorkerConnections },
	"thread_limit":       func(c *worker.Config) *int { return &c.ThreadLimit },
	"backlog":            func(c *worker.Config) *int { return &c.Backlog },
	"max_requests":       func(c *worker.Config) *int { return &c.MaxRequests },
}

// places are those of which more serve more at a time.
var places = []string{"workers", "threads", "thread_limit"}

var ranges = regexp.MustCompile(`^(0|[1-9][0-9]*)\.\.(0|[1-9][0-9]*)$`)

// search reads what is searched for.
func (r *reading) search(n *yaml.Node, file *mapping, s *Scenario) {
	m := r.mapping(n, "search", "workers", "threads", "thread_limit", "worker_connections", "backlog", "max_requests", "of")
	if n.Kind != yaml.MappingNode {
		return
	}
	found := &search{}
	var values *yaml.Node
	for key, field := range searchables {
		if m.get(key) == nil {
			continue
		}
		if values != nil {
			r.bad(n, "search is for one parameter, and here are two")
			return
		}
		found.key, found.field, values = key, field, m.get(key)
	}
	if values == nil {
		r.bad(n, "search is for what? want a parameter and a range, such as threads: 1..60")
		return
	}
	if len(s.holds) == 0 && file.get("hold") == nil {
		r.bad(file.names["search"], "search is for a value with which all holds, and there is no hold")
	}
	said := ranges.FindStringSubmatch(values.Value)
	if values.Kind != yaml.ScalarNode || said == nil {
		r.bad(values, "%s is %s: want a range, such as 1..60", found.key, kind(values))
		return
	}
	found.low, _ = strconv.Atoi(said[1]) // the largest int there is, if it is too large
	found.high, _ = strconv.Atoi(said[2])
	if found.low > found.high {
		r.bad(values, "%s is %s: the range is upside down", found.key, values.Value)
		return
	}
	if most := mostOf(found.key); found.high > most {
		r.bad(values, "%s is %s: want at most %d", found.key, values.Value, most)
		return
	}
	if at := m.get("of"); at != nil {
		found.server = slices.Index(s.addresses(), at.Value)
		if found.server < 0 {
			r.bad(at, "of is %s: no server is there", kind(at))
			return
		}
	} else if len(s.system.Others) > 0 {
		r.bad(n, "of is missing: the address of the server whose %s are searched for", found.key)
		return
	}
	if found.server < len(s.given) && s.given[found.server][found.key] != nil {
		r.bad(m.names[found.key], "%s is searched for, and the server in line %d has a number: leave that out", found.key, s.given[found.server][found.key].Line)
		return
	}
	s.search = found
	if !r.fine() {
		return // the servers may be what they are not
	}
	model := s.servers()[found.server].Model
	if found.key == "thread_limit" && model.EventLoop() {
		switch {
		case s.servers()[found.server].ThreadLimit == 0:
			r.bad(m.names[found.key], "thread_limit is searched for, and no handler waits with thread")
			return
		case found.low == 0:
			r.bad(values, "thread_limit is %s: want at least 1", values.Value)
			return
		}
	}
	if i := slices.IndexFunc(settings, func(x setting) bool { return x.key == found.key }); !settings[i].on(model) {
		r.bad(m.names[found.key], "%s means nothing to the model %s", found.key, model)
		return
	}
	for _, x := range []int{found.low, found.high} {
		c := s.with(x).servers()[found.server]
		if _, err := worker.New(c, func() http.Handler { return nil }); err != nil {
			r.bad(values, "%s", inKeys(inField.ReplaceAllString(err.Error(), "$1 is $2")))
			return
		}
	}
}

// mostOf is how many there may be.
func mostOf(key string) int {
	switch key {
	case "workers":
		return worker.MaxWorkers
	case "threads", "thread_limit":
		return worker.MaxThreads
	}
	return mostOfAny
}

// tries is how many values are tried at the most: from the theory's answer in
// steps that double, and then halving what is between; or, where none of them holds,
// from the least on in steps that double, and then halving. No value is tried twice.
func (f *search) tries() int { return tries(f.high - f.low + 1) }

// tries is that of a range of so many values.
func tries(values int) int { return min(values, 3*bits.Len(uint(values-1))+3) }

// shortRange is how many values a range has at most of which all are run before it is
// said that none holds.
const shortRange = 8

// with is the scenario with a value of what is searched for.
func (s *Scenario) with(value int) *Scenario {
	c := *s
	c.theory = sync.OnceValue(c.predicted)
	if s.search.server == 0 {
		*s.search.field(&c.system.Server) = value
		return &c
	}
	c.system.Others = append([]lab.AppServer(nil), s.system.Others...)
	*s.search.field(&c.system.Others[s.search.server-1].Server) = value
	return &c
}

// A trial is one value that was tried.
type trial struct {
	value     int
	predicted *prediction // of the first hold's metric, nil if there is none
	excess    bool
	critical  bool            // see theory
	check     lab.ResultCheck // of the first hold
	outcome   lab.Outcome
	failing   []string // the metrics that do not hold, or of which that is undecided
}

// holds reports whether all holds, by more than chance explains.
func (t *trial) holds() bool { return t.outcome == lab.Holds }

// inOrder are the trials by value.
func (f *found) inOrder() []trial {
	return slices.SortedFunc(slices.Values(f.trials), func(a, b trial) int { return cmp.Compare(a.value, b.value) })
}

// keeps reports whether a number is within the bound.
func (h hold) keeps(x float64) bool {
	if h.most {
		return x <= h.bound
	}
	return x >= h.bound
}

// of is the prediction of a metric; nil if there is none.
func (th *theory) of(metric string) *prediction {
	for i := range th.predictions {
		if th.predictions[i].metric.Name == metric {
			return &th.predictions[i]
		}
	}
	return nil
}

// tellsMore reports whether t is to be shown, and not the trial that is, where nothing holds so far: what is undecided
// comes before what fails, and then the larger value.
func (f *found) tellsMore(t *trial) bool {
	for i := range f.trials {
		if is := &f.trials[i]; is.value == f.shown && is.outcome != t.outcome {
			return t.outcome == lab.Undecided
		}
	}
	return t.value > f.shown
}

// run finds the answer, or runs the largest value only if that is hopeless.
func (f *found) run(hopeless string, try func(value int) (trial, *lab.Result, error)) error {
	if hopeless == "" {
		return f.find(try)
	}
	whole := *f
	f.search = &search{key: f.search.key, low: f.search.high, high: f.search.high}
	if err := f.find(try); err != nil {
		return err
	}
	if f.trials[0].outcome != lab.Fails { // theory was wrong
		*f = whole
		return f.find(try)
	}
	f.search, f.hopeless = whole.search, hopeless
	return nil
}

// find tries values until one holds and the one below it does not. A value whose
// outcome is undecided does not count as one that holds. It begins with
// the theory's answer, if it has one, and goes up or down from there in steps that
// double, and then halves what is left. If the largest does not hold either, it
// begins again with the least, for more is not always better, and goes up.
//
// That finds the smallest of all only where a value that holds has none above it
// that does not, or none below it; of the answer and of the value below it, both are
// run.
func (f *found) find(try func(value int) (trial, *lab.Result, error)) error {
	holding := map[int]bool{} // of what was run
	run := func(value int) (bool, error) {
		if holds, ran := holding[value]; ran {
			return holds, nil
		}
		t, result, err := try(value)
		if err != nil {
			return false, err
		}
		t.value = value
		f.trials = append(f.trials, t)
		holding[value] = t.holds()
		switch {
		case t.holds() && (f.answer == 0 || value < f.answer):
			f.answer, f.shown, f.result = value, value, result
		case f.answer == 0 && f.tellsMore(&t):
			f.shown, f.result = value, result
		}
		return t.holds(), nil
	}
	fails, holds := f.search.low-1, f.search.high+1 // so far
	at := f.guess
	if at == 0 {
		at = f.search.high
	}
	for step := 1; at > fails && at < holds; step *= 2 {
		ok, err := run(at)
		if err != nil {
			return err
		}
		if ok {
			holds = at
			at = max(f.search.low, at-step)
		} else {
			fails = at
			at = min(f.search.high, at+step)
		}
	}
	if f.answer == 0 {
		for at, step := f.search.low, 1; at <= f.search.high; at, step = at+step, 2*step {
			ok, err := run(at)
			if err != nil {
				return err
			}
			if ok {
				holds = at
				break
			}
			fails = at
		}
	}
	if f.answer == 0 && f.search.high-f.search.low < shortRange {
		for value := f.search.low; value <= f.search.high; value++ {
			if ok, err := run(value); ok || err != nil {
				return err
			}
		}
	}
	for holds-fails > 1 && holds <= f.search.high {
		mid := (fails + holds) / 2
		ok, err := run(mid)
		if err != nil {
			return err
		}
		if ok {
			holds = mid
		} else {
			fails = mid
		}
	}
	return nil
}

// trial is what came of the scenario, as one of a search's trials.
func (s *Scenario) trial(result *lab.Result) trial {
	th := s.theory()
	t := trial{
		predicted: th.of(s.holds[0].metric.Name), excess: len(th.excess) > 0, critical: th.critical, check: result.Checks[0], outcome: result.Outcome(),
	}
	for _, c := range result.Checks[:len(s.holds)] {
		if c.Outcome() != lab.Holds && (c.Undecided == (t.outcome == lab.Undecided)) {
			t.failing = append(t.failing, c.Metric)
		}
	}
	return t
}

// found is what a search has found.
type found struct {
	search *search
	guess  int  // the theory's answer; 0 if it has none
	known  bool // it is one, and not that theory has no formula
	// needsMore is the largest value that is too little by theory, and unsaid what it
	// has no formula for just below its answer.
	needsMore int
	unsaid    string
	// critical is the largest value with which a queue grows without limit; 0 if there is none in the range.
	critical int
	above    int // the theory's answer above the range, where it has none in it
	answer   int // 0 if nothing holds
	trials   []trial
	shown    int         // the answer; if there is none, the largest value that was run and is undecided, or fails
	result   *lab.Result // of it
	// hopeless is why only the largest value was run; "" if it was not so.
	hopeless string
}
