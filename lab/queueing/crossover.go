// Sync workers against event loops: who answers more.

package queueing

import "fmt"

// SyncRate is how many replies a second so many sync workers give, or threads of
// processes of their own, to a closed loop of as many connections at least, whose
// requests each nap for nap seconds and cost cpu seconds of the processor, on
// average: workers/(nap + cpu). A worker pays for both, one request at a time. It
// is [ClosedThroughput] of one station, where its two bounds are one.
//
// nap and cpu must be 0 or more, and not both 0.
func SyncRate(workers int, nap, cpu float64) (float64, error) {
	const of = "SyncRate"
	if err := first(counted(of, "workers", workers), atLeast0(of, "nap", nap), atLeast0(of, "cpu", cpu)); err != nil {
		return 0, err
	}
	if nap+cpu == 0 {
		return 0, refuse(of, "nap", nap, "want some time there or as cpu: what takes none has no rate")
	}
	return float64(workers) / (nap + cpu), nil
}

// AsyncRate is the same of event loops, each with a processor of its own: the naps
// of all connections overlap, what they cost of the loop does not. It is min(N/(nap
// + cpu), loops/cpu) for N connections in all, spread evenly: the upper bound of
// [ClosedThroughput] of one station.
//
// It is reached where the two are far apart. Where they are equal the truth is
// less, for the loop is idle now and then: by at most √(2/πN) on one loop whose
// costs are exponential or vary less, 11 % of 50 connections and 4 % of 500.
//
// nap and cpu must be 0 or more, and not both 0.
func AsyncRate(loops, connections int, nap, cpu float64) (float64, error) {
	const of = "AsyncRate"
	if err := first(counted(of, "loops", loops), counted(of, "connections", connections), atLeast0(of, "nap", nap), atLeast0(of, "cpu", cpu)); err != nil {
		return 0, err
	}
	if nap+cpu == 0 {
		return 0, refuse(of, "nap", nap, "want some time there or as cpu: what takes none has no rate")
	}
	b, err := ClosedThroughput(connections, nap, Station{Demand: cpu, Servers: loops})
	return b.High, err
}

// Crossover is the mean nap in seconds from which on one event loop answers more
// than one sync worker: where 1/(nap + overshoot + syncCPU) = 1/asyncCPU. The two
// costs are the processor's seconds a request on either server; overshoot is how
// many seconds a nap takes longer than asked for, which a sync worker pays as
// well. There have to be so many connections that the loop never rests.
//
// All must be 0 or more, and asyncCPU more than the other two: otherwise the loop
// answers more at any nap.
func Crossover(syncCPU, asyncCPU, overshoot float64) (nap float64, err error) {
	const of = "Crossover"
	if err := first(atLeast0(of, "syncCPU", syncCPU), atLeast0(of, "asyncCPU", asyncCPU), atLeast0(of, "overshoot", overshoot)); err != nil {
		return 0, err
	}
	if asyncCPU <= syncCPU+overshoot {
		return 0, refuse(of, "asyncCPU", asyncCPU, fmt.Sprintf("want more than syncCPU and overshoot, %g: otherwise there is no nap at which a sync worker answers more", syncCPU+overshoot))
	}
	return asyncCPU - syncCPU - overshoot, nil
}
