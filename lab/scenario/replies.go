// Theory of what the replies of an open loop take: their mean and their percentiles.

package scenario

import (
	"errors"
	"fmt"
	"slices"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/queueing"
)

// replies is what theory knows of how long those of a load take.
type replies struct {
	wait     float64 // on average
	err      error   // why it knows nothing
	quantile func(part float64) (float64, error)
	exact    bool
	meanOnly string                        // why no percentile is worth a prediction
	cdf      func(seconds float64) float64 // of wait and service, to draw; nil if it is not known
	formula  string
}

// approximately is the replies by G/G/c, with what their service takes by itself.
func approximately(q queueing.GGc, service func(float64) float64, formula string) replies {
	wait, err := q.MeanWait()
	return replies{wait: wait, err: err, formula: formula, quantile: func(part float64) (float64, error) {
		if q.ServiceSCV > mostSCV {
			return 0, errors.New(tooVaried(q.ServiceSCV))
		}
		return q.Quantile(part, service)
	}}
}

// atOnce is the replies where nobody waits.
func (p *pool) atOnce(f flow, formula string) replies {
	own := (p.c.SleepOvershoot + p.c.CPU).Seconds()
	return replies{exact: true, formula: formula, cdf: p.byItself(f), quantile: func(part float64) (float64, error) {
		return f.route.Time.At(part).Seconds() + own, nil
	}}
}

// byItself is the distribution of what f's requests take where nobody else asks.
func (p *pool) byItself(f flow) func(seconds float64) float64 {
	over, cpu := p.c.SleepOvershoot.Seconds()*(1-f.route.Time.CDF(0)), p.c.CPU.Seconds()
	return func(t float64) float64 { return f.route.Time.CDF(t - over - cpu) }
}

// latency predicts what f's replies take, and reports whether it does.
func (p *pool) latency(th *theory, f flow, r replies) bool {
	open := p.underWay(f, r.wait)
	why := ""
	if r.err != nil {
		why = plainly(r.err)
	} else if slow, err := r.quantile(1 - rare); f.patience > 0 && err != nil {
		why = plainly(err)
	} else if f.patience > 0 && slow > f.patience.Seconds() {
		why = fmt.Sprintf("more than 1 in 1,000 take longer than %s, %s", seconds(f.patience.Seconds()), f.whose)
	} else if open > 0.01 {
		why = cutShort(open)
	}
	if why != "" {
		th.none("latency of "+f.name, "%s", why)
		return false
	}
	own, _ := p.service(f)
	if r.cdf != nil {
		th.latencies = append(th.latencies, lab.Distribution{Load: f.name, Formula: r.formula, CDF: r.cdf})
	}
	th.predict(p.s.on(lab.MeanLatency, f.name), own+r.wait, "%s", r.formula)
	same := "the same, of the wait and the service"
	if r.exact && r.wait == 0 {
		same = "the service time's own"
	}
	for _, part := range p.s.percentiles(f.name) {
		what := fmt.Sprintf("p%g of %s", part, f.name)
		if r.meanOnly != "" {
			th.none(what, "%s", r.meanOnly)
		} else if open > (1-part/100)/10 {
			th.none(what, "%s", cutShort(open))
		} else if part > 100*(1-rare) && !r.exact {
			th.none(what, "the approximation is good up to p%g", 100*(1-rare))
		} else if q, err := r.quantile(part / 100); err != nil {
			th.none(what, "%s", plainly(err))
		} else {
			th.predict(p.s.on(p.s.latency(part), f.name), q, "%s", same)
		}
	}
	return true
}

// percentiles are those of a load that are worth a prediction: the 99th, and those
// that must hold; all below 100, for theory knows no slowest.
func (s *Scenario) percentiles(load string) []float64 {
	all := []float64{99}
	for _, h := range s.holds {
		if h.percentile > 0 && h.percentile < 100 && h.load == load && !slices.Contains(all, h.percentile) {
			all = append(all, h.percentile)
		}
	}
	return all
}
