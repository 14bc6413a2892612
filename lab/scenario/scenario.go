// What the package is, and a scenario: the file's parts, put together.

// Package scenario is an experiment from a file: a server, what its requests
// take, a load, and what must hold, in YAML and without a line of Go.
//
//	server: {model: threaded, workers: 2, threads: 25}
//	service: {distribution: uniform, from: 0s, to: 5s, step: 1s}
//	load:
//	  - {name: polls, path: /check_feed, rate: 10, for: 2m, arrivals: poisson}
//	hold:
//	  - {metric: p99, of: polls, at_most: 6s}
//
// [Scenario.Run] predicts what theory says of it, runs it in virtual time with
// each seed, and says whether what must hold does; and with
//
//	search: {threads: 1..60}
//
// it finds the smallest number with which it does.
//
// # The file
//
// All keys are known: one that is not is an error, and so is a value that cannot
// be. Durations are Go's, with their unit. There are no anchors, aliases, merge
// keys and tags, and one document.
//
//   - name, claim: default to the file's name, and to what must hold.
//   - server: model is sync (gunicorn's worker class of that name), threaded (its
//     gthread), evented (its gevent), uvicorn, or thread-per-request (no gunicorn, but
//     Django's runserver). The other keys are gunicorn's words for a [worker.Config]:
//     workers, threads, worker_connections, backlog, timeout, heartbeat,
//     graceful_timeout, keep_alive, max_requests, max_requests_jitter, boot_time, cpu,
//     sleep_overshoot, replies, accept_again. What is left out is the model's default
//     ([worker.Defaults]). A key that a model does not look at is an error. uvicorn has
//     no worker_connections and no heartbeat of its own. With a timeout it is gunicorn's
//     worker class ([worker.UvicornWorker]), and without one it is uvicorn alone, which
//     kills no worker. overflow is drop or refuse, and address where the server
//     listens. servers is a list of these, behind an nginx; all run the same app.
//   - thread_limit, of a server with an event loop (evented, uvicorn): how many
//     handlers that wait with thread run at a time in one worker. The others wait for
//     a thread. The default is Starlette's and FastAPI's limit,
//     [worker.AnyIOThreads]; none is Django, which gives each request a thread.
//   - nginx: an nginx.conf, relative to the file, or the word shipped for the
//     exercise's. hosts: what the names in it resolve to; localhost is 127.0.0.1
//     unless it says otherwise.
//   - service: how long a request takes; distribution is constant (time), uniform
//     (from, to and step), exponential (mean) or lognormal (mean, deviation).
//     Or routes: a mapping from path prefixes, of which the longest counts, to
//     {service, waits, stream}; a stream is a line each service time, for ever.
//   - waits: how a handler waits: await (async handlers, and what gevent has
//     patched), thread (sync views on an async server) or block, which holds the
//     whole loop. Each route may have its own. Only workers with an event loop,
//     evented and uvicorn, tell these apart, and where there are any it must be said.
//   - load: a list. With rate it is an open loop, as [load.Open]. Its arrivals are
//     poisson, which is the default because independent users arrive like that, or
//     constant, at regular intervals, which queue less. Without a timeout its clients
//     wait to the end. With connections it is a closed loop, as [load.Closed]
//     (timeout, give_up, requests).
//     A load begins at start. Without it, it begins in a phase drawn from the seed: up
//     to a second later and, at regular intervals, a period more, see [lab.Experiment].
//     All that is measured counts from there, and the horizon is as much later.
//   - horizon: when the experiment ends, which may be before a load does. Default:
//     when the last closed loop ends, and the last client of an open loop has waited
//     for its timeout or, without one, for 61 s: a second longer than nginx does.
//     What is open then is unfinished.
//   - seeds: how many (1, 2, …), or a list of them. Default: 1, which says nothing
//     of how much another seed would differ.
//   - hold: a list of {metric, of, at_most, at_least}, each of the mean over the
//     seeds. It is undecided if the bound lies within what the seeds leave uncertain. of is a load's name; without it the metric is of all loads. See
//     [Scenario.Run] for the metrics.
//   - search: {threads: 1..60}, or workers, worker_connections, thread_limit, backlog
//     or max_requests; of is the address of the server, where there are several.
//   - measured: a list of {metric, of, values}, what the field says of the same
//     metrics.
//
// A run makes 400,000 requests at most and has 20,000 in flight at most (see
// [lab.MaxInFlight]), and all runs together make 2,000,000 at most. A search
// through n values counts as 3·log₂n + 3 of them, rounded up, or as n if that is
// less.
//
// # What theory says
//
// For each server and the loads that reach it, from lab/queueing:
//
//   - one closed loop: its throughput by the bounds of the closed network, and what
//     follows from it;
//   - open loops that can be served: utilisation and requests in service by Little's
//     law, and of one queue mean latency and percentiles, by M/M/c where that is
//     exact and by Allen and Cunneen's approximation elsewhere; loads that are on at
//     the same time are one;
//   - open loops that cannot: the fluid collapse, with the patience of the clients
//     or of nginx, whichever ends first;
//   - handlers that await: no pool, and the loops' CPU as the limit; handlers in
//     threads are a queue for the thread_limit threads of each worker;
//   - requests that outlast the worker timeout: how many workers are killed;
//   - streams: how many ever get a line;
//   - bottlenecks: what open loops need at least as much of as there is (CPU, threads,
//     worker connections, nginx's worker_connections), and the smallest number that carries them.
//
// Where no formula applies, the report says so and why: workers with a queue each,
// a backlog that may be full, clients of whom more than one in 1,000 leave before
// their reply, a load that is too short for a steady state, a horizon that cuts
// replies off. Nothing is held to what theory says; only hold decides.
package scenario

import (
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"example.com/outagelab/lab"
)

// A Scenario is a file that was read and understood, all of it. It does not
// change while it runs.
type Scenario struct {
	// Measured is what the field says, if the file has it.
	Measured []Measurement
	// Progress, if not nil, follows the runs of [Scenario.Run].
	Progress *lab.Progress

	name, claim string
	system      lab.System
	ways        map[string]way // by the path that clients ask for: where requests go
	routes      []route
	traffic     []traffic
	horizon     time.Duration
	seeds       []uint64
	holds       []hold
	search      *search

	given []map[string]*yaml.Node // the keys that each server has

	theory func() *theory // what can be predicted, worked out once
}

// A Measurement is what was measured of a metric in the field, once or several
// times.
type Measurement struct {
	Metric lab.Metric
	Name   string // of the metric, with its load: "replies 200 of polls"
	Values []float64
	Line   int // of the file
}

// Read reads the scenario at path. The error is the one from reading the file, or
// all that is wrong in it, joined, each "path:line:column: what".
func Read(path string) (*Scenario, error) {
	text, err := textOf(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text)
}

// Parse reads a scenario from text; name is what errors call it, and where the
// paths in it are relative to. The error is all that is wrong, as of [Read]. Nothing
// runs, so Parse may be called in a synctest bubble.
func Parse(name string, text []byte) (*Scenario, error) {
	r := &reading{name: name}
	if n := r.document(text); n != nil {
		if s := r.scenario(n); r.fine() {
			return s, nil
		}
	}
	return nil, r.err()
}

// scenario reads the whole file.
func (r *reading) scenario(n *yaml.Node) *Scenario {
	s := &Scenario{}
	s.theory = sync.OnceValue(s.predicted)
	m := r.mapping(n, "the file", "name", "claim", "server", "servers", "nginx", "hosts", "service", "routes", "waits",
		"load", "horizon", "seeds", "hold", "search", "measured")
	if n.Kind != yaml.MappingNode {
		return nil
	}
	s.name = r.named(m.get("name"))
	if n := m.get("claim"); n != nil {
		s.claim, _ = r.text(n, "claim")
	}
	r.servers(m, s, r.app(m, s))
	r.front(m, s)
	r.load(m, s)
	if r.fine() {
		r.findWays(m, s)
	}
	r.times(m, s)
	understood := r.fine()
	r.each(m.get("hold"), "hold is empty: leave it out, if nothing must hold", func(n *yaml.Node) { r.hold(n, s) })
	if n := m.get("search"); n != nil {
		r.search(n, m, s)
	}
	r.each(m.get("measured"), "measured is empty: leave it out, if nothing was measured", func(n *yaml.Node) { r.measured(n, s) })
	if understood {
		r.observable(s)
	}
	if r.fine() {
		r.bounded(m, s)
	}
	if s.claim == "" {
		s.claim = s.claimed()
	}
	return s
}

// each reads each part of a list that is not empty; a list that is not there has
// none.
func (r *reading) each(n *yaml.Node, empty string, read func(*yaml.Node)) {
	if n == nil {
		return
	}
	if len(parts(n)) == 0 {
		r.bad(n, "%s", empty)
	}
	for _, n := range parts(n) {
		read(n)
	}
}

// named is the scenario's name: a word, for it names a row of a table and a place
// in a page.
func (r *reading) named(n *yaml.Node) string {
	if n == nil {
		base := filepath.Base(r.name)
		return strings.Map(func(c rune) rune {
			if strings.ContainsRune(notInNames, c) {
				return '-'
			}
			return c
		}, strings.TrimSuffix(base, filepath.Ext(base)))
	}
	name, ok := r.text(n, "name")
	if ok && (strings.ContainsAny(name, notInNames) || strings.Contains("/"+name+"/", "//")) {
		r.bad(n, "name is %q: want words, with -, _ and / between them", name)
	}
	return name
}

// notInNames is what lab has in no name.
const notInNames = " \t\n'\"$"

// claimed is a claim made of what must hold.
func (s *Scenario) claimed() string {
	if len(s.holds) == 0 {
		return "Nothing must hold: this shows what becomes of the load."
	}
	var all []string
	for _, h := range s.holds {
		all = append(all, h.String())
	}
	return "It holds that " + strings.Join(all, ", and ") + "."
}

// Experiment is the scenario as an experiment with that seed. Its checks are what
// must hold, and then what theory predicts, which is shown only.
func (s *Scenario) Experiment(seed uint64) lab.Experiment {
	e := lab.Experiment{Name: s.name, Claim: s.claim, System: s.system, Horizon: s.horizon, Seed: seed}
	for _, t := range s.traffic {
		e.Load = append(e.Load, t.load)
		if t.phased {
			e.Phased = append(e.Phased, t.name)
		}
	}
	for i := range s.traffic {
		e.Requests += int(s.requests(&s.traffic[i]))
	}
	for _, h := range s.holds {
		e.Checks = append(e.Checks, h.check())
	}
	theory := s.theory()
	for _, p := range theory.predictions {
		e.Checks = append(e.Checks, p.check())
	}
	e.Latencies, e.Lesson = theory.latencies, theory.lesson
	return e
}
