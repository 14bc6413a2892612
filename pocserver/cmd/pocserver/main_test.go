// What the tests share: the program run inside this process or as a child, its
// output as it comes, and the end, where nothing may be left running.

package main

import (
	"testing"

	"example.com/outagelab/pocserver/cmd/cmdtest"
)

func TestMain(m *testing.M) { cmdtest.Main(m, run) }

// program is one that runs.
type program struct {
	*cmdtest.Program
	url string
}

const up = `on http://(127\.0\.0\.1:\d+), try: .*\n` // in the banner

// start runs the program inside this process, on a port of the kernel's, and
// waits for its banner.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := cmdtest.Start(t, run, append(args, "-addr", "127.0.0.1:0")...)
	return &program{p, "http://" + p.Stdout.Wait(t, up)[1]}
}

// startChild is start in a process of its own, which signals can be sent to.
func startChild(t *testing.T, args ...string) *program {
	t.Helper()
	p := cmdtest.StartChild(t, nil, append(args, "-addr", "127.0.0.1:0")...)
	return &program{p, "http://" + p.Stdout.Wait(t, up)[1]}
}

// get returns the status and body of one request, on a connection of its own.
func (p *program) get(t *testing.T, target string) (int, string) {
	t.Helper()
	return cmdtest.Get(t, p.url+target)
}
