// Package lines is a log that requests do not wait for: a line costs a copy, and
// many are written at a time.
//
// It is what the programs of this module share. It stands beside pocserver's,
// because feedsim may import what is there and not the other way round.
package lines

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	flushAfter = 50 * time.Millisecond // soon enough for a reader
	flushAt    = 1 << 20               // bytes; a reader who is that far behind is waited for
)

// A Log collects lines and writes many at a time. Its methods may be called from
// any goroutine.
type Log struct {
	w io.Writer

	mu      sync.Mutex
	buf     []byte
	pending *time.Timer // flushes; nil where buf is empty

	writing sync.Mutex // held while w is written to, never while mu is waited for
	spare   []byte     // what was written last, for its room
}

// New returns a log that writes to w. Errors of w's are not reported: nobody is
// left to tell of a log that cannot be written.
func New(w io.Writer) *Log { return &Log{w: w} }

// Add adds what add appends. It is written within 50 ms.
func (l *Log) Add(add func([]byte) []byte) {
	l.mu.Lock()
	l.buf = add(l.buf)
	full := len(l.buf) >= flushAt
	if l.pending == nil {
		l.pending = time.AfterFunc(flushAfter, l.Flush)
	}
	l.mu.Unlock()
	if full {
		l.Flush()
	}
}

// Printf adds a line, formatted.
func (l *Log) Printf(format string, args ...any) {
	l.Add(func(b []byte) []byte { return fmt.Appendf(b, format, args...) })
}

// Write adds b, for who writes to an io.Writer. It never fails.
func (l *Log) Write(b []byte) (int, error) {
	l.Add(func(all []byte) []byte { return append(all, b...) })
	return len(b), nil
}

// Flush writes what there is, and returns when it is written.
func (l *Log) Flush() {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	full := l.buf
	l.buf = l.spare[:0]
	if l.pending != nil {
		l.pending.Stop()
		l.pending = nil
	}
	l.mu.Unlock()
	if len(full) > 0 {
		_, _ = l.w.Write(full)
	}
	l.spare = full
}
