// The ResponseWriter and the request that a handler gets, compared with net/http's:
// what a framework asserts or looks up there has to be here as well.

package crosstalk_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/crosstalk"
	"example.com/outagelab/pocserver/worker"
)

// A surface is what a handler may see of a writer and a request.
type surface struct {
	methods []string        // of the writer
	values  map[string]bool // in the request's context
	facts   map[string]bool
}

// faces are interfaces that code asserts a ResponseWriter to.
var faces = map[string]reflect.Type{
	"http.Flusher":  reflect.TypeFor[http.Flusher](),
	"http.Hijacker": reflect.TypeFor[http.Hijacker](),
	//lint:ignore SA1019 gin asks for it
	"http.CloseNotifier": reflect.TypeFor[http.CloseNotifier](),
	"io.ReaderFrom":      reflect.TypeFor[io.ReaderFrom](),
	"io.StringWriter":    reflect.TypeFor[io.StringWriter](),
	"FlushError":         reflect.TypeFor[interface{ FlushError() error }](),
	"SetReadDeadline":    reflect.TypeFor[interface{ SetReadDeadline(time.Time) error }](),
	"SetWriteDeadline":   reflect.TypeFor[interface{ SetWriteDeadline(time.Time) error }](),
	"EnableFullDuplex":   reflect.TypeFor[interface{ EnableFullDuplex() error }](),
}

// surfaceOf looks at what a handler gets.
func surfaceOf(w http.ResponseWriter, r *http.Request) surface {
	s := surface{values: map[string]bool{}, facts: map[string]bool{}}
	for name, face := range faces {
		if reflect.TypeOf(w).Implements(face) {
			s.methods = append(s.methods, name)
		}
	}
	s.values["http.ServerContextKey"] = ok[*http.Server](r.Context(), http.ServerContextKey)
	s.values["http.LocalAddrContextKey"] = ok[net.Addr](r.Context(), http.LocalAddrContextKey)
	host, port, err := net.SplitHostPort(r.RemoteAddr)
	control := http.NewResponseController(w)
	s.facts = map[string]bool{
		"RemoteAddr is an address":   err == nil && net.ParseIP(host) != nil && port != "0",
		"TLS":                        r.TLS != nil,
		"Body":                       r.Body != nil,
		"RequestURI":                 strings.HasPrefix(r.RequestURI, "/"),
		"URL has no host":            r.URL.Host == "",
		"Host":                       r.Host != "",
		"Host is no header":          r.Header.Get("Host") == "",
		"HTTP/1.1":                   r.ProtoAtLeast(1, 1),
		"Cancel":                     r.Context().Done() != nil,
		"the control sets deadlines": control.SetReadDeadline(time.Time{}) == nil && control.SetWriteDeadline(time.Time{}) == nil,
		"full duplex":                control.EnableFullDuplex() == nil,
	}
	return s
}

func ok[T any](ctx context.Context, key any) bool {
	_, ok := ctx.Value(key).(T)
	return ok
}

func TestAHandlerSeesWhatNetHTTPShowsIt(t *testing.T) {
	var want surface
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { want = surfaceOf(w, r) }))
	reply, err := http.Get(server.URL + "/?q=1")
	require.NoError(t, err)
	reply.Body.Close()
	server.Close()
	http.DefaultClient.CloseIdleConnections()
	require.NotEmpty(t, want.methods)

	seen := make(chan surface, 1000)
	isClean(t, always(func(w http.ResponseWriter, r *http.Request) {
		select {
		case seen <- surfaceOf(w, r):
		default:
		}
		_, _ = io.WriteString(w, user(r))
	}), inQuery)
	close(seen)
	n := 0
	for got := range seen {
		n++
		assert.ElementsMatch(t, want.methods, got.methods)
		assert.Equal(t, want.values, got.values)
		if !assert.Equal(t, want.facts, got.facts) {
			break
		}
	}
	assert.Greater(t, n, 50, "in the first request, in schedules, and many at once")
}

// gin's Stream asks for a CloseNotifier on every writer.
func TestACloseNotifierTellsThatTheClientHasLeft(t *testing.T) {
	for _, options := range [][]crosstalk.Option{nil, {crosstalk.On(worker.Defaults(worker.ThreadPerRequest))}} {
		left := make(chan bool, 1000)
		isClean(t, always(func(w http.ResponseWriter, r *http.Request) {
			//lint:ignore SA1019 as gin does
			gone := w.(http.CloseNotifier).CloseNotify()
			_, _ = io.WriteString(w, user(r))
			select {
			case <-gone:
				left <- true
			case <-time.After(time.Second):
			}
		}), inQuery, options...)
		assert.NotEmpty(t, left)
	}
}
