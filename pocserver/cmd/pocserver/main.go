// Command pocserver serves the PoC's views for real, as one of its four
// deployments:
//
//	pocserver dev       run.django: runserver, a thread per request
//	pocserver sync      run.gunicorn: 1 sync worker
//	pocserver async     run.uvicorn: 1 loop
//	pocserver async12   run.gunicorn.uvicorn: 12 loops
//
// It leaks one user's data to another on purpose, so it listens on 127.0.0.1
// only, unless -addr says otherwise. pocserver DEPLOYMENT -h lists the flags.
//
// The access log goes to standard output, a line a request: its method, its
// target, the status (or cut, where the worker died first), bytes of the body,
// the time it took, and which instance of the app answered. Workers that end are
// told of on standard error.
//
// SIGINT or SIGTERM stops it: it finishes what it has within -graceful-timeout,
// and a second signal ends it at once. The exit status is 0 after that, 1 where
// it could not serve, 2 for a command line that cannot be.
package main

// This file is the program's course, from its command line to its end.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/cmd/lines"
	"example.com/outagelab/pocserver/worker"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program: it serves until ctx is done or a signal comes, and
// returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args)
	if help := (helpError{}); errors.As(err, &help) {
		fmt.Fprint(stdout, help.text)
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "pocserver: %v\n", err)
		return 2
	}

	out, diagnostics := lines.New(stdout), lines.New(stderr)
	defer diagnostics.Flush()
	defer out.Flush()
	newApp := pocserver.Instances(o.config.Seed)
	if o.accessLog {
		newApp = logged(newApp, out)
	}
	if o.config.Timeout > 0 || o.config.MaxRequests > 0 {
		o.config.Observer = exits{diagnostics} // else no worker ends before the server does
	}
	srv, err := worker.New(o.config, newApp)
	if err != nil {
		diagnostics.Printf("pocserver: %s\n", asFlag(err))
		return 2
	}

	ln, err := net.Listen("tcp", o.addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		diagnostics.Printf("pocserver: %s is taken by another program: stop it or choose another with -addr\n", o.addr)
		return 1
	}
	if err != nil {
		diagnostics.Printf("pocserver: cannot listen on %s: %v\n", o.addr, err)
		return 1
	}
	if !loopback(ln.Addr()) {
		diagnostics.Printf("pocserver: %s is open to the network, and this program leaks one user's data to another on purpose\n", ln.Addr())
	}

	// From here on a signal is a request to stop. It comes before the banner,
	// so that whoever has read that may send one.
	ctx, restore := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer restore()
	out.Printf("%s\n", banner(o, ln.Addr()))
	out.Flush()
	diagnostics.Flush()

	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case err = <-served:
		diagnostics.Printf("pocserver: cannot serve any longer: %v\n", err)
		return 1
	case <-ctx.Done():
	}
	restore() // a second signal ends the program, as it does any other
	if limit := o.config.GracefulTimeout; limit > 0 {
		diagnostics.Printf("pocserver: stopping, within %v; a second signal ends it at once\n", limit)
	} else {
		diagnostics.Printf("pocserver: stopping at once, as -graceful-timeout 0 says\n")
	}
	diagnostics.Flush()
	if err := srv.Shutdown(context.Background()); err != nil {
		diagnostics.Printf("pocserver: %s\n", strings.TrimPrefix(err.Error(), "worker: "))
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		diagnostics.Printf("pocserver: %v\n", err)
		return 1
	}
	diagnostics.Printf("pocserver: stopped\n")
	return 0
}

// banner says in one line what runs, and what to try next.
func banner(o options, addr net.Addr) string {
	host, port, _ := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); ip.IsUnspecified() || ip.Equal(net.IPv4(127, 0, 0, 1)) {
		host = "localhost"
	}
	url := "http://" + net.JoinHostPort(host, port)
	return fmt.Sprintf("outagelab: %v (%s) on http://%s, try: %s", o.config, o.original, addr, fmt.Sprintf(o.try, url))
}

func loopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
