// A greeting from a session store, over a pool of connections.

package fixed

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// OffByOne greets who the session store says the cookie belongs to. Its Close
// closes the connections that nobody uses.
func OffByOne(_ http.RoundTripper) http.Handler {
	return &offByOnePage{idle: make(chan *storeConn, 8)}
}

type offByOnePage struct{ idle chan *storeConn }

func (p *offByOnePage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := "nobody"
	if cookie, err := r.Cookie("session"); err == nil {
		id = cookie.Value
	}
	name, err := p.lookup(r.Context(), id)
	if err != nil {
		http.Error(w, "the session store does not answer", http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "Hello, "+name)
}

func (p *offByOnePage) lookup(ctx context.Context, id string) (string, error) {
	conn := p.take()
	name, err := conn.get(ctx, id)
	if err != nil {
		_ = conn.Close()
		return "", err
	}
	p.put(conn)
	return name, err
}

// take returns a connection that nobody uses.
func (p *offByOnePage) take() *storeConn {
	for {
		select {
		case conn := <-p.idle:
			if conn.expiry.Stop() {
				return conn
			}
		default:
			return dialStore()
		}
	}
}

// put keeps a connection for the next request, for half a minute.
func (p *offByOnePage) put(conn *storeConn) {
	conn.expiry = time.AfterFunc(30*time.Second, func() { _ = conn.Close() })
	select {
	case p.idle <- conn:
	default:
		_ = conn.Close()
	}
}

func (p *offByOnePage) Close() (err error) {
	for {
		select {
		case conn := <-p.idle:
			err = errors.Join(err, conn.Close())
		default:
			return err
		}
	}
}
