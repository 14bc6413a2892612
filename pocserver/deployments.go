// The PoC's four deployments, for the program and for the experiments alike.

package pocserver

import (
	"time"

	"example.com/outagelab/pocserver/worker"
)

// Unlimited is a number of connections that a worker never reaches: as many as
// Linux lets a process have open at most (fs.nr_open). It stands for programs
// that set no limit of their own.
const Unlimited = 1 << 20

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

// RunAsync is run.uvicorn: uvicorn by itself, 1 loop, with no arbiter to time
// out or recycle it. Its defaults (uvicorn 0.17.6, uvicorn/config.py): backlog
// 2048, timeout_keep_alive 5 s, limit_concurrency None. On shutdown it waits
// for its replies without a limit of its own (uvicorn/server.py, shutdown),
// which here is MaxSleep, the longest that a reply can take.
//
// Replies leave at once, as from asyncio's own loop. Where uvloop is installed
// uvicorn prefers it (uvicorn/loops/auto.py), as it did for the field data: set
// Replies to EndOfTurn for that.
func RunAsync() worker.Config {
	c := worker.Defaults(worker.Evented)
	c.Timeout = 0
	c.KeepAlive = 5 * time.Second
	c.WorkerConnections = Unlimited
	c.Backlog = 2048
	c.GracefulTimeout = MaxSleep
	return c
}

// RunAsync12 is run.gunicorn.uvicorn: gunicorn over 12 of uvicorn's loops, a
// worker timeout of 300 s, each loop recycled after 500 requests. Shipped, it
// names poc.wsgi and answers 500 to everything; this is the one that was meant,
// with poc.asgi.
//
// uvicorn.workers.UvicornWorker hands gunicorn's keepalive (2 s), backlog (2048)
// and max_requests on to uvicorn, but not its worker_connections: a loop has
// then no limit on connections (uvicorn 0.17.6, uvicorn/workers.py).
func RunAsync12() worker.Config {
	c := worker.Defaults(worker.Evented)
	c.Workers = 12
	c.Timeout = 300 * time.Second
	c.Heartbeat = c.Timeout / 2
	c.MaxRequests = 500
	c.WorkerConnections = Unlimited
	return c
}
