// Many requests at once in real time, for a handler that waits for nothing: no
// schedule can get between two of its steps, only luck can.

package crosstalk

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"time"
)

const (
	users    = 8                    // at once
	mostAsks = 4000                 // in all
	mostTime = 8 * time.Millisecond // for all of them, about
	mostWait = time.Second          // for those that do not notice; they are left behind
)

// atOnce runs the handler with many users at once.
func (c *check) atOnce() error {
	app := c.newHandler()
	c.ran++
	r := &run{check: c, plan: schedule{name: "many at once, in real time"}, begin: time.Now(), bell: make(chan struct{}, 1)}
	requests := make([]*user, users)
	for i := range requests {
		u := &user{run: r, index: i}
		u.canary, u.token = c.newCanary(owner{c.ran, i})
		var err error
		if u.request, err = c.ask(i, u.canary, false); err != nil {
			return err
		}
		requests[i] = u
		r.users = append(r.users, u)
	}
	// Who still waits when the time is up has to notice that its client has left.
	ctx, cancel := context.WithTimeout(context.Background(), mostTime)
	defer cancel()
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		asked int
	)
	for _, u := range requests {
		wg.Go(func() {
			for range mostAsks / users {
				recorder := httptest.NewRecorder()
				// A request is its handler's to change.
				req := request{u.request.Clone(ctx), nil}
				req.set(u.request.body)
				req.RequestURI, req.RemoteAddr = req.URL.RequestURI(), "192.0.2.1:1234"
				panicked := serve(app, yielding{recorder}, req.Request)
				reply := recorder.Result()
				mu.Lock()
				asked++
				u.received = received{reply: reply, body: recorder.Body.Bytes()}
				if panicked != nil && c.trouble == "" {
					c.trouble = panicked.Error()
				}
				if len(c.findings) == 0 {
					c.findings = append(c.findings, c.lookAt(u)...)
				}
				over := len(c.findings) > 0 || ctx.Err() != nil
				mu.Unlock()
				if over {
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		wg.Wait()
	}()
	select {
	case <-done:
	case <-time.After(mostWait):
	}
	mu.Lock()
	defer mu.Unlock()
	c.plain = asked
	if len(c.findings) > 0 {
		c.smallest = &c.findings[0]
	}
	return nil
}

// serve calls the handler and returns its panic.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			err = fmt.Errorf("%v", p)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

// yielding lets others run at each write.
type yielding struct{ *httptest.ResponseRecorder }

func (y yielding) Write(p []byte) (int, error) {
	runtime.Gosched()
	return y.ResponseRecorder.Write(p)
}
