// What is written down about each request: enough for an access log and an error
// log, and to say afterwards why a request went wrong.

package front

import (
	"fmt"
	"strings"
	"time"
)

// A Record is one request as the proxy saw it, written when it is over.
type Record struct {
	// Conn is the client's connection, counted from 1 in order of accepts, and Seq
	// the request on it, from 0: together they order records that end at one
	// instant.
	Conn, Seq int
	// Process is the worker process that served it, from 0.
	Process int

	Method, URI string
	// Location is the prefix of the location that took the request, Upstream the
	// name of its upstream; "" if there was none.
	Location, Upstream string
	// Buffered says whether the reply went through buffers: proxy_buffering, and
	// what the reply's X-Accel-Buffering said.
	Buffered bool

	// Tries are the peers that were asked, in order. Only the last can have been
	// Served.
	Tries []Try

	// Status is the one of the access log: 499 when the client left before a reply
	// began. 0 is a connection that was closed unread, for worker_connections were
	// not enough.
	Status int
	// Bytes is how much of the body was sent.
	Bytes int64
	// Cut says that the reply broke off: the client could tell, if it spoke
	// HTTP/1.1 or was told a length.
	Cut bool

	Start     time.Time // the request's header was read
	FirstByte time.Time // the reply's header left for the client; zero if never
	End       time.Time
}

// A Try is one peer asked for one reply.
type Try struct {
	Peer    string // "127.0.0.1:5000"; "" for NoLive
	Outcome Outcome
	While   While  // where it failed; "" if it did not, and for NoLive
	Err     error  // the error behind the outcome, where there was one
	Message string // its line of the error log; "" if it has none
	Status  int    // of the peer's reply; 0 if no header came

	Start     time.Time // connecting began
	Connected time.Time // zero if it never was
	Header    time.Time // the header was complete; zero if it never was
	FirstBody time.Time // the body's first byte came; zero if none did
	End       time.Time
}

// String is the peer with the try's line of the error log, or with its outcome.
func (t Try) String() string {
	s := t.Message
	if s == "" {
		s = string(t.Outcome)
	}
	if t.Peer != "" {
		s = t.Peer + ": " + s
	}
	return s
}

// String is a line for a log: the request, its location and upstream, the status,
// how long it took in seconds, and what was tried.
func (r Record) String() string {
	var b strings.Builder
	if r.Status == 0 {
		return string("connection closed: " + NoSlot)
	}
	fmt.Fprintf(&b, "%s %s %d %.3f", r.Method, r.URI, r.Status, r.End.Sub(r.Start).Seconds())
	if r.Cut {
		b.WriteString(" cut")
	}
	if r.Location != "" {
		fmt.Fprintf(&b, " location %s upstream %s", r.Location, r.Upstream)
	}
	for i, t := range r.Tries {
		b.WriteString([]string{" ", ", "}[min(i, 1)])
		b.WriteString(t.String())
	}
	return b.String()
}
