// The package's description, and its own sources.

// Package fixed holds the catalogue's handlers put right. Package broken holds
// them as they went into production, in files of the same names, so that what
// differs between two files is the fix.
package fixed

import "embed"

// Sources are this package's own source files, for whoever shows what the fix
// changes.
//
//go:embed *.go
var Sources embed.FS
