// Command feedsim serves the concurrency exercise for real, all of it in one
// process:
//
//	feedsim [flags] [nginx.conf]
//
// Three app servers (prefork on port 5000, threaded on 5100, evented on 5200) and
// the slow feed that they poll (on 5300) listen on 127.0.0.1, and in front of them
// is what nginx.conf says: the exercise's own, as shipped, unless another file is
// named. A listen without an address of its own, such as listen 8080, is
// 127.0.0.1's too, where nginx would open the port to the network; -addr names
// another address for it. feedsim -h lists the flags.
//
// The front is this module's own, which reads the file as nginx does; -nginx puts
// the real one there, on the same file. A name in the file, such as localhost, is
// looked up on this machine, as nginx does it, and each address that it has is a
// peer: with -localhost 127.0.0.1,::1 it has two, and nothing listens on the
// second, which is the exercise's 502.
//
// The access log goes to standard output, a line a request when it is over, such
// as
//
//	GET "/check_feed" 200 3.004 location /check_feed upstream prefork 127.0.0.1:5000: served
//
// which is its method, its target, the status, the time it took in seconds, the
// route, the upstream, and what became of each peer that was asked. Workers that
// end are told of on standard error.
//
// With -nginx an access_log that names no format of its own has a line as close to
// that as nginx can write, which is said on standard error:
//
//	GET "/check_feed" 200 3.004 upstream prefork 127.0.0.1:5000: 200
//
// A format that the file names stays. Included files are under the same rules as
// the file. What could open a port that is not one of http's, such as stream, is
// refused.
//
// SIGINT or SIGTERM stops it at once, the front first; whoever is being served is
// cut. A second signal does not wait even for that. The exit status is 0 after
// that, 1 where it could not serve, which includes a nginx.conf that is wrong, 2
// for a command line that cannot be.
package main

// This file is the program's course, from its command line to its end.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"example.com/outagelab/pocserver/cmd/lines"
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
		fmt.Fprintf(stderr, "feedsim: %v\n", err)
		return 2
	}

	out, diagnostics := lines.New(stdout), lines.New(stderr)
	defer diagnostics.Flush()
	defer out.Flush()
	failed := func(status int, err error) int {
		diagnostics.Printf("feedsim: %v\n", err)
		return status
	}

	back, err := behind(o, diagnostics)
	if err != nil {
		return failed(2, asFlag(err))
	}
	face, err := inFront(o, out, diagnostics)
	if err != nil {
		return failed(1, err)
	}
	defer face.close()
	all := append([]*part{&face.part}, back...) // in order of stopping
	if err := open(all); err != nil {
		return failed(1, err)
	}

	// From here on a signal is a request to stop. It comes before the banner, so
	// that whoever has read that may send one.
	ctx, restore := untilSignal(ctx, face.kill)
	ended := make(chan *part, len(all))
	for _, p := range all {
		go func() {
			p.run()
			ended <- p
		}()
	}
	var broken *part
	for ready := face.ready; broken == nil && ctx.Err() == nil; {
		select {
		case <-ready:
			ready = nil
			out.Printf("%s", banner(o, face, back))
			out.Flush()
			diagnostics.Flush()
		case broken = <-ended:
		case <-ctx.Done():
		}
	}

	if broken == nil {
		diagnostics.Printf("feedsim: stopping; a second signal ends it at once\n")
		diagnostics.Flush()
	}
	for _, p := range all {
		p.stop()
		<-p.done
		if p.err != nil && broken == nil {
			broken = p
		}
	}
	restore()
	if broken != nil {
		return failed(1, broken.err)
	}
	diagnostics.Printf("feedsim: stopped\n")
	return 0
}
