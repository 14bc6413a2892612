// What the package is, and its own text, from which a lesson shows what differs.

// Package fixed holds the systems of package broken, in files and functions of the
// same names, with the smallest change that makes each of them meet what was hoped
// of it.
package fixed

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
		return nil, fmt.Errorf("fixed: %w", err)
	}
	return front.Parse(name, strings.NewReader(string(text)))
}
