// What must hold, and what was measured: metrics by their names in the file.

package scenario

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

// A hold is a bound that a metric must keep.
type hold struct {
	metric     lab.Metric
	most       bool // at_most, not at_least
	bound      float64
	percentile float64 // which one, if it is one
	load       string  // of which load; "" is all of several

	generic  string     // the metric's name in the table of measures
	number   float64    // in it
	loads    []traffic  // that it is of
	node, at *yaml.Node // of the metric, and of the bound
}

func (h hold) String() string {
	word := "at least"
	if h.most {
		word = "at most"
	}
	text := h.metric.Name + " is " + word + " " + typeset.Number(h.bound)
	if h.metric.Unit != "" {
		text += " " + h.metric.Unit
	}
	return text
}

// check is the hold as a check of lab's.
func (h hold) check() lab.Check {
	within := lab.AtLeast("at_least, says the file")
	if h.most {
		within = lab.AtMost("at_most, says the file")
	}
	return lab.Check{Metric: h.metric, Want: h.bound, Demand: true, Formula: "what the file says must hold", Within: within}
}

// hold reads what must hold: one bound, or two.
func (r *reading) hold(n *yaml.Node, s *Scenario) {
	m := r.mapping(n, "what must hold", "metric", "of", "at_most", "at_least")
	metric, found, ok := r.metric(m, s)
	most, least := m.get("at_most"), m.get("at_least")
	if most == nil && least == nil && n.Kind == yaml.MappingNode {
		r.bad(n, "at_most is missing, or at_least: which bound must it keep?")
	}
	var bounds []float64
	for _, n := range []*yaml.Node{least, most} {
		if n == nil || !ok {
			continue
		}
		key := "at_least"
		if n == most {
			key = "at_most"
		}
		if x, ok := r.value(n, key, metric); ok {
			bounds = append(bounds, x)
			found.metric, found.most, found.bound, found.at = metric, n == most, x, n
			r.bound(found)
			s.holds = append(s.holds, found)
		}
	}
	if len(bounds) == 2 && bounds[0] > bounds[1] {
		r.bad(most, "at_most is %s, and at_least is more: nothing is both", most.Value)
	}
}

// measured reads what the field says of a metric.
func (r *reading) measured(n *yaml.Node, s *Scenario) {
	m := r.mapping(n, "what was measured", "metric", "of", "values")
	metric, _, ok := r.metric(m, s)
	values := m.need("values", "what was measured, once or several times?")
	if values == nil || !ok {
		return
	}
	if len(parts(values)) == 0 {
		r.bad(values, "values is empty")
		return
	}
	field := Measurement{Metric: metric, Name: metric.Name, Line: n.Line}
	for _, n := range parts(values) {
		if x, ok := r.value(n, "a value", metric); ok {
			field.Values = append(field.Values, x)
		}
	}
	s.Measured = append(s.Measured, field)
}

// value is a number in the metric's unit; of a metric of seconds, a duration.
func (r *reading) value(n *yaml.Node, what string, metric lab.Metric) (float64, bool) {
	if metric.Unit == "s" {
		d, ok := r.duration(n, what)
		return d.Seconds(), ok
	}
	x, ok := r.number(n, what)
	if ok && x < 0 {
		r.bad(n, "%s is %g: %s is never negative", what, x, metric.Name)
		return 0, false
	}
	if ok && x > 1 && metric.Unit == lab.Busy.Unit {
		r.bad(n, "%s is %g: %s is a part of the time, from 0 to 1", what, x, metric.Name)
		return 0, false
	}
	return x, ok
}

// A measure is a metric by its name in the file, or by how such names begin.
type measure struct {
	name   string // "replies 200", or with a number N in it
	of     func(n float64, loads []traffic) lab.Metric
	number bool // N is in the name
	// Of what: a server's workers are no load's, and a stream has no end.
	workers, whole bool
}

func plain(name string, m lab.Metric) measure {
	return measure{name: name, of: func(float64, []traffic) lab.Metric { return m }}
}

func numbered(name string, of func(n float64) lab.Metric) measure {
	return measure{name: name, number: true, of: func(n float64, _ []traffic) lab.Metric { return of(n) }}
}

func (m measure) ofWhole() measure { m.whole = true; return m }

// measures are all metrics that a file can name.
func (s *Scenario) measures() []measure {
	workers := func(name string, m lab.Metric) measure { x := plain(name, m); x.workers = true; return x }
	return []measure{
		numbered("pN", s.latency).ofWhole(),
		numbered("first byte pN", lab.FirstByte),
		numbered("wrk pN", lab.WrkLatency).ofWhole(),
		plain("mean latency", lab.MeanLatency).ofWhole(),
		{name: "throughput", of: func(_ float64, loads []traffic) lab.Metric { return s.throughput(loads) }},
		{name: "goodput", of: func(_ float64, loads []traffic) lab.Metric { return s.goodput(loads) }},
		numbered("replies N", func(n float64) lab.Metric { return lab.Replies(int(n)) }),
		plain("good replies", goodReplies),
		plain("streams", lab.Streaming),
		plain("timeouts", lab.Timeouts),
		plain("refused", lab.Failures(load.Refused)),
		plain("reset", lab.Failures(load.Reset)),
		plain("closed early", lab.Failures(load.ClosedEarly)),
		plain("unfinished", lab.Failures(load.Unfinished)),
		workers("busy workers", s.busy()),
		workers(threadsName, s.busyThreads()),
		workers("workers killed", lab.Exits(worker.TimedOut)),
		workers("workers recycled", lab.Exits(worker.Recycled)),
	}
}

var (
	percent    = regexp.MustCompile(`^(|first byte |wrk )p([0-9]+(?:\.[0-9]+)?)$`)
	replyCodes = regexp.MustCompile(`^replies ([0-9]+)$`)
)

// likePercentiles are names that are no percentile here, but look like one.
var likePercentiles = regexp.MustCompile(`^(|first byte |wrk )(p?)([0-9]+)(?:[.,]([0-9]+))?(%| %|th|)$`)

// percentileMeant is the percentile that a name may have been meant to be: p99.9 of p999, and p99 of 99%. It is "" if there
// is none.
func percentileMeant(name string) string {
	said := likePercentiles.FindStringSubmatch(strings.ToLower(name))
	if said == nil || said[2]+said[5] == "" {
		return ""
	}
	whole, part := said[3], said[4]
	if len(whole) > 2 && part == "" && strings.HasPrefix(whole, "9") {
		whole, part = whole[:2], whole[2:]
	}
	if part != "" {
		whole += "." + part
	}
	if p, err := strconv.ParseFloat(whole, 64); err != nil || p <= 0 || p > 100 {
		return ""
	}
	return said[1] + "p" + whole
}

// metric reads metric and of; found is what it says of a percentile.
func (r *reading) metric(m *mapping, s *Scenario) (metric lab.Metric, found hold, ok bool) {
	n := m.need("metric", "what is measured?")
	of := m.get("of")
	if n == nil {
		return metric, found, false
	}
	name, ok := r.text(n, "metric")
	if !ok {
		return metric, found, false
	}
	generic, number := name, 0.0
	if said := percent.FindStringSubmatch(name); said != nil {
		generic = said[1] + "pN"
		if number, _ = strconv.ParseFloat(said[2], 64); number <= 0 || number > 100 {
			hint := "a percentile is above p0, and p100 at most"
			if meant := percentileMeant(name); meant != "" {
				hint = fmt.Sprintf("did you mean %s?", meant)
			}
			r.bad(n, "metric is %q: %s", name, hint)
			return metric, found, false
		}
	} else if said := replyCodes.FindStringSubmatch(name); said != nil {
		generic = "replies N"
		if number, _ = strconv.ParseFloat(said[1], 64); number < 100 || number > 599 {
			r.bad(n, "metric is %q: a status is from 100 to 599", name)
			return metric, found, false
		}
	}
	all := s.measures()
	i := slices.IndexFunc(all, func(x measure) bool { return x.name == generic && x.number == (number > 0) })
	if i < 0 {
		var names []string
		for _, x := range all {
			names = append(names, strings.NewReplacer("pN", "p99", "replies N", "replies 200").Replace(x.name))
		}
		hint := meant(name, names)
		if meant := percentileMeant(name); meant != "" {
			hint = fmt.Sprintf(": did you mean %s?", meant)
		} else if strings.HasPrefix(name, "replies ") {
			hint = ": want one status, such as replies 200"
		}
		r.bad(n, "metric is %q%s", name, hint)
		return metric, found, false
	}
	if generic == "pN" {
		found.percentile = number
	}
	found.node, found.generic, found.number = n, generic, number
	if name == threadsName && !slices.ContainsFunc(s.servers(), func(c worker.Config) bool { return c.Model != worker.ThreadPerRequest }) {
		r.bad(n, "%s means nothing to the model thread-per-request, which has as many as come: want busy workers", name)
		return metric, found, false
	}
	asked := s.traffic
	if len(asked) == 1 {
		found.load = asked[0].name
	}
	if of != nil {
		load, ok := r.text(of, "of")
		if !ok {
			return metric, found, false
		}
		if all[i].workers {
			r.bad(of, "of is %q: %s is of all workers, whomever they work for", load, name)
			return metric, found, false
		}
		at := slices.IndexFunc(s.traffic, func(t traffic) bool { return t.name == load })
		if at < 0 {
			var names []string
			for _, t := range s.traffic {
				names = append(names, t.name)
			}
			r.bad(of, "no load is named %q%s", load, meant(load, names))
			return metric, found, false
		}
		asked, found.load = s.traffic[at:at+1], load
	}
	metric, found.loads = all[i].of(number, asked), asked
	if of != nil {
		metric = s.on(metric, found.load)
	}
	if all[i].whole {
		for _, t := range asked {
			if rt := routeOf(s.routes, s.ways[t.path].path); rt != nil && rt.Stream {
				r.bad(n, "%s is of whole replies, and those to %s are streams without an end: want first byte p99, or another load's", name, t.path)
				return metric, found, false
			}
		}
	}
	return metric, found, true
}

// latency is the p-th percentile over all requests, and not over the replies
// alone: who gets no reply below 400 counts as slower than anybody. Of a closed
// loop, what is open at its end is not counted, as wrk does not.
func (s *Scenario) latency(p float64) lab.Metric {
	closed := map[string]bool{}
	for _, t := range s.traffic {
		closed[t.name] = !t.open
	}
	means := "the slowest reply; ∞ where a request got none"
	if p < 100 {
		means = fmt.Sprintf("%g in 100 requests had a reply by then; ∞ where more got none", p)
	}
	return lab.Metric{Name: fmt.Sprintf("p%g", p), Unit: "s", Means: means, ByLoad: true, Of: func(o *lab.Observation) float64 {
		var all []float64
		for _, r := range o.Records {
			switch {
			case r.Complete && r.Status < 400:
				all = append(all, r.Latency.Seconds())
			case r.Kind == load.Unfinished && closed[r.Load]:
			default:
				all = append(all, math.Inf(1))
			}
		}
		slices.Sort(all)
		seconds, ok := load.Percentile(all, p)
		if !ok {
			return math.NaN()
		}
		return seconds
	}}
}
