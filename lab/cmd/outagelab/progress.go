// Progress of a command that takes long, on standard error.

package main

import (
	"fmt"
	"time"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/typeset"
)

// progressEvery is how often a command prints its progress, in real time. One that takes less prints none.
const progressEvery = 2 * time.Second

// ticker is the real one of a program.
func ticker(every time.Duration) (ticks <-chan time.Time, stop func()) {
	t := time.NewTicker(every)
	return t.C, t.Stop
}

// follow prints the lines of progress to standard error at each tick, until stop is called, which waits for the line
// being printed.
func (p *program) follow(lines func() []string) (stop func()) {
	ticks, stopTicks := p.ticker(progressEvery)
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-over:
				return
			case <-ticks:
				for _, line := range lines() {
					fmt.Fprintln(p.stderr, "outagelab: "+line)
				}
			}
		}
	}()
	return func() {
		stopTicks()
		close(over)
		<-ended
	}
}

// progress is a line for each run that is on, of so many runs in all, or at most if there is a search.
func progress(running []lab.RunProgress, runs int, search bool) (lines []string) {
	atMost := ""
	if search {
		atMost = "at most "
	}
	count := func(n int) string { return typeset.Number(float64(n)) }
	for _, r := range running {
		lines = append(lines, fmt.Sprintf("run %s of %s%s: %s of %s (virtual), %s requests sent, %s in flight",
			count(r.Number), atMost, count(runs), typeset.Seconds(r.At.Truncate(time.Second)),
			typeset.Seconds(r.Horizon.Truncate(time.Second)), count(r.Sent), count(r.Sent-r.Done)))
	}
	return lines
}
