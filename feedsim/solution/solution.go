// Package solution is a repair of the exercise: an nginx.conf, and what has to be
// changed about the app servers behind it, for no routing alone repairs it. Do the
// exercise first.
package solution

import _ "embed"

// Config is the repaired nginx.conf, with its reasons route by route.
//
//go:embed nginx.conf
var Config string

const (
	// Threads is how many each worker of the threaded server needs: as shipped it
	// has one.
	Threads = 25
	// Awaiting says that the evented server's handlers have to await the feed: as
	// shipped they block.
	Awaiting = true
)
