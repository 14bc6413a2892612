// How often workers are killed for being silent.

package queueing

// lookEvery is how many seconds are between two looks of gunicorn's arbiter, at
// most.
const lookEvery = 1

// Kills is sync workers whose arbiter aborts one that has been silent for longer
// than a timeout, and requests that are not over when it does.
//
// The arbiter looks once a second, so such a request takes its worker from
// everybody for the timeout, up to a second more, and the boot of the replacement;
// then the next one does. A request that outlasts the timeout, and is over before
// the arbiter looks, kills nobody. In which part of the arbiter's second it began
// is as good as random: of λ requests a second with service times S there kill
//
//	Arrivals = λ·P(S > Timeout + U) = λ·∫ P(S > Timeout + u) du, u from 0 to 1,
//
// U being uniform from 0 to 1 second. That is λ·P(S > Timeout) only where no
// request ends within that second.
//
// gunicorn 20.1, gunicorn/arbiter.py, run, sleep and murder_workers. (It looks too
// when a worker has ended: handle_chld, wakeup.)
type Kills struct {
	Workers  int
	Timeout  float64 // the worker timeout, in seconds
	Boot     float64 // seconds from the end of a worker to its replacement's first accept
	Arrivals float64 // a second, of the requests that outlast Timeout and the arbiter's next look
}

// PerMinute is how many workers are killed a minute, in the long run: one for each
// such request, 60·Arrivals, as long as there are workers to kill; at most
// 60·Workers/(Timeout + Boot), and where requests suffice for that, at least
// 60·Workers/(Timeout + 1 + Boot), which is where the arbiter's second has its
// part. A queued request counts, though its client has left.
//
// High holds whatever else comes. Low is for these requests alone: others take the
// workers' time as well, and where there are some, High is all that is known.
//
// Event loops are killed too by handlers that hold them, but the two bounds are not
// for them: a loop takes all that wait with it, so that many such requests kill
// once, and handlers that hold it one after another are silent together.
//
// A count over a while can be off by one for each worker at its end.
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
