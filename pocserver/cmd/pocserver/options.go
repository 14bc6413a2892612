// The command line: which deployment, and what of it to change.

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"

	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

// deployment is one of the PoC's ways to serve itself.
type deployment struct {
	name     string // the first argument
	original string // the PoC's name for it
	config   func() worker.Config
	try      string // what to type next; %[1]s is the server's URL
}

// The PoC's own load test, and its two browsers.
const (
	loadTest    = "wrk -t 8 -c 500 -d 10 --latency '%[1]s/sync_sleep/?sleep=0.1'"
	twoBrowsers = "curl '%[1]s/dirty/?sleep=7&email=test' & sleep 0.1; curl '%[1]s/dirty/?sleep=0.3&email=dev'; wait"
)

var deployments = []deployment{
	{"dev", "run.django", pocserver.RunDev, twoBrowsers},
	{"sync", "run.gunicorn", pocserver.RunSync, loadTest},
	{"async", "run.uvicorn", pocserver.RunAsync, loadTest},
	{"async12", "run.gunicorn.uvicorn", pocserver.RunAsync12, loadTest},
}

// options is what a command line says.
type options struct {
	deployment
	config    worker.Config
	addr      string
	accessLog bool
}

// helpError is a command line that asks for help, and the help.
type helpError struct{ text string }

func (helpError) Error() string { return "help" }

const choose = "want dev, sync, async or async12, as in: pocserver sync -addr 127.0.0.1:8001"

// parse reads a command line. Its error says what cannot be.
func parse(args []string) (options, error) {
	if len(args) == 0 {
		return options{}, errors.New("no deployment is named: " + choose)
	}
	switch name := args[0]; {
	case name == "-h", name == "-help", name == "--help", name == "help":
		return options{}, helpError{usage()}
	case strings.HasPrefix(name, "-"):
		return options{}, fmt.Errorf("the deployment comes before %q: %s", name, choose)
	}
	for _, d := range deployments {
		if d.name == args[0] {
			return parseFlags(d, args[1:])
		}
	}
	return options{}, fmt.Errorf("unknown deployment %q: %s", args[0], choose)
}

// A flag for each field of worker.Config that a command line can set, by the
// field's name, which is what worker's own errors say.
var flagOf = map[string]string{
	"Model": "model", "Workers": "workers", "Threads": "threads", "WorkerConnections": "worker-connections",
	"ThreadLimit": "thread-limit", "Backlog": "backlog", "Timeout": "timeout", "Heartbeat": "heartbeat", "GracefulTimeout": "graceful-timeout", "KeepAlive": "keep-alive",
	"MaxRequests": "max-requests", "MaxRequestsJitter": "max-requests-jitter", "BootTime": "boot-time", "CPU": "cpu",
	"SleepOvershoot": "sleep-overshoot", "Replies": "replies", "AcceptAgain": "accept-again", "Seed": "seed",
}

func flags(o *options) *flag.FlagSet {
	c := &o.config
	f := flag.NewFlagSet("pocserver", flag.ContinueOnError)
	f.SetOutput(io.Discard) // its errors are returned, its usage is help
	f.StringVar(&o.addr, "addr", "127.0.0.1:8000", "`address` to listen on; the server leaks on purpose, so think before it is not loopback")
	f.BoolVar(&o.accessLog, "access-log", true, "print a line for each request; -access-log=false turns it off")

	f.TextVar(&c.Model, flagOf["Model"], c.Model, "worker `model`: sync, threaded, evented, uvicorn or thread-per-request")
	f.IntVar(&c.Workers, flagOf["Workers"], c.Workers, "`number` of worker processes, each with an app of its own")
	f.IntVar(&c.Threads, flagOf["Threads"], c.Threads, "`number` of threads of a threaded worker")
	f.IntVar(&c.WorkerConnections, flagOf["WorkerConnections"], c.WorkerConnections, "`number` of connections that one threaded or evented worker holds at most")
	f.IntVar(&c.ThreadLimit, flagOf["ThreadLimit"], c.ThreadLimit, "`number` of sync views that one event loop's threads run at a time; 0 is no limit, as Django has it")
	f.IntVar(&c.Backlog, flagOf["Backlog"], c.Backlog, "`number` of connections that may wait to be accepted")
	f.DurationVar(&c.Timeout, flagOf["Timeout"], c.Timeout, "a worker without a heartbeat for this `duration` is killed; 0 never")
	f.DurationVar(&c.Heartbeat, flagOf["Heartbeat"], c.Heartbeat, "`duration` between two heartbeats of an evented worker")
	f.DurationVar(&c.GracefulTimeout, flagOf["GracefulTimeout"], c.GracefulTimeout, "`duration` that a worker that stops may take to finish")
	f.DurationVar(&c.KeepAlive, flagOf["KeepAlive"], c.KeepAlive, "`duration` that an idle connection is kept; 0 closes each after its reply")
	f.IntVar(&c.MaxRequests, flagOf["MaxRequests"], c.MaxRequests, "a worker is recycled after this `number` of requests; 0 never")
	f.IntVar(&c.MaxRequestsJitter, flagOf["MaxRequestsJitter"], c.MaxRequestsJitter, "up to this `number` is added to -max-requests, drawn for each worker")
	f.DurationVar(&c.BootTime, flagOf["BootTime"], c.BootTime, "`duration` that a replacement worker takes to boot")
	f.DurationVar(&c.CPU, flagOf["CPU"], c.CPU, "CPU `time` that each request costs its worker; the originals took about 300µs (sync) and 900µs (async)")
	f.DurationVar(&c.SleepOvershoot, flagOf["SleepOvershoot"], c.SleepOvershoot, "`duration` by which each nap is too long")
	f.TextVar(&c.Replies, flagOf["Replies"], c.Replies, "`moment` when a loop's replies leave: at-once (asyncio) or end-of-turn (uvloop)")
	f.Float64Var(&c.AcceptAgain, flagOf["AcceptAgain"], c.AcceptAgain, "`probability` that the worker which accepted last accepts next")
	f.Uint64Var(&c.Seed, flagOf["Seed"], 1, "`seed` of the naps and of which worker accepts")
	return f
}

func parseFlags(d deployment, args []string) (options, error) {
	o := options{deployment: d, config: d.config()}
	f := flags(&o)
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return o, helpError{fmt.Sprintf("pocserver %s [flags]: %s, %v. The flags, and what it has them set to:\n\n%s",
			d.name, d.original, d.config(), defaults(f))}
	}
	if err != nil {
		return o, fmt.Errorf("%w (pocserver %s -h lists the flags)", err, d.name)
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q after the flags", f.Arg(0))
	}
	// Empty, the address would be every interface and a port of the kernel's.
	if o.addr == "" {
		return o, errors.New("-addr is empty: want host:port, such as 127.0.0.1:8000")
	}
	if _, err := net.ResolveTCPAddr("tcp", o.addr); err != nil {
		return o, fmt.Errorf("-addr is %q: %w", o.addr, err)
	}
	return o, nil
}

// usage is the help for a command line without a deployment, which has no
// defaults to show yet.
func usage() string {
	var b strings.Builder
	b.WriteString("pocserver DEPLOYMENT [flags] serves the PoC's views. The deployments:\n\n")
	for _, d := range deployments {
		fmt.Fprintf(&b, "  %-8s %s: %v\n", d.name, d.original, d.config())
	}
	b.WriteString("\nEach sets the flags in its own way, which pocserver DEPLOYMENT -h shows:\n\n")
	b.WriteString(defaults(flags(&options{})))
	return b.String()
}

func defaults(f *flag.FlagSet) string {
	var b strings.Builder
	f.SetOutput(&b)
	f.PrintDefaults()
	return b.String()
}

// asFlag returns a configuration's error as one of the command line: it names
// the flag in place of the field.
func asFlag(err error) string {
	text := strings.TrimPrefix(err.Error(), "worker: ")
	field, rest, found := strings.Cut(strings.TrimPrefix(text, "Config."), " ")
	if name, ok := flagOf[field]; ok && found {
		return "-" + name + " " + rest
	}
	return text
}
