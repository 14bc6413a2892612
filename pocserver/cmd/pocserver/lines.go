// A log that requests do not wait for.

package main

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

// lines collects lines and writes many at a time: a line costs a copy, not a
// system call.
type lines struct {
	w io.Writer

	mu      sync.Mutex
	buf     []byte
	pending *time.Timer // flushes; nil where buf is empty

	writing sync.Mutex // held while w is written to, never while mu is waited for
	spare   []byte     // what was written last, for its room
}

func newLines(w io.Writer) *lines { return &lines{w: w} }

// line adds what add appends.
func (l *lines) line(add func([]byte) []byte) {
	l.mu.Lock()
	l.buf = add(l.buf)
	full := len(l.buf) >= flushAt
	if l.pending == nil {
		l.pending = time.AfterFunc(flushAfter, l.flush)
	}
	l.mu.Unlock()
	if full {
		l.flush()
	}
}

// printf adds a line, formatted.
func (l *lines) printf(format string, args ...any) {
	l.line(func(b []byte) []byte { return fmt.Appendf(b, format, args...) })
}

// flush writes what there is, and returns when it is written.
func (l *lines) flush() {
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
		// Nobody is left to tell of a log that cannot be written.
		_, _ = l.w.Write(full)
	}
	l.spare = full
}
