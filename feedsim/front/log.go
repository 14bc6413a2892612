// The error log: what nginx would write to it, and when.

package front

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// A Level is the severity of a [LogLine], as nginx writes it.
type Level string

// The levels that lines here have, the most severe first. An nginx.conf without
// error_log, or with one that names no level, logs Error and what is more severe.
const (
	Alert Level = "alert"
	Crit  Level = "crit"
	Error Level = "error"
	Warn  Level = "warn"
	Info  Level = "info"
)

// A LogLine is a line of nginx's error log.
type LogLine struct {
	At    time.Time
	Level Level
	// Process is the worker process that wrote it, from 0, and Conn the client's
	// connection, as in [Record]. Conn is 0 if the line is about no connection.
	Process, Conn int
	// Message is the line as nginx 1.22 has it on Linux, from after the connection's
	// number to before ", client:", without the path of a temporary file.
	Message string
}

// String is the line without the time, the process and the connection.
func (l LogLine) String() string { return "[" + string(l.Level) + "] " + l.Message }

// log passes a line on.
func (p *Proxy) log(l LogLine) {
	if p.options.Log != nil {
		p.options.Log(l)
	}
}

// log passes on a line about the request, at this instant.
func (x *exchange) log(level Level, message string) {
	x.proxy.log(LogLine{time.Now(), level, x.client.process, x.client.nth, message})
}

// level is the level of the line of a try that ended so; "" if it has none. A reply
// that was complete has none, and neither has a status that is tried elsewhere.
func (o Outcome) level() Level {
	switch o {
	case Served, Passed:
		return ""
	case NoSlot:
		return Alert
	case ClientGone:
		return Info
	}
	return Error
}

// noSlot says that a process has no connection left, of so many.
func noSlot(connections int) string { return itoa(connections) + " " + string(NoSlot) }

const (
	// ngx_http_upstream_check_broken_connection in src/http/ngx_http_upstream.c
	clientLeft = "epoll_wait() reported that client prematurely closed connection"
	// ngx_http_upstream_process_downstream in src/http/ngx_http_upstream.c, with
	// ngx_connection_error in src/core/ngx_connection.c
	clientTimedOut = "client timed out (110: Connection timed out) while sending to client"
	// ngx_http_upstream_send_response in src/http/ngx_http_upstream.c
	spooled = "an upstream response is buffered to a temporary file while reading upstream"
)

// message is the line of the present try, which failed.
func (x *exchange) message() string {
	t := x.try
	said := string(t.Outcome)
	switch t.Outcome {
	case NoLive:
		return said + " " + string(Connecting)
	case NoSlot:
		said = noSlot(x.proxy.config.connections)
	case Reset:
		if errors.Is(t.Err, syscall.EPIPE) {
			said = "(32: Broken pipe)"
		}
		said = t.call(x.record.Buffered) + " failed " + said
	case Unconnected:
		if errno := syscall.Errno(0); errors.As(t.Err, &errno) {
			said += fmt.Sprintf(" (%d: %s)", int(errno), capital(errno.Error()))
		}
	case Invalid:
		said = t.Err.Error()
	case ClientGone:
		if t.Err != nil {
			return clientTimedOut
		}
		return clientLeft + ", so upstream connection is closed too " + string(t.action(x.record.Buffered))
	}
	return said + " " + string(t.While)
}

// afterwards is the line about a client that takes no more of a reply whose upstream
// has ended, with err if send_timeout passed.
func afterwards(err error) string {
	if err != nil {
		return clientTimedOut
	}
	return clientLeft + " while sending to client"
}

// action is what nginx says that it was doing when the client left. It goes on
// sending the request until a header comes, and without buffers it sends to the
// client from then on.
func (t *Try) action(buffered bool) While {
	switch {
	case t.While == ReadingHeader:
		return Sending
	case t.While == ReadingBody && !buffered:
		return "while sending to client"
	}
	return t.While
}

// call is the system call that a reset ended: ngx_writev sends the request,
// ngx_unix_recv reads the header and a body without buffers, and ngx_readv_chain
// reads a body into buffers (src/os/unix).
func (t *Try) call(buffered bool) string {
	switch {
	case t.While == Sending:
		return "writev()"
	case t.While == ReadingBody && buffered:
		return "readv()"
	}
	return "recv()"
}

// capital is a system's error as Linux's strerror has it.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
