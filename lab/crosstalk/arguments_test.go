// What Check says of arguments with which it can find nothing, and of panics.

package crosstalk_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/crosstalk"
	"example.com/outagelab/pocserver/worker"
)

func echoes() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, user(r)) })
}

func TestArgumentsThatCannotBeAreNamed(t *testing.T) {
	evented := worker.Defaults(worker.Evented)
	evented.Workers = 0
	for want, s := range map[string]*said{
		"newHandler is nil":                            saysOf(nil, inQuery),
		"newRequest is nil":                            saysOf(echoes, nil),
		"On: worker: Config.Workers is 0":              saysOf(echoes, inQuery, crosstalk.On(evented)),
		"newHandler returned no handler":               saysOf(func() http.Handler { return nil }, inQuery),
		"newRequest made no request for user 0":        saysOf(echoes, func(int, string) *http.Request { return nil }),
		"did not put user 0's canary into GET /public": saysOf(echoes, func(int, string) *http.Request { return httptest.NewRequest("GET", "/public", nil) }),
		"the body of user 0's request: it is gone": saysOf(echoes, func(_ int, canary string) *http.Request {
			return httptest.NewRequest("PUT", "/?q="+canary, io.MultiReader(broken{}))
		}),
	} {
		assert.True(t, s.failed, want)
		assert.Contains(t, flat(s.text), want)
	}
}

func TestAHandlerThatIsNeverCalledFails(t *testing.T) {
	for want, path := range map[string]string{
		"the handler was never called for GET account?q=": "account",
		"the server answered 400":                         "account",
	} {
		s := saysOf(echoes, func(_ int, canary string) *http.Request {
			r, _ := http.NewRequest("GET", "http://app.test/", nil)
			r.URL.Path, r.URL.Opaque, r.URL.RawQuery = "", path, "q="+canary
			r.URL.Scheme, r.URL.Host = "", ""
			return r
		})
		assert.True(t, s.failed, want)
		assert.Contains(t, flat(s.text), want)
	}
}

func TestAPanicOfNewRequestIsAnErrorWithItsPlace(t *testing.T) {
	s := saysOf(echoes, func(int, string) *http.Request { panic("no such user") })
	assert.True(t, s.failed)
	assert.Regexp(t, `newRequest panicked for user 0: no such user, at crosstalk/arguments_test.go:\d+`, flat(s.text))
}

func TestWhatCouldNotBeTriedIsNoted(t *testing.T) {
	const alone = "no two requests were ever in the handler at once"
	napping := always(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Millisecond)
		_, _ = io.WriteString(w, user(r))
	})
	assert.NotContains(t, flat(isClean(t, napping, inQuery)), alone)
	assert.Contains(t, flat(isClean(t, napping, inQuery, crosstalk.On(worker.Defaults(worker.Sync)))), alone)
	assert.Contains(t, flat(isClean(t, napping, inQuery, crosstalk.On(worker.Defaults(worker.Evented)))), alone,
		"time.Sleep holds the loop")

	const plain = "it was also run for"
	reading := always(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, user(r))
	})
	posted := func(_ int, canary string) *http.Request {
		return httptest.NewRequest("POST", "/?q="+canary, strings.NewReader("a body"))
	}
	assert.Contains(t, flat(isClean(t, reading, posted)), plain, "between its read and its write it waits for nothing")
	assert.NotContains(t, flat(isClean(t, napping, inQuery)), plain)
}

// always is an app whose every instance is h.
func always(h http.HandlerFunc) func() http.Handler {
	return func() http.Handler { return h }
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("it is gone") }

func TestARequestMayBeUsedAgainByWhoMakesIt(t *testing.T) {
	all := httptest.NewRequest("GET", "/", nil)
	_, clean := shows(func(w http.ResponseWriter, user string) { _, _ = io.WriteString(w, user) })
	isClean(t, app(clean), func(_ int, canary string) *http.Request {
		all.Header.Set("Authorization", canary)
		return all
	})
}

func TestAHandlerThatPanicsFails(t *testing.T) {
	s := saysOf(func() http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("no database") })
	}, inQuery)
	assert.True(t, s.failed)
	assert.Contains(t, flat(s.text), "panicked with one request, and nobody else there: no database")
}

func TestAHandlerThatPanicsOnlyWhenOthersAreThereFails(t *testing.T) {
	s := saysOf(func() http.Handler {
		var inside atomic.Int32
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if inside.Add(1) > 1 {
				panic("somebody is here")
			}
			defer inside.Add(-1)
			time.Sleep(time.Second)
			_, _ = io.WriteString(w, user(r))
		})
	}, inQuery)
	assert.True(t, s.failed)
	assert.Contains(t, flat(s.text), "the handler panicked, though nobody saw anybody else's data")
	assert.Contains(t, flat(s.text), "somebody is here")
	assert.Contains(t, flat(s.text), "schedule nested then A comes in, waits; B comes in")
}

func TestAHandlerThatAbortsIsNoTrouble(t *testing.T) {
	isClean(t, func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, user(r))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		})
	}, inQuery)
}
