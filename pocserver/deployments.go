// The PoC's four deployments, for the program and for the experiments alike.

package pocserver

import (
	"time"

	"example.com/outagelab/pocserver/worker"
)

// RunDev is run.django: Django's runserver, one process with a thread for each
// request.
func RunDev() worker.Config { return worker.Defaults(worker.ThreadPerRequest) }

// RunSync is run.gunicorn: 1 sync worker, a worker timeout of 300 s, recycled
// after 500 requests. The rest is gunicorn's.
func RunSync() worker.Config {
	c := worker.Defaults(worker.Sync)
	c.Timeout = 300 * time.Second
	c.MaxRequests = 500
	return c
}

// RunAsync is run.uvicorn: uvicorn alone, 1 loop, with no arbiter to time out or
// recycle it. A shutdown waits for the replies, at most MaxSleep.
//
// Replies leave at once, as from asyncio's own loop. Where uvloop is installed
// uvicorn prefers it (uvicorn/loops/auto.py), as it did for the field data: set
// Replies to EndOfTurn for that.
func RunAsync() worker.Config {
	c := worker.Defaults(worker.Uvicorn)
	c.GracefulTimeout = MaxSleep
	return c
}

// RunAsync12 is run.gunicorn.uvicorn: gunicorn over 12 of uvicorn's loops, a
// worker timeout of 300 s, each loop recycled after 500 requests. Shipped, it
// names poc.wsgi and answers 500 to everything; this is the one that was meant,
// with poc.asgi.
//
// The rest is as [worker.UvicornWorker] has it.
func RunAsync12() worker.Config {
	c := worker.UvicornWorker()
	c.Workers = 12
	c.Timeout = 300 * time.Second
	c.MaxRequests = 500
	return c
}
