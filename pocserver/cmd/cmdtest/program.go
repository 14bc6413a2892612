// A program that runs, inside the tests' process or as a child.

// Package cmdtest runs a command's program in its tests: inside their process, or
// as a child that signals can be sent to.
package cmdtest

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// Run is a program: it runs until ctx is done or it ends by itself, and returns its
// exit status.
type Run func(ctx context.Context, args []string, stdout, stderr io.Writer) int

// asChild makes a test binary the program.
const asChild = "OUTAGELAB_AS_CHILD"

// Main is the TestMain of a package that uses StartChild. Nothing may be left
// running in the end.
func Main(m *testing.M, run Run) {
	if os.Getenv(asChild) != "" {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

// Program is one that runs.
type Program struct {
	Stdout, Stderr *Output
	Cancel         context.CancelFunc // asks it to stop, inside this process
	Child          *exec.Cmd          // or the process that it is
	status         chan int           // its exit status, when it has one
}

// Start runs the program inside this process. It is stopped with the test.
func Start(t *testing.T, run Run, args ...string) *Program {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &Program{Stdout: NewOutput(), Stderr: NewOutput(), Cancel: cancel, status: make(chan int, 1)}
	go func() {
		p.status <- run(ctx, args, p.Stdout, p.Stderr)
		close(p.status)
	}()
	t.Cleanup(func() {
		cancel()
		p.End(t)
		if t.Failed() {
			t.Logf("standard output:\n%s\nstandard error:\n%s", p.Stdout, p.Stderr)
		}
	})
	return p
}

// StartChild is Start in a process of its own, with env besides this one's. It is
// killed with the test, if it has not ended by then. It skips the test on systems
// without signals.
func StartChild(t *testing.T, env []string, args ...string) *Program {
	t.Helper()
	if runtime.GOOS == "windows" || runtime.GOARCH == "wasm" {
		t.Skipf("needs a Unix system, which can send a signal to a child process; this is %s", runtime.GOOS)
	}
	p := &Program{Stdout: NewOutput(), Stderr: NewOutput(), status: make(chan int, 1)}
	p.Child = exec.CommandContext(t.Context(), os.Args[0], args...)
	p.Child.Env = append(append(os.Environ(), asChild+"=1"), env...)
	p.Child.Stdout, p.Child.Stderr = p.Stdout, p.Stderr
	require.NoError(t, p.Child.Start())
	go func() {
		_ = p.Child.Wait() // its status says it all
		p.status <- p.Child.ProcessState.ExitCode()
		close(p.status)
	}()
	t.Cleanup(func() {
		_ = p.Child.Process.Kill() // it has ended already, if all is well
		p.End(t)
	})
	return p
}

// End waits for the program's end and returns its status, to the first who asks;
// 0 to the others. It fails the test after 20 s.
func (p *Program) End(t *testing.T) int {
	t.Helper()
	select {
	case status := <-p.status:
		return status
	case <-time.After(20 * time.Second):
		require.FailNow(t, "the program does not end", "standard error:\n%s", p.Stderr)
		return -1
	}
}

// Get returns the status and body of one request, on a connection of its own.
func Get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	reply, err := client.Get(url)
	require.NoError(t, err, url)
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	assert.NoError(t, err, url)
	return reply.StatusCode, string(body)
}
