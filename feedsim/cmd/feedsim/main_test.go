// What the tests share: the program run inside this process or as a child, on
// ports that nobody else has, its output as it comes, and the end, where nothing
// may be left running.

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/pocserver/cmd/cmdtest"
)

func TestMain(m *testing.M) { cmdtest.Main(m, run) }

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
	*cmdtest.Program
	url string
	tmp string // the TMPDIR of a child
}

const up = `(?m)^  curl -N (http://\S+:\d+)/stream_feed$` // in the banner

// start runs the program inside this process, and waits for its banner.
func (h house) start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{house: h, Program: cmdtest.Start(t, run, h.args(args...)...)}
	p.url = p.Stdout.Wait(t, up)[1]
	return p
}

// startChild is start in a process of its own, which signals can be sent to.
func (h house) startChild(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{house: h, tmp: t.TempDir()}
	p.Program = cmdtest.StartChild(t, []string{"TMPDIR=" + p.tmp}, h.args(args...)...)
	p.url = p.Stdout.Wait(t, up)[1]
	return p
}

// ended runs a program that is to end by itself.
func ended(args ...string) (status int, stdout, stderr string) {
	// Done already, so that a program which serves after all ends too.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	out, diagnostics := cmdtest.NewOutput(), cmdtest.NewOutput()
	status = run(ctx, args, out, diagnostics)
	return status, out.String(), diagnostics.String()
}
