// What the program tells while it serves: a line for each request, and one for
// each worker that ends.

package main

import (
	"fmt"
	"strconv"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/pocserver/cmd/lines"
	"example.com/outagelab/pocserver/worker"
)

// logRequest adds the line of a request that is over.
func logRequest(out *lines.Log, r front.Record) {
	const most = 200 // bytes of a target: a client can send a megabyte
	// In quotes and ASCII: a target is a stranger's, and this is a terminal.
	r.URI = strconv.QuoteToASCII(r.URI[:min(most, len(r.URI))])
	out.Printf("%s\n", r)
}

// exits tells of the workers of one app server that end while it goes on.
type exits struct {
	server      string
	diagnostics *lines.Log
}

// Busy is for those who measure.
func (exits) Busy(worker.Span) {}

// Exit prints a line. It is called from inside the model, where nothing may
// wait: the line is written a little later.
func (x exits) Exit(e worker.Exit) {
	if e.Reason == worker.Stopped {
		return
	}
	x.diagnostics.Add(func(b []byte) []byte {
		return fmt.Appendf(b, "%s worker %d exited: %s\n", x.server, e.Worker, e.Reason)
	})
}
