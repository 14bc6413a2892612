// What a program has written, as it comes.

package cmdtest

import (
	"bytes"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Output is what a program has written, for a test to wait for. Its methods may be
// called from any goroutine.
type Output struct {
	mu    sync.Mutex
	all   bytes.Buffer
	wrote chan struct{} // holds something when all has grown
}

// NewOutput returns an Output that nothing has been written to.
func NewOutput() *Output { return &Output{wrote: make(chan struct{}, 1)} }

// Write keeps b. It never fails.
func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.wrote <- struct{}{}:
	default:
	}
	return o.all.Write(b)
}

// String returns what has been written so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}

// Wait returns the first match of pattern, and its groups, once it is written. It
// fails the test after 20 s.
func (o *Output) Wait(t *testing.T, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	for {
		if found := re.FindStringSubmatch(o.String()); found != nil {
			return found
		}
		select {
		case <-o.wrote:
		case <-late.C:
			require.FailNow(t, "never written: "+pattern, "what was written:\n%s", o)
		}
	}
}
