// The exercise's three deployments, for the program and for the experiments alike.

package feedsim

import "example.com/outagelab/pocserver/worker"

// The ports that the exercise's three app servers listen on.
const (
	PreforkPort  = 5000
	ThreadedPort = 5100
	EventedPort  = 5200
)

// Prefork is the exercise's server on port 5000: 2 sync workers, everything else
// as gunicorn has it, the worker timeout of 30 s included.
func Prefork() worker.Config { return two(worker.Sync) }

// Threaded is the exercise's server on port 5100: 2 threaded workers. As shipped
// it sets no number of threads, and gunicorn's is one each.
func Threaded() worker.Config { return two(worker.Threaded) }

// Evented is the exercise's server on port 5200: 2 evented workers. As shipped the
// app's handlers block, which is AppConfig without Awaiting: its worker class,
// gunicorn 19.0's gaiohttp over aiohttp 0.9's wsgi.py, calls the app on the loop.
func Evented() worker.Config { return two(worker.Evented) }

func two(m worker.Model) worker.Config {
	c := worker.Defaults(m)
	c.Workers = 2
	return c
}
