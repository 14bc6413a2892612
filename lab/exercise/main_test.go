// What the tests here share: no goroutine stays behind, and files made from the one
// as shipped.

package exercise

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab/bubble"
)

func TestMain(m *testing.M) {
	bubble.Tune()
	goleak.VerifyTestMain(m)
}

// to is the file as shipped, with each route sent to an upstream.
func to(root, hashMe, checkFeed, streamFeed string) string {
	const pass = "proxy_pass http://prefork;"
	parts := strings.SplitAfter(feedsim.Shipped, pass)
	for i, upstream := range []string{root, hashMe, checkFeed, streamFeed} {
		parts[i] = strings.Replace(parts[i], pass, "proxy_pass http://"+upstream+";", 1)
	}
	return strings.Join(parts, "")
}

// repaired is where the routes go in the reference solution; the upstreams are as
// shipped.
func repaired() string { return to("prefork", "prefork", "threaded", "evented") }

// but changes a text everywhere, and panics if it has nothing to change.
func but(text, old, new string) string {
	if !strings.Contains(text, old) {
		panic(fmt.Sprintf("no %q in:\n%s", old, text))
	}
	return strings.ReplaceAll(text, old, new)
}

// everywhere adds a directive to the server block.
func everywhere(text, directive string) string {
	return but(text, "listen 8080;", "listen 8080; "+directive)
}

func parsed(t testing.TB, text string) *front.Config {
	t.Helper()
	c, err := front.Parse("my.conf", strings.NewReader(text))
	require.NoError(t, err)
	return c
}

func run(t testing.TB, s Setup) *Report {
	t.Helper()
	r, err := Run(t, s)
	require.NoError(t, err)
	return r
}
