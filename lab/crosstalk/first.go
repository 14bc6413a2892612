// The first request of a check: in real time, outside the bubble.

package crosstalk

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/racedetector"
)

// A channel that is made in a synctest bubble belongs to it, and the process ends
// when a goroutine outside uses it (chansend and chanrecv in runtime/chan.go). So
// what an app makes lazily and once for the whole process, such as a worker pool in
// a package variable or a connection of http.DefaultTransport, must not be made in
// the bubble of a check. The first request, in real time, makes it outside.
//
// A goroutine that is made outside cannot use the channels of a bubble either. If
// the first request has started one that serves the whole process, or has left a
// real connection open, the check therefore runs in real time.

const (
	// patienceFirst is how long a request may wait before the check goes on without
	// it. What it has left to make is then made in the bubble.
	patienceFirst = 20 * time.Millisecond
	// graceFirst is how long it may take to notice that its client has left.
	graceFirst = 2 * time.Millisecond
	// labelFirst is the profiler label of all goroutines that the first requests
	// start, directly or not.
	labelFirst = "crosstalk"
)

// mostComputing is how long one request that is alone may compute.
var mostComputing = func() time.Duration {
	if racedetector.On {
		return time.Minute
	}
	return 10 * time.Second
}()

// first sends the first requests, and finds out from them how long one computes and
// whether the check has to run in real time.
func (c *check) first() error {
	closeIdleConnections()
	defer closeIdleConnections()
	one, err := c.sendFirst()
	if err != nil {
		return err
	}
	c.computes, c.label = one.computed, one.label
	why := outsiders.any()
	switch {
	case one.connected:
		why = "the first request left a network connection open"
		closeIdleConnections()
		for root := range one.left() { // another client's
			outsiders.add(one, root)
		}
	case len(one.left()) > 0:
		two, err := c.sendFirst()
		if err != nil {
			return err
		}
		// What each instance starts anew is its own.
		again := two.left()
		for root, n := range one.left() {
			if n > again[root] {
				outsiders.add(one, root)
				why = "the first request started " + root + ", which serves the whole process"
			}
		}
	}
	if why != "" && !c.realTime {
		c.realTime, c.outside = true, why
	}
	return nil
}

// closeIdleConnections closes those of http.DefaultTransport.
func closeIdleConnections() {
	if t, ok := http.DefaultTransport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// A first is a first request to an instance of the app.
type first struct {
	label     string
	computed  time.Duration // how long it took, 0 if it is not done
	connected bool          // it has opened a network connection
}

// firsts numbers the first requests of the process.
var firsts atomic.Int64

// sendFirst makes an instance of the app, sends it a request, and closes it.
func (c *check) sendFirst() (*first, error) {
	f := &first{label: strconv.FormatInt(firsts.Add(1), 10)}
	u := &user{run: &run{check: c}}
	u.canary, u.token = c.newCanary(owner{0, c.firsts})
	c.firsts++
	var err error
	if u.request, err = c.ask(0, u.canary, false); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var (
		app           http.Handler
		failed        error
		self          atomic.Int64
		made, replied = make(chan struct{}), make(chan struct{})
	)
	go pprof.Do(ctx, pprof.Labels(labelFirst, f.label), func(ctx context.Context) {
		defer close(replied)
		app, failed = c.makeApp()
		close(made)
		if app != nil {
			self.Store(int64(bubble.This()))
			c.serveOnce(ctx, app, u)
		}
	})
	select {
	case <-made:
	case <-replied: // newHandler has ended its goroutine
	}
	switch {
	case failed != nil:
		return nil, failed
	case app == nil:
		return nil, errNoHandler
	}
	begin := time.Now()
	for done := false; !done; {
		select {
		case <-replied:
			done, f.computed = true, time.Since(begin)
		case <-time.After(patienceFirst):
			at, computing := doing(bubble.ID(self.Load()))
			if computing && time.Since(begin) > mostComputing {
				return nil, &bubble.Trouble{
					Name: "a request is answered",
					What: fmt.Sprintf("the first request has computed for %v", mostComputing),
					Who:  []string{at},
					Why:  "This is an endless loop, or a request takes more of the processor than a check of many requests can afford.",
					Do:   "Have the loop end when the request's context does; or lower the cost in tests.",
				}
			}
			done = !computing
		}
	}
	for _, g := range f.goroutines() {
		f.connected = f.connected || strings.Contains(g, "internal/poll.runtime_pollWait")
	}
	cancel()
	select {
	case <-replied:
		c.closeApp(app)
	case <-time.After(graceFirst):
		go c.closeApp(app) // which may wait for the request
	}
	return f, nil
}

// makeApp is newHandler, with an error for its panic.
func (c *check) makeApp() (app http.Handler, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("newHandler panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return c.newHandler(), nil
}

// doing says what a goroutine is doing, and whether it computes.
func doing(id bubble.ID) (at string, computing bool) {
	for _, g := range bubble.Outside() {
		if g.ID() == id {
			return g.String(), g.Computes()
		}
	}
	return "", false
}

// left are the functions that the goroutines of the request run which are still
// there, and how many run each. The handler itself is not among them.
func (f *first) left() map[string]int {
	roots := map[string]int{}
	for _, g := range f.goroutines() {
		lines := strings.Split(strings.TrimSpace(g), "\n")
		n, _, _ := strings.Cut(g, " @ ")
		count, _ := strconv.Atoi(n)
		_, root, _ := strings.Cut(strings.TrimPrefix(lines[len(lines)-1], "#\t"), "\t")
		root, _, _ = strings.Cut(root, "+0x")
		roots[root] += count
	}
	return roots
}

// goroutines are the entries of the goroutine profile with the request's label but
// for the handler itself.
func (f *first) goroutines() (all []string) {
	var b bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&b, 1) // a buffer takes all
	mark := fmt.Sprintf("%q:%q", labelFirst, f.label)
	_, entries, _ := strings.Cut(b.String(), "\n") // the total
	for entry := range strings.SplitSeq(entries, "\n\n") {
		if strings.Contains(entry, mark) && !strings.Contains(entry, "crosstalk.(*check).serveOnce") {
			all = append(all, entry)
		}
	}
	return all
}

// outsiders are the goroutines, started by first requests, that serve the whole
// process.
var outsiders registry

type registry struct {
	mu  sync.Mutex
	all map[*first][]string // the functions that they run
}

func (o *registry) add(f *first, root string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all == nil {
		o.all = map[*first][]string{}
	}
	o.all[f] = append(o.all[f], root)
}

// any says which of them is still there, "" if none is.
func (o *registry) any() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	for f, roots := range o.all {
		left := f.left()
		for _, root := range roots {
			if left[root] > 0 {
				return "an earlier check started " + root + ", which serves the whole process"
			}
		}
		delete(o.all, f)
	}
	return ""
}

// closeApp closes an instance of the app, if it can be closed.
func (c *check) closeApp(app http.Handler) {
	if closer, ok := app.(io.Closer); ok {
		c.closed(closer.Close())
	}
}

// closed notes the error of a Close.
func (c *check) closed(err error) {
	if err == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closeErr == nil {
		c.closeErr = err
	}
}
