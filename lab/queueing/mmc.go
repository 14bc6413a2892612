// The queue M/M/c: requests that come at random, exponential service times.

package queueing

import (
	"fmt"
	"math"
)

// ErlangC is the probability that a request has to wait, where requests come at
// random and servers serve the first that came: Erlang's second formula. erlangs
// is the offered load, arrivals a second times mean service time, and has to be
// below servers: a queue is stable only then.
//
// It is computed from Erlang's first formula B by its recurrence, without
// factorials, so it is exact to some 12 digits for any number of servers up to a
// million:
//
//	B(0) = 1, B(k) = a·B(k−1)/(k + a·B(k−1)), C = B/(1 − (a/c)·(1 − B))
//
// A. K. Erlang, Solution of Some Problems in the Theory of Probabilities of
// Significance in Automatic Telephone Exchanges, 1917; R. B. Cooper, Introduction
// to Queueing Theory, 2nd edition, 1981, chapter 3.
func ErlangC(servers int, erlangs float64) (p float64, err error) {
	const of = "ErlangC"
	if err := first(counted(of, "servers", servers), atLeast0(of, "erlangs", erlangs)); err != nil {
		return 0, err
	}
	c := float64(servers)
	if erlangs >= c {
		return 0, refuse(of, "erlangs", erlangs, fmt.Sprintf("a queue is stable below the number of servers only, %d; see Overload", servers))
	}
	return erlangC(servers, erlangs), nil
}

func erlangC(servers int, erlangs float64) float64 {
	b := 1.0
	for k := 1; k <= servers; k++ {
		b = erlangs * b / (float64(k) + erlangs*b)
	}
	return b / (1 - erlangs/float64(servers)*(1-b))
}

// MMc is the queue M/M/c: requests come at random (Poisson: load.Open with
// Poisson set), service times are exponential, so many servers serve one each,
// and who came first is served first: threads, or sync workers of one backlog.
// Nobody leaves. Its numbers are those of a queue that has run for long, and are
// exact.
//
// Every method returns an error for a field that cannot be, and where Utilisation
// is not below 1.
//
// Cooper, Introduction to Queueing Theory, 1981, chapter 3; L. Kleinrock, Queueing
// Systems, volume 1, 1975, section 3.5.
type MMc struct {
	Arrivals float64 // a second
	Service  float64 // mean seconds of service a request
	Servers  int
}

// Utilisation is the part of the time that a server is busy: arrivals times
// service time, divided by the servers.
func (q MMc) Utilisation() (float64, error) {
	if err := q.check(); err != nil {
		return 0, err
	}
	return q.utilisation(), nil
}

// MeanWait is the mean time in seconds that a request waits for a server, of all
// requests, those included that do not wait: C/(c/S − λ).
func (q MMc) MeanWait() (float64, error) {
	if err := q.check(); err != nil {
		return 0, err
	}
	return q.waits() / q.spare(), nil
}

// MeanTime is the mean time in seconds from a request's coming to its reply: the
// wait and the service.
func (q MMc) MeanTime() (float64, error) {
	wait, err := q.MeanWait()
	if err != nil {
		return 0, err
	}
	return wait + q.Service, nil
}

// WaitTail is the probability that a request waits for longer than so many
// seconds, 0 or more: C·exp(−(c/S − λ)·t).
func (q MMc) WaitTail(seconds float64) (float64, error) {
	if err := first(q.check(), atLeast0("MMc.WaitTail", "seconds", seconds)); err != nil {
		return 0, err
	}
	return q.waits() * math.Exp(-q.spare()*seconds), nil
}

// Tail is the probability that the reply comes later than so many seconds, 0 or
// more, after the request: wait and service, which are independent.
func (q MMc) Tail(seconds float64) (float64, error) {
	if err := first(q.check(), atLeast0("MMc.Tail", "seconds", seconds)); err != nil {
		return 0, err
	}
	return q.tail(seconds), nil
}

// tail is exp(−μt) + C·μ·(exp(−μt) − exp(−θt))/(θ − μ), with μ = 1/S and θ = c/S − λ,
// written so that θ = μ is no special case, and nothing overflows.
func (q MMc) tail(t float64) float64 {
	mu, theta := 1/q.Service, q.spare()
	slow, gap := min(mu, theta), math.Abs(theta-mu)
	both := t
	if gap > 0 {
		both = -math.Expm1(-gap*t) / gap
	}
	return math.Exp(-mu*t) + q.waits()*mu*math.Exp(-slow*t)*both
}

// Quantile is the time in seconds within which a part p of all replies come, p
// above 0 and below 1: 0.99 for what 99 in 100 do not exceed.
func (q MMc) Quantile(p float64) (float64, error) {
	if err := first(q.check(), inside("MMc.Quantile", "p", p)); err != nil {
		return 0, err
	}
	return quantile(q.Service, func(t float64) bool { return q.tail(t) <= 1-p }), nil
}

// check returns an error that names what cannot be.
func (q MMc) check() error { return checkQueue("MMc", q.Arrivals, q.Service, q.Servers) }

func (q MMc) utilisation() float64 { return q.Arrivals * q.Service / float64(q.Servers) }
func (q MMc) waits() float64       { return erlangC(q.Servers, q.Arrivals*q.Service) }

// spare is how many more requests a second could be served, c/S − λ.
func (q MMc) spare() float64 { return float64(q.Servers)/q.Service - q.Arrivals }

func checkQueue(of string, arrivals, service float64, servers int) error {
	err := first(above0(of, "Arrivals", arrivals), above0(of, "Service", service), counted(of, "Servers", servers))
	if err != nil {
		return err
	}
	if u := arrivals * service / float64(servers); u >= 1 {
		return refuse(of, "utilisation", u, "a queue is stable below 1 only; see Overload")
	}
	return nil
}

// quantile is the least time from which on enough is true, to 12 digits. unit is
// a time of its order, of which quantile halves the error 60 times.
func quantile(unit float64, enough func(t float64) bool) float64 {
	low, high := 0.0, unit
	for !enough(high) && !math.IsInf(high, 1) {
		low, high = high, 2*high
	}
	for range 60 {
		if mid := (low + high) / 2; enough(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}
