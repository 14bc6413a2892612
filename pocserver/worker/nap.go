// The three calls by which a handler tells the model how it waits.

package worker

import (
	"context"
	"net/http"
	"time"
)

// modelKey is under what a request's context holds its conn.
type modelKey struct{}

func connOf(ctx context.Context) *conn {
	c, _ := ctx.Value(modelKey{}).(*conn)
	return c
}

// Block naps for d the way time.sleep does: on an event loop nobody else runs
// meanwhile, and no heartbeat is sent. On other models it is [Await].
//
// Like the two calls beside it, Block takes the request's context for which
// worker it is on, and is for the handler's own goroutine: one that the handler
// starts, as http.TimeoutHandler does, does not hold the loop. With a context
// that comes from no worker it just sleeps. It does not end when the client goes
// away, as time.sleep does not. When the worker is dead it does not return: it
// panics with http.ErrAbortHandler, which ends the handler quietly.
func Block(ctx context.Context, d time.Duration) {
	c := connOf(ctx)
	if c == nil {
		time.Sleep(d)
		return
	}
	c.nap(d)
}

// Await naps for d the way await asyncio.sleep does: an event loop runs its
// other tasks meanwhile, and this one again when the nap is over and its turn
// has come. On other models it is [Block].
func Await(ctx context.Context, d time.Duration) {
	c := connOf(ctx)
	if c == nil {
		time.Sleep(d)
		return
	}
	c.yield(func() { c.nap(d) })
}

// InThread runs view off the event loop, and returns on the loop again when view
// has returned. With a Config.ThreadLimit view first waits for one of so many
// threads, as in Starlette. Without one each call has a thread, as in Django (4.0
// and later, asgiref's sync_to_async with a ThreadSensitiveContext for each
// request). On other models it just runs view.
//
// It is also how a handler awaits anything that is not a nap.
func InThread(ctx context.Context, view func()) {
	c := connOf(ctx)
	if c == nil {
		view()
		return
	}
	pool := c.process.workers
	if pool == nil || !c.holding.Load() { // a view that is in a thread already needs no other
		c.yield(view)
		return
	}
	c.yield(func() {
		c.waiter.since = time.Now()
		if !pool.acquire(&c.waiter) {
			panic(http.ErrAbortHandler)
		}
		defer pool.release()
		view()
	})
}

// yield lets an event loop go while f runs.
func (c *conn) yield(f func()) {
	if c.process.loop == nil || !c.holding.Load() {
		f()
		c.mustLive()
		return
	}
	request := c.requests.Load()
	c.letGo()
	defer func() { // also if f panics: who recovers that is on the loop again
		if c.requests.Load() != request || !c.hold(time.Now()) {
			panic(http.ErrAbortHandler)
		}
	}()
	f()
}

// nap sleeps for d and what the machine oversleeps.
func (c *conn) nap(d time.Duration) {
	if d > 0 {
		c.sleep(d + c.process.cfg.SleepOvershoot)
	}
	c.mustLive()
}

// sleep sleeps for d, or until the worker dies, which ends the handler. Between
// a handler's two sides of a nap it synchronizes with no other request: a lock
// or an atomic here would hide the app's data races from the race detector.
func (c *conn) sleep(d time.Duration) {
	t := time.NewTimer(d)
	select {
	case <-t.C:
	case <-c.process.dead:
		t.Stop()
		panic(http.ErrAbortHandler)
	}
}

func (c *conn) mustLive() {
	if c.process.isDead() {
		panic(http.ErrAbortHandler)
	}
}

// until waits for done, if there is one, and returns true, or false if the
// process dies first.
func (p *process) until(done <-chan struct{}) bool {
	if done == nil {
		return true
	}
	select {
	case <-done:
		return true
	case <-p.dead:
		return false
	}
}
