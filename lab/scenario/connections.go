// The connections of the nginx before the servers: how many requests they fit, and how many the loads need.

package scenario

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/typeset"
)

// inNginx is how many requests nginx has at a time.
type inNginx struct {
	always  float64 // of closed loops, of streams, and of queues that grow until the load ends
	average float64 // of the others, by Little's law; at random their number is Poisson
	random  bool    // some of the others arrive at random
	all     float64 // of the others, how many come in all
}

// through adds the requests at the pool. Those that queue there count only where the queue grows without limit.
func (n *inNginx) through(p *pool) {
	rate, held, lasts := 0.0, 0.0, 0.0
	for _, f := range p.flows {
		mean, _ := p.service(f)
		stays := f.span.Seconds()
		if f.patience > 0 {
			stays = min(stays, f.patience.Seconds())
		}
		switch {
		case !f.open:
			n.always += float64(f.connections)
		case f.route.Stream && f.timeout == 0:
			n.always += f.rate * f.span.Seconds()
		case f.route.Stream:
			n.always += f.rate * min(f.span, f.timeout).Seconds()
		default:
			rate += f.rate
			held += f.rate * min(mean, stays)
			lasts = max(lasts, stays)
			n.random = n.random || f.poisson
			n.all += f.rate * f.span.Seconds()
		}
	}
	if places, _ := p.places(); places > 0 && held > float64(places) {
		n.always += float64(places) + rate*(1-float64(places)/held)*lasts
		return
	}
	n.average += held
}

// tooMany is the part of the requests that find so many, or more, in nginx.
func (n *inNginx) tooMany(fit int) float64 {
	switch left := float64(fit) - n.always; {
	case left < 0:
		return 1
	case n.average == 0:
		return 0
	case n.random:
		return distuv.Poisson{Lambda: n.average}.Survival(math.Ceil(left) - 1)
	case n.average > left+rounding:
		return 1
	}
	return 0
}

// needs is the smallest number of requests that nginx must fit, so that all find room but in one run of 1,000.
func (n *inNginx) needs() int {
	from := int(math.Ceil(n.always + n.average - rounding))
	return from + sort.Search(from+1_000, func(i int) bool { return n.tooMany(from+i)*max(n.all, 1) <= rare })
}

// nginxConnections is the bottleneck that nginx's connections are, for the loads of the pools together; nil if they fit,
// or if there is no nginx. A process has worker_connections less one for each address that it listens on and one for
// its channel to the master process, and a request takes two: see front.New.
func (s *Scenario) nginxConnections(pools []pool) *bottleneck {
	config := s.system.Front.Config
	if config == nil {
		return nil
	}
	var n inNginx
	for i := range pools {
		n.through(&pools[i])
	}
	processes, each := config.Connections()
	own := len(config.Listens()) + 1
	fit := processes * max(0, (each-own)/2)
	if n.tooMany(fit) <= rare {
		return nil
	}
	b := &bottleneck{
		resource: "nginx worker_connections", used: n.always + n.average, has: float64(fit), least: n.needs(), server: -1,
	}
	b.config = 2*((b.least+processes-1)/processes) + own
	b.why = fmt.Sprintf("%s requests are in nginx at a time on average, and each takes two connections, "+
		"to the client and to the server. worker_connections %d in %s fits them.", number(b.used), b.config, config)
	return b
}

// lesson is what to learn from it.
func (b *bottleneck) lesson() lab.Lesson {
	return lab.Lesson{
		Cause: "nginx closes a client's connection without a reply when it has no connection left: " + b.String(),
		Fix:   "Set worker_connections to " + typeset.Number(float64(b.config)) + " or more.",
	}
}
