// The servers: a worker model and its numbers, each checked where it stands.

package scenario

import (
	"net/http"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/lab/synthetic"
	"example.com/outagelab/pocserver/worker"
)

// What a run can bear.
const (
	mostOfAny = 10_000_000 // of what costs nothing to have many of
)

// A setting is a key of a server and the field of worker.Config that it sets.
type setting struct {
	key, field string
	set        func(r *reading, n *yaml.Node, key string, c *worker.Config)
	only       []worker.Model // that look at it; nil is all
}

// on reports whether a model looks at the setting.
func (s setting) on(m worker.Model) bool { return s.only == nil || slices.Contains(s.only, m) }

// The models that look at some of the settings.
var (
	loops    = []worker.Model{worker.Evented, worker.Uvicorn}
	beating  = []worker.Model{worker.Evented}
	accepts  = []worker.Model{worker.Threaded, worker.Evented}
	gunicorn = []worker.Model{worker.Sync, worker.Threaded, worker.Evented, worker.Uvicorn}
)

var settings = []setting{
	{"workers", "Workers", whole(worker.MaxWorkers, func(c *worker.Config) *int { return &c.Workers }), nil},
	{"threads", "Threads", whole(worker.MaxThreads, func(c *worker.Config) *int { return &c.Threads }), nil},
	{"worker_connections", "WorkerConnections", whole(mostOfAny, func(c *worker.Config) *int { return &c.WorkerConnections }), accepts},
	{"thread_limit", "ThreadLimit", threadLimit, loops},
	{"backlog", "Backlog", whole(mostOfAny, func(c *worker.Config) *int { return &c.Backlog }), nil},
	{"timeout", "Timeout", duration(func(c *worker.Config) *time.Duration { return &c.Timeout }), nil},
	{"heartbeat", "Heartbeat", duration(func(c *worker.Config) *time.Duration { return &c.Heartbeat }), beating},
	{"graceful_timeout", "GracefulTimeout", duration(func(c *worker.Config) *time.Duration { return &c.GracefulTimeout }), gunicorn},
	{"keep_alive", "KeepAlive", duration(func(c *worker.Config) *time.Duration { return &c.KeepAlive }), nil},
	{"max_requests", "MaxRequests", whole(mostOfAny, func(c *worker.Config) *int { return &c.MaxRequests }), nil},
	{"max_requests_jitter", "MaxRequestsJitter", whole(mostOfAny, func(c *worker.Config) *int { return &c.MaxRequestsJitter }), nil},
	{"boot_time", "BootTime", duration(func(c *worker.Config) *time.Duration { return &c.BootTime }), gunicorn},
	{"cpu", "CPU", duration(func(c *worker.Config) *time.Duration { return &c.CPU }), nil},
	{"sleep_overshoot", "SleepOvershoot", duration(func(c *worker.Config) *time.Duration { return &c.SleepOvershoot }), nil},
	{"replies", "Replies", func(r *reading, n *yaml.Node, key string, c *worker.Config) {
		if word, ok := r.choice(n, key, "at-once", "end-of-turn"); ok {
			if err := c.Replies.UnmarshalText([]byte(word)); err != nil {
				r.bad(n, "%v", err)
			}
		}
	}, nil},
	{"accept_again", "AcceptAgain", func(r *reading, n *yaml.Node, key string, c *worker.Config) {
		if x, ok := r.number(n, key); ok {
			c.AcceptAgain = x
		}
	}, gunicorn},
}

func whole(most int, field func(*worker.Config) *int) func(*reading, *yaml.Node, string, *worker.Config) {
	return func(r *reading, n *yaml.Node, key string, c *worker.Config) {
		// What is too little depends on the model, which knows best.
		if x, ok := r.whole(n, key, -mostOfAny, most); ok {
			*field(c) = x
		}
	}
}

// unlimited is the thread_limit of an app that gives each request a thread.
const unlimited = "none"

func threadLimit(r *reading, n *yaml.Node, key string, c *worker.Config) {
	if n.Kind == yaml.ScalarNode && n.Value == unlimited {
		c.ThreadLimit = 0
		return
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" {
		r.bad(n, "%s is %s: want a whole number, such as %d, or %s", key, kind(n), worker.AnyIOThreads, unlimited)
		return
	}
	c.ThreadLimit, _ = r.whole(n, key, 1, worker.MaxThreads)
}

func duration(field func(*worker.Config) *time.Duration) func(*reading, *yaml.Node, string, *worker.Config) {
	return func(r *reading, n *yaml.Node, key string, c *worker.Config) {
		if d, ok := r.duration(n, key); ok {
			*field(c) = d
		}
	}
}

// servers reads server or servers, and puts the app in each. unsaid is where it is
// not said how a handler waits.
func (r *reading) servers(m *mapping, s *Scenario, unsaid []*yaml.Node) {
	one, several := m.get("server"), m.get("servers")
	var nodes []*yaml.Node
	switch {
	case one != nil && several != nil:
		r.bad(m.names["servers"], "servers beside server: want one of them")
		return
	case several != nil:
		nodes = parts(several)
		if len(nodes) == 0 {
			r.bad(several, "servers is empty")
		}
		if len(nodes) > 1 && m.get("nginx") == nil {
			r.bad(m.names["servers"], "there are %d servers, and no nginx that sends clients to them: want nginx, or one server", len(nodes))
		}
	case one != nil:
		nodes = []*yaml.Node{one}
	default:
		r.bad(m.node, "server is missing: which worker model, and how many?")
	}
	if len(nodes) > mostServers {
		r.bad(several, "%d servers: want at most %d", len(nodes), mostServers)
		return
	}
	at := map[string]*yaml.Node{}
	for i, n := range nodes {
		a, address, keys := r.server(n, len(nodes) > 1)
		s.given = append(s.given, keys)
		if address == nil {
			address = n
		}
		if before := at[a.Address]; before != nil && a.Address != "" {
			r.bad(address, "address is %s, and so is that of the server in line %d", a.Address, before.Line)
		}
		at[a.Address] = address
		r.lendThreads(&a.Server, keys["thread_limit"], s.routes)
		if r.fine() {
			a.App, a.Variant = instances(s.routes), s.appWords(a.Server)
			if i > 0 && !a.Server.Model.EventLoop() {
				a.Variant = "the same app"
			}
		}
		if i == 0 {
			s.system.Server, s.system.App, s.system.Variant, s.system.Address, s.system.Overflow = a.Server, a.App, a.Variant, a.Address, a.Overflow
		} else {
			s.system.Others = append(s.system.Others, a)
		}
	}
	if slices.ContainsFunc(s.servers(), func(c worker.Config) bool { return c.Model.EventLoop() }) {
		for _, n := range unsaid {
			r.bad(n, "waits is missing: an event loop tells them apart: await (async handlers), thread (sync views on an async server), or block")
		}
	}
}

// lendThreads gives a server with an event loop the thread limit of Starlette and FastAPI, if a route waits in threads and
// the file, at key, does not say which limit there is.
func (r *reading) lendThreads(c *worker.Config, key *yaml.Node, routes []route) {
	switch lent := slices.ContainsFunc(routes, func(rt route) bool { return rt.Waits == synthetic.InThread }); {
	case !c.Model.EventLoop():
	case lent && key == nil:
		c.ThreadLimit = worker.AnyIOThreads
	case !lent && key != nil && len(routes) > 0:
		r.bad(key, "thread_limit is given, and no handler waits with thread: leave it out, or say waits: thread")
	}
}

const mostServers = 100

// defaultAddress is where a server listens that does not say: as lab has it.
const defaultAddress = "127.0.0.1:8000"

// server reads one server, and returns the nodes of its address and of its keys.
func (r *reading) server(n *yaml.Node, several bool) (a lab.AppServer, address *yaml.Node, keys map[string]*yaml.Node) {
	known := []string{"model", "address", "overflow"}
	for _, s := range settings {
		known = append(known, s.key)
	}
	m := r.mapping(n, "a server", known...)
	var model worker.Model
	if n := m.need("model", "sync, threaded, evented, uvicorn or thread-per-request"); n != nil {
		if word, ok := r.choice(n, "model", "sync", "threaded", "evented", "uvicorn", "thread-per-request"); ok {
			if err := model.UnmarshalText([]byte(word)); err != nil {
				r.bad(n, "%v", err)
			}
		}
	}
	a.Server = worker.Defaults(model)
	if model == worker.Uvicorn && m.get("timeout") != nil {
		a.Server = worker.UvicornWorker() // alone, uvicorn has no worker timeout
	}
	before := len(r.problems)
	for _, s := range settings {
		n := m.get(s.key)
		switch {
		case n == nil:
		case model != 0 && !s.on(model):
			r.bad(m.names[s.key], "%s means nothing to the model %s: leave it out", s.key, model)
		default:
			s.set(r, n, s.key, &a.Server)
		}
	}
	if model != 0 && len(r.problems) == before {
		r.possible(m, a.Server)
	}
	if n := m.get("overflow"); n != nil {
		if word, ok := r.choice(n, "overflow", "drop", "refuse"); ok && word == "refuse" {
			a.Overflow = simnet.Refuse
		}
	}
	a.Address = defaultAddress
	if n := m.get("address"); n != nil {
		address = n
		if text, ok := r.text(n, "address"); ok {
			at, err := netip.ParseAddrPort(text)
			if err != nil || at.Port() == 0 {
				r.bad(n, "address is %q: want an IP address with a port, such as %s", text, defaultAddress)
			} else {
				a.Address = at.String()
			}
		}
	} else if several {
		m.need("address", "each of several servers has one, such as 127.0.0.1:5000")
	}
	return a, address, m.names
}

// inField is how the package worker says which field of a Config cannot be.
var inField = regexp.MustCompile(`^worker: Config\.(\w+) is (.*)$`)

// possible notes every field of c that cannot be, where it stands. The rules are
// the package worker's, which says one at a time: what was wrong is then put back
// to the model's default.
func (r *reading) possible(m *mapping, c worker.Config) {
	for range settings {
		_, err := worker.New(c, func() http.Handler { return nil })
		if err == nil {
			return
		}
		said := inField.FindStringSubmatch(err.Error())
		if said == nil {
			r.bad(m.node, "%v", err)
			return
		}
		at := m.node
		for _, s := range settings {
			if n := m.get(s.key); n != nil && s.field == said[1] {
				at = n
			}
		}
		r.bad(at, "%s", inKeys(said[1]+" is "+said[2]))
		field := func(c *worker.Config) reflect.Value { return reflect.ValueOf(c).Elem().FieldByName(said[1]) }
		defaults := worker.Defaults(c.Model)
		field(&c).Set(field(&defaults))
	}
}

// inKeys is a text with the file's words for the fields in it.
func inKeys(text string) string {
	for _, s := range slices.Backward(settings) { // MaxRequestsJitter before MaxRequests
		text = strings.ReplaceAll(text, s.field, s.key)
	}
	return strings.NewReplacer("AtOnce", worker.AtOnce.String(), "EndOfTurn", worker.EndOfTurn.String()).Replace(text)
}
