// Command outagelab runs experiments on web servers, in virtual time or on a server
// that is running:
//
//	outagelab run FILE.yaml     runs the scenario of a file (package scenario)
//	outagelab exercise [CONF]   judges an nginx.conf of the concurrency exercise (package exercise)
//	outagelab live URL          diagnoses a running server (package live)
//
// The report goes to standard output. Errors and progress go to standard error, and
// an error that keeps a command from starting is the first line there.
//
// The exit status is
//
//	0  it holds: all objectives of the scenario, every route of the exercise;
//	   live could tell the worker models of the server
//	1  it does not hold
//	2  bad input: the command line, a file, or the target cannot be used
//	3  cannot tell: the result is undecided, or the run was not completed
//
// A flag may begin with one dash, as in Go, or with two.
package main

// This file is the command line.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"example.com/outagelab/lab/bubble"
)

// The exit statuses.
const (
	holds = iota
	doesNotHold
	badInput
	cannotTell
)

const description = `Run experiments on web servers, in virtual time or on a server that is running.

Exit status: 0 if it holds, 1 if it does not, 2 for bad input (the command line, a file or the target cannot be used), ` +
	`3 if that cannot be told (the result is undecided, or the run was not completed).`

func main() {
	bubble.Tune()
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// A command line, as kong reads it.
type commandLine struct {
	Run      runCommand      `cmd:"" help:"Run the scenario of a file."`
	Exercise exerciseCommand `cmd:"" help:"Judge an nginx.conf of the concurrency exercise."`
	Live     liveCommand     `cmd:"" help:"Diagnose a server that is running."`
}

// A program is what a command has of the process that it runs in.
type program struct {
	ctx            context.Context
	stdout, stderr io.Writer
	ticker         func(time.Duration) (ticks <-chan time.Time, stop func()) // says when to print progress
}

// A failure is an error with the exit status that it ends the program with.
type failure struct {
	status int
	err    error
}

func (f failure) Error() string { return f.err.Error() }

// verdict is the error of a command that has printed its result, unless that holds.
func verdict(status int) error {
	if status == holds {
		return nil
	}
	return failure{status: status}
}

// run is the program. It returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var line commandLine
	helped := false
	out := &checked{Writer: stdout}
	parser := kong.Must(&line, kong.Name("outagelab"), kong.Description(description),
		kong.Writers(out, stderr), kong.Exit(func(int) { helped = true }))
	if len(args) == 1 && args[0] == "help" {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(twoDashes(args))
	switch {
	case helped:
		err = nil
	case err != nil:
		err = failure{badInput, fmt.Errorf("outagelab: %w (outagelab --help lists commands and flags)", err)}
	default:
		err = parsed.Run(&program{ctx, out, stderr, ticker})
	}
	if out.err != nil {
		err = failure{badInput, fmt.Errorf("outagelab: cannot write to standard output: %w", out.err)}
	}
	if err == nil {
		return holds
	}
	var f failure
	if !errors.As(err, &f) {
		f = failure{cannotTell, err}
	}
	if f.err != nil {
		fmt.Fprintln(stderr, strings.TrimRight(f.err.Error(), "\n"))
	}
	return f.status
}

// twoDashes writes flags such as -threads=2 with the two dashes that kong wants. No
// flag here has a short form but -h.
func twoDashes(args []string) []string {
	var all []string
	for i, a := range args {
		if a == "--" {
			return append(all, args[i:]...)
		}
		if len(a) > 2 && a[0] == '-' && a[1] != '-' {
			a = "-" + a
		}
		all = append(all, a)
	}
	return all
}

// checked remembers the first error of its Writer.
type checked struct {
	io.Writer
	err error
}

func (c *checked) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	if c.err == nil {
		c.err = err
	}
	return n, err
}

// A word is a value that is not empty.
type word string

func (w *word) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("the value is empty")
	}
	*w = word(text)
	return nil
}
