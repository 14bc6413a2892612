// The settings that decide a result, as they were understood: a report shows them whether or not the file says them.

package scenario

import (
	"fmt"
	"slices"
	"strings"

	"example.com/outagelab/lab/synthetic"
	"example.com/outagelab/lab/typeset"
)

// settings returns the worker model of each server, the arrivals of each open loop and nginx's connections, in the words
// of a file.
func (s *Scenario) settings() string {
	var all []string
	servers, addresses := s.servers(), s.addresses()
	for i, c := range servers {
		text := "model: " + c.Model.String()
		switch {
		case !c.Model.EventLoop() || !s.lends():
		case c.ThreadLimit == 0:
			text += ", thread_limit: none"
		default:
			text += ", thread_limit: " + number(float64(c.ThreadLimit))
		}
		if len(servers) > 1 {
			text = addresses[i] + " " + text
		}
		all = append(all, text)
	}
	all = append(all, s.arrivals()...)
	if config := s.system.Front.Config; config != nil {
		processes, each := config.Connections()
		all = append(all, fmt.Sprintf("nginx: worker_processes %d, worker_connections %s", processes, number(float64(each))))
	}
	return strings.Join(all, "; ")
}

// lends reports whether handlers wait in threads beside an event loop.
func (s *Scenario) lends() bool {
	return slices.ContainsFunc(s.routes, func(rt route) bool { return rt.Waits == synthetic.InThread })
}

// arrivals returns how the requests of open loops arrive, with the loads' names where they differ.
func (s *Scenario) arrivals() (all []string) {
	loads := map[string][]string{}
	for _, t := range s.traffic {
		if t.open {
			word := "constant"
			if t.poisson {
				word = "poisson"
			}
			loads[word] = append(loads[word], t.name)
		}
	}
	for _, word := range []string{"poisson", "constant"} {
		if names := loads[word]; len(names) > 0 {
			text := "arrivals: " + word
			if len(loads) > 1 {
				text += " of " + typeset.List(names)
			}
			all = append(all, text)
		}
	}
	return all
}
