// What a test here does again and again: check a handler and look at what was
// said of it; and requests with the canary in one place or another.

package crosstalk_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/crosstalk"
)

// said is a crosstalk.TestingT that keeps what it is told.
type said struct {
	text   string
	failed bool
}

func (s *said) Helper() {}

func (s *said) Logf(format string, args ...any) { s.text += fmt.Sprintf(format, args...) + "\n" }

func (s *said) Errorf(format string, args ...any) {
	s.failed = true
	s.Logf(format, args...)
}

// flat is a text without line breaks, to find words in.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

// saysOf checks a handler and returns what was said of it.
func saysOf(newHandler func() http.Handler, newRequest newRequest, options ...crosstalk.Option) *said {
	s := &said{}
	crosstalk.Check(s, newHandler, newRequest, options...)
	return s
}

const (
	dirtyWords = "shows one user's data to another"
	cleanWords = "nobody saw anybody else's data"
)

// isDirty and isClean check a handler and what is said of it.
func isDirty(t *testing.T, newHandler func() http.Handler, newRequest newRequest, options ...crosstalk.Option) string {
	t.Helper()
	s := saysOf(newHandler, newRequest, options...)
	assert.True(t, s.failed, "the handler is dirty, but the check passed:\n%s", s.text)
	assert.Contains(t, s.text, dirtyWords)
	return s.text
}

func isClean(t *testing.T, newHandler func() http.Handler, newRequest newRequest, options ...crosstalk.Option) string {
	t.Helper()
	s := saysOf(newHandler, newRequest, options...)
	assert.False(t, s.failed, "the handler is clean, but the check failed:\n%s", s.text)
	assert.Contains(t, s.text, cleanWords)
	return s.text
}

// newRequest makes a user's request.
type newRequest = func(user int, canary string) *http.Request

func inQuery(_ int, canary string) *http.Request {
	return httptest.NewRequest("GET", "/?q="+canary, nil)
}

func inCookie(_ int, canary string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: canary})
	return r
}

func inAuthorization(_ int, canary string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+canary)
	return r
}

func inForm(_ int, canary string) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader("q="+canary))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// app makes a constructor of a handler function that shares what its makers
// share: each call of make is a new app.
func app(make func() http.HandlerFunc) func() http.Handler {
	return func() http.Handler { return make() }
}
