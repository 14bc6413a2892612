// Verdicts that were wrong once: handlers from public reports that killed the
// test binary, were failed although they are right, or passed although they are
// not. Each stands for its kind, and none needs an option.

package crosstalk_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/crosstalk"
)

// What a process makes once, and lazily, belongs to whoever asks first. Made in a
// bubble, the next who touches it outside ends the process.

var process struct {
	once sync.Once
	jobs chan int
	work chan job
}

func init() {
	children["jobs for the whole process"] = twice(app(func() http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			process.once.Do(func() {
				process.jobs = make(chan int, 100)
				go func() {
					for range process.jobs {
					}
				}()
			})
			process.jobs <- 1
			_, _ = io.WriteString(w, user(r))
		}
	}))
	children["answers from workers of the whole process"] = twice(app(func() http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			process.once.Do(func() {
				process.work = make(chan job)
				for range 4 {
					go func() {
						for j := range process.work {
							j.done <- j.user
						}
					}()
				}
			})
			j := job{user(r), make(chan string)}
			process.work <- j
			_, _ = io.WriteString(w, <-j.done)
		}
	}))
	children["a semaphore of the whole process"] = twice(app(func() http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			process.once.Do(func() { process.jobs = make(chan int, 4) })
			process.jobs <- 1
			defer func() { <-process.jobs }()
			_, _ = io.WriteString(w, user(r))
		}
	}))
	for name, client := range map[string]*http.Client{
		"the default transport":     http.DefaultClient,
		"a client of the package's": {Transport: &http.Transport{}},
	} {
		children[name] = func(t *testing.T) {
			far := httptest.NewServer(mailbox)
			defer far.Close()
			twice(app(func() http.HandlerFunc {
				return func(w http.ResponseWriter, r *http.Request) {
					reply, err := client.Get(far.URL + "/?q=" + user(r))
					if err != nil {
						http.Error(w, err.Error(), http.StatusBadGateway)
						return
					}
					defer reply.Body.Close()
					_, _ = io.Copy(w, reply.Body)
				}
			}))(t)
		}
	}
	children["eight that compute, then a plain one"] = func(*testing.T) {
		crosstalk.Impatient(50*time.Millisecond, time.Minute)
		crosstalk.Check(printed("computing"), app(func() http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				compute(40 * time.Millisecond)
				_, _ = io.WriteString(w, user(r))
			}
		}), inQuery)
		crosstalk.Check(printed("plain"), echoes, inQuery)
	}
	children["an endless loop, then a plain one"] = func(*testing.T) {
		crosstalk.Impatient(300*time.Millisecond, 300*time.Millisecond)
		crosstalk.Check(printed("endless"), app(func() http.HandlerFunc {
			return func(http.ResponseWriter, *http.Request) { compute(time.Hour) }
		}), inQuery)
		crosstalk.Check(printed("plain"), echoes, inQuery)
	}
	children["a lock across a nap, then a plain one"] = func(*testing.T) {
		crosstalk.Check(printed("locked"), heldAcrossANap, inQuery)
		crosstalk.Check(printed("plain"), echoes, inQuery)
	}
}

// twice checks a handler twice, and then asks it once more outside of any check.
func twice(newHandler func() http.Handler) func(t *testing.T) {
	return func(*testing.T) {
		for range 2 {
			saying(newHandler)(nil)
		}
		w := httptest.NewRecorder()
		newHandler().ServeHTTP(w, inQuery(0, "outside"))
		fmt.Printf("outside: %s\n", w.Body)
	}
}

// compute computes for about so long.
func compute(d time.Duration) {
	for range d / time.Microsecond {
		sha256.Sum256(make([]byte, 1500)) // a microsecond or two
	}
}

// printed prints what a check says of a handler.
type printed string

func (p printed) Helper() {}

func (p printed) Logf(format string, args ...any) {
	fmt.Printf("%s failed: false\n"+format+"\n", append([]any{string(p)}, args...)...)
}

func (p printed) Errorf(format string, args ...any) {
	fmt.Printf("%s failed: true\n"+format+"\n", append([]any{string(p)}, args...)...)
}

func TestWhatAProcessMakesLazilyEndsNoProcess(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"jobs for the whole process", "answers from workers of the whole process", "a semaphore of the whole process",
		"the default transport", "a client of the package's",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := flat(runChild(t, name))
			assert.NotContains(t, text, "fatal error")
			assert.Equal(t, 2, strings.Count(text, "failed: false"), text)
			assert.Regexp(t, `outside: .*outside`, text)
		})
	}
}

func TestAnAbandonedCheckSpoilsNoOther(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"eight that compute, then a plain one":  "computing failed: false plain failed: false",
		"a lock across a nap, then a plain one": "locked failed: true plain failed: false",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := flat(runChild(t, name))
			for verdict := range strings.SplitSeq(want, " plain") {
				assert.Contains(t, text, strings.TrimSpace(verdict))
			}
		})
	}
}

// State that is keyed by the client's address, as rate limits are.
func TestEachUserHasAnAddressOfItsOwn(t *testing.T) {
	for _, options := range [][]crosstalk.Option{nil, {crosstalk.RealTime()}} {
		isClean(t, app(func() http.HandlerFunc {
			var carts sync.Map
			return func(w http.ResponseWriter, r *http.Request) {
				host, _, err := net.SplitHostPort(r.RemoteAddr)
				if err != nil {
					panic(err)
				}
				cart, _ := carts.LoadOrStore(host, user(r))
				_, _ = io.WriteString(w, cart.(string))
			}
		}), inQuery, options...)
	}
}

// What is set a while after the reply, and what is kept for a while.
func TestStateThatArrivesLaterIsSeen(t *testing.T) {
	isDirty(t, app(func() http.HandlerFunc {
		var last kept
		return func(w http.ResponseWriter, r *http.Request) {
			before, user := last.get(), user(r)
			time.AfterFunc(50*time.Millisecond, func() { last.set(user) })
			fmt.Fprintf(w, "hello %s, the last was %s", user, before)
		}
	}), inQuery)
	isDirty(t, app(func() http.HandlerFunc {
		var last kept
		return func(w http.ResponseWriter, r *http.Request) {
			before, user := last.get(), user(r)
			time.AfterFunc(20*time.Hour, func() { last.set(user) }) // a nightly job
			fmt.Fprintf(w, "hello %s, the last was %s", user, before)
		}
	}), inQuery)
}

// What ticks a thousand times a second does not make a day take a day.
func TestADayIsAsLongAsThereIsTime(t *testing.T) {
	ticks := 0
	text := isClean(t, func() http.Handler {
		stop := make(chan struct{})
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					ticks++
				case <-stop:
					return
				}
			}
		}()
		return &janitor{func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, user(r)) }, stop, stopped}
	}, inQuery)
	assert.NotContains(t, text, "left behind")
	assert.Less(t, ticks, 10_000_000, "of 86 million")
}

// An object that is put into a pool twice is lent to two at a time.
func TestAnObjectPutIntoAPoolTwiceIsSeen(t *testing.T) {
	pooled := func(puts int) func() http.HandlerFunc {
		return func() http.HandlerFunc {
			var mu sync.Mutex
			var free []*kept // a free list, as sync.Pool drops at random with the race detector
			return func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				k := &kept{}
				if n := len(free); n > 0 {
					k, free = free[n-1], free[:n-1]
				}
				mu.Unlock()
				k.set(user(r))
				time.Sleep(time.Millisecond)
				_, _ = io.WriteString(w, k.get())
				mu.Lock()
				defer mu.Unlock()
				for range puts {
					free = append(free, k)
				}
			}
		}
	}
	isDirty(t, app(pooled(2)), inQuery)
	isClean(t, app(pooled(1)), inQuery)
}

// A cache of HTTP replies stores none without a date (RFC 9111, 4.2.3).
func TestTheUpstreamDatesItsReplies(t *testing.T) {
	call := httptest.NewRequest("GET", "http://mail.example/", nil)
	reply, err := crosstalk.Transport(mailbox).RoundTrip(call)
	assert.NoError(t, err)
	reply.Body.Close()
	date, err := http.ParseTime(reply.Header.Get("Date"))
	assert.NoError(t, err)
	assert.WithinDuration(t, time.Now(), date, time.Minute)

	for given, want := range map[string][]string{"": nil, "Thu, 01 Jan 1970 00:00:00 GMT": {"Thu, 01 Jan 1970 00:00:00 GMT"}} {
		reply, err := crosstalk.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Date"] = nil // net/http then sends none
			if given != "" {
				w.Header().Set("Date", given)
			}
		})).RoundTrip(call)
		assert.NoError(t, err)
		reply.Body.Close()
		assert.Equal(t, want, reply.Header["Date"], "the handler's own, or none if it says so, as in net/http")
	}
}

// closes is an app whose Close fails.
type closes struct {
	http.HandlerFunc
	err error
}

func (c closes) Close() error { return c.err }

func TestAnErrorOfCloseIsNoCrosstalk(t *testing.T) {
	text := isClean(t, func() http.Handler {
		return closes{func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, user(r)) }, errors.New("the disk is full")}
	}, inQuery)
	assert.Contains(t, flat(text), "Close returned an error: the disk is full")
	assert.NotContains(t, text, "left behind")
}

// A check that proves nothing must not pass, unless that is meant.
func TestACheckThatProvesNothingFails(t *testing.T) {
	for want, newHandler := range map[string]func() http.Handler{
		"every reply is an error": always(func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "no "+user(r), http.StatusUnauthorized)
		}),
		"no reply held its own user's canary": always(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "hello")
		}),
		"only one user of several ever saw its own canary": app(func() http.HandlerFunc {
			var served atomic.Bool
			return func(w http.ResponseWriter, r *http.Request) {
				if !served.CompareAndSwap(false, true) {
					http.Error(w, "full", http.StatusServiceUnavailable)
					return
				}
				_, _ = io.WriteString(w, user(r))
			}
		}),
		"no request was answered": always(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
	} {
		s := saysOf(newHandler, inQuery)
		assert.True(t, s.failed, want)
		assert.Contains(t, flat(s.text), "the check proves nothing about the handler, because "+want)
		assert.Contains(t, s.text, "  replies ")
		text := isClean(t, newHandler, inQuery, crosstalk.AllowVacuous())
		assert.Contains(t, flat(text), "this proves nothing, which is allowed: "+want)
	}
	assert.Regexp(t, `replies +\d+ × 200 OK, \d+ × client left`, isClean(t, echoes, inQuery))
	assert.NotContains(t, isClean(t, echoes, inQuery, crosstalk.AllowVacuous()), "proves nothing")
}

// What a package variable keeps is another matter than what an instance does.
func TestAReportSaysThatStateOutlivesTheHandler(t *testing.T) {
	var last kept
	text := isDirty(t, app(func() http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			before, user := last.get(), user(r)
			last.set(user)
			fmt.Fprintf(w, "hello %s, the last was %s", user, before)
		}
	}), inQuery)
	assert.Contains(t, flat(text), "it outlives newHandler")
	assert.NotContains(t, flat(isDirty(t, poc, inQuery)), "it outlives newHandler")
}

func TestAWebsocketFrameCanBeRead(t *testing.T) {
	text := isDirty(t, app(func() http.HandlerFunc {
		var session kept
		return hijack("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x1e\x00", func(r *http.Request) func() string {
			session.set(user(r))
			return session.get
		})
	}), inCookie)
	assert.Regexp(t, `: ·hello «.'s canary»`, flat(text))
}

func TestAReportCanBeJSON(t *testing.T) {
	reported := func(newHandler func() http.Handler) (r crosstalk.Report) {
		var b strings.Builder
		s := saysOf(newHandler, inQuery, crosstalk.JSON(&b))
		assert.NoError(t, json.Unmarshal([]byte(b.String()), &r))
		assert.Equal(t, s.failed, r.Verdict != "clean")
		return r
	}
	r := reported(poc)
	assert.Equal(t, "crosstalk", r.Verdict)
	assert.Equal(t, "the body", r.Where)
	assert.Equal(t, "hello «B's canary»", r.Excerpt)
	assert.Equal(t, "nested", r.Schedule)
	assert.Equal(t, "A in, B in, B out, A out", r.Order)
	assert.Regexp(t, "^B came in while A waited at ", r.When)
	assert.False(t, r.OutlivesHandler)
	assert.False(t, r.RealTime)
	assert.Equal(t, map[string]int{"200 OK": r.Requests}, r.Replies)

	assert.Equal(t, "clean", reported(echoes).Verdict)
	r = reported(always(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "hello") }))
	assert.Equal(t, "vacuous", r.Verdict)
	assert.Equal(t, "no reply held its own user's canary", r.Error)
	r = reported(always(func(http.ResponseWriter, *http.Request) { panic("no database") }))
	assert.Equal(t, "error", r.Verdict)
	assert.Contains(t, r.Error, "no database")
}
