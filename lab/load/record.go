// What a request leaves behind, and how an error becomes a Kind.

package load

import (
	"errors"
	"io"
	"net"
	"syscall"
	"time"
)

// Kind is how a request failed, as its client saw it; OK ("") if it did not.
// What a reply says is not a Kind: a complete 504 is OK, with Status 504.
type Kind string

const (
	// OK: a complete reply came in time.
	OK Kind = ""
	// Timeout: the reply was late. With Complete set it came after the timeout
	// of a client that waits on, as wrk's do; else the client gave up (or its
	// dialer did), closed the connection, and never saw the reply's end.
	Timeout Kind = "timeout"
	// Refused: nobody listens there (ECONNREFUSED), or a full backlog turns
	// connections away (EAGAIN).
	Refused Kind = "refused"
	// Reset: the server cut the connection (ECONNRESET, or EPIPE for a write).
	Reset Kind = "reset"
	// ClosedEarly: the server closed the connection before a complete reply.
	// Also what a client sees whose request crosses the close of an idle
	// connection.
	ClosedEarly Kind = "closed early"
	// Unfinished: the load's end, the run's horizon or the end of its context
	// came first.
	Unfinished Kind = "unfinished"
	// Malformed: what came is not HTTP, or is more than one reply. Err says what.
	Malformed Kind = "malformed"
	// Failed: any other error. Err says what.
	Failed Kind = "failed"
)

// Op is the step that a request was in when it failed.
type Op string

const (
	// Dialing: no connection was made.
	Dialing Op = "dial"
	// Writing: the request could not be written.
	Writing Op = "write"
	// Reading: the request was written, a complete reply never came.
	Reading Op = "read"
)

// Record is what one request's client saw. Instants count from the beginning of
// the run; in virtual time all of it is virtual facts, the same at every run.
type Record struct {
	Load   string // the load's name
	Client int    // unique over all loads of the run
	Seq    int    // of the requests of one client, from 0

	// Scheduled is the instant at which the client wanted to send: the plan's in
	// an open loop; in a closed loop when the reply before was complete, before
	// dialling where that was needed.
	Scheduled time.Duration
	// Start is the instant at which the request was written; Scheduled, if it
	// never was.
	Start time.Duration
	// End is the instant of the complete reply, or of the failure.
	End time.Duration
	// Latency is how long it took: in an open loop from Scheduled to End, so
	// that a dial that hangs counts; in a closed loop from Start to End, as wrk
	// measures it (wrk.c: socket_writeable sets c->start, response_complete
	// reads it), so that it does not.
	Latency time.Duration
	// FirstByte is from where Latency counts to the first byte of the reply's
	// body; 0 if none came. (A stream's header may leave long before its first
	// line.)
	FirstByte time.Duration

	Status int   // of the reply, if its header came; else 0
	Bytes  int64 // of the body, as far as it came
	Lines  int   // line feeds in the body, as far as it came

	Kind     Kind
	Op       Op     // the step that failed; "" when Complete
	Complete bool   // the whole reply came, late or not
	Reused   bool   // sent on a connection that had served a request before
	Err      string // the error behind Kind, where there was one
	Body     string // the body as far as it came, its first MiB at most, with KeepBody
}

// Good reports whether the client got what it wanted: a complete reply, in
// time, with a status below 400. Goodput counts these.
func (r Record) Good() bool { return r.Kind == OK && r.Complete && r.Status < 400 }

// Of returns the records of the loads named name, in their order.
func Of(records []Record, name string) []Record {
	var of []Record
	for _, r := range records {
		if r.Load == name {
			of = append(of, r)
		}
	}
	return of
}

// classify says what an error that no deadline of ours explains means.
func classify(err error) Kind {
	var timeout net.Error
	switch {
	// EAGAIN first: as a net.Error it calls itself a timeout.
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EAGAIN):
		return Refused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, syscall.ECONNABORTED), errors.Is(err, io.ErrClosedPipe):
		return Reset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ClosedEarly
	case errors.As(err, &timeout) && timeout.Timeout():
		return Timeout
	}
	return Failed
}
