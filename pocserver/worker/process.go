// One worker process, from its boot to its end: an instance of the app, an
// http.Server, and the model that decides when a request may run.

package worker

import (
	"context"
	"maps"
	"math"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// process is one incarnation of a worker.
type process struct {
	cfg    *Config
	worker int // which worker, from 0
	boot   int // which of its incarnations, from 0

	app     http.Handler
	server  http.Server
	inbox   *handoff
	site    *site
	loop    *loop  // Evented, Uvicorn
	workers *slots // ThreadLimit: what InThread runs
	threads *slots // Threaded, with fewer threads than connections
	gil     *slots // the interpreter lock, where threads compete for it

	requests atomic.Int64
	limit    int64       // the request after which the process retires
	retiring atomic.Bool // its replies end their connections
	retire   chan struct{}
	drained  chan struct{} // retired, and holds no connection any more
	dead     chan struct{} // cut: nothing of it does any more work

	kept  atomic.Int64 // connections that are idle between two requests
	mu    sync.Mutex
	conns map[*conn]struct{}
	owed  debt // of CPU, under whatever makes the model's requests run alone
}

// boot starts a process, which waits for connections from now on.
func boot(cfg *Config, d *door, worker, nth int, app http.Handler, addr net.Addr) *process {
	now := time.Now()
	p := &process{
		cfg: cfg, worker: worker, boot: nth, app: app,
		inbox:   newHandoff(addr),
		limit:   requestLimit(cfg, worker, nth),
		retire:  make(chan struct{}),
		drained: make(chan struct{}),
		dead:    make(chan struct{}),
		conns:   map[*conn]struct{}{},
	}
	p.site = &site{door: d, take: p.take}
	switch cfg.Model {
	case Sync:
		p.site.busy = true
	case Threaded:
		p.site.room = cfg.WorkerConnections
		if cfg.Threads < cfg.WorkerConnections {
			p.threads = newSlots(cfg.Threads)
		}
	case Evented:
		p.site.room = cfg.WorkerConnections
	}
	if cfg.Model.EventLoop() {
		p.loop = newLoop(p.site, p.cfg, now)
		if cfg.ThreadLimit > 0 {
			p.workers = newSlots(cfg.ThreadLimit)
		}
	}
	if cfg.CPU > 0 && (cfg.Model == Threaded || cfg.Model == ThreadPerRequest) {
		p.gil = newSlots(1)
	}
	p.server = http.Server{
		Handler:   http.HandlerFunc(p.serve),
		ConnState: p.connState,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, modelKey{}, c.(*conn))
		},
	}
	p.server.SetKeepAlivesEnabled(cfg.KeepAlive > 0)
	go p.server.Serve(p.inbox)
	d.enter(worker, p.site, now)
	return p
}

// requestLimit is max_requests plus a random part of the jitter, drawn at boot
// (gunicorn/workers/base.py, Worker.__init__).
func requestLimit(cfg *Config, worker, nth int) int64 {
	if cfg.MaxRequests == 0 {
		return math.MaxInt64
	}
	jitter := repeatable.Draw(cfg.Seed, "max requests jitter", uint64(worker)<<32|uint64(nth))
	return int64(cfg.MaxRequests) + int64(jitter*float64(cfg.MaxRequestsJitter+1))
}

// take receives a connection from the door.
func (p *process) take(c net.Conn, seq uint64) {
	served := newConn(c, p, seq)
	p.mu.Lock()
	p.conns[served] = struct{}{}
	p.mu.Unlock()
	if p.cfg.Model == Sync {
		served.beginSpan(served.accepted)
	}
	p.inbox.put(served)
}

// forget is take undone: the connection is closed.
func (p *process) forget(c *conn) {
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
	p.site.left(time.Now())
}

// count counts a request, and makes the process retire with the one that fills
// its number: gunicorn looks when a request begins (gunicorn 20.1,
// gunicorn/workers/sync.py and gthread.py, handle_request: self.nr += 1; if
// self.nr >= self.max_requests: self.alive = False). uvicorn counts replies, and
// looks every 0.1 s (uvicorn 0.17.6, uvicorn/server.py, on_tick), so it may
// serve a few more.
func (p *process) count() {
	if p.cfg.MaxRequests > 0 && p.requests.Add(1) == p.limit {
		p.stopAccepting()
	}
}

// stopAccepting makes the process finish what it has and accept no more.
func (p *process) stopAccepting() {
	if p.retiring.Swap(true) {
		return
	}
	p.site.leave(time.Now(), func() { close(p.drained) })
	close(p.retire)
}

// kill ends the process at once: its connections are cut, and whatever handlers
// it still runs stop at their next call into the model. It returns how many
// connections it cut.
func (p *process) kill() int {
	p.site.leave(time.Now(), func() { close(p.drained) })
	conns := p.open()
	close(p.dead)
	p.inbox.Close()
	if p.loop != nil {
		p.loop.kill()
	}
	for _, s := range []*slots{p.threads, p.workers, p.gil} {
		if s != nil {
			s.kill()
		}
	}
	for _, c := range conns {
		c.Close()
		c.endSpan() // if its own goroutine was about to: nothing is told after a kill
	}
	return len(conns)
}

// open is the connections that the process has now.
func (p *process) open() []*conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.conns))
}

func (p *process) isDead() bool {
	select {
	case <-p.dead:
		return true
	default:
		return false
	}
}

// lastBeat returns when the arbiter last heard of the process.
//
//   - A sync worker notifies before it waits for a connection and while it does,
//     but not while it serves one (gunicorn/workers/sync.py, run_for_one).
//   - A threaded worker's main loop notifies however long its threads take
//     (gunicorn/workers/gthread.py, run).
//   - A worker with an event loop notifies from it, if it gets there.
func (p *process) lastBeat(now time.Time) time.Time {
	switch p.cfg.Model {
	case Sync:
		for _, c := range p.open() { // the one that it serves
			return c.accepted
		}
	case Evented, Uvicorn:
		return p.loop.lastBeat(now)
	}
	return now
}

// charge takes half of a request's CPU cost: it is called before the handler and
// after it, since a framework works on both sides of a view. Requests of one
// process pay one at a time: it is called while the loop or the interpreter lock
// is held, or by the one request of a sync worker.
func (p *process) charge(c *conn) {
	if d := p.owed.charge(p.cfg.CPU / 2); d > 0 {
		begin := time.Now()
		c.sleep(d)
		p.owed.paid(time.Since(begin))
	}
}

// debt evens out that a real sleep is longer than asked for: what a request
// slept too long, the next ones sleep less.
type debt struct{ owed time.Duration }

func (d *debt) charge(cost time.Duration) time.Duration {
	d.owed += cost
	return d.owed
}

func (d *debt) paid(slept time.Duration) { d.owed -= slept }
