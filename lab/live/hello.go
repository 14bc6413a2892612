// The first contact: is anybody there, and is it a web server?

package live

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// firstReply is how long the first reply may take. A worker that boots may need
// seconds.
const firstReply = 10 * time.Second

// hello asks for / and explains what it gets, if that is no reply.
func (c *client) hello() (answer, error) {
	at := c.target.URL
	sent := c.now()
	conn, err := c.dial(firstReply)
	switch {
	case c.ctx.Err() != nil:
		return answer{}, nil
	case errors.Is(err, syscall.ECONNREFUSED):
		return answer{}, fmt.Errorf("nobody listens at %s: start it first, for example make run.sync", at)
	case err != nil:
		return answer{}, fmt.Errorf("no connection to %s within %v: %w; if it runs, its backlog may be full", at, firstReply, err)
	}
	defer conn.close()
	if err := conn.write(http.MethodGet, "/", "close"); err != nil {
		return answer{}, fmt.Errorf("%s cut the connection before the request was sent: %w", at, err)
	}
	const status = "HTTP/"
	begin, err := conn.in.Peek(len(status))
	if c.ctx.Err() != nil {
		return answer{}, nil
	}
	switch {
	case len(begin) > 0 && !strings.HasPrefix(status, string(begin)):
		return answer{}, notHTTP(at, conn.rest())
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return answer{}, fmt.Errorf("%s closed the connection without a reply: its worker may have died over the request, it speaks https, or it is not a web server", at)
	case err != nil:
		return answer{}, fmt.Errorf("%s accepted a connection and sent no reply within %v: all its workers may be busy or stuck, it may still be starting, or it is not a web server", at, firstReply)
	}
	a := answer{sent: sent}
	reply, err := conn.reply(http.MethodGet)
	switch {
	case c.ctx.Err() != nil:
		return answer{}, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return answer{}, fmt.Errorf("%s began a reply and did not end its header within %v", at, firstReply)
	case err != nil:
		return answer{}, fmt.Errorf("%s does not speak HTTP as it should: %w", at, err)
	}
	// A body that does not end is no error here, because / may be a stream.
	body, _ := io.ReadAll(io.LimitReader(reply.Body, keptOfBody))
	a.status, a.header, a.body, a.end = reply.StatusCode, reply.Header, string(body), c.now()
	// Go says "Client sent an HTTP request to an HTTPS server.", nginx "The plain HTTP
	// request was sent to HTTPS port".
	if a.status == http.StatusBadRequest && bytes.Contains(body, []byte("HTTPS ")) {
		return answer{}, speaksTLS(at)
	}
	return a, nil
}

// rest is what has come so far.
func (conn *connection) rest() string {
	got, _ := conn.in.Peek(conn.in.Buffered())
	return string(got)
}

// A TLS record that refuses a handshake begins with these (RFC 8446, section 5.1:
// alert, 21; legacy_record_version 3).
const tlsAlert = "\x15\x03"

func notHTTP(at, got string) error {
	if strings.HasPrefix(got, tlsAlert) {
		return speaksTLS(at)
	}
	return fmt.Errorf("%s does not speak HTTP: it said %s", at, quote(got))
}

func speaksTLS(at string) error {
	return fmt.Errorf("%s speaks TLS (https), which is not spoken here: give the server's plain port", at)
}
