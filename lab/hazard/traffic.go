// Traffic: a hazard's users ask, some leave, and probes look whether the app
// still answers; all of it in virtual time, through the real net/http.

package hazard

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"go.uber.org/goleak"

	"example.com/outagelab/lab/appserver"
	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/crosstalk"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

const (
	address     = "127.0.0.1:8000"
	probes      = 30              // one a second
	probeWithin = 5 * time.Second // what a probe may take
	// calm is how long after the last user has left the goroutines are counted:
	// longer than any idle connection is kept.
	calm = 2 * time.Minute
)

// dog sees a lock that is held across a wait within a fifth of a second: no
// handler here computes for that long.
var dog = bubble.Watchdog{Still: 60 * time.Millisecond, Every: 20 * time.Millisecond, Looks: 4, Computing: 10 * time.Second,
	RealTime: "put the traffic on it in real time"}

// A drive is one run of a hazard's traffic.
type drive struct {
	hazard  *Hazard
	server  *appserver.Server // of a run in real time, where it stays up
	network simnet.Network
	probing bool
	drawing bool // look every second what the goroutines are doing
	hurried bool // the clock is real

	left   []bubble.Goroutine
	goleak error // what goleak says of them

	mu      sync.Mutex
	waiting int      // users who are there
	most    int      // of them at once since the last sample
	missing []bool   // for each probe, whether it was not answered in time
	samples []sample // one a second, while drawing
}

// A sample is how things stand at a moment.
type sample struct {
	users      int      // who were there at once since the sample before
	goroutines int      // more than before the traffic
	doing      []string // what those of the app do
}

// A Variant is which of the two handlers: Broken or Fixed.
type Variant bool

const (
	Broken Variant = false
	Fixed  Variant = true
)

func (v Variant) String() string {
	if v == Fixed {
		return "fixed"
	}
	return "broken"
}

// Make makes an instance of the app.
func (h *Hazard) Make(v Variant) http.Handler {
	upstream := crosstalk.Transport(h.Upstream)
	if v == Fixed {
		return h.Fixed(upstream)
	}
	return h.Broken(upstream)
}

// run runs the traffic, and returns what has stopped the clock, if anything has.
// The error is of the app's start or its end.
func (d *drive) run(v Variant) (stopped *bubble.Trouble, err error) {
	err = bubble.Run(nil, 5*time.Second, dog, func() error {
		server, err := d.serve(v)
		if err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
		before := map[bubble.ID]bool{}
		for _, g := range bubble.Others() {
			before[g.ID()] = true
		}
		known := goleak.IgnoreCurrent()
		end := d.draw(before)
		d.traffic()
		time.Sleep(calm)
		end()
		for _, g := range bubble.Others() {
			if !before[g.ID()] {
				d.left = append(d.left, g)
			}
		}
		d.goleak = goleak.Find(known)
		err = server.Close(time.Second)
		time.Sleep(time.Second) // for connections to end
		if len(d.left) > 0 || len(bubble.Others()) > 0 {
			err = errors.Join(err, bubble.ErrStopClock)
		}
		return err
	})
	switch {
	case errors.As(err, &stopped) && stopped.Abandoned:
		return stopped, nil
	case bubble.IsRace(err), errors.Is(err, bubble.ErrStopClock):
		return nil, nil // the race detector's to say, and the goroutines that are left are in d
	}
	return nil, err
}

// runInRealTime runs the traffic on the real clock, with users who wait for a
// fifth of a second at most, and returns while the server is still up. What
// handlers are doing then they do to the end of the process.
func (d *drive) runInRealTime(v Variant) error {
	var err error
	if d.server, err = d.serve(v); err != nil {
		return err
	}
	d.hurried = true
	d.traffic()
	return nil
}

// serve starts the app on its server.
func (d *drive) serve(v Variant) (*appserver.Server, error) {
	var config *worker.Config
	if d.hazard.Server != (worker.Config{}) {
		config = &d.hazard.Server
	}
	return appserver.Start(&d.network, address, config, func() http.Handler { return d.hazard.Make(v) }, nil)
}

// traffic lets everybody ask, and returns when the last has left.
func (d *drive) traffic() {
	t := d.hazard.Traffic.withDefaults()
	if d.hurried {
		t.Every, t.Patience = min(t.Every, 5*time.Millisecond), min(t.Patience, 200*time.Millisecond)
	}
	var users sync.WaitGroup
	for i := range t.Users {
		users.Go(func() {
			time.Sleep(time.Duration(i) * t.Every)
			d.count(+1)
			defer d.count(-1)
			d.ask(d.hazard.Request(i, canaryOf(i)), t.Patience)
		})
	}
	if d.probing {
		d.probe(t)
	}
	users.Wait()
}

// probe asks once a second whether the app still answers.
func (d *drive) probe(t Traffic) {
	d.missing = make([]bool, probes)
	var all sync.WaitGroup
	for i := range probes {
		all.Go(func() {
			time.Sleep(time.Duration(i+1)*time.Second + time.Microsecond) // beside the users' own instants
			request := t.Probe
			if request == nil {
				request = func() *http.Request { return d.hazard.Request(t.Users+i, canaryOf(t.Users+i)) }
			}
			status, err := d.ask(request(), probeWithin)
			d.missing[i] = err != nil || status >= 500
		})
	}
	all.Wait()
}

// missed is how many probes were not answered in time, and when the first of them
// was sent.
func (d *drive) missed() (n int, first time.Duration) {
	for i, m := range d.missing {
		if m {
			if n++; n == 1 {
				first = time.Duration(i+1) * time.Second
			}
		}
	}
	return n, first
}

// missedWords says that.
func (d *drive) missedWords() string {
	n, first := d.missed()
	return fmt.Sprintf("%d of %d probes were not answered within %s, the first of them the one sent after %s",
		n, probes, typeset.Seconds(probeWithin), typeset.Seconds(first))
}

// count counts users for the picture. A lock that each user takes would put their
// requests in an order, and hide races from the race detector.
func (d *drive) count(change int) {
	if !d.drawing {
		return
	}
	d.mu.Lock()
	d.waiting += change
	d.most = max(d.most, d.waiting)
	d.mu.Unlock()
}

// draw takes a sample each second, if the drive is to be drawn, until end is
// called.
func (d *drive) draw(before map[bubble.ID]bool) (end func()) {
	if !d.drawing {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			d.mu.Lock()
			s := sample{users: d.most}
			d.most = d.waiting
			d.mu.Unlock()
			for _, g := range bubble.Others() {
				if before[g.ID()] || g.In(thisPackage+".(*drive)") || g.In("testing/synctest.") {
					continue
				}
				s.goroutines++
				if g.In(thisPackage+"/broken.") || g.In(thisPackage+"/fixed.") {
					s.doing = append(s.doing, g.Doing(notTheirs...))
				}
			}
			d.samples = append(d.samples, s)
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}

// canaryOf is what a user has for a canary where nobody looks for it.
func canaryOf(user int) string { return fmt.Sprintf("user%dsown", user) }

// ask sends a request on a connection of its own and reads the whole reply, or
// leaves after patience.
func (d *drive) ask(r *http.Request, patience time.Duration) (status int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := d.network.DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	if err := r.Write(conn); err != nil {
		return 0, err
	}
	reply, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, reply.Body)
	return reply.StatusCode, err
}

func (t Traffic) withDefaults() Traffic {
	if t.Users == 0 {
		t.Users = 8
	}
	if t.Every == 0 {
		t.Every = time.Millisecond
	}
	if t.Patience == 0 {
		t.Patience = 30 * time.Second
	}
	return t
}
