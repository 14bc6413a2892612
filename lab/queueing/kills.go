// How often workers are killed for being silent.

package queueing

// lookEvery is how many seconds are between two looks of gunicorn's arbiter.
const lookEvery = 1

// Kills is a server whose arbiter aborts a worker that has been silent for longer
// than a timeout, and requests that outlast it: to a sync worker any request that
// takes longer, to an event loop one that holds it.
//
// Each such request takes a worker from everybody for the timeout, up to a second
// more until the arbiter looks, and the boot of the replacement; then the next one
// does.
//
// gunicorn 20.1, gunicorn/arbiter.py, run, sleep and murder_workers.
type Kills struct {
	Workers  int
	Timeout  float64 // the worker timeout, in seconds
	Boot     float64 // seconds from the end of a worker to its replacement's first accept
	Arrivals float64 // a second, of the requests that outlast Timeout
}

// PerMinute is how many workers are killed a minute, in the long run: one for each
// such request, 60·Arrivals, as long as there are workers to kill; at most
// 60·Workers/(Timeout + Boot), and where requests suffice for that, at least
// 60·Workers/(Timeout + 1 + Boot), which is where the arbiter's second has its
// part. A queued request counts, though its client has left.
//
// It is for requests of this kind alone: what others take of the workers' time is
// not counted, so where there are many of them it is an upper bound. A count over
// a while can be off by one for each worker at its end.
//
// It returns an error for a field that cannot be.
func (k Kills) PerMinute() (Bounds, error) {
	const of = "Kills"
	err := first(counted(of, "Workers", k.Workers), above0(of, "Timeout", k.Timeout), atLeast0(of, "Boot", k.Boot), above0(of, "Arrivals", k.Arrivals))
	if err != nil {
		return Bounds{}, err
	}
	w, come := 60*float64(k.Workers), 60*k.Arrivals
	return Bounds{
		Low:  min(come, w/(k.Timeout+lookEvery+k.Boot)),
		High: min(come, w/(k.Timeout+k.Boot)),
	}, nil
}
