// What a server is made of: the worker model and its numbers, gunicorn's
// defaults, and the errors that name a number which cannot be.

package worker

import (
	"fmt"
	"strings"
	"time"
)

// Model is a worker model: how one worker process accepts connections and how
// many requests it serves at a time.
type Model int

const (
	// Sync accepts one connection when it is idle, serves one request, closes.
	// (gunicorn 20.1, gunicorn/workers/sync.py.)
	Sync Model = iota + 1
	// Threaded accepts in a main loop and serves with a fixed number of threads.
	// (gunicorn 20.1, gunicorn/workers/gthread.py.)
	Threaded
	// Evented serves every request on one event loop, which a request holds
	// except where it awaits, and holds up to WorkerConnections connections.
	// (gunicorn 20.1, gunicorn/workers/ggevent.py.)
	Evented
	// ThreadPerRequest is one process with a thread for each connection, no
	// arbiter, no limit. (Django's runserver.)
	ThreadPerRequest
	// Uvicorn serves every request on one event loop, as Evented does, and
	// accepts without a limit: uvicorn sets none (uvicorn 0.17.6,
	// uvicorn/config.py, limit_concurrency), and does not take gunicorn's
	// worker_connections over (uvicorn/workers.py). Alone it has no arbiter and
	// so no Timeout. With a Timeout it is gunicorn's UvicornWorker.
	Uvicorn
)

// EventLoop reports whether a worker of the model serves all its requests on one
// event loop, which runs the code between two awaits alone.
func (m Model) EventLoop() bool { return m == Evented || m == Uvicorn }

var modelNames = map[Model]string{
	Sync: "sync", Threaded: "threaded", Evented: "evented", ThreadPerRequest: "thread-per-request",
	Uvicorn: "uvicorn",
}

// String returns the model's name, as UnmarshalText reads it.
func (m Model) String() string {
	if name, ok := modelNames[m]; ok {
		return name
	}
	return fmt.Sprintf("Model(%d)", int(m))
}

// MarshalText returns the model's name.
func (m Model) MarshalText() ([]byte, error) {
	if _, ok := modelNames[m]; !ok {
		return nil, fmt.Errorf("worker: unknown model %d", int(m))
	}
	return []byte(m.String()), nil
}

// UnmarshalText reads a model's name, so that a Model can be a flag.
func (m *Model) UnmarshalText(text []byte) error {
	for model, name := range modelNames {
		if name == string(text) {
			*m = model
			return nil
		}
	}
	return fmt.Errorf("unknown worker model %q: want sync, threaded, evented, uvicorn or thread-per-request", text)
}

// Replies says when what a handler wrote on an event loop leaves the worker.
type Replies int

const (
	// AtOnce sends a write when it is made, as asyncio's own loop does: a
	// transport's write calls send(2) first and buffers only what is left
	// (CPython, Lib/asyncio/selector_events.py).
	AtOnce Replies = iota
	// EndOfTurn sends at the end of the loop's turn, as uvloop does: a turn cut
	// short by a kill takes finished replies with it (uvloop/loop.pyx,
	// _exec_queued_writes).
	EndOfTurn
)

// String returns "at-once" or "end-of-turn", as UnmarshalText reads it.
func (r Replies) String() string {
	switch r {
	case AtOnce:
		return "at-once"
	case EndOfTurn:
		return "end-of-turn"
	}
	return fmt.Sprintf("Replies(%d)", int(r))
}

// MarshalText returns the name of r.
func (r Replies) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what String returns, so that Replies can be a flag.
func (r *Replies) UnmarshalText(text []byte) error {
	switch string(text) {
	case "at-once":
		*r = AtOnce
	case "end-of-turn":
		*r = EndOfTurn
	default:
		return fmt.Errorf("unknown moment for replies %q: want at-once or end-of-turn", text)
	}
	return nil
}

// Config describes a server. Start from [Defaults]: a zero in a field means
// zero, never a default. Durations are checked to be 0 or more.
type Config struct {
	Model Model

	// Workers is the number of worker processes, each with an instance of the
	// app to itself.
	Workers int
	// Threads is the number of requests that one Threaded worker serves at a
	// time. The other models have no such number: it must be 1.
	Threads int
	// WorkerConnections is how many connections one Threaded or Evented worker
	// holds before it stops accepting. The other models do not look at it, as
	// gunicorn's and uvicorn's do not.
	WorkerConnections int
	// ThreadLimit is how many functions that handlers give to [InThread] run at
	// a time in one Evented or Uvicorn worker; more wait in the order in which
	// they came, and the loop goes on meanwhile. 0 is no limit, which is Django's
	// way: it gives each request a thread ([InThread]). Starlette and FastAPI
	// share [AnyIOThreads]. The other models do not look at it.
	ThreadLimit int
	// Backlog is the argument of listen(2), where the listener has one to set:
	// the kernel then holds Backlog+1 connections that nobody has accepted.
	Backlog int

	// Timeout is how long a worker may be without a heartbeat before the
	// arbiter, which looks once a second, aborts it. 0 never aborts.
	Timeout time.Duration
	// Heartbeat is how often an Evented worker beats while no task holds its loop:
	// once a second (gunicorn/workers/ggevent.py: self.notify();
	// gevent.sleep(1.0)). The other models do not look at it. A Uvicorn worker
	// beats every half of Timeout, so a loop that is held may be killed after half
	// of it (uvicorn 0.17.6, uvicorn/server.py, on_tick, with gunicorn's timeout/2
	// as timeout_notify).
	Heartbeat time.Duration
	// GracefulTimeout is how long a worker that is told to stop may take to
	// finish what it has, before it is cut.
	GracefulTimeout time.Duration
	// KeepAlive is how long an idle connection is kept for its next request.
	// 0 closes every connection after one reply, as Sync always does.
	KeepAlive time.Duration
	// MaxRequests recycles a worker after that many requests; 0 never does.
	MaxRequests int
	// MaxRequestsJitter adds to MaxRequests a number between 0 and itself, drawn
	// for each worker, so that workers do not all recycle together.
	MaxRequestsJitter int

	// BootTime is how long a replacement takes from the end of the worker it
	// replaces to its first accept. The first workers boot at once: a server
	// is measured when it is up.
	BootTime time.Duration
	// CPU is what each request costs of its worker's interpreter lock, half of it
	// before the handler runs and half after; requests of one worker pay it one
	// at a time.
	CPU time.Duration
	// SleepOvershoot is added to each nap, for a machine that wakes late.
	SleepOvershoot time.Duration
	// Replies is when the replies of an Evented or Uvicorn worker leave.
	Replies Replies
	// AcceptAgain is how much the worker that accepted last is favoured to
	// accept next, where several wait: with this probability it does, and
	// otherwise all draw evenly. 0 is a fair draw, 1 would never let another in.
	AcceptAgain float64

	// Seed decides every draw that the server makes: which waiting worker
	// accepts, and the jitter.
	Seed uint64
	// Observer is told what the workers do; nil costs nothing.
	Observer Observer
}

// Defaults returns what the model's program does when nothing is configured.
//
// For Sync, Threaded and Evented the numbers are gunicorn 20.1's
// (gunicorn/config.py: workers 1, threads 1, worker_connections 1000, backlog
// 2048, timeout 30, graceful_timeout 30, keepalive 2, max_requests 0), with a
// boot time of 0.18 s as measured. For ThreadPerRequest they are runserver's:
// a backlog of 10 (django/core/servers/basehttp.py, request_queue_size), no
// arbiter and no limit of any kind. For Uvicorn they are those of uvicorn 0.17.6
// alone (uvicorn/config.py: backlog 2048, timeout_keep_alive 5): no worker
// timeout, no limit on connections, and a shutdown that waits for its replies
// without a limit (uvicorn/server.py, shutdown).
func Defaults(m Model) Config {
	c := Config{
		Model:             m,
		Workers:           1,
		Threads:           1,
		WorkerConnections: 1000,
		Backlog:           2048,
		Timeout:           30 * time.Second,
		GracefulTimeout:   30 * time.Second,
		KeepAlive:         2 * time.Second,
		BootTime:          180 * time.Millisecond,
	}
	switch m {
	case Sync:
		c.KeepAlive = 0
	case Evented:
		c.Heartbeat = time.Second
	case Uvicorn:
		c.WorkerConnections = 0
		c.Timeout = 0
		c.GracefulTimeout = forever
		c.KeepAlive = 5 * time.Second
	case ThreadPerRequest:
		c.WorkerConnections = 0
		c.Backlog = 10
		c.Timeout = 0
		c.GracefulTimeout = 0
		c.KeepAlive = forever
		c.BootTime = 0
	}
	return c
}

// UvicornWorker returns what gunicorn does with uvicorn.workers.UvicornWorker as
// its worker class when nothing else is configured: [Uvicorn] with gunicorn's
// worker timeout, graceful timeout and keep-alive (uvicorn 0.17.6,
// uvicorn/workers.py; gunicorn 20.1, gunicorn/config.py).
func UvicornWorker() Config {
	c, gunicorn := Defaults(Uvicorn), Defaults(Evented)
	c.Timeout, c.GracefulTimeout, c.KeepAlive = gunicorn.Timeout, gunicorn.GracefulTimeout, gunicorn.KeepAlive
	return c
}

// forever outlives every experiment: runserver's idle connections have no timeout,
// and uvicorn's shutdown has none.
const forever = 365 * 24 * time.Hour

// The most that a Config may ask for. Each worker costs its app and a few
// goroutines, and each thread a goroutine at most, so these are far beyond what
// any machine runs, and a slip of the finger is an error.
const (
	MaxWorkers = 1_000
	MaxThreads = 10_000

	maxOfAny = 10_000_000 // of what costs nothing to have many of
)

// AnyIOThreads is how many threads the sync views of one Starlette or FastAPI
// process share: the default limiter of anyio has 40 tokens
// (anyio/_backends/_asyncio.py, current_default_thread_limiter), and
// starlette/concurrency.py, run_in_threadpool, takes one for each call. The call
// that has waited longest gets the next thread since anyio 3.7; before, it was the
// call that had waited shortest (docs/versionhistory.rst).
const AnyIOThreads = 40

// beatEvery is how often a worker with an event loop beats.
func (c *Config) beatEvery() time.Duration {
	if c.Model == Uvicorn {
		return c.Timeout / 2
	}
	return c.Heartbeat
}

// check returns an error that names the first field which cannot be.
func (c *Config) check() error {
	bad := func(field string, value any, want string) error {
		return fmt.Errorf("worker: Config.%s is %v: %s", field, value, want)
	}
	if _, ok := modelNames[c.Model]; !ok {
		return bad("Model", c.Model, "want Sync, Threaded, Evented, Uvicorn or ThreadPerRequest")
	}
	if c.Workers < 1 {
		return bad("Workers", c.Workers, "a server needs at least 1")
	}
	if c.Workers > MaxWorkers {
		return bad("Workers", c.Workers, fmt.Sprintf("want at most %d", MaxWorkers))
	}
	if c.Threads < 1 {
		return bad("Threads", c.Threads, "a worker has at least 1")
	}
	if c.Threads > MaxThreads {
		return bad("Threads", c.Threads, fmt.Sprintf("want at most %d", MaxThreads))
	}
	if c.Threads > 1 && c.Model != Threaded {
		return bad("Threads", c.Threads, "only a threaded worker has threads to set, want 1")
	}
	if c.Backlog < 1 {
		return bad("Backlog", c.Backlog, "listen(2) needs at least 1")
	}
	for _, f := range []struct {
		name string
		d    time.Duration
	}{
		{"Timeout", c.Timeout}, {"Heartbeat", c.Heartbeat}, {"GracefulTimeout", c.GracefulTimeout}, {"KeepAlive", c.KeepAlive},
		{"BootTime", c.BootTime}, {"CPU", c.CPU}, {"SleepOvershoot", c.SleepOvershoot},
	} {
		if f.d < 0 {
			return bad(f.name, f.d, "a duration cannot be negative")
		}
	}
	if c.MaxRequests < 0 {
		return bad("MaxRequests", c.MaxRequests, "want 0 (never recycle) or more")
	}
	if c.MaxRequestsJitter < 0 {
		return bad("MaxRequestsJitter", c.MaxRequestsJitter, "want 0 or more")
	}
	if c.MaxRequestsJitter > 0 && c.MaxRequests == 0 {
		return bad("MaxRequestsJitter", c.MaxRequestsJitter, "there is no MaxRequests for it to add to")
	}
	if c.Replies != AtOnce && c.Replies != EndOfTurn {
		return bad("Replies", c.Replies, "want AtOnce or EndOfTurn")
	}
	if c.Replies == EndOfTurn && !c.Model.EventLoop() {
		return bad("Replies", c.Replies, "only an event loop has turns, want AtOnce")
	}
	if c.ThreadLimit < 0 {
		return bad("ThreadLimit", c.ThreadLimit, "want 0 (no limit) or more")
	}
	if c.ThreadLimit > MaxThreads {
		return bad("ThreadLimit", c.ThreadLimit, fmt.Sprintf("want 0 (no limit), or at most %d", MaxThreads))
	}
	for _, f := range []struct {
		name string
		n    int
	}{
		{"WorkerConnections", c.WorkerConnections}, {"Backlog", c.Backlog},
		{"MaxRequests", c.MaxRequests}, {"MaxRequestsJitter", c.MaxRequestsJitter},
	} {
		if f.n > maxOfAny {
			return bad(f.name, f.n, fmt.Sprintf("want at most %d", maxOfAny))
		}
	}
	if c.Model == Evented && c.Heartbeat == 0 {
		return bad("Heartbeat", c.Heartbeat, "a loop that never beats is killed for nothing, want more than 0")
	}
	if !(c.AcceptAgain >= 0 && c.AcceptAgain < 1) { // also catches NaN
		return bad("AcceptAgain", c.AcceptAgain, "want a probability of 0 or more, below 1")
	}
	switch c.Model {
	case Sync:
		if c.KeepAlive != 0 {
			return bad("KeepAlive", c.KeepAlive, "a sync worker never keeps a connection, want 0")
		}
	case Threaded, Evented:
		if c.WorkerConnections < 1 {
			return bad("WorkerConnections", c.WorkerConnections, "a worker needs at least 1")
		}
	case ThreadPerRequest:
		if c.Workers > 1 {
			return bad("Workers", c.Workers, "thread-per-request is one process, want 1")
		}
		if c.Timeout != 0 {
			return bad("Timeout", c.Timeout, "thread-per-request has no arbiter, want 0")
		}
		if c.MaxRequests != 0 {
			return bad("MaxRequests", c.MaxRequests, "thread-per-request has no arbiter to recycle it, want 0")
		}
	}
	return nil
}

// String says the server in a few words, such as "2 threaded workers × 25
// threads".
func (c Config) String() string {
	if c.Model == ThreadPerRequest {
		return "a thread per request"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d %v worker", c.Workers, c.Model)
	if c.Workers != 1 {
		b.WriteByte('s')
	}
	if c.Model == Threaded {
		fmt.Fprintf(&b, " × %d thread", c.Threads)
		if c.Threads != 1 {
			b.WriteByte('s')
		}
	}
	return b.String()
}
