// Strangers that start goroutines.

package crosstalk_test

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

var inGoroutines = []stranger{
	{
		name:    "a goroutine that writes when its handler has returned",
		vacuous: true,
		ask:     inQuery,
		races:   true,
		dirty: func() http.HandlerFunc {
			var last kept
			return func(w http.ResponseWriter, r *http.Request) {
				last.set(user(r))
				_, _ = io.WriteString(w, "soon")
				go func() {
					time.Sleep(time.Millisecond)
					_, _ = io.WriteString(w, last.get())
				}()
			}
		},
		clean: func() http.HandlerFunc {
			var last kept
			return func(w http.ResponseWriter, r *http.Request) {
				user := user(r)
				_, _ = io.WriteString(w, "soon")
				go func() {
					time.Sleep(time.Millisecond)
					last.set(user)
				}()
			}
		},
	},
	{
		name: "a timeout around it",
		ask:  inCookie,
		dirty: func() http.HandlerFunc {
			dirty, _ := shows(func(w http.ResponseWriter, user string) { _, _ = io.WriteString(w, user) })
			return http.TimeoutHandler(dirty(), time.Second, "too late").ServeHTTP
		},
		clean: func() http.HandlerFunc {
			_, clean := shows(func(w http.ResponseWriter, user string) { _, _ = io.WriteString(w, user) })
			return http.TimeoutHandler(clean(), time.Second, "too late").ServeHTTP
		},
	},
	{
		name:    "a timeout that comes first",
		vacuous: true,
		ask:     inCookie,
		clean: func() http.HandlerFunc {
			return http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(1500 * time.Millisecond)
				_, _ = io.WriteString(w, user(r))
			}), time.Second, "too late").ServeHTTP
		},
	},
	{
		name: "two halves of a page, each from a goroutine",
		ask:  inForm,
		dirty: func() http.HandlerFunc {
			var session kept
			return halves(func(r *http.Request) func() string {
				session.set(user(r))
				return session.get
			})
		},
		clean: func() http.HandlerFunc {
			return halves(func(r *http.Request) func() string {
				user := user(r)
				return func() string { return user }
			})
		},
	},
}

// halves makes a page out of two parts that take different times.
func halves(session func(r *http.Request) (user func() string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user := session(r)
		var (
			parts [2]string
			wg    sync.WaitGroup
		)
		for i := range parts {
			wg.Go(func() {
				time.Sleep(time.Duration(i+1) * time.Second)
				parts[i] = user()
			})
		}
		wg.Wait()
		fmt.Fprint(w, parts)
	}
}

// A pool answers requests in goroutines of the app's own, until it is closed.
type pool struct {
	jobs chan job
	stop chan struct{}
	wg   sync.WaitGroup
}

type job struct {
	user string
	done chan string
}

func newPool(work func(user string) string) http.Handler {
	p := &pool{jobs: make(chan job), stop: make(chan struct{})}
	for range 2 {
		p.wg.Go(func() {
			for {
				select {
				case j := <-p.jobs:
					j.done <- work(j.user)
				case <-p.stop:
					return
				}
			}
		})
	}
	return p
}

func (p *pool) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	j := job{user(r), make(chan string, 1)}
	select {
	case p.jobs <- j:
	case <-r.Context().Done():
		return
	}
	_, _ = io.WriteString(w, <-j.done)
}

func (p *pool) Close() error {
	close(p.stop)
	p.wg.Wait()
	return nil
}

func TestAPoolOfWorkersIsJudgedRightly(t *testing.T) {
	isClean(t, func() http.Handler {
		return newPool(func(user string) string {
			time.Sleep(time.Second)
			return user
		})
	}, inQuery)
	isDirty(t, func() http.Handler {
		var session kept
		return newPool(func(user string) string {
			session.set(user)
			time.Sleep(time.Second)
			return session.get()
		})
	}, inQuery)
}

// A janitor sweeps once a second, for as long as the app lives.
type janitor struct {
	http.HandlerFunc
	stop, stopped chan struct{}
}

func newJanitor(serve http.HandlerFunc, sweep func()) *janitor {
	j := &janitor{serve, make(chan struct{}), make(chan struct{})}
	go func() {
		defer close(j.stopped)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				sweep()
			case <-j.stop:
				return
			}
		}
	}()
	return j
}

func (j *janitor) Close() error {
	close(j.stop)
	<-j.stopped
	return nil
}

func TestAJanitorInTheBackgroundIsJudgedRightly(t *testing.T) {
	var sweep kept
	text := isClean(t, func() http.Handler {
		return newJanitor(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(1500 * time.Millisecond)
			fmt.Fprint(w, user(r))
		}, func() { sweep.set("swept") })
	}, inQuery)
	assert.NotContains(t, text, "left behind")
	assert.Equal(t, "swept", sweep.get())
}
