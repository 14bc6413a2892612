// The real nginx as the front: a process of its own, which ends with this one.

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/outagelab/pocserver/cmd/lines"
)

const (
	// lookAgain is how often its pid file is looked for: it is written when nginx
	// listens (ngx_create_pidfile in src/core/nginx.c).
	lookAgain = 10 * time.Millisecond
	// patience is how long nginx may take to stop. Its fast shutdown waits for
	// nobody (ngx_master_process_cycle in src/os/unix/ngx_process_cycle.c).
	patience = 5 * time.Second
)

// sbin is where nginx is too, besides PATH: Debian keeps it from ordinary users'.
var sbin = []string{"/usr/sbin", "/usr/local/sbin"}

func findNginx() (string, error) {
	path, err := exec.LookPath("nginx")
	for _, dir := range sbin {
		if err == nil {
			break
		}
		path, err = exec.LookPath(filepath.Join(dir, "nginx"))
	}
	if err != nil {
		return "", errors.New("-nginx needs nginx, which is not installed: it is not in PATH, /usr/sbin or /usr/local/sbin")
	}
	return path, nil
}

// nginx is a real one.
type nginx struct {
	cmd   *exec.Cmd
	ctx   context.Context // ends when it is to stop
	group atomic.Int64    // the process group, once there is one
	pid   string          // the file that it writes when it listens
	ready chan struct{}   // closed when it does
}

func realNginx(o options, out, diagnostics *lines.Log) (_ *face, err error) {
	program, err := findNginx()
	if err != nil {
		return nil, err
	}
	file, text, err := read(o.conf)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "feedsim-nginx-")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	closing := func() {
		cancel()
		os.RemoveAll(dir)
	}
	defer func() {
		if err != nil {
			closing()
		}
	}()
	// Its workers are somebody else, if it is root that runs them, and have
	// directories in there.
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	conf, err := rewrite(file, string(text), o.addr, dir)
	if err != nil {
		return nil, err
	}
	if len(conf.listens) == 0 {
		return nil, fmt.Errorf("%s: nothing to listen on", file)
	}
	for name, text := range conf.copies {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	for _, line := range conf.said {
		diagnostics.Printf("feedsim: %s\n", line)
	}

	n := &nginx{
		// -e is where it logs before it has read the file (since 1.19.5).
		cmd: exec.CommandContext(ctx, program, "-e", "stderr", "-p", dir, "-c", filepath.Join(dir, mainCopy)),
		ctx: ctx, pid: filepath.Join(dir, "pid"), ready: make(chan struct{}),
	}
	n.cmd.Stderr = diagnostics
	if o.accessLog {
		n.cmd.Stdout = out
	}
	n.cmd.SysProcAttr = processGroup() // or a Ctrl-C would stop it too, before its turn
	n.cmd.Cancel = func() error { return n.cmd.Process.Signal(syscall.SIGTERM) }
	n.cmd.WaitDelay = patience
	return &face{
		part: part{
			name: "nginx", label: "nginx", what: file,
			addrs: unique(conf.listens), // several servers may share one
			other: "listen on another port in nginx.conf",
			serve: n.serve, stop: cancel, done: make(chan struct{}),
		},
		names: []string{"names in the file are looked up by nginx itself"}, ready: n.ready,
		kill: func() {
			n.kill()
			os.RemoveAll(dir)
		},
		close: closing,
	}, nil
}

// serve runs it until it is to stop, where the listeners listened: they have only
// held its ports, so that whoever has taken one is named.
func (n *nginx) serve(held []net.Listener) error {
	for _, ln := range held {
		ln.Close()
	}
	// Linux tells a process that its parent has died when the thread has that
	// started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := n.cmd.Start(); err != nil {
		if n.ctx.Err() != nil {
			return nil
		}
		return err
	}
	n.group.Store(int64(n.cmd.Process.Pid))
	ended := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { n.watch(ended) })
	_ = n.cmd.Wait() // its state says it all
	close(ended)
	watching.Wait()
	n.kill() // workers, should any be left
	if n.ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("it ended by itself: %v", n.cmd.ProcessState)
}

// watch tells when it listens.
func (n *nginx) watch(ended <-chan struct{}) {
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for {
		if pid, err := os.Stat(n.pid); err == nil && pid.Size() > 0 {
			close(n.ready)
			return
		}
		select {
		case <-again.C:
		case <-ended:
			return
		}
	}
}

// kill ends it and its workers at once.
func (n *nginx) kill() {
	if group := n.group.Load(); group > 0 {
		killGroup(int(group)) // it has ended already, if all is well
	}
}

func unique(all []netip.AddrPort) []netip.AddrPort {
	var once []netip.AddrPort
	for _, a := range all {
		if !slices.Contains(once, a) {
			once = append(once, a)
		}
	}
	return once
}
