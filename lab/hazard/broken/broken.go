// The package's description, and its own sources.

// Package broken holds the catalogue's handlers as they went into production: in
// good faith, and wrong. Package fixed holds the same handlers put right, in
// files of the same names, so that what differs between two files is the fix.
package broken

import "embed"

// Sources are this package's own source files, for whoever shows what the fix
// changes.
//
//go:embed *.go
var Sources embed.FS
