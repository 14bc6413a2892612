// The nginx before the servers, if there is one, and where it sends each path.

package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
	"example.com/outagelab/lab/load"
)

// shippedWord is what names the exercise's own nginx.conf.
const shippedWord = "shipped"

// front reads nginx and hosts.
func (r *reading) front(m *mapping, s *Scenario) {
	n, hosts := m.get("nginx"), m.get("hosts")
	if hosts != nil {
		s.system.Front.Hosts = r.hosts(hosts)
		if n == nil {
			r.bad(m.names["hosts"], "hosts is given, and no nginx that would look them up")
		}
	}
	if n == nil {
		return
	}
	path, ok := r.text(n, "nginx")
	if !ok {
		return
	}
	config, err := r.conf(path)
	var wrong *front.ConfigError
	switch {
	case errors.As(err, &wrong):
		wrong.File = path
		r.bad(n, "%v", wrong)
		return
	case err != nil:
		r.bad(n, "%v", err)
		return
	}
	s.system.Front.Config = config
	at, err := s.system.Front.Listen()
	if err != nil {
		r.bad(n, "%s listens nowhere", path)
		return
	}
	for i, keys := range s.given {
		if address := s.addresses()[i]; address == at.String() {
			if keys["address"] != nil {
				n = keys["address"]
			}
			r.bad(n, "a server is at %s, where %s listens itself", address, path)
		}
	}
}

// addresses are those of all servers.
func (s *Scenario) addresses() []string {
	all := []string{s.system.Address}
	for _, a := range s.system.Others {
		all = append(all, a.Address)
	}
	return all
}

// conf reads the nginx.conf at path, which is relative to the scenario, or the
// exercise's.
func (r *reading) conf(path string) (*front.Config, error) {
	if path == shippedWord {
		return exercise.Shipped(), nil
	}
	at := path
	if !filepath.IsAbs(path) {
		at = filepath.Join(filepath.Dir(r.name), path)
	}
	text, err := textOf(at)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return front.Parse(path, bytes.NewReader(text))
}

// hosts reads what names resolve to.
func (r *reading) hosts(n *yaml.Node) map[string][]netip.Addr {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		r.bad(n, "hosts is %s: want a name, such as localhost, and its addresses", kind(n))
		return nil
	}
	hosts := map[string][]netip.Addr{"localhost": {netip.MustParseAddr("127.0.0.1")}}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, ok := r.text(n.Content[i], "the name of a host")
		if !ok {
			continue
		}
		if lines[name] > 0 {
			r.bad(n.Content[i], "%s is given twice, first in line %d", name, lines[name])
			continue
		}
		lines[name] = n.Content[i].Line
		var addrs []netip.Addr
		for _, a := range parts(n.Content[i+1]) {
			text, ok := r.text(a, "an address of "+name)
			if !ok {
				continue
			}
			addr, err := netip.ParseAddr(text)
			switch {
			case err != nil:
				r.bad(a, "%q is no address: want one such as 127.0.0.1 or \"::1\"", text)
			case slices.Contains(addrs, addr):
				r.bad(a, "%s has the address %s twice", name, addr)
			default:
				addrs = append(addrs, addr)
			}
		}
		if len(parts(n.Content[i+1])) == 0 {
			r.bad(n.Content[i+1], "%s has no address", name)
		}
		hosts[name] = addrs
	}
	return hosts
}

// A way is where a path's requests go.
type way struct {
	servers []int  // that get them, in turn
	path    string // that the app sees
	// patience is how long the front waits for a reply before it answers 504; 0 is
	// for ever, or that there is no front.
	patience time.Duration
	astray   []string // peers that it tries as well, and where nobody listens
	buffered bool     // it keeps what comes back until a buffer is full
}

// findWays finds each load's way, and notes those that lead nowhere.
func (r *reading) findWays(m *mapping, s *Scenario) {
	s.ways = map[string]way{}
	for _, t := range s.traffic {
		path := t.path
		if _, known := s.ways[path]; known {
			continue
		}
		if s.system.Front.Config == nil {
			s.ways[path] = way{servers: []int{0}, path: path}
		} else {
			w, err := asked(s.system, path)
			var wrong *front.ConfigError
			switch {
			case errors.As(err, &wrong):
				r.bad(m.get("nginx"), "%v", wrong)
				return
			case err != nil:
				r.bad(t.pathNode, "%v", err)
				continue
			}
			s.ways[path] = w
		}
		if w := s.ways[path]; routeOf(s.routes, w.path) == nil {
			r.bad(t.pathNode, "%s is on none of the routes", w.path)
		}
	}
}

// patientFor is how long the front is watched: longer than anything that a file
// can say here.
const patientFor = longest + time.Minute

// asked asks the front itself where a path goes, with servers that never answer:
// a few clients ask once, and what they get is in the front's log.
func asked(system lab.System, path string) (way, error) {
	var mu sync.Mutex
	saw := map[int]string{} // what path which server was asked for
	silent := func(i int) lab.App {
		return lab.Always(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
			mu.Lock()
			saw[i] = q.URL.RequestURI()
			mu.Unlock()
			<-q.Context().Done()
		}))
	}
	addresses := []string{system.Address}
	watched := lab.System{Front: system.Front, App: silent(0), Address: system.Address}
	for i := range system.Others {
		addresses = append(addresses, system.Others[i].Address)
		watched.Others = append(watched.Others, lab.AppServer{Address: system.Others[i].Address, App: silent(i + 1)})
	}
	const clients = 64 // each peer's turn comes in each of a few processes
	o, err := lab.Experiment{
		System: watched, Horizon: patientFor,
		Load: []load.Load{load.Open{Path: path, Rate: clients, Duration: time.Second}},
	}.Run(nil)
	if err != nil {
		return way{}, err
	}
	w := way{path: path}
	got := map[int]bool{}
	var nobody []string
	for _, r := range o.Front {
		if r.Location == "" {
			return w, fmt.Errorf("no location of %s takes %s", system.Front.Config, path)
		}
		w.buffered = r.Buffered
		for _, t := range r.Tries {
			i := slices.Index(addresses, t.Peer)
			switch {
			case t.Peer == "":
			case i < 0:
				if !slices.Contains(nobody, t.Peer) {
					nobody = append(nobody, t.Peer)
				}
			default:
				got[i] = true
				if t.Outcome == front.TimedOut && t.While == front.ReadingHeader {
					w.patience = t.End.Sub(t.Start).Round(time.Millisecond)
				}
			}
		}
	}
	for i := range addresses {
		if got[i] {
			w.servers, w.path = append(w.servers, i), saw[i]
		}
	}
	slices.Sort(nobody)
	w.astray = nobody
	if len(w.servers) == 0 {
		return w, fmt.Errorf("%s sends %s to %s, where no server listens: the servers are at %s", system.Front.Config, path, strings.Join(nobody, " and "), strings.Join(addresses, ", "))
	}
	return w, nil
}
