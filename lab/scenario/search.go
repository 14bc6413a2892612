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
	"backlog":            func(c *worker.Config) *int { return &c.Backlog },
	"max_requests":       func(c *worker.Config) *int { return &c.MaxRequests },
}

var ranges = regexp.MustCompile(`^([0-9]{1,9})\.\.([0-9]{1,9})$`)

// search reads what is searched for.
func (r *reading) search(n *yaml.Node, file *mapping, s *Scenario) {
	m := r.mapping(n, "search", "workers", "threads", "worker_connections", "backlog", "max_requests", "of")
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
	found.low, _ = strconv.Atoi(said[1]) // nine digits at most
	found.high, _ = strconv.Atoi(said[2])
	if found.low > found.high {
		r.bad(values, "%s is %s: the range is upside down", found.key, values.Value)
		return
	}
	if most := map[string]int{"workers": mostWorkers, "threads": mostThreads}[found.key]; most > 0 && found.high > most {
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

// tries is how many values are tried at the most: from the theory's answer in
// steps that double, and then halving what is between.
func (f *search) tries() int { return 2*bits.Len(uint(f.high-f.low)) + 2 }

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
	overload  bool
	check     lab.ResultCheck // of the first hold
	holds     bool
	failing   []string // the metrics that do not hold
}

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

// foreseen says whether theory has all of hold come true with a value, and whether
// it can say.
func (s *Scenario) foreseen(value int) (holds, known bool) {
	th := s.with(value).theory()
	if th.overloaded {
		return false, true
	}
	holds = true
	for _, h := range s.holds {
		p := th.of(h.metric.Name)
		if p == nil || p.low != p.high || p.atMost {
			return false, false
		}
		holds = holds && h.keeps(p.high)
	}
	return holds, true
}

// guess is the theory's answer: the smallest value with which all holds; 0 if there
// is none, which it may know.
func (s *Scenario) guess() (value int, known bool) {
	low, high := s.search.low-1, s.search.high
	if holds, known := s.foreseen(high); !holds || !known {
		return 0, known
	}
	for high-low > 1 {
		mid := (low + high) / 2
		holds, known := s.foreseen(mid)
		switch {
		case !known:
			return 0, false
		case holds:
			high = mid
		default:
			low = mid
		}
	}
	return high, true
}

// find tries values until one holds and the one below it does not. It begins with
// the theory's answer, if it has one, and goes up or down from there in steps that
// double, and then halves what is left. That finds the smallest of all only where
// more is better; of the answer and of the value below it, both are run.
func (f *found) find(try func(value int) (trial, *lab.Result, error)) error {
	tried := map[int]bool{}
	run := func(value int) (bool, error) {
		t, result, err := try(value)
		if err != nil {
			return false, err
		}
		t.value = value
		f.trials = append(f.trials, t)
		tried[value] = true
		if t.holds && (f.answer == 0 || value < f.answer) {
			f.answer, f.result = value, result
		} else if f.answer == 0 {
			f.result = result
		}
		return t.holds, nil
	}
	fails, holds := f.search.low-1, f.search.high+1 // so far
	at := f.guess
	if at == 0 {
		at = f.search.high
	}
	for step := 1; ; step *= 2 {
		ok, err := run(at)
		if err != nil {
			return err
		}
		if ok {
			holds = at
			at -= step
		} else {
			fails = at
			at += step
		}
		if at = max(f.search.low, min(at, f.search.high)); tried[at] || at <= fails || at >= holds {
			break
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
	t := trial{predicted: th.of(s.holds[0].metric.Name), overload: th.overloaded, check: result.Checks[0], holds: result.Holds}
	for _, c := range result.Checks[:len(s.holds)] {
		if !c.Holds {
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
	answer int  // 0 if nothing holds
	trials []trial
	result *lab.Result // of the answer; if there is none, of the last value tried
}
