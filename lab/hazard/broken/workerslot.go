// A page served by a fixed number of slots, each with an environment of its own.

package broken

import (
	"context"
	"io"
	"net/http"
	"time"

	"example.com/outagelab/pocserver/worker"
)

// WorkerSlot greets who the session cookie says is asking. Two requests run at a
// time, each in a slot; a slot has an environment, made once, so that requests
// in the same slot need not allocate one each.
func WorkerSlot(_ http.RoundTripper) http.Handler {
	app := &workerSlotApp{slots: make(chan int, 2)}
	for slot := range app.envs {
		app.slots <- slot
	}
	return app
}

type workerSlotApp struct {
	slots chan int // those that are free
	envs  [2]workerSlotEnv
}

// A workerSlotEnv is what the app knows while it serves a request.
type workerSlotEnv struct {
	request *http.Request
	user    string
}

// currentUser returns who is logged in. It looks them up once.
func (e *workerSlotEnv) currentUser(ctx context.Context) string {
	if e.user == "" {
		worker.Await(ctx, 10*time.Millisecond) // sessions are in the database
		e.user = "guest"
		if cookie, err := e.request.Cookie("session"); err == nil {
			e.user = "user of session " + cookie.Value
		}
	}
	return e.user
}

func (a *workerSlotApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var slot int
	select {
	case slot = <-a.slots:
	case <-r.Context().Done():
		return
	}
	defer func() { a.slots <- slot }()
	env := &a.envs[slot]
	env.request = r
	_, _ = io.WriteString(w, "Hello, "+env.currentUser(r.Context()))
}
