// The writer of many requests at once: a client that leaves when the time is up.

package crosstalk

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/bubble"
)

// written writes to a yielding writer and returns what came of it.
func written(ctx context.Context, handler bubble.ID, before, text string) (n int, panicked any, err error) {
	y := yielding{httptest.NewRecorder(), ctx, handler}
	y.Body.WriteString(before)
	defer func() { panicked = recover() }()
	n, err = y.WriteString(text)
	return n, nil, err
}

func TestAWriteEndsWithTheTimeOrAFullClient(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	almost := strings.Repeat("x", mostBody-2)
	for name, c := range map[string]struct {
		ctx    context.Context
		before string
		ends   bool
	}{
		"in time":                        {t.Context(), "", false},
		"the client's last bytes":        {t.Context(), almost, false},
		"more than the client reads":     {t.Context(), almost + "x", true},
		"the time is up":                 {over, "", true},
		"the time is up, and it is full": {over, almost + "x", true},
	} {
		n, panicked, err := written(c.ctx, bubble.This(), c.before, "ab")
		if !c.ends {
			assert.NoError(t, err, name)
			assert.Nil(t, panicked, name)
			assert.Equal(t, 2, n, name)
			continue
		}
		assert.Equal(t, http.ErrAbortHandler, panicked, name)
		n, panicked, err = written(c.ctx, bubble.This()+1, c.before, "ab")
		assert.Nil(t, panicked, "%s: nobody could recover it in another goroutine", name)
		assert.ErrorIs(t, err, http.ErrAbortHandler, name)
		assert.Zero(t, n, name)
	}
}

func TestRepliesThatAreAlikeAreLookedAtOnce(t *testing.T) {
	reply := func(status, name, value, body string) received {
		return received{reply: &http.Response{Status: status, Header: http.Header{name: {value}}, Trailer: http.Header{"T": {value}}}, body: []byte(body)}
	}
	one := reply("200 OK", "A", "b", "text")
	assert.True(t, one.same(reply("200 OK", "A", "b", "text")))
	assert.False(t, one.same(received{}), "there was none before")
	assert.False(t, one.same(reply("404 Not Found", "A", "b", "text")))
	assert.False(t, one.same(reply("200 OK", "A", "c", "text")))
	assert.False(t, one.same(reply("200 OK", "A", "b", "other")))
	trailer := reply("200 OK", "A", "b", "text")
	trailer.reply.Trailer = nil
	assert.False(t, one.same(trailer))
}

func TestAPanicOfAHandlerIsAnErrorUnlessItAborts(t *testing.T) {
	panics := func(with any) error {
		return serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(with) }), nil, nil)
	}
	assert.EqualError(t, panics("no database"), "no database")
	assert.NoError(t, panics(http.ErrAbortHandler))
	assert.NoError(t, serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), nil, nil))
}

func TestOutcomesAreCounted(t *testing.T) {
	status := func(code int, text string) received {
		return received{reply: &http.Response{StatusCode: code, Status: text}}
	}
	c := &check{asked: 6, replies: map[string]int{}}
	r := among(&user{received: status(200, "200 OK")}, &user{received: status(399, "399")}, &user{received: status(400, "400 Bad Request")},
		&user{received: received{raw: []byte("220 ")}}, &user{left: true}, &user{})
	c.count(r)
	assert.Equal(t, "1 × 200 OK, 1 × 399, 1 × 400 Bad Request, 1 × client left, 1 × no reply, 1 × not HTTP", c.outcomes())
	assert.True(t, c.served)

	for want, c := range map[string]*check{
		"no request was answered":                          {asked: 3, replies: map[string]int{"client left": 1, "no reply": 2}},
		"every reply is an error":                          {asked: 3, replies: map[string]int{"client left": 2, "404 Not Found": 1}, showed: 2},
		"no reply held its own user's canary":              {asked: 1, replies: map[string]int{"200 OK": 1}, served: true},
		"only one user of several ever saw its own canary": {asked: 1, served: true, showed: 1},
	} {
		assert.Equal(t, want, c.vacuous())
		c.trouble = "a panic"
		assert.Empty(t, c.vacuous(), "that is another matter")
		c.trouble, c.findings = "", make([]finding, 1)
		assert.Empty(t, c.vacuous())
	}
	assert.Empty(t, (&check{asked: 1, served: true, showed: 2}).vacuous())
}

func TestTheErrorOfTheFirstCloseIsKept(t *testing.T) {
	c := &check{}
	c.closed(nil)
	assert.NoError(t, c.closeErr)
	c.closed(errors.New("one"))
	c.closed(errors.New("two"))
	assert.EqualError(t, c.closeErr, "one")
	c.closeApp(http.NotFoundHandler()) // has no Close
	assert.Equal(t, errors.New("one"), c.closeErr)
}

func TestADogWatchesForWhatTheFirstRequestComputed(t *testing.T) {
	c := &check{}
	assert.Equal(t, dog.Computing, c.dog().Computing)
	c.computes = dog.Computing
	assert.Equal(t, 4*users*dog.Computing, c.dog().Computing)
	assert.Same(t, &c.progress, c.dog().Progress)
}

func TestARequestArrivesAsAtAServer(t *testing.T) {
	c := &check{}
	u := &user{run: &run{check: c}, index: 2}
	sent, err := read(httptest.NewRequest("POST", "https://shop.example/cart?q=1", strings.NewReader("a=b")))
	assert.NoError(t, err)
	sent.set(sent.body)
	u.request = sent
	for range 2 { // the body is there each time
		r, err := u.arriving(t.Context())
		assert.NoError(t, err)
		body, _ := io.ReadAll(r.Body)
		assert.Equal(t, "a=b", string(body))
		assert.Equal(t, "shop.example /cart?q=1", r.Host+" "+r.RequestURI)
		assert.Empty(t, r.URL.Host)
		assert.NotNil(t, r.TLS)
		assert.Equal(t, "192.0.2.3:49154", r.RemoteAddr)
	}
	u.request.URL.Opaque, u.request.URL.Path = "no path", ""
	_, err = u.arriving(t.Context())
	assert.Error(t, err)
}

func TestWhatARunHasShownIsKept(t *testing.T) {
	c := &check{tokens: map[string]owner{}}
	run := func(users ...*user) *run {
		r := among(users...)
		r.check = c
		return r
	}
	c.judge(run(&user{token: "a", received: received{cut: true}}, &user{token: "b"}))
	assert.True(t, c.unread)
	c.judge(run(&user{token: "a", showed: true}, &user{token: "b", showed: true}, &user{token: "c"}))
	c.judge(run(&user{token: "a", showed: true}, &user{token: "b"}))
	assert.True(t, c.unread, "once is enough")
	assert.Equal(t, 2, c.showed, "in one schedule")
	first, second := run(&user{token: "a", trouble: "one"}), run(&user{token: "a", trouble: "two"})
	c.judge(first)
	c.judge(second)
	assert.Equal(t, "one", c.trouble)
	assert.Same(t, first, c.troubled)
}
