// Theory of streams: how many ever get a line.

package scenario

import (
	"math"
	"time"

	"example.com/outagelab/lab"
	"example.com/outagelab/pocserver/worker"
)

// atOnce is a time in which all requests of a load come at once.
const atOnce = time.Millisecond

// streams is how many streams ever get a line.
func (p *pool) streams(th *theory, f flow) {
	n := float64(f.connections)
	if f.open {
		n = math.Floor(f.rate*f.span.Seconds() + 1e-6)
	}
	metric := p.s.on(lab.Streaming, f.name)
	least, most, last := p.waits(f)
	places, word := p.places()
	if p.lends() {
		if n > float64(p.c.ThreadLimit) {
			th.none(f.name, "streams in threads take turns, a thread for each line")
			return
		}
		places = 0 // one is always free
	}
	switch first := f.route.Time.CDF; {
	case first(most.Seconds()) == 0:
		th.predict(metric, 0, "none: a line takes longer than the %s that a client waits", seconds(most.Seconds()))
	case f.poisson:
		th.none(f.name, "how many streams come is drawn")
	case f.giveUp:
		th.none(f.name, "streams whose clients leave and ask again are more than there are clients")
	case places == 0 && p.c.Model == worker.Evented && n > float64(p.c.Workers*p.c.WorkerConnections):
		th.none(f.name, "there are more streams than worker_connections allows")
	case places == 0 && f.buffered:
		th.none(f.name, "nginx keeps their lines back until a buffer is full, for proxy_buffering is on")
	case places == 0 && 1-first(least.Seconds()) > rare:
		th.none(f.name, "some streams have their first line when nobody waits for it any more")
	case places == 0:
		th.predict(metric, n, "all: a stream that awaits takes no place")
	case f.open && f.timeout > 0 && f.span > atOnce && p.c.Model == worker.Threaded:
		th.none(f.name, "streams whose clients leave make room for those that came later")
	case p.c.Model == worker.Threaded || p.c.Model == worker.Sync && p.c.Timeout == 0:
		th.atMost(metric, min(n, float64(places)), "a stream holds its place for ever: %s", word)
	case p.c.Model == worker.Sync:
		turns := math.Ceil(last.Seconds() / (p.c.Timeout + p.c.BootTime).Seconds())
		th.atMost(metric, min(n, float64(places)*turns), "a stream holds a worker until it is killed: %s · %g s/(%g s)",
			word, last.Seconds(), (p.c.Timeout + p.c.BootTime).Seconds())
	default:
		th.none(f.name, "streams that block hold a loop until it is killed with all that it accepted")
	}
}

// waits is for how long a client of f waits at the least and at the most, and when,
// from the load's start, the last of them stops.
func (p *pool) waits(f flow) (least, most, last time.Duration) {
	end := p.s.horizon - f.start
	if !f.open {
		end = f.span
	}
	least, most, last = end, end, end
	between := time.Duration(0) // from the first to the last
	if f.open && f.span > atOnce {
		between = f.span
	}
	least -= between
	if f.patience > 0 {
		least, most, last = min(least, f.patience), min(most, f.patience), min(last, f.patience+between)
	}
	return least, most, last
}
