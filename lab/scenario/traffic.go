// The load: open and closed loops, when it all ends, with which seeds, and whether
// that is more than a run can bear.

package scenario

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

// traffic is one load, and what is asked of it often.
type traffic struct {
	load     load.Load
	node     *yaml.Node
	pathNode *yaml.Node

	name, path  string
	open        bool
	start, span time.Duration
	phased      bool          // the file does not say when it begins
	timeout     time.Duration // of its clients; 0 waits to the end

	// Of an open loop.
	rate    float64
	poisson bool
	// Of a closed one.
	connections, requests int
	giveUp                bool
}

// end is when the load ends.
func (t *traffic) end() time.Duration { return t.start + t.span }

// What a run can bear.
const (
	mostRequests    = 2_000_000       // of all seeds
	mostInARun      = 400_000         // 480,000 in each of two seeds took 2.07 GB
	mostConnections = lab.MaxInFlight // of all closed loops
	mostRate        = 1_000_000_000   // a second: the clock has nanoseconds
	mostBeats       = 10_000_000      // of all workers' hearts
)

// patience is how long clients of an open loop are waited for who have no timeout
// of their own: a second longer than nginx waits by default.
const patience = 61 * time.Second

// load reads the list of loads.
func (r *reading) load(m *mapping, s *Scenario) {
	r.each(m.need("load", "who asks for what, and how often?"), "load is empty: nobody would ask the server for anything", func(n *yaml.Node) {
		t := r.oneLoad(n)
		if i := slices.IndexFunc(s.traffic, func(o traffic) bool { return o.name == t.name }); i >= 0 && t.name != "" {
			r.bad(n, "the load is named %s, and so is the one in line %d: give it a name of its own", t.name, s.traffic[i].node.Line)
		}
		s.traffic = append(s.traffic, t)
	})
}

// oneLoad reads one load.
func (r *reading) oneLoad(n *yaml.Node) traffic {
	t := traffic{node: n, pathNode: n}
	m := r.mapping(n, "a load", "name", "path", "rate", "connections", "for", "arrivals", "start", "timeout", "give_up", "requests")
	if n := m.need("path", "what do the clients ask for?"); n != nil {
		t.pathNode = n
		t.path = r.path(n)
	}
	t.name = t.path
	if n := m.get("name"); n != nil {
		t.name, _ = r.text(n, "name")
	}
	for key, into := range map[string]*time.Duration{"for": &t.span, "start": &t.start, "timeout": &t.timeout} {
		if n := m.get(key); n != nil {
			var ok bool
			if *into, ok = r.duration(n, key); ok && *into == 0 && key != "start" {
				r.bad(n, "%s is 0: want more", key)
			}
		}
	}
	t.phased = m.get("start") == nil
	rate, connections := m.get("rate"), m.get("connections")
	switch {
	case rate != nil && connections != nil:
		r.bad(n, "rate and connections are both given: an open loop has a rate, a closed one connections")
	case rate != nil:
		r.openLoop(m, &t)
	case connections != nil:
		r.closedLoop(m, &t)
	case n.Kind == yaml.MappingNode:
		r.bad(n, "rate is missing, or connections: how often do they ask?")
	}
	return t
}

func (r *reading) openLoop(m *mapping, t *traffic) {
	t.open = true
	m.without("is of a closed loop, which has connections and no rate", "give_up", "requests")
	n := m.get("rate")
	x, ok := r.number(n, "rate")
	if t.rate = x; ok && x <= 0 {
		r.bad(n, "rate is %g: want more than 0 requests a second", x)
		ok = false
	}
	t.poisson = true
	if n := m.get("arrivals"); n != nil {
		word, _ := r.choice(n, "arrivals", "constant", "poisson")
		t.poisson = word != "constant"
	}
	if ok && x > mostRate {
		r.bad(n, "rate is %g: want at most %d requests a second, one a nanosecond", x, mostRate)
		ok = false
	}
	span := m.need("for", "how long do they ask?")
	if ok && span != nil && t.span > 0 && x*t.span.Seconds() < 1 {
		r.bad(n, "rate is %g, for %v: less than one request comes", x, t.span)
	}
	t.load = load.Open{Name: t.name, Path: t.path, Rate: t.rate, Poisson: t.poisson, Start: t.start, Duration: t.span, Timeout: t.timeout}
}

func (r *reading) closedLoop(m *mapping, t *traffic) {
	m.without("is of an open loop, which has a rate and no connections", "arrivals")
	t.connections, _ = r.whole(m.get("connections"), "connections", 1, mostConnections)
	if n := m.get("requests"); n != nil {
		t.requests, _ = r.whole(n, "requests", 1, mostRequests)
	}
	if n := m.get("give_up"); n != nil {
		t.giveUp = r.flag(n, "give_up")
	}
	if t.timeout == 0 {
		t.timeout = load.DefaultTimeout
	}
	m.need("for", "how long do they ask?")
	t.load = load.Closed{
		Name: t.name, Path: t.path, Connections: t.connections, Start: t.start, Duration: t.span,
		Requests: t.requests, Timeout: t.timeout, GiveUp: t.giveUp,
	}
}

// path is a request target.
func (r *reading) path(n *yaml.Node) string {
	path, ok := r.text(n, "path")
	switch at := strings.IndexFunc(path, func(c rune) bool { return c <= ' ' || c >= 0x7f }); {
	case !ok:
	case !strings.HasPrefix(path, "/"):
		r.bad(n, "path is %q: it begins with a slash", path)
	case at >= 0:
		r.bad(n, "path is %q: the character at byte %d must be escaped", path, at)
	}
	return path
}

// times reads horizon and seeds.
func (r *reading) times(m *mapping, s *Scenario) {
	end := time.Duration(0)
	for _, t := range s.traffic {
		last := t.end()
		if t.open && t.timeout > 0 {
			last += t.timeout
		} else if t.open {
			last += patience
		}
		end = max(end, last)
	}
	s.horizon = end
	if n := m.get("horizon"); n != nil {
		var ok bool
		s.horizon, ok = r.duration(n, "horizon")
		for _, t := range s.traffic {
			if ok && s.horizon <= t.start {
				r.bad(n, "horizon is %v, and the load %s begins at %v: it would never begin", s.horizon, t.name, t.start)
			}
		}
	}
	if s.horizon > longest {
		r.bad(m.get("load"), "the experiment would end after %v: want at most %v", s.horizon, longest)
	}
	s.seeds = []uint64{1}
	switch n := m.get("seeds"); {
	case n == nil:
	case n.Kind == yaml.SequenceNode:
		s.seeds = nil
		if len(n.Content) == 0 {
			r.bad(n, "seeds is empty: want a number of them, or a list")
		}
		for _, n := range n.Content {
			x, ok := r.whole(n, "a seed", 0, math.MaxInt)
			if ok && slices.Contains(s.seeds, uint64(x)) {
				r.bad(n, "the seed %d is there already: it would give the same run", x)
			}
			s.seeds = append(s.seeds, uint64(x))
		}
	default:
		if count, ok := r.whole(n, "seeds", 1, mostSeeds); ok {
			s.seeds = nil
			for i := range count {
				s.seeds = append(s.seeds, uint64(1+i))
			}
		}
	}
}

const mostSeeds = 1_000

// bounded notes what would be more than a run can bear.
func (r *reading) bounded(m *mapping, s *Scenario) {
	all, connections, most := 0.0, 0, s
	if s.search != nil {
		most = s.with(s.search.high)
	}
	for _, t := range s.traffic {
		n := most.requests(&t)
		if math.IsInf(n, 1) {
			r.bad(t.node, "a reply of %s takes no time, so a closed loop never ends: give the service a time, the server a cpu, or the load a number of requests", t.path)
			return
		}
		all += n
		if connections += t.connections; connections > mostConnections {
			r.bad(t.node, "the loads up to this one have %s connections: want at most %s in all",
				number(float64(connections)), number(mostConnections))
			return
		}
	}
	where := m.get("load")
	switch runs := all * float64(len(s.seeds)); {
	case all > mostInARun:
		r.bad(where, "the load is about %s requests: want at most %s%s",
			typeset.Number(all), typeset.Number(mostInARun), most.shorter(all))
	case runs > mostRequests:
		r.bad(m.get("seeds"), "%d seeds of about %s requests each are %s: want at most %s", len(s.seeds), typeset.Number(all), typeset.Number(runs), typeset.Number(mostRequests))
	case s.search != nil && runs*float64(s.search.tries()) > mostRequests:
		r.bad(m.get("search"), "up to %d values are tried, each with about %s requests, which are %s: want at most %s in all%s", s.search.tries(), typeset.Number(runs), typeset.Number(runs*float64(s.search.tries())), typeset.Number(mostRequests), s.fitting(all))
	}
	if r.fine() {
		for i := range s.traffic {
			r.piledUp(most, &s.traffic[i])
		}
	}
	for _, c := range most.servers() {
		if beats := float64(c.Workers) * s.horizon.Seconds() / beat(c).Seconds() * float64(len(s.seeds)); beats > mostBeats {
			r.bad(m.node, "%s that say every %v that they live do so %s times until the experiment ends: want at most %s", c, beat(c), typeset.Number(beats), typeset.Number(mostBeats))
		}
	}
}

// shorter says for how long a load of so many requests may be on; "" where that does not settle it.
func (s *Scenario) shorter(all float64) string {
	t := s.traffic[0]
	if len(s.traffic) > 1 || t.requests > 0 || routeOf(s.routes, s.ways[t.path].path).Stream {
		return ""
	}
	fits := roundedDown(time.Duration(float64(t.span) * mostInARun / all))
	if fits == "0s" {
		return ""
	}
	return ". What would fit: for: " + fits
}

// piledUp notes an open loop of which certainly more requests wait than a run may have in flight, see
// [lab.MaxInFlight].
func (r *reading) piledUp(s *Scenario, t *traffic) {
	capacity, ok := s.capacity(t)
	if !ok || t.rate <= capacity {
		return
	}
	lasts := min(t.span, s.horizon-t.start, simnet.ConnectTimeout)
	if t.timeout > 0 {
		lasts = min(lasts, t.timeout)
	}
	more := t.rate - capacity
	waiting := more * lasts.Seconds()
	if chance := 4 * math.Sqrt(t.rate*lasts.Seconds()); waiting-chance <= lab.MaxInFlight {
		return
	}
	const fits = 0.95 * lab.MaxInFlight // which leaves some for chance
	r.bad(t.node, "%s requests/s come to %s and the server replies to %s/s: after %s, %s wait, "+
		"and a run may have %s in flight. Give the clients a timeout (timeout: %s), or shorten the load (for: %s), or lower the rate (rate: %s)",
		number(t.rate), t.path, number(capacity), typeset.Seconds(lasts), number(math.Round(waiting)),
		number(lab.MaxInFlight),
		roundedDown(time.Duration(fits/t.rate*1e9)), roundedDown(time.Duration(fits/more*1e9)),
		number(math.Floor(capacity+fits/lasts.Seconds())))
}

// capacity is how many of an open loop's requests the servers reply to in a second at most. It is not known where nginx
// or a full backlog refuses requests, and where a worker is killed with all that it has accepted.
func (s *Scenario) capacity(t *traffic) (perSecond float64, known bool) {
	rt := routeOf(s.routes, s.ways[t.path].path)
	if !t.open || rt.Stream || s.system.Front.Config != nil {
		return 0, false
	}
	c := s.servers()[0]
	each := (rt.Time.Mean() + c.CPU).Seconds()
	places := placesOf(c, rt.Waits)
	if each == 0 || places == 0 || s.overflow(0) == simnet.Refuse || c.Model.EventLoop() && c.Timeout > 0 {
		return 0, false
	}
	if c.Model == worker.Sync && c.Timeout > 0 { // the arbiter kills it, and another takes its place
		each = min(each, c.Timeout.Seconds())
	}
	perSecond = float64(places) / each
	if c.CPU > 0 && c.Model != worker.Sync {
		perSecond = min(perSecond, float64(c.Workers)/c.CPU.Seconds())
	}
	return perSecond, true
}

// fitting says what would make a search fit that makes too many requests, where a
// run makes so many.
func (s *Scenario) fitting(run float64) string {
	runs, tried := run*float64(len(s.seeds)), s.search.tries()
	var all []string
	most := int(mostRequests / runs) // values
	if values := sort.Search(s.search.high-s.search.low, func(i int) bool { return tries(i+1) > most }); values > 1 {
		all = append(all, fmt.Sprintf("a range of at most %s values", number(float64(values))))
	}
	if seeds := int(mostRequests / run / float64(tried)); seeds > 0 {
		all = append(all, fmt.Sprintf("seeds: %d", seeds))
	}
	if t := s.traffic[0]; len(s.traffic) == 1 && t.requests == 0 && !routeOf(s.routes, s.ways[t.path].path).Stream {
		all = append(all, "for: "+roundedDown(time.Duration(float64(t.span)*mostRequests/runs/float64(tried))))
	}
	switch last := len(all) - 1; last {
	case -1:
		return ""
	case 0:
		return ". What would fit: " + all[0]
	default:
		return ". What would fit: " + strings.Join(all[:last], ", ") + ", or " + all[last]
	}
}

// roundedDown is a duration as a file has it, to the minute, second or millisecond.
func roundedDown(d time.Duration) string {
	unit := time.Millisecond
	switch {
	case d >= 5*time.Minute:
		unit = time.Minute
	case d >= 5*time.Second:
		unit = time.Second
	}
	text := d.Truncate(unit).String()
	for _, nothing := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, nothing) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// beat is how often something happens in a worker without a request.
func beat(c worker.Config) time.Duration {
	switch {
	case c.Model == worker.Evented:
		return min(c.Heartbeat, time.Second)
	case c.Model == worker.Uvicorn && c.Timeout > 0: // see worker.Config.Heartbeat
		return min(c.Timeout/2, time.Second)
	}
	return time.Second
}

// servers are all servers' configurations.
func (s *Scenario) servers() []worker.Config {
	all := []worker.Config{s.system.Server}
	for _, a := range s.system.Others {
		all = append(all, a.Server)
	}
	return all
}

// requests is about how many requests a load makes, or lines, of streams; a
// closed loop's that nothing slows down are infinitely many.
func (s *Scenario) requests(t *traffic) float64 {
	w := s.ways[t.path]
	rt := routeOf(s.routes, w.path)
	mean := rt.Time.Mean().Seconds()
	streams := float64(t.connections)
	n := t.rate * t.span.Seconds()
	if t.open {
		streams = n
	}
	if rt.Stream {
		return streams * (1 + min(s.horizon-t.start, longest).Seconds()/mean)
	}
	if t.open {
		return n
	}
	rate := 0.0
	for _, i := range w.servers {
		c := s.servers()[i]
		each := mean + c.CPU.Seconds()
		served := float64(t.connections) / each
		if places := placesOf(c, rt.Waits); places > 0 {
			served = min(served, float64(places)/each)
		}
		if c.CPU > 0 { // a worker computes for one request at a time, whatever waits in it
			served = min(served, float64(c.Workers)/c.CPU.Seconds())
		}
		rate += served
		switch more := float64(t.connections - holds(c)); {
		case more <= 0:
		case s.overflow(i) == simnet.Refuse:
			rate += float64(t.connections) / load.RedialPause.Seconds()
		default: // a dial that the backlog drops fails after a while, and its client dials again
			rate += more / simnet.ConnectTimeout.Seconds()
		}
		if t.giveUp { // a client that waits in vain asks again
			rate += float64(t.connections) / t.timeout.Seconds()
		}
	}
	n = rate * t.span.Seconds()
	if t.requests > 0 {
		n = min(n, float64(t.connections)*float64(t.requests))
	}
	return n
}

// holds is how many connections a server and its backlog hold.
func holds(c worker.Config) int {
	switch c.Model {
	case worker.Sync:
		return c.Backlog + 1 + c.Workers
	case worker.Threaded, worker.Evented:
		return c.Backlog + 1 + c.Workers*c.WorkerConnections
	}
	return math.MaxInt // a thread for each
}

// overflow is that of server i.
func (s *Scenario) overflow(i int) simnet.Overflow {
	if i == 0 {
		return s.system.Overflow
	}
	return s.system.Others[i-1].Overflow
}
