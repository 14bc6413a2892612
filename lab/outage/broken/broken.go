// What the package is, and its own text, from which a lesson shows what differs.

// Package broken holds systems on which somebody had a hope that they do not meet.
// Package fixed holds the same, in files and functions of the same names, with the
// smallest change that makes them meet it.
package broken

import (
	"embed"
	"fmt"
	"strings"

	"example.com/outagelab/feedsim/front"
)

// Sources is the text of the package's files.
//
//go:embed *.go *.conf
var Sources embed.FS

// configured is the nginx.conf of that name among Sources.
func configured(name string) (*front.Config, error) {
	text, err := Sources.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("broken: %w", err)
	}
	return front.Parse(name, strings.NewReader(string(text)))
}
