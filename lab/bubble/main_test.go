// What the tests here share.

package bubble

import (
	"testing"
	"testing/synctest"
)

// inBubble runs f in a bubble that nothing watches.
func inBubble(t *testing.T, f func()) {
	t.Helper()
	synctest.Test(t, func(*testing.T) { f() })
}
