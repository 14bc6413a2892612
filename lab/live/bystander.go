// What a bystander sees: light requests while others hold the server.

package live

import (
	"bufio"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const probeEvery = 100 * time.Millisecond

// probe asks for a light request at regular intervals for as long as during runs,
// and waits for the replies.
func (d *diagnosis) probe(every, patience time.Duration, during func()) []answer {
	over := make(chan struct{})
	var other sync.WaitGroup
	other.Go(func() { defer close(over); during() })
	light := d.lightest()
	var answers []*answer
	var all sync.WaitGroup
	for on := true; on && len(answers) < 200; {
		a := new(answer)
		answers = append(answers, a)
		all.Go(func() { *a = d.ask(light, patience) })
		timer := time.NewTimer(every)
		select {
		case <-over:
			on = false
		case <-d.ctx.Done():
			on = false
		case <-timer.C:
		}
		timer.Stop()
	}
	other.Wait()
	all.Wait()
	list := make([]answer, len(answers))
	for i, a := range answers {
		list[i] = *a
	}
	return list
}

// slow lets some ask for long naps, one more than are served at a time if that is
// known, and looks whether a request with no nap gets through.
func (d *diagnosis) slow(path string) {
	n := 8
	if c := d.at[path]; c != nil && c.Limited {
		n = c.AtOnce + 1
	}
	const sleep = 1500 * time.Millisecond
	var long []answer
	light := d.probe(probeEvery, 2*firstReply, func() {
		long = d.burst(n, leastStagger, 2*firstReply, func(int) string { return nap(path, sleep, someone) })
	})
	s := scene{what: fmt.Sprintf("%d naps of up to %v at %s, and %s meanwhile", n, sleep, path, d.lightest())}
	s.row("naps", long)
	s.row("no nap", light)
	d.report.scenes = append(d.report.scenes, s)
}

// check puts ten requests a second on /check_feed, for as long as the server may be
// expected to work that off, and looks at the front page meanwhile.
func (d *diagnosis) check() {
	const each = 2500 * time.Millisecond // a poll's mean, the exercise says
	n := 50
	if h := d.report.Streams; h != nil && h.Up {
		n = 4 * h.Most
	}
	if room := int(d.left() / each * 2); n > room {
		n = max(4, room)
	}
	patience := min(d.left(), 30*time.Second)
	var polls []answer
	light := d.probe(2*probeEvery, patience, func() {
		polls = d.burst(n, 100*time.Millisecond, patience, func(int) string { return checkFeed })
	})
	s := scene{what: fmt.Sprintf("%d requests for /check_feed at 10 a second, and %s meanwhile", n, d.lightest())}
	s.row("/check_feed", polls)
	s.row(d.lightest(), light)
	d.report.scenes = append(d.report.scenes, s)
}

// streams holds streams open and looks whether the front page is still answered.
func (d *diagnosis) streams() {
	var lines, opened atomic.Int64
	var readers sync.WaitGroup
	open := func() (*connection, error) {
		conn, err := d.dial(time.Minute)
		if err != nil {
			return nil, err
		}
		if err := conn.write(http.MethodGet, streamFeed, "close"); err != nil {
			conn.close()
			return nil, err
		}
		opened.Add(1)
		readers.Go(func() {
			reply, err := conn.reply(http.MethodGet)
			if err != nil {
				return
			}
			in := bufio.NewScanner(reply.Body)
			for first := true; in.Scan() && reply.StatusCode == http.StatusOK; first = false {
				if first && strings.Contains(in.Text(), `"updates"`) {
					lines.Add(1)
				}
			}
		})
		return conn, nil
	}
	var light []answer
	look := func() {
		// The slowest first line takes 5 s.
		light = d.probe(2*probeEvery, 500*time.Millisecond, func() { d.sleep(5500 * time.Millisecond) })
	}
	h, ok := d.hold(steps[:slices.Index(steps, 16)+1], open, look)
	readers.Wait()
	d.lost.Store(true) // who serves a stream finds out at its next line that nobody reads it
	if !ok && lines.Load() == 0 {
		return
	}
	d.report.Streams, d.report.Lines = &h, int(lines.Load())
	s := scene{what: fmt.Sprintf("%d streams held open, and %s meanwhile, which leaves after half a second", opened.Load(), d.lightest())}
	s.row(d.lightest(), light)
	d.report.scenes = append(d.report.scenes, s)
}
