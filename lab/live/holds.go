// What holds a server up: connections on which nothing is sent, and streams that do
// not end. One more is opened after another, and a light request asks each time
// whether the server still answers.

package live

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"example.com/outagelab/lab/typeset"
)

// A Hold is what came of holding connections open.
type Hold struct {
	// Most is how many were open at once in the end.
	Most int
	// Up says that with Most open, and not with Fewer, a light request got no reply
	// until they were closed.
	Up    bool
	Fewer int
}

// steps is how many are open when a probe asks: each number where the exact one
// tells how many workers there are, and some larger ones.
var steps = []int{1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 32, 64}

// probesAtOnce ask together: where processes share a port, one may be held up while
// another is not, and half of the probes go to each. All of them go to the one that
// is held, of two, once in 256 times.
const probesAtOnce = 8

// slow is a light request that takes too long for many of them.
const slow = 200 * time.Millisecond

// hold opens connections, more with each step, until the server answers no probe any
// more, not even while meanwhile runs, and closes them; meanwhile runs in any case. ok is false if it did not come
// to that, or did not answer when they were closed either.
func (d *diagnosis) hold(steps []int, open func() (*connection, error), meanwhile func()) (h Hold, ok bool) {
	probes := probesAtOnce
	if d.light > slow {
		probes = 2
	}
	// Long enough for replies that are only late, or one after another; of a light
	// request short enough for a worker timeout of a second not to end.
	patience := 400*time.Millisecond + time.Duration(probes+1)*d.light
	var held []*connection
	var asking sync.WaitGroup
	release := func() {
		for _, conn := range held {
			conn.close()
		}
		held = nil
		asking.Wait() // who was held up is answered now
	}
	defer release()
	light := d.lightest()
	for _, n := range steps {
		if d.ctx.Err() != nil {
			break
		}
		for len(held) < n {
			conn, err := open()
			if err != nil {
				conn, err = open()
			}
			if err != nil {
				d.remark("of the connections that are held open number %d was not accepted, nor when tried again: %s", len(held)+1, answer{err: err}.outcome())
				return h, false // the server says what it lets in
			}
			held = append(held, conn)
			d.sleep(leastStagger)
		}
		d.sleep(20 * time.Millisecond)
		h.Most = n
		answered := make(chan answer, probes)
		for range probes {
			asking.Go(func() { answered <- d.ask(light, patience+3*firstReply) })
			d.sleep(time.Millisecond)
		}
		got, failed := 0, answer{}
		for timer, seen := time.NewTimer(patience), 0; seen < probes; seen++ {
			var a answer
			select {
			case a = <-answered:
			case <-timer.C:
			}
			if a.end == 0 {
				break // the rest waits, where processes have queues of their own, for one that is held
			}
			if a.err != nil {
				failed = a // one may be dropped
				continue
			}
			got++
		}
		if got > 0 {
			h.Fewer = n
			continue
		}
		if failed.err != nil {
			d.remark("with %s no light request was answered, and some failed (%s): nothing is made of that",
				typeset.Plural(n, "connection", "connections")+" held open", failed.outcome())
			return h, false
		}
		meanwhile()
		if len(answered) > 0 {
			h.Fewer = n
			continue
		}
		release()
		a := <-answered
		h.Up = a.err == nil // else it answers no more, for whatever reason
		return h, h.Up
	}
	if d.ctx.Err() == nil {
		meanwhile()
	}
	return h, d.ctx.Err() == nil
}

// stubborn is for how much longer nobody must be answered: a worker that is recycled,
// or a busy machine, answers nobody for less, and a worker timeout of 2 s is longer.
const stubborn = 1200 * time.Millisecond

// idle finds out how many connections without a request hold the server up.
func (d *diagnosis) idle() {
	how := steps
	if d.light > slow { // each step takes that long: only the one that tells most
		how = []int{1}
		if c := d.report.narrowest(); c != nil {
			how = []int{c.AtOnce}
		}
	}
	h, ok := d.hold(how, func() (*connection, error) { return d.dial(time.Minute) }, func() { d.sleep(stubborn) })
	most := d.report.most()
	for _, c := range d.report.Concurrency { // what is doubted is enough to doubt this
		most = max(most, c.AtOnce)
	}
	switch {
	case !ok:
	case h.Up && 4*most > 5*h.Most:
		// A worker that is recycled, and waits for them to end.
		d.remark("%s held it up, which had served %d requests at a time: nothing is made of that",
			typeset.Plural(h.Most, "idle connection", "idle connections"), most)
	default:
		d.report.Idle = &h
	}
}

// kept finds out whether the server keeps a connection for a second request; who does
// not is asked again, because a request may be dropped or refused now and then.
func (d *diagnosis) kept() {
	var failed answer
	for range 2 {
		kept, first := d.keeps()
		if first.err != nil {
			failed = first
			continue
		}
		d.report.Kept = &kept
		if kept {
			return
		}
	}
	if d.report.Kept == nil {
		d.remark("whether a connection is kept was not found out: %s", failed.outcome())
	}
}

// keeps makes two requests on one connection, the second if the first was answered
// and did not close it.
func (d *diagnosis) keeps() (kept bool, first answer) {
	conn, err := d.dial(2 * firstReply)
	if err != nil {
		return false, answer{err: err}
	}
	defer conn.close()
	light := d.lightest()
	first = conn.exchange(http.MethodGet, light, "keep-alive", d.now())
	if first.err != nil || first.closes || first.status >= http.StatusInternalServerError {
		return false, first
	}
	d.asked.Add(1)
	return conn.exchange(http.MethodGet, light, "keep-alive", d.now()).err == nil, first
}

// proxies name themselves in Server; what they do with connections says nothing of
// the server behind them.
var proxies = []string{"nginx", "openresty", "apache", "caddy", "envoy", "haproxy", "traefik", "varnish", "cloudflare", "lighttpd"}

func proxyOf(h http.Header) string {
	server := strings.ToLower(h.Get("Server"))
	for _, name := range proxies {
		if strings.Contains(server, name) {
			return name
		}
	}
	if h.Get("Via") != "" {
		return "a proxy (Via: " + quote(h.Get("Via")) + ")"
	}
	return ""
}
