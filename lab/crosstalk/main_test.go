// What all tests here share: no goroutine is left behind, and a way to run one
// thing in a process of its own, for what would not leave this one as it was.

package crosstalk_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/outagelab/lab/bubble"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(m.Run()) // children leave goroutines behind on purpose
	}
	bubble.Tune() // not above: children show that a process which does not ask is left alone
	goleak.VerifyTestMain(m)
}

// childEnv names the entry of children to run.
const childEnv = "OUTAGELAB_CROSSTALK_CHILD"

// TestChild is the other end of runChild.
func TestChild(t *testing.T) {
	name := os.Getenv(childEnv)
	if name == "" {
		t.Skip("runs as a child process of the other tests only")
	}
	children[name](t)
}

// runChild runs an entry of children in a process of its own, and returns what
// it printed.
func runChild(t *testing.T, name string) string {
	t.Helper()
	require.Contains(t, children, name)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // only to end a hang
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestChild$")
	// A race-enabled process sleeps for a second before it exits, unless told.
	cmd.Env = append(os.Environ(), childEnv+"="+name, "GORACE=atexit_sleep_ms=0")
	text, err := cmd.CombinedOutput()
	require.NoError(t, ctx.Err(), "the child hung; it printed:\n%s", text)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return string(text)
}
