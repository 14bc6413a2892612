// The closed loop: N connections, the next request after the reply, wrk's way.

package load

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// DefaultTimeout is how late a reply may be in a closed loop before it counts as
// a timeout: wrk's SOCKET_TIMEOUT_MS.
const DefaultTimeout = 2 * time.Second

// RedialPause is the least time between two dials of one closed-loop client when
// the first of them came to nothing.
//
// wrk has none: it reconnects at once after an error on a connection
// (reconnect_socket, from socket_readable and socket_writeable), so a server
// that refuses is asked again as fast as the machine can, and a connection whose
// connect(2) fails on the spot is lost for the rest of the test (connect_socket
// returns -1). At one virtual instant the first would never end, and the second
// is an accident. So: at once after a connection that lasted, else after this
// pause, and every refusal leaves a record.
const RedialPause = 10 * time.Millisecond

// A closed loop on a server that takes no time would never let the virtual clock
// get anywhere. Where noTimeLimit requests of one client in a row each take less
// than noTime for each connection of the load (ten million requests a second in
// all), the run is given up with ErrNoTime. In real time nothing is that fast.
const (
	noTimeLimit = 1_000
	noTime      = 100 * time.Nanosecond
)

// Closed is a closed loop: Connections clients that each send the next request
// when the reply to the last is complete. Its accounting is wrk's (4.1).
//
// A client keeps its connection as long as the server lets it and dials again at
// once when a reply says Connection: close (wrk.c: response_complete). A request
// that crosses the server's close of an idle connection is recorded as it is
// seen, [ClosedEarly] or [Reset], and not sent again; neither does wrk.
//
// wrk itself divides before it connects: -t 8 -c 500 is 8 threads of 500/8 = 62
// connections, 496 in all (wrk.c: main). And it looks at its clock only every
// 100 ms (record_rate), so "10 s" are up to 10.1.
type Closed struct {
	Name        string // in records and tables; default: made from the numbers and the path
	Path        string // request target: "/sync_sleep/?sleep=0.1"
	Connections int

	// Start is when the load begins, counted from the run's begin: client i is i
	// nanoseconds later. What is open Duration after Start, or at the run's
	// horizon, is unfinished. With Requests, a Duration of 0 means the horizon.
	Start, Duration time.Duration

	// Requests, if not 0, stops each client after that many requests, failed
	// ones included.
	Requests int

	// Timeout is the longest latency that is not a timeout; 0 means
	// DefaultTimeout. A later reply is still waited for, and counts as a request
	// as well as a timeout (stats.c: stats_record refuses it).
	Timeout time.Duration
	// GiveUp makes the client close its connection when Timeout has passed since
	// Scheduled, dialling included, and dial again.
	GiveUp bool

	KeepBody bool        // keep each reply's body in its record
	Header   http.Header // sent with each request, besides Host and X-Request-ID
}

// String returns Name, or one like "closed 500 /sync_sleep/?sleep=0.1".
func (c Closed) String() string {
	if c.Name != "" {
		return c.Name
	}
	return fmt.Sprintf("closed %d %s", c.Connections, c.Path)
}

func (c Closed) check(horizon time.Duration) error {
	if c.Connections <= 0 {
		return wrong("Connections", "is %d: it must be more than 0", c.Connections)
	}
	if c.Requests < 0 {
		return wrong("Requests", "is %d: it must be 0 or more", c.Requests)
	}
	if c.Timeout < 0 {
		return wrong("Timeout", "is %v: it must be 0 or more", c.Timeout)
	}
	duration := c.Duration
	if c.Requests > 0 && duration == 0 {
		duration = horizon
	}
	if err := checkSpan(c.Start, duration, horizon); err != nil {
		return err
	}
	if err := checkPath(c.Path); err != nil {
		return err
	}
	return checkHeader(c.Header)
}

func (c Closed) plan(r *run, p place) planned {
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	end := r.horizon
	// Compared this way round, a Duration of years cannot overflow.
	if c.Duration > 0 && c.Duration < r.horizon-c.Start {
		end = c.Start + c.Duration
	}
	name, head := c.String(), requestHead(c.Path, r.target.Host, c.Header)
	return planned{
		clients: c.Connections,
		width:   time.Duration(c.Connections),
		start: func() []Record {
			results := make([][]Record, c.Connections)
			var wg sync.WaitGroup
			for i := range c.Connections {
				cl := &client{run: r, load: name, id: p.client + i, head: head, keepBody: c.KeepBody}
				cl.start(false, c.Start+p.offset+time.Duration(i))
				wg.Go(func() {
					defer cl.close()
					results[i] = c.loop(cl, cl.scheduled, end)
				})
			}
			wg.Wait()
			var all []Record
			for _, rs := range results {
				all = append(all, rs...)
			}
			return all
		},
	}
}

// loop is one client's life, from its first request at wake to end.
func (c Closed) loop(cl *client, wake, end time.Duration) (records []Record) {
	var last time.Duration // when the request before ended
	still := 0             // requests in a row that took no time
	for seq := 0; c.Requests == 0 || seq < c.Requests; seq++ {
		if !cl.run.sleepUntil(min(wake, end)) {
			return records
		}
		scheduled := cl.run.now()
		if scheduled >= end {
			return records
		}
		until := end
		if c.GiveUp && c.Timeout < end-scheduled {
			until = scheduled + c.Timeout
		}
		rec := cl.do(request{seq: seq, scheduled: scheduled, until: until, end: end})
		rec.Latency = rec.End - rec.Start
		if rec.Complete && rec.Kind == OK && late(rec.Latency, c.Timeout) {
			rec.Kind = Timeout
		}
		records = append(records, rec)

		wake = rec.End
		if !rec.Complete {
			wake = max(wake, cl.dialed+RedialPause)
		}
		if still++; seq == 0 || rec.End-last >= noTime*time.Duration(c.Connections) {
			still = 0
		}
		last = rec.End
		if still >= noTimeLimit && c.Requests == 0 {
			cl.run.fail(fmt.Errorf("load: %q: %w", c.String(), ErrNoTime))
			return records
		}
	}
	return records
}

// late reports whether wrk's histogram refuses a latency. It counts whole
// microseconds, and holds those up to and including the timeout (stats.c:
// stats_alloc makes limit max+1, stats_record refuses n >= limit).
func late(latency, timeout time.Duration) bool {
	return latency.Microseconds() > timeout.Microseconds()
}
