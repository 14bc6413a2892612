// The queue G/G/c: arrivals and service times of any kind, by approximation.

package queueing

import (
	"errors"
	"fmt"
	"math"
)

// GGc is the queue G/G/c: requests come independently of each other, service
// times are independent and of any kind, so many servers serve one each, and who
// came first is served first. Nobody leaves, and the queue has run for long. What
// it knows of arrivals and services is their means, and how much they vary: the
// squared coefficient of variation (SCV), the variance divided by the mean
// squared. It is 0 for what is always the same (a constant service time;
// load.Open without Poisson), 1/3 for uniform(0, S), 1 for the exponential and
// for Poisson arrivals, exp(σ²) − 1 for a lognormal.
//
// It is an approximation: the mean wait of M/M/c times the mean of the two SCV (A.
// O. Allen, Probability, Statistics and Queueing Theory, 2nd edition, 1990,
// chapter 5, there by Allen and Cunneen, after J. F. C. Kingman's result for a
// queue that is nearly full, The Single Server Queue in Heavy Traffic, 1961); and
// for arrivals more regular than Poisson times the correction of W. Krämer and M.
// Langenbach-Belz, Approximate Formulae for the Delay in the Queueing System
// GI/G/1, 8th International Teletraffic Congress, 1976, without which it is twice
// the truth for regular arrivals at half load.
//
// It is exact for M/M/c, and for the mean wait of M/G/1 (Pollaczek and Khinchine).
// Of one server, exponential services and Erlang arrivals from Poisson to regular
// the mean wait is up to 9 % too high, and never too low (utilisations of 0.5 to
// 0.95). Elsewhere it is off by at most a tenth of the wait and, together with it,
// 0.07 of a service time for ServiceSCV up to 1, and 0.1 up to 2: in simulations of
// 1 to 25 servers, those utilisations and arrivals, and constant, uniform,
// exponential, hyperexponential, gamma and lognormal service times. Of waits that
// are short by comparison to the service time it tells no more than that they are
// short.
//
// Every method returns an error for a field that cannot be, and where Utilisation
// is not below 1. ArrivalSCV may be 0 to 1. ServiceSCV may be 0 to 2: above, the
// mean and the variance of the service times say too little of the wait, and the
// mean wait of four servers and a lognormal with σ = 2 is up to four times too
// high. Only Utilisation, and the means for one server, are good for any.
type GGc struct {
	Arrivals   float64 // a second
	ArrivalSCV float64 // of the times between two arrivals
	Service    float64 // mean seconds of service a request
	ServiceSCV float64 // of the service times
	Servers    int
}

// Utilisation is the part of the time that a server is busy: arrivals times
// service time, divided by the servers. It is exact.
func (q GGc) Utilisation() (float64, error) {
	if err := q.check(); err != nil {
		return 0, err
	}
	return q.mmc().utilisation(), nil
}

// MeanWait is about the mean time in seconds that a request waits for a server, of
// all requests, those included that do not wait.
func (q GGc) MeanWait() (float64, error) {
	if err := q.check(); err != nil {
		return 0, err
	}
	if q.Servers > 1 {
		if err := q.regularEnough(); err != nil {
			return 0, err
		}
	}
	return q.meanWait(), nil
}

// MeanTime is about the mean time in seconds from a request's coming to its reply:
// the wait and the service.
func (q GGc) MeanTime() (float64, error) {
	wait, err := q.MeanWait()
	if err != nil {
		return 0, err
	}
	return wait + q.Service, nil
}

// WaitTail is about the probability that a request waits for longer than so many
// seconds, 0 or more. It is exponential, from the probability to wait at all on,
// with the mean that MeanWait has.
//
// The probability to wait is Erlang's, [ErlangC], and for arrivals more regular than
// Poisson Krämer and Langenbach-Belz's for one server, as a part of what it is for
// Poisson arrivals. In the simulations that [GGc] speaks of the tail is off by at
// most 0.06 for Poisson arrivals; for more regular ones it is at most 0.1 too low
// and 0.18 too high, the latter for many servers, and for constant services even
// 0.36.
func (q GGc) WaitTail(seconds float64) (float64, error) {
	if err := first(q.check(), q.regularEnough(), atLeast0("GGc.WaitTail", "seconds", seconds)); err != nil {
		return 0, err
	}
	waits, wait := q.waits(), q.meanWait()
	if wait == 0 {
		return 0, nil
	}
	return waits * math.Exp(-waits/wait*seconds), nil
}

// Quantile is about the time in seconds within which a part p of all replies come,
// p above 0 and at most 0.999: 0.99 for what 99 in 100 do not exceed. serviceCDF is
// the distribution of the service times: the part of them that take at most so many
// seconds. Its mean and SCV are the caller's to keep to Service and ServiceSCV.
//
// It is the wait of WaitTail and the service, added as independent: computed
// numerically, to 0.0001 of p. In the simulations that [GGc] speaks of it is off by
// at most 10 % for 4 servers or more and p of 0.9 to 0.99, and otherwise, from p of
// 0.5 on, by at most 30 %, above 0.99 by 40 %. What comes less often than once in
// 1,000 is not a matter of two moments.
//
// It returns an error too for a serviceCDF that gives what is no part, or never
// reaches p.
func (q GGc) Quantile(p float64, serviceCDF func(seconds float64) float64) (float64, error) {
	const of = "GGc.Quantile"
	if err := first(q.check(), q.regularEnough(), inside(of, "p", p)); err != nil {
		return 0, err
	}
	if p > 0.999 {
		return 0, refuse(of, "p", p, "want 0.999 at most: the approximation does not know what is rarer")
	}
	if serviceCDF == nil {
		return 0, errors.New("queueing: GGc.Quantile: serviceCDF is nil: want the distribution of the service times")
	}
	// The wait, where there is one, as so many values that are equally likely.
	waits, wait := q.waits(), q.meanWait()
	values := make([]float64, 5_000)
	if wait > 0 {
		for i := range values {
			values[i] = -math.Log1p(-(float64(i)+0.5)/float64(len(values))) * wait / waits
		}
	}
	var err error
	cdf := func(seconds float64) float64 {
		f := serviceCDF(seconds)
		if !(f >= 0 && f <= 1) && err == nil {
			err = refuse(of, fmt.Sprintf("serviceCDF(%v)", seconds), f, wantPart)
		}
		return f
	}
	reach := max(q.Service, wait) * 1e9
	t := quantile(q.Service, func(t float64) bool {
		sum := 0.0
		for _, wait := range values {
			if wait > t {
				break
			}
			sum += cdf(t - wait)
		}
		enough := (1-waits)*cdf(t)+waits*sum/float64(len(values)) >= p
		if !enough && t > reach && err == nil {
			err = refuse(of, "serviceCDF", serviceCDF(t), fmt.Sprintf("want it to reach 1, and not to be there after %v seconds", t))
		}
		return enough || err != nil
	})
	if err != nil {
		return 0, err
	}
	return t, nil
}

func (q GGc) mmc() MMc { return MMc{q.Arrivals, q.Service, q.Servers} }

func (q GGc) meanWait() float64 {
	both := q.ArrivalSCV + q.ServiceSCV
	if both == 0 {
		return 0 // a server is free whenever a request comes
	}
	m := q.mmc()
	u, regular := m.utilisation(), 1-q.ArrivalSCV
	return m.waits() / m.spare() * both / 2 * math.Exp(-2*(1-u)/(3*u)*regular*regular/both)
}

// waits is Krämer and Langenbach-Belz's ρ − (1 − ca²)·ρ(1 − ρ)·h, as a part of ρ,
// times Erlang's probability in place of ρ. It is between 0 and ρ for all SCV.
func (q GGc) waits() float64 {
	m := q.mmc()
	u, ca, cs := m.utilisation(), q.ArrivalSCV, q.ServiceSCV
	h := (1 + ca + u*cs) / (1 + u*(cs-1) + u*u*(4*ca+cs))
	return m.waits() * (1 - (1-ca)*(1-u)*h)
}

// regularEnough returns an error for service times that vary by more than what the
// approximation was tried with.
func (q GGc) regularEnough() error {
	if q.ServiceSCV > 2 {
		return refuse("GGc", "ServiceSCV", q.ServiceSCV, "want 2 at most: of service times that vary more, only the mean wait for one server is known")
	}
	return nil
}

// check returns an error that names what cannot be.
func (q GGc) check() error {
	err := first(checkQueue("GGc", q.Arrivals, q.Service, q.Servers),
		atLeast0("GGc", "ArrivalSCV", q.ArrivalSCV), atLeast0("GGc", "ServiceSCV", q.ServiceSCV))
	if err == nil && q.ArrivalSCV > 1 {
		err = refuse("GGc", "ArrivalSCV", q.ArrivalSCV, "want 0 to 1: the approximation is for arrivals no more irregular than Poisson")
	}
	return err
}
