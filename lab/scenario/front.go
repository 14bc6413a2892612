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
	"time"

	"go.yaml.in/yaml/v3"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
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
			w, err := wayOf(&s.system, path)
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

// wayOf asks the front's configuration where a path goes.
func wayOf(system *lab.System, path string) (way, error) {
	to, err := system.Front.Route(path)
	if err != nil {
		return way{}, err
	}
	config := system.Front.Config
	switch to.Status {
	case 0:
	case http.StatusMovedPermanently:
		return way{}, fmt.Errorf("%s:%d: the server answers %s itself, with a redirect to %s", config, to.Line, path, to.Redirect)
	case http.StatusNotFound:
		return way{}, fmt.Errorf("%s:%d: no location of the server takes %s", config, to.Line, path)
	default:
		return way{}, fmt.Errorf("%s:%d: the server answers %s itself, with status %d", config, to.Line, path, to.Status)
	}
	addresses := []string{system.Address}
	for _, a := range system.Others {
		addresses = append(addresses, a.Address)
	}
	self, err := system.Front.Listen()
	if err != nil {
		return way{}, err
	}
	w := way{path: to.URI, patience: to.ReadTimeout, buffered: to.Buffered}
	for _, peer := range to.Peers {
		i := slices.Index(addresses, peer)
		switch {
		case peer == self.String():
			return way{}, fmt.Errorf("%s sends %s to %s, where it listens itself", config, path, peer)
		case i >= 0:
			w.servers = append(w.servers, i)
		default:
			w.astray = append(w.astray, peer)
		}
	}
	slices.Sort(w.servers)
	slices.Sort(w.astray)
	w.servers, w.astray = slices.Compact(w.servers), slices.Compact(w.astray)
	if len(w.servers) == 0 {
		return w, fmt.Errorf("%s sends %s to %s, where no server listens: the servers are at %s",
			config, path, strings.Join(w.astray, " and "), strings.Join(addresses, ", "))
	}
	return w, nil
}
