// The commands.

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/exercise"
	"example.com/outagelab/lab/live"
	"example.com/outagelab/lab/report"
	"example.com/outagelab/lab/scenario"
	"example.com/outagelab/pocserver/worker"
)

type runCommand struct {
	File word `arg:"" help:"The scenario, a YAML file."`
	Out  word `placeholder:"DIR" help:"Write results.json and index.html to this directory."`
}

func (c *runCommand) Run(p *program) error {
	s, err := scenario.Read(string(c.File))
	if err != nil {
		return failure{badInput, err}
	}
	s.Progress = new(lab.Progress)
	stop := p.follow(func() []string { return progress(s.Progress.Running(), s.Runs(), s.Searches()) })
	r, err := s.Run(nil)
	stop()
	if err != nil {
		return failure{cannotTell, err}
	}
	fmt.Fprint(p.stdout, r)
	if c.Out != "" {
		if err := write(p, string(c.Out), r.Results()); err != nil {
			return failure{badInput, fmt.Errorf("cannot write the results: %w", err)}
		}
	}
	return verdict(map[lab.Outcome]int{lab.Holds: holds, lab.Fails: doesNotHold, lab.Undecided: cannotTell}[r.Outcome()])
}

// write writes results.json and index.html to dir, and prints their paths.
func write(p *program, dir string, r *lab.Results) error {
	data, err := r.Write(dir)
	if err != nil {
		return err
	}
	page, err := report.HTML()(dir, r)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "\nWritten: %s, %s\n", data, page)
	return nil
}

type exerciseCommand struct {
	Conf       word    `arg:"" optional:"" default:"shipped" help:"A path, or shipped for the file as shipped, or solution for the reference solution with its servers."`
	Threads    threads `placeholder:"N" help:"Threads of each worker of the threaded server, in place of the 1 as shipped."`
	Awaiting   bool    `help:"The handlers of the evented server await. As shipped they block."`
	OneAddress bool    `help:"localhost is 127.0.0.1 only, and not ::1 as well."`
}

func (c *exerciseCommand) Run(p *program) error {
	s, err := exercise.For(string(c.Conf))
	if err != nil {
		return failure{badInput, err}
	}
	if c.Threads != 0 {
		s.Threads = int(c.Threads)
	}
	s.Awaiting = s.Awaiting || c.Awaiting
	s.OneAddress = c.OneAddress
	r, err := exercise.Run(nil, s)
	if trouble := (*bubble.Trouble)(nil); errors.As(err, &trouble) {
		return failure{cannotTell, err}
	}
	if err != nil {
		return failure{badInput, err}
	}
	fmt.Fprint(p.stdout, r)
	if !r.Healthy() {
		return verdict(doesNotHold)
	}
	return nil
}

// threads is a number of threads that a worker can have.
type threads int

func (t *threads) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("want a number of threads, not %q", text)
	}
	if n < 1 || n > worker.MaxThreads {
		return fmt.Errorf("%s threads: want 1 to %d", text, worker.MaxThreads)
	}
	*t = threads(n)
	return nil
}

type liveCommand struct {
	URL    word `arg:"" name:"url" help:"The server, such as http://127.0.0.1:8000."`
	Remote bool `help:"The server may be another machine, and its owner has agreed to the load."`
}

func (c *liveCommand) Run(p *program) error {
	target, err := live.Parse(string(c.URL), c.Remote)
	if err != nil {
		return failure{badInput, err}
	}
	ctx, stop := signal.NotifyContext(p.ctx, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once
	found, err := live.Diagnose(ctx, target, p.stderr)
	switch {
	case found != nil:
		fmt.Fprint(p.stdout, found)
	case err != nil && ctx.Err() == nil:
		return failure{badInput, err}
	}
	if err != nil {
		return failure{cannotTell, err}
	}
	if !found.Conclusive() {
		return verdict(cannotTell)
	}
	return nil
}
