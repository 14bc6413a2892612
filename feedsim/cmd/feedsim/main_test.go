// What the tests share: the program run inside this process or as a child, on
// ports that nobody else has, its output as it comes, and the end, where nothing
// may be left running.

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/outagelab/feedsim"
)

// asChild makes this test binary the program.
const asChild = "OUTAGELAB_FEEDSIM_AS_CHILD"

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

// handedOut are the ports that tests of this process have had.
var handedOut struct {
	sync.Mutex
	ports map[int]bool
}

// freePort returns a port that nobody listens on. It is not one that the kernel
// gives to outgoing connections, of which other packages' tests have many.
func freePort(t *testing.T) int {
	t.Helper()
	handedOut.Lock()
	defer handedOut.Unlock()
	if handedOut.ports == nil {
		handedOut.ports = map[int]bool{}
	}
	for range 1000 {
		port := 10000 + rand.IntN(20000)
		if handedOut.ports[port] {
			continue
		}
		handedOut.ports[port] = true
		ln, err := net.Listen("tcp", on(port).String())
		if err == nil {
			ln.Close()
			return port
		}
	}
	require.FailNow(t, "no free port")
	return 0
}

// house is where a program of a test's listens, and its nginx.conf.
type house struct {
	ports [len(apps)]int
	feed  int
	front int
	conf  string // a path
}

// newHouse is the exercise's on ports of its own. edit changes its nginx.conf,
// by pairs of old and new, as strings.NewReplacer does.
func newHouse(t *testing.T, edit ...string) house {
	t.Helper()
	h := house{feed: freePort(t), front: freePort(t), conf: filepath.Join(t.TempDir(), "my.conf")}
	// The old ones by what is around them: a new port may look like an old one.
	var moved []string
	for i, a := range apps {
		h.ports[i] = freePort(t)
		moved = append(moved, fmt.Sprintf("localhost:%d;", a.port), fmt.Sprintf("localhost:%d;", h.ports[i]))
	}
	text := strings.NewReplacer(edit...).Replace(feedsim.Shipped)
	text = strings.NewReplacer(append(moved, "listen 8080;", fmt.Sprintf("listen %d;", h.front))...).Replace(text)
	require.NoError(t, os.WriteFile(h.conf, []byte(text), 0o600))
	return h
}

// args is the command line. localhost is one address, whatever this machine says.
func (h house) args(args ...string) []string {
	var all []string
	for i, a := range apps {
		all = append(all, fmt.Sprintf("-%s-port=%d", a.name, h.ports[i]))
	}
	all = append(all, fmt.Sprintf("-feed-port=%d", h.feed))
	if !strings.Contains(strings.Join(args, " "), "-nginx") {
		all = append(all, "-localhost=127.0.0.1")
	}
	return append(append(all, args...), h.conf)
}

// program is one that runs.
type program struct {
	house
	url            string
	stdout, stderr *output
	cancel         context.CancelFunc // asks it to stop, inside this process
	child          *exec.Cmd          // or the process that it is
	tmp            string             // with a TMPDIR of its own
	status         chan int           // its exit status, when it has one
}

const up = `(?m)^  curl -N (http://\S+:\d+)/stream_feed$` // in the banner

// start runs the program inside this process, and waits for its banner. It is
// stopped with the test.
func (h house) start(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &program{house: h, stdout: newOutput(), stderr: newOutput(), cancel: cancel, status: make(chan int, 1)}
	go func() {
		p.status <- run(ctx, h.args(args...), p.stdout, p.stderr)
		close(p.status)
	}()
	t.Cleanup(func() {
		cancel()
		p.end(t)
		if t.Failed() {
			t.Logf("standard output:\n%s\nstandard error:\n%s", p.stdout, p.stderr)
		}
	})
	p.url = p.stdout.wait(t, up)[1]
	return p
}

// startChild is start in a process of its own, which signals can be sent to.
func (h house) startChild(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{house: h, stdout: newOutput(), stderr: newOutput(), tmp: t.TempDir(), status: make(chan int, 1)}
	p.child = exec.CommandContext(t.Context(), os.Args[0], h.args(args...)...)
	p.child.Env = append(os.Environ(), asChild+"=1", "TMPDIR="+p.tmp)
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
	p.url = p.stdout.wait(t, up)[1]
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

// ended runs a program that is to end by itself.
func ended(args ...string) (status int, stdout, stderr string) {
	// Done already, so that a program which serves after all ends too.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	out, diagnostics := newOutput(), newOutput()
	status = run(ctx, args, out, diagnostics)
	return status, out.String(), diagnostics.String()
}

// get returns the status and body of one request, on a connection of its own.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	reply, err := client.Get(url)
	require.NoError(t, err, url)
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	assert.NoError(t, err, url)
	return reply.StatusCode, string(body)
}
