// What the tests share: the program run inside this process or as a child, its
// output as it comes, and the end, where nothing may be left running.

package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// asChild makes this test binary the program.
const asChild = "OUTAGELAB_POCSERVER_AS_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) != "" {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

// output is what a program has written, for a test to wait for.
type output struct {
	mu    sync.Mutex
	all   bytes.Buffer
	wrote chan struct{} // holds something when all has grown
}

func newOutput() *output { return &output{wrote: make(chan struct{}, 1)} }

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.wrote <- struct{}{}:
	default:
	}
	return o.all.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}

// wait returns the first match of pattern, and its groups, once it is written.
func (o *output) wait(t *testing.T, pattern string) []string {
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

// program is one that runs.
type program struct {
	url            string
	stdout, stderr *output
	cancel         context.CancelFunc // asks it to stop, inside this process
	child          *exec.Cmd          // or the process that it is
	status         chan int           // its exit status, when it has one
}

// start runs the program inside this process, on a port of the kernel's, and
// waits for its banner. It is stopped with the test.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &program{stdout: newOutput(), stderr: newOutput(), cancel: cancel, status: make(chan int, 1)}
	go func() {
		p.status <- run(ctx, append(args, "-addr", "127.0.0.1:0"), p.stdout, p.stderr)
		close(p.status)
	}()
	t.Cleanup(func() {
		cancel()
		p.end(t)
	})
	p.url = "http://" + p.stdout.wait(t, `on http://(127\.0\.0\.1:\d+), try: .*\n`)[1]
	return p
}

// startChild is start in a process of its own, which signals can be sent to.
func startChild(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{stdout: newOutput(), stderr: newOutput(), status: make(chan int, 1)}
	p.child = exec.CommandContext(t.Context(), os.Args[0], append(args, "-addr", "127.0.0.1:0")...)
	p.child.Env = append(os.Environ(), asChild+"=1")
	p.child.Stdout, p.child.Stderr = p.stdout, p.stderr
	require.NoError(t, p.child.Start())
	go func() {
		_ = p.child.Wait() // its status says it all
		p.status <- p.child.ProcessState.ExitCode()
		close(p.status)
	}()
	t.Cleanup(func() {
		_ = p.child.Process.Kill() // it has ended already, if all is well
		p.end(t)
	})
	p.url = "http://" + p.stdout.wait(t, `on http://(127\.0\.0\.1:\d+), try: .*\n`)[1]
	return p
}

// end waits for the program's end and returns its status.
func (p *program) end(t *testing.T) int {
	t.Helper()
	select {
	case status := <-p.status:
		return status
	case <-time.After(20 * time.Second):
		require.FailNow(t, "the program does not end", "standard error:\n%s", p.stderr)
		return -1
	}
}

// get returns the status and body of one request, on a connection of its own.
func (p *program) get(t *testing.T, target string) (int, string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	reply, err := client.Get(p.url + target)
	require.NoError(t, err, target)
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	assert.NoError(t, err, target)
	return reply.StatusCode, string(body)
}
