// Replies that do not end, or are long: what is read of them is bounded.

package live_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/live"
	"example.com/outagelab/lab/racedetector"
)

// A flood is a server that answers each request with begin and then with more, again
// and again, until the client leaves or has taken far more than it should.
type flood struct {
	begin, more string
	most        atomic.Int64 // bytes that a client let it send
}

func (f *flood) answer(conn net.Conn) {
	const far = 32 << 20
	if _, err := conn.Read(make([]byte, 4096)); err != nil {
		return
	}
	block := []byte(strings.Repeat(f.more, 1+(32<<10)/len(f.more)))
	n, err := io.WriteString(conn, f.begin)
	sent := n
	for ; err == nil && sent < far; sent += n {
		n, err = conn.Write(block)
	}
	for most := f.most.Load(); int64(sent) > most && !f.most.CompareAndSwap(most, int64(sent)); most = f.most.Load() {
	}
}

func TestAHeaderWithoutEndIsAClearError(t *testing.T) {
	for name, send := range map[string][2]string{
		"one field":     {"HTTP/1.1 200 OK\r\nX-A: ", "b"},
		"many fields":   {"HTTP/1.1 200 OK\r\n", "X-A: b\r\n"},
		"a status line": {"HTTP/1.1 200 ", "OK"},
		"1xx responses": {"", "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			f := flood{begin: send[0], more: send[1]}
			r, err := listening(t, context.Background(), f.answer)
			assert.Nil(t, r)
			assert.EqualError(t, err, "http://127.0.0.1:8000 does not speak HTTP as it should: "+
				"the header of the reply is longer than 262144 bytes")
			assert.Less(t, f.most.Load(), int64(1<<20), "bytes that the client let the server send")
		})
	}
}

// Replies without end, after a first one that is as it should be, fail their requests
// only.
func TestRepliesWithoutEndLaterOn(t *testing.T) {
	if racedetector.On {
		t.Skip("it needs a run without -race")
	}
	const header, body = 256 << 10, 16 << 20 // the limits
	for name, c := range map[string]*struct {
		flood
		limit int64
	}{
		"a header": {flood: flood{begin: "HTTP/1.1 200 OK\r\n", more: "X-A: " + strings.Repeat("b", 1<<10) + "\r\n"}, limit: header},
		"a body":   {flood: flood{begin: "HTTP/1.1 200 OK\r\n\r\n", more: strings.Repeat("b", 1<<10)}, limit: body},
	} {
		t.Run(name, func(t *testing.T) {
			var conns atomic.Int64
			r, err := listening(t, context.Background(), func(conn net.Conn) {
				if n := conns.Add(1); n > 1 && n < 20 {
					c.answer(conn)
					return
				}
				says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(conn)
			})
			require.NoError(t, err)
			assert.False(t, r.Conclusive(), "%s", r)
			assert.GreaterOrEqual(t, c.most.Load(), c.limit)
			const buffers = 1 << 20
			assert.Less(t, c.most.Load(), c.limit+buffers, "bytes that the client let the server send")
		})
	}
}

// Redirects are not followed.
func TestRedirectsWithoutEnd(t *testing.T) {
	if racedetector.On {
		t.Skip("it needs a run without -race")
	}
	followed := false
	r, _ := plain(func(w http.ResponseWriter, r *http.Request) {
		followed = followed || strings.HasPrefix(r.URL.Path, "/next")
		http.Redirect(w, r, "/next"+r.URL.Path, http.StatusFound)
	}).diagnose(t)
	assert.False(t, followed)
	assert.False(t, r.Conclusive(), "%s", r)
}

// A page that is longer than what is kept of it leaves its connection as good as any.
func TestALongPageIsReadToItsEnd(t *testing.T) {
	if racedetector.On {
		t.Skip("it needs a run without -race")
	}
	page := strings.Repeat("hello ", 100<<10)
	r, _ := plain(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) }).diagnose(t)
	if assert.NotNil(t, r.Kept, "%s", r) {
		assert.True(t, *r.Kept, "%s", r)
	}
	assert.Contains(t, possible(r), live.Unlimited, "which it is\n%s", r)
}
