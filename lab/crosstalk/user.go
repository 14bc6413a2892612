// A user of a run: the client's side of a request, and the state of its handler.

package crosstalk

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"example.com/outagelab/lab/bubble"
)

// kind is what a request does, or waits for, at one of its stops.
type kind string

const (
	comesIn  kind = "in"
	reading  kind = "read"
	header   kind = "header"
	writing  kind = "write"
	flushing kind = "flush"
	calling  kind = "call"
	waiting  kind = "waits"
	goesOut  kind = "out"
	leaving  kind = "leaves"
	ends     kind = "end" // the handler of one who has left
)

// mostStops is at how many stops of one request the others may run: a template
// writes a page in hundreds of pieces.
const mostStops = 12

// mostBody is how much of a reply a client reads: there are floods without end.
const mostBody = 1 << 18

// A user asks once in a run.
type user struct {
	run     *run
	index   int
	canary  string
	token   string
	without bool // its request lacks the private fields
	request request
	send    chan struct{}

	// Under run.mu:
	since     time.Time // when it was last let go
	goroutine bubble.ID // the handler's
	client    net.Conn
	started   bool
	entered   bool
	returned  bool // the handler
	out       bool // the whole reply is there, or will never be
	left      bool // the client has gone
	parked    []*parking
	arrivals  int // at stops, and out
	stops     int // at which it was parked
	waits     bool
	received  received
	late      []byte   // written after the handler returned
	sent      []string // calls that were made for it
	trouble   string   // a panic of the handler
	showed    bool     // its own canary, to it
}

// A parking is a handler, or a goroutine of its, that is kept at a stop.
type parking struct {
	what    kind
	release chan struct{}
}

// received is what the client got.
type received struct {
	early []http.Header // of informational replies, such as early hints
	reply *http.Response
	body  []byte
	raw   []byte // what came instead, if it is no HTTP
	rest  []byte // what came after the reply
	cut   bool   // the body is longer
	// unsent is why the request could not be sent. The server may answer, and close,
	// before it has read all: it is no error if there is a reply.
	unsent error
}

// ask is the client: it connects and sends the request when it is told to, reads
// the reply, and then whatever else comes until the connection is closed.
func (u *user) ask() {
	if _, ok := <-u.send; !ok {
		return
	}
	got, in := u.exchange()
	r := u.run
	r.mu.Lock()
	u.received, u.out = got, true
	if !u.left {
		u.arrive(goesOut, "")
	}
	r.mu.Unlock()
	r.ring()
	if in == nil {
		return
	}
	rest, _ := io.ReadAll(in)
	r.mu.Lock()
	u.received.rest = rest
	r.mu.Unlock()
}

// exchange sends the request and reads the reply. It returns what more may come
// on the connection.
func (u *user) exchange() (got received, in *bufio.Reader) {
	r := u.run
	conn, err := r.dial(context.Background())
	if err != nil {
		return got, nil
	}
	r.mu.Lock()
	u.client = conn
	r.byAddr[conn.LocalAddr().String()] = u
	left := u.left
	r.mu.Unlock()
	if left {
		conn.Close()
	}
	var raw bytes.Buffer
	in = bufio.NewReader(io.TeeReader(conn, &raw))
	got.unsent = u.request.Write(conn)
	for {
		got.reply, err = http.ReadResponse(in, u.request.Request)
		if err != nil {
			got.raw = raw.Bytes()
			return got, in
		}
		if got.reply.StatusCode >= 200 || got.reply.StatusCode == http.StatusSwitchingProtocols {
			break
		}
		got.early = append(got.early, got.reply.Header)
	}
	got.body, _ = io.ReadAll(io.LimitReader(got.reply.Body, mostBody)) // what there is, is
	if len(got.body) == mostBody {
		got.cut = true
		return got, nil // it reads no further, and the handler waits for it
	}
	return got, in
}

// address is what the user's requests come from: of its own, as users are kept apart
// by it, and the same for all its requests. The network is for documentation (RFC 5737).
func (u *user) address() string {
	return fmt.Sprintf("192.0.2.%d:%d", 1+u.index%254, 49152+u.index)
}

// called returns an error if the handler never saw the request of u, who is alone.
func (u *user) called() error {
	u.run.mu.Lock()
	defer u.run.mu.Unlock()
	what := fmt.Sprintf("the handler was never called for %s %s: ", u.request.Method, u.request.URL)
	switch {
	case u.entered:
		return nil
	case u.received.reply != nil:
		return fmt.Errorf("%sthe server answered %s", what, u.received.reply.Status)
	case u.received.unsent != nil:
		return fmt.Errorf("%sit could not be sent: %w", what, u.received.unsent)
	}
	return fmt.Errorf("%sthere was no answer", what)
}

// hangUp closes the client's connection.
func (u *user) hangUp() {
	u.run.mu.Lock()
	conn := u.client
	u.run.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
}

// arrive notes what the user has come to. Called with run.mu held.
func (u *user) arrive(what kind, at string) {
	if u.run.plan.isAlone() {
		if u.waits {
			u.run.check.naps[u.arrivals] = time.Since(u.since)
		}
		if u.out && what != goesOut {
			u.run.check.late = true
		}
	}
	u.arrivals++
	u.run.check.progress.Add(1)
	u.waits = false
	u.run.events = append(u.run.events, event{u.index, what, at, time.Since(u.run.begin)})
}

// stop keeps the caller, who is at a stop of the user's, until the run goes on
// with this user.
func (u *user) stop(what kind) {
	r := u.run
	r.mu.Lock()
	if r.closing.Load() || r.check.stopped.Load() || u.stops >= mostStops || u.left && (what == calling || what == reading) {
		r.mu.Unlock()
		return
	}
	u.stops++
	p := &parking{what, make(chan struct{})}
	u.parked = append(u.parked, p)
	u.arrive(what, place())
	r.mu.Unlock()
	r.ring()
	<-p.release
}

// letGo lets the one go on that was kept longest, and says whether there is one.
// Called with run.mu held.
func (u *user) letGo() bool {
	if len(u.parked) == 0 {
		return false
	}
	close(u.parked[0].release)
	u.parked = u.parked[1:]
	return true
}

// leave closes the client's connection: the user has gone, and who waits for it
// or on its behalf gets to know.
func (u *user) leave() {
	r := u.run
	r.mu.Lock()
	u.left = true
	r.events = append(r.events, event{u.index, leaving, "", time.Since(r.begin)})
	for i := 0; i < len(u.parked); i++ {
		if p := u.parked[i]; p.what == calling || p.what == reading {
			close(p.release)
			u.parked = append(u.parked[:i], u.parked[i+1:]...)
			i--
		}
	}
	r.mu.Unlock()
	u.hangUp()
}

func (u *user) enter(g bubble.ID) {
	u.run.mu.Lock()
	u.goroutine, u.entered = g, true
	for _, v := range u.run.users {
		if v != u && v.entered && !v.returned {
			u.run.check.overlapped = true
		}
	}
	u.run.mu.Unlock()
}

func (u *user) leaveHandler() {
	r := u.run
	r.mu.Lock()
	u.returned = true
	if u.left { // nobody else sees it
		u.arrive(ends, "")
	}
	r.mu.Unlock()
	r.ring()
}

// over reports whether the user's handler has returned.
func (u *user) over() bool {
	u.run.mu.Lock()
	defer u.run.mu.Unlock()
	return u.returned
}

func (u *user) isHandler(g bubble.ID) bool {
	u.run.mu.Lock()
	defer u.run.mu.Unlock()
	return u.goroutine == g && !u.returned
}

func (u *user) panicked(p any) {
	u.run.mu.Lock()
	u.trouble = fmt.Sprint(p)
	u.run.mu.Unlock()
}

func (u *user) wroteLate(p []byte) {
	u.run.mu.Lock()
	u.late = append(u.late, p...)
	u.run.mu.Unlock()
}

// calls notes what is sent upstream on the user's behalf.
func (u *user) calls(req *http.Request, body []byte) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", req.Method, req.URL)
	_ = req.Header.Write(&b)
	b.Write(body)
	u.run.mu.Lock()
	u.sent = append(u.sent, b.String())
	u.run.mu.Unlock()
}
