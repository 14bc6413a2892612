// What the package is, Little's law, and how an argument is refused.

// Package queueing is the theory behind the predictions: each formula is a
// function that takes what is known of a server and its load, and returns what
// an experiment will measure.
//
// All times are in seconds and all rates in 1/s, as float64; a part of something
// is between 0 and 1. Everything is plain arithmetic on its arguments: it draws
// nothing, and any number of goroutines may call it.
//
// Every formula has a range in which it is valid. Outside it, and for what is no
// number, it returns an error that names the argument, its value and the range.
//
// What a queue needs to be known by:
//
//   - a closed loop of so many connections: [ClosedThroughput], and in the two
//     cases of a worker that naps, [SyncRate] and [AsyncRate];
//   - an open loop that comes at random, and can be served: [MMc] where service
//     times are exponential, [GGc] where they are not;
//   - an open loop that is more than can be served: [Overload].
package queueing

import (
	"fmt"
	"math"
)

// Little is Little's law: the mean number in a system is the rate at which things
// come and leave, in 1/s, times the mean time that each is in it, in seconds. Of
// requests in service it gives the effective concurrency, of all requests under
// way the number in flight.
//
// It holds for any arrivals, service times and order of service, over any time at
// whose ends the system is empty, or that is so long that what is in it at the
// ends does not matter. Both arguments must be 0 or more.
//
// J. D. C. Little, A Proof for the Queuing Formula L = λW, Operations Research
// 9(3), 1961.
func Little(rate, seconds float64) (number float64, err error) {
	if err := first(atLeast0("Little", "rate", rate), atLeast0("Little", "seconds", seconds)); err != nil {
		return 0, err
	}
	return rate * seconds, nil
}

// refuse says which argument of what cannot be, and what can.
func refuse(of, argument string, value any, want string) error {
	return fmt.Errorf("queueing: %s: %s is %v: %s", of, argument, value, want)
}

func atLeast0(of, argument string, x float64) error {
	if !(x >= 0) || math.IsInf(x, 1) { // so that NaN is refused too
		return refuse(of, argument, x, "want a number of 0 or more")
	}
	return nil
}

func above0(of, argument string, x float64) error {
	if !(x > 0) || math.IsInf(x, 1) {
		return refuse(of, argument, x, "want a number above 0")
	}
	return nil
}

const wantPart = "want a part, from 0 to 1"

// part is for a part of something; none of it and all of it are parts.
func part(of, argument string, x float64) error {
	if !(x >= 0 && x <= 1) {
		return refuse(of, argument, x, wantPart)
	}
	return nil
}

// inside is for a part that is neither none nor all.
func inside(of, argument string, x float64) error {
	if !(x > 0 && x < 1) {
		return refuse(of, argument, x, "want a part, above 0 and below 1: 0.99 is 99 in 100")
	}
	return nil
}

// most is how many there may be of what is counted one by one: a formula takes
// milliseconds then.
const most = 1_000_000

func counted(of, argument string, n int) error {
	if n < 1 || n > most {
		return refuse(of, argument, n, "want 1 to 1,000,000")
	}
	return nil
}

// first is the first error, if there is one.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
