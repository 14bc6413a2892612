// Theory of open loops whose handlers wait in threads beside an event loop.

package scenario

// lent predicts open loops that queue for the threads which a worker's loop lends. Where a thread is always free, only
// the loop's CPU is left to wait for.
func (p *pool) lent(th *theory, flows []flow) {
	m, why := p.mixed(flows)
	m.mean -= p.c.CPU.Seconds() // of the loop, without a thread
	if why == "" {
		q, _ := p.ofOneQueue(m)
		if wait, err := q.MeanWait(); err == nil && wait <= rare*m.mean && p.c.AcceptAgain == 0 {
			p.nobodyQueues(th, flows)
			return
		}
		if p.c.CPU > 0 {
			why = "requests wait for a thread, and for the loop's CPU as well"
		}
	}
	if why != "" {
		th.none(p.names(), "%s", why)
		return
	}
	p.queue(th, flows)
}
