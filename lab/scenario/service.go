// The app: what its routes' requests take, and how they wait.

package scenario

import (
	"fmt"
	"math"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/synthetic"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

// A route is one of the app's, with what the theory asks of its distribution.
type route struct {
	synthetic.Route
	exponential bool
	words       string // how long a request takes
}

// app reads service, routes and waits. unsaid is where it is not said how a handler
// waits.
func (r *reading) app(m *mapping, s *Scenario) (unsaid []*yaml.Node) {
	waits := synthetic.Blocking
	said := m.get("waits")
	if said != nil {
		waits = r.waits(said)
	}
	service, routes := m.get("service"), m.get("routes")
	switch {
	case service != nil && routes != nil:
		r.bad(m.names["routes"], "routes beside service: put the service at the route /, or leave the routes out")
	case service != nil:
		if rt, ok := r.service(service); ok {
			rt.Path, rt.Waits = "/", waits
			s.routes = []route{rt}
		}
		if said == nil {
			unsaid = append(unsaid, m.names["service"])
		}
	case routes != nil:
		if missing := r.routes(routes, waits, s); said == nil {
			unsaid = missing
		}
	default:
		r.bad(m.node, "service is missing: how long does a request take?")
	}
	return unsaid
}

// instances are the app's, for lab.
func instances(routes []route) lab.App {
	var all []synthetic.Route
	for _, rt := range routes {
		all = append(all, rt.Route)
	}
	return lab.Seeded(synthetic.Instances(all...))
}

func (r *reading) waits(n *yaml.Node) (w synthetic.Waits) {
	if word, ok := r.choice(n, "waits", "block", "await", "thread"); ok {
		if err := w.UnmarshalText([]byte(word)); err != nil {
			r.bad(n, "%v", err)
		}
	}
	return w
}

// routes reads them; unsaid are those that do not say themselves how they wait.
func (r *reading) routes(n *yaml.Node, waits synthetic.Waits, s *Scenario) (unsaid []*yaml.Node) {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		r.bad(n, "routes is %s: want a path, such as /, and what is there", kind(n))
		return nil
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		path := key.Value
		switch line := lines[path]; {
		case key.Kind != yaml.ScalarNode || !strings.HasPrefix(path, "/"):
			r.bad(key, "a route is %s: want a path, which begins with a slash", kind(key))
			continue
		case strings.ContainsFunc(path, func(c rune) bool { return c <= ' ' || c == 0x7f }):
			r.bad(key, "a route is %q: want a path, without spaces", path)
			continue
		case line > 0:
			r.bad(key, "%s is given twice, first in line %d", path, line)
			continue
		}
		lines[path] = key.Line
		m := r.mapping(value, "route "+path, "service", "waits", "stream")
		rt := route{}
		ok := false
		if service := m.need("service", "how long does a request to "+path+" take?"); service != nil {
			rt, ok = r.service(service)
		}
		rt.Path, rt.Waits = path, waits
		if n := m.get("waits"); n != nil {
			rt.Waits = r.waits(n)
		} else {
			unsaid = append(unsaid, key)
		}
		if n := m.get("stream"); n != nil {
			rt.Stream = r.flag(n, "stream")
		}
		if ok && rt.Stream && rt.Time.CDF(0) == 1 {
			r.bad(m.get("service"), "the stream at %s has lines that take no time: there would be no end of them", path)
			ok = false
		}
		if ok {
			s.routes = append(s.routes, rt)
		}
	}
	return unsaid
}

// distributions are their keys.
var distributions = map[string][]string{
	"constant": {"time"}, "uniform": {"from", "to", "step"}, "exponential": {"mean"}, "lognormal": {"mean", "deviation"},
}

// service reads a distribution.
func (r *reading) service(n *yaml.Node) (rt route, ok bool) {
	m := r.mapping(n, "service", "distribution", "time", "from", "to", "step", "mean", "deviation")
	named := m.need("distribution", "constant, uniform, exponential or lognormal")
	if named == nil {
		return rt, false
	}
	name, known := r.choice(named, "distribution", "constant", "uniform", "exponential", "lognormal")
	if !known {
		return rt, false
	}
	before := len(r.problems)
	given := map[string]time.Duration{}
	own := map[string]bool{"distribution": true}
	for _, key := range distributions[name] {
		own[key] = true
		value := m.get(key)
		if value == nil {
			if key != "step" {
				m.need(key, "the distribution is "+name+", which has "+strings.Join(distributions[name], ", "))
			}
			continue
		}
		given[key], _ = r.duration(value, key)
	}
	for key := range m.names {
		if !own[key] {
			m.without("is not of the distribution "+name+", which has "+strings.Join(distributions[name], ", "), key)
		}
	}
	if len(r.problems) > before {
		return rt, false
	}
	switch name {
	case "constant":
		rt.Time = feedsim.Constant(given["time"])
		if rt.words = typeset.Seconds(given["time"]); given["time"] == 0 {
			rt.words = "no time"
		}
	case "uniform":
		from, to, step := given["from"], given["to"], given["step"]
		if from > to {
			r.bad(m.get("to"), "to is %v, and from is %v: the range is upside down", to, from)
			return rt, false
		}
		rt.Time = feedsim.Uniform(from, to)
		rt.words = fmt.Sprintf("%s to %s, evenly", number(from.Seconds()), typeset.Seconds(to))
		if n := m.get("step"); n != nil {
			if step <= 0 || (to-from)%step != 0 {
				r.bad(n, "step is %v: want a part of the way from %v to %v", step, from, to)
				return rt, false
			}
			rt.Time = feedsim.Steps(from, to, step)
			rt.words = fmt.Sprintf("%s to %s in steps of %s, evenly", number(from.Seconds()), typeset.Seconds(to), typeset.Seconds(step))
		}
	case "exponential":
		rt.exponential = given["mean"] > 0
		rt.Time = feedsim.Exponential(given["mean"])
		rt.words = typeset.Seconds(given["mean"]) + " on average, exponentially"
	case "lognormal":
		mean, deviation := given["mean"].Seconds(), given["deviation"].Seconds()
		if mean == 0 {
			r.bad(m.get("mean"), "mean is 0: want more, or the distribution constant")
			return rt, false
		}
		if deviation > mostDeviation*mean {
			r.bad(m.get("deviation"), "deviation is %v, of a mean of %v: want at most %s times the mean", given["deviation"], given["mean"], typeset.Number(mostDeviation))
			return rt, false
		}
		// Of a lognormal time, variance/mean² = exp(σ²) − 1.
		rt.Time = feedsim.LogNormal(given["mean"], math.Sqrt(math.Log1p(deviation*deviation/mean/mean)))
		rt.words = fmt.Sprintf("%s on average, lognormally, with a standard deviation of %s", typeset.Seconds(given["mean"]), typeset.Seconds(given["deviation"]))
	}
	if wrong := rt.Time.Wrong(); wrong != "" {
		r.bad(n, "the service time, %v: %s", rt.Time, wrong)
		return rt, false
	}
	return rt, true
}

// mostDeviation is how many times the mean a lognormal time may deviate: such a
// time is next to nothing, but for one in a million.
const mostDeviation = 1_000

// routeOf is where the app takes a path; nil if nowhere.
func routeOf(routes []route, path string) *route {
	path, _, _ = strings.Cut(path, "?")
	var best *route
	for i := range routes {
		if rt := &routes[i]; strings.HasPrefix(path, rt.Path) && (best == nil || len(rt.Path) > len(best.Path)) {
			best = rt
		}
	}
	return best
}

// appWords says the app in words, on a server of that configuration.
func (s *Scenario) appWords(c worker.Config) string {
	var all []string
	for _, rt := range s.routes {
		text := "takes "
		if rt.Stream {
			text = "is a stream, with a line each "
		}
		text += rt.words
		switch {
		case !c.Model.EventLoop():
		case rt.Waits == synthetic.InThread && c.ThreadLimit > 0:
			text += ", in a thread of a pool"
		default:
			text += waiting[rt.Waits]
		}
		if rt.Path == "/" && len(s.routes) == 1 {
			all = append(all, "where each request "+text)
		} else {
			all = append(all, rt.Path+" "+text)
		}
	}
	return strings.Join(all, ", ")
}

// waiting says how a handler waits.
var waiting = map[synthetic.Waits]string{
	synthetic.Blocking: ", blocking", synthetic.Awaiting: ", awaiting", synthetic.InThread: ", in a thread of its own",
}
