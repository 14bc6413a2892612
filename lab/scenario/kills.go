// Theory of requests that outlast the worker timeout, and of how many workers they
// take with them.

package scenario

import (
	"example.com/outagelab/lab/queueing"
	"example.com/outagelab/pocserver/worker"
)

// killed predicts what the worker timeout does to requests that outlast it, and
// reports whether that is all that can be said.
func (p *pool) killed(th *theory, flows []flow, m mix) bool {
	if p.c.Timeout == 0 || p.c.Model == worker.Threaded || p.lends() {
		return false
	}
	timeout, boot, workers := p.c.Timeout.Seconds(), p.c.BootTime.Seconds(), float64(p.c.Workers)
	var outlast queueing.Bounds // requests that kill, a second
	held := 0.0                 // seconds for which workers are held, a second
	for _, f := range flows {
		kills := p.outlasts(f)
		outlast.Low += f.rate * kills.Low
		outlast.High += f.rate * kills.High
		held += f.rate * (p.held(f) + kills.High*boot)
	}
	if p.c.Model.EventLoop() {
		q, _ := p.ofOneQueue(m)
		if over, err := q.WaitTail(timeout); outlast.High*m.span < worthAWord && err == nil && over <= rare {
			return false
		}
		th.none(p.names(), "a loop that blocks accepts all that wait, and when their handlers together outlast the worker timeout of %s it is killed with all of them", seconds(timeout))
		return true
	}
	if outlast.High*m.span < worthAWord {
		return false
	}
	kills, err := queueing.Kills{Workers: p.c.Workers, Timeout: timeout, Boot: boot, Arrivals: outlast.High}.PerMinute()
	if err != nil {
		th.none(p.names(), "%s", plainly(err))
		return true
	}
	metric := p.at(killsAMinute(p.first, p.c.Workers, p.has))
	const inputs = ": %s, %s, %s/s that outlast it until the arbiter looks"
	switch w := plural(p.c.Workers, "worker"); {
	case outlast.Low == m.rate:
		ends := 60 * workers / m.span // a worker may be about to be killed when the load ends
		th.between(metric, max(0, kills.Low-ends), kills.High, "workers·60/(worker timeout + up to 1 s + boot), or as many as come, but for one a worker at the end"+inputs, w, seconds(timeout), number(m.rate))
	case held < workers:
		late := (timeout + 1) / m.span // whose worker is killed after the load's end
		th.between(metric, 60*outlast.Low*max(0, 1-late), 60*outlast.High, "all are served in the end, so each that outlasts the worker timeout kills one"+inputs, w, seconds(timeout), number(outlast.High))
	default:
		th.atMost(metric, kills.High, "workers·60/(worker timeout + boot), or as many as come; what others take of the workers' time is not counted"+inputs, w, seconds(timeout), number(outlast.High))
	}
	th.none(p.names(), "%s %% of the requests outlast the worker timeout of %s, and take their worker with them", number(100*outlast.High/m.rate), seconds(timeout))
	return true
}

// outlasts is the part of f's requests that are not over when the arbiter looks
// after the worker timeout: at random within a second after it (see queueing.Kills).
// Requests that come at regular intervals, such as whole seconds, may always come
// just before it does, or just after.
func (p *pool) outlasts(f flow) queueing.Bounds {
	timeout, cdf := p.c.Timeout.Seconds(), p.byItself(f)
	if !f.poisson {
		return queueing.Bounds{Low: 1 - cdf(timeout+1), High: 1 - cdf(timeout)}
	}
	const steps = 1_000
	sum := 0.0
	for i := range steps {
		sum += 1 - cdf(timeout+(float64(i)+0.5)/steps)
	}
	return queueing.Bounds{Low: sum / steps, High: sum / steps}
}

// held is how many seconds a request of f holds its worker on average, at the most:
// until the arbiter looks, a second after the worker timeout.
func (p *pool) held(f flow) float64 {
	const steps = 1_000
	until, cdf, sum := p.c.Timeout.Seconds()+1, p.byItself(f), 0.0
	for i := range steps {
		sum += 1 - cdf(until*(float64(i)+0.5)/steps)
	}
	return until * sum / steps
}
