// Traffic: a hazard's users ask, some leave, and probes look whether the app
// still answers; all of it in virtual time, through the real net/http.

package hazard

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/goleak"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/crosstalk"
	"example.com/outagelab/lab/simnet"
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

// A drive is one run of a hazard's traffic.
type drive struct {
	hazard  *Hazard
	app     http.Handler
	network simnet.Network
	probing bool

	probed, missed int           // probes, and those that were not answered in time
	firstMissed    time.Duration // when the first of these was sent
	left           []bubble.Goroutine
	goleak         error // what goleak says of them
}

// Broken or fixed: which of the two handlers.
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

// run runs the traffic. The error is the watchdog's, or the app's failure to
// start.
func (d *drive) run(v Variant) error {
	dog := bubble.Quick
	return bubble.Run(nil, 5*time.Second, dog, func() error {
		stop, err := d.serve(v)
		if err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
		before := map[bubble.ID]bool{}
		for _, g := range bubble.Others() {
			before[g.ID()] = true
		}
		known := goleak.IgnoreCurrent()
		d.traffic()
		time.Sleep(calm)
		for _, g := range bubble.Others() {
			if !before[g.ID()] {
				d.left = append(d.left, g)
			}
		}
		d.goleak = goleak.Find(known)
		err = stop()
		time.Sleep(time.Second)
		if len(d.left) > 0 || len(bubble.Others()) > 1 { // the pulse
			err = errors.Join(err, bubble.ErrStopClock)
		}
		return err
	})
}

// serve starts the app on its server and returns what closes both.
func (d *drive) serve(v Variant) (stop func() error, err error) {
	ln, err := d.network.Listen(address)
	if err != nil {
		return nil, err
	}
	var server interface {
		Serve(net.Listener) error
		Close() error
	}
	app := func() http.Handler {
		d.app = d.hazard.Make(v)
		return d.app
	}
	if d.hazard.Server == (worker.Config{}) {
		server = &http.Server{Handler: app(), ErrorLog: log.New(io.Discard, "", 0)}
	} else if server, err = worker.New(d.hazard.Server, app); err != nil {
		return nil, err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	return func() error {
		err := server.Close()
		if closer, ok := d.app.(io.Closer); ok {
			err = errors.Join(err, closer.Close())
		}
		return err
	}, nil
}

// traffic lets everybody ask, and returns when the last has left.
func (d *drive) traffic() {
	t := d.hazard.Traffic.withDefaults()
	var users sync.WaitGroup
	for i := range t.Users {
		users.Go(func() {
			time.Sleep(time.Duration(i) * t.Every)
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
	missed := make([]bool, probes)
	var all sync.WaitGroup
	for i := range probes {
		all.Go(func() {
			time.Sleep(time.Duration(i+1)*time.Second + time.Microsecond) // beside the users' own instants
			request := t.Probe
			if request == nil {
				request = func() *http.Request { return d.hazard.Request(t.Users+i, canaryOf(t.Users+i)) }
			}
			status, err := d.ask(request(), probeWithin)
			missed[i] = err != nil || status >= 500
		})
	}
	all.Wait()
	d.probed = probes
	for i, m := range missed {
		if m {
			if d.missed++; d.missed == 1 {
				d.firstMissed = time.Duration(i+1) * time.Second
			}
		}
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
