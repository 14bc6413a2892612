// The worker models: what they let overlap is found, and nothing else.

package crosstalk_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/crosstalk"
	"example.com/outagelab/pocserver/worker"
)

// poc is the PoC's session, whose handler naps as an event loop's does.
func poc() http.Handler {
	var session kept
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session.set(user(r))
		worker.Await(r.Context(), time.Second)
		fmt.Fprintf(w, "hello %s", session.get())
	})
}

func threads(n int) worker.Config {
	c := worker.Defaults(worker.Threaded)
	c.Threads = n
	return c
}

func workers(n int, c worker.Config) worker.Config {
	c.Workers = n
	return c
}

func TestASessionIsFoundWhereRequestsOverlap(t *testing.T) {
	for _, server := range []worker.Config{
		worker.Defaults(worker.Evented),
		worker.Defaults(worker.ThreadPerRequest),
		threads(2),
		workers(2, threads(4)),
		workers(2, worker.Defaults(worker.Evented)),
	} {
		t.Run(server.String(), func(t *testing.T) {
			text := isDirty(t, poc, inQuery, crosstalk.On(server))
			assert.Contains(t, flat(text), "on "+server.String())
		})
	}
}

func TestASessionIsCleanWhereRequestsTakeTurns(t *testing.T) {
	for _, server := range []worker.Config{
		worker.Defaults(worker.Sync),
		workers(3, worker.Defaults(worker.Sync)),
		threads(1),
	} {
		t.Run(server.String(), func(t *testing.T) {
			isClean(t, poc, inQuery, crosstalk.On(server))
		})
	}
}

func TestALoopIsNotBlockedByWhoeverIsKept(t *testing.T) {
	isClean(t, func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user := user(r) // reads the body
			worker.Await(r.Context(), time.Second)
			fmt.Fprintf(w, "hello %s", user)
		})
	}, inForm, crosstalk.On(worker.Defaults(worker.Evented)))
}

func TestOnALoopWhatIsDoneInOneGoIsNotTornApart(t *testing.T) {
	for _, server := range []worker.Config{worker.Defaults(worker.Evented), worker.Defaults(worker.Sync)} {
		isClean(t, func() http.Handler {
			var session string // no lock: one thread runs all
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				session = user(r)
				fmt.Fprintf(w, "hello ")
				fmt.Fprint(w, session)
			})
		}, inQuery, crosstalk.On(server))
	}
}

func TestWhatOneWorkerKeepsAnotherDoesNotShow(t *testing.T) {
	apps := 0 // one worker boots at a time
	text := isDirty(t, func() http.Handler {
		apps++
		var last kept
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			before := last.get()
			last.set(user(r))
			fmt.Fprintf(w, "the last was %s", before)
		})
	}, inQuery, crosstalk.On(workers(2, worker.Defaults(worker.Sync))))
	assert.Contains(t, flat(text), "on 2 sync workers")
	assert.GreaterOrEqual(t, apps, 2)
}

func TestALockAroundTheWritesIsCleanOnThreads(t *testing.T) {
	h := locked("", func() { time.Sleep(time.Second) })
	for _, server := range []worker.Config{worker.Defaults(worker.ThreadPerRequest), threads(4)} {
		isClean(t, app(h.clean), h.ask, crosstalk.On(server))
	}
}
