// A server without the views that say how long they napped: what its front page
// shows.

package live

import "time"

const (
	// tooShort is a service time that says nothing of how many are in service at a
	// time: what one computes, others wait for on any model.
	tooShort = 20 * time.Millisecond
	// fewPlain is the first burst: on a server that takes 2 s for a request, and serves
	// one at a time, it takes 10.
	fewPlain = 5
)

// plain measures / in growing bursts, with the service time that it has alone.
func (d *diagnosis) plain() {
	long := d.light
	if long == 0 || d.report.status >= 500 {
		return
	}
	d.report.Alone[front] = long
	if long < tooShort {
		return
	}
	var last *Concurrency
	for n := fewPlain; n <= 80; n *= 4 {
		expected := expected(n, long, last)
		// Processes that have a queue each leave one or the other of their threads without
		// work; the more there is to do, the fewer.
		if last != nil && (last.Limited && last.AtOnce == 1 || expected > longestBurst) {
			break
		}
		if expected > d.left() {
			d.leaveOut("a burst of requests for /")
			break
		}
		answers := d.burst(n, leastStagger, min(d.left(), 2*expected+5*time.Second), func(int) string { return front })
		d.note("/", "/", answers)
		var all []service
		first := answers[0].latency()
		for _, a := range answers {
			if a.err == nil && a.status == d.report.status {
				all = append(all, service{a.sent, a.end, long})
				first = min(first, a.latency())
			}
		}
		switch {
		case 2*len(all) < n:
			d.remark("/ answered only %d of %d requests: too few to tell how many it serves at a time", len(all), n)
			return
		case first > long*3/2:
			// Nobody was served in the time that it takes alone: all were, at once, by one
			// processor, or the time differs from request to request.
			d.remark("requests for / slow each other down: none of %d was answered in the time that one takes alone", n)
			return
		}
		c := measure(front, all, 0, long/20, long/3)
		if last == nil || !c.Limited || c.AtOnce >= last.AtOnce {
			last = &c
		}
	}
	if last != nil {
		d.report.Concurrency = append(d.report.Concurrency, *last)
	}
}
