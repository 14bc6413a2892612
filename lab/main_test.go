// What all tests here share: no goroutine is left behind, and a way to run one
// thing in a process of its own, for what would not leave this one as it was.

package lab

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/outagelab/lab/atomicfile"
	"example.com/outagelab/lab/bubble"
)

var update = flag.Bool("update", false, "write what tests compare with to testdata")

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(m.Run()) // children leave goroutines behind on purpose
	}
	bubble.Tune() // not above: children show that a process which does not ask is left alone
	goleak.VerifyTestMain(m)
}

// childEnv names the entry of children to run.
const childEnv = "OUTAGELAB_LAB_CHILD"

// TestChild is the other end of runChild.
func TestChild(t *testing.T) {
	name := os.Getenv(childEnv)
	if name == "" {
		t.Skip("runs as a child process of the other tests only")
	}
	children[name](t)
}

// runChild runs an entry of children in a process of its own, and returns what
// it printed and its exit status.
func runChild(t *testing.T, name string, args ...string) (output string, status int) {
	t.Helper()
	require.Contains(t, children, name)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // only to end a hang
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], append([]string{"-test.run=^TestChild$"}, args...)...)
	// A race-enabled process sleeps for a second before it exits, unless told.
	cmd.Env = append(os.Environ(), childEnv+"="+name, "GORACE=atexit_sleep_ms=0")
	text, err := cmd.CombinedOutput()
	require.NoError(t, ctx.Err(), "the child hung; it printed:\n%s", text)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	t.Logf("child %s:\n%s", name, text)
	return string(text), cmd.ProcessState.ExitCode()
}

// golden compares text with a file in testdata.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, atomicfile.Write(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), text, "if the new text is the better one: go test ./lab -update")
}
