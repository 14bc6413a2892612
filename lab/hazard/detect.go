// The detectors: what each of them sees of a handler.

package hazard

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"runtime/pprof"
	"strings"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/crosstalk"
	"example.com/outagelab/pocserver/worker"
)

// A Detector is a way of finding out that something is wrong with a handler.
type Detector string

const (
	// Race is go test -race.
	Race Detector = "-race"
	// Crosstalk is [crosstalk.Check].
	Crosstalk Detector = "crosstalk"
	// Leak is goleak, and what is left in the bubble, two minutes after everybody
	// has left.
	Leak Detector = "leak"
	// Stall is a probe a second that has to be answered, and the watchdog that
	// sees the virtual clock stand still.
	Stall Detector = "stall"
	// LeakProfile is Go's own profile of goroutines that nothing can wake any more:
	// an experiment of Go 1.26, in builds with GOEXPERIMENT=goroutineleakprofile.
	// It sees through memory, not time, so it needs nobody to wait for, but it
	// takes a goroutine in a synctest bubble for alive: the traffic runs in real
	// time.
	LeakProfile Detector = "leak profile"
)

// Detectors are all that this build has.
func Detectors() []Detector {
	all := []Detector{Race, Crosstalk, Leak, Stall}
	if leakProfile() != nil {
		all = append(all, LeakProfile)
	}
	return all
}

func leakProfile() *pprof.Profile { return pprof.Lookup("goroutineleak") }

// Try lets a detector look at one of the two handlers, once, and returns whether
// it saw something, with what it said. The error is that it could not tell.
//
// What a broken handler leaves behind stays in the process, so a process of its
// own is the place for it, with nothing beside it. Race only puts the traffic on
// the handler: in a build with the race detector that prints its report and makes
// the process end with status 66.
func (h *Hazard) Try(d Detector, v Variant) (seen bool, text string, err error) {
	switch d {
	case Race:
		run := drive{hazard: h}
		_, err := run.run(v) // what stops the clock is somebody else's to see
		return false, "", err
	case Crosstalk:
		return h.tryCrosstalk(v)
	case Leak:
		return h.tryLeak(v)
	case Stall:
		return h.tryStall(v)
	case LeakProfile:
		return h.tryLeakProfile(v)
	}
	return false, "", fmt.Errorf("hazard: no detector is called %q", d)
}

// stoppedWords are in what crosstalk says where a lock has stopped its clock.
const stoppedWords = "the virtual clock moves"

func (h *Hazard) tryCrosstalk(v Variant) (seen bool, text string, err error) {
	var said said
	// A hazard that leaks or stalls shows no user's data, and the check finds none:
	// that it then proves nothing is not the matrix's question.
	options := []crosstalk.Option{crosstalk.AllowVacuous()}
	if h.Server != (worker.Config{}) {
		options = append(options, crosstalk.On(h.Server))
	}
	crosstalk.Check(&said, func() http.Handler { return h.Make(v) }, h.Request, options...)
	text = said.String()
	switch {
	case strings.Contains(text, "shows one user's data to another"):
		return true, text, nil
	case strings.Contains(text, stoppedWords):
		return false, text, nil // the stall's to see
	case said.failed:
		return false, text, fmt.Errorf("hazard: %s, %v: crosstalk could not tell:\n%s", h.Name, v, text)
	}
	return false, text, nil
}

func (h *Hazard) tryLeak(v Variant) (seen bool, text string, err error) {
	run := drive{hazard: h}
	stopped, err := run.run(v)
	switch {
	case err != nil:
		return false, "", err
	case stopped != nil:
		return false, stopped.Error(), nil // no time passes, so nobody can say what will end
	case (len(run.left) > 0) != (run.goleak != nil):
		return false, "", fmt.Errorf("hazard: %s, %v: the bubble has %d goroutines left, and goleak says: %v", h.Name, v, len(run.left), run.goleak)
	case run.goleak == nil:
		return false, "", nil
	}
	left := bubble.LeftBehind(run.left, "two minutes after the last client had left, with the server still up")
	return true, left.Error() + "\n" + run.goleak.Error(), nil
}

func (h *Hazard) tryStall(v Variant) (seen bool, text string, err error) {
	run := drive{hazard: h, probing: true}
	stopped, err := run.run(v)
	if err != nil {
		return false, "", err
	}
	if stopped != nil {
		return true, stopped.Error(), nil
	}
	if n, _ := run.missed(); n == 0 {
		return false, "", nil
	}
	return true, run.missedWords() + "\n", nil
}

func (h *Hazard) tryLeakProfile(v Variant) (seen bool, text string, err error) {
	profile := leakProfile()
	if profile == nil {
		return false, "", errors.New("hazard: this build has no goroutine leak profile: it needs GOEXPERIMENT=goroutineleakprofile")
	}
	run := drive{hazard: h}
	if err := run.runInRealTime(v); err != nil {
		return false, "", err
	}
	var b strings.Builder
	if err := profile.WriteTo(&b, 1); err != nil {
		return false, "", err
	}
	runtime.KeepAlive(run.server) // the server is up, with all that the app holds
	for entry := range strings.SplitSeq(b.String(), "\n\n") {
		// The handler's, or that of the upstream that it left waiting.
		if strings.Contains(entry, "/lab/hazard/") && !strings.Contains(entry, "/lab/hazard/traffic.go") {
			return true, entry, nil
		}
	}
	return false, "", nil
}

// said is a crosstalk.TestingT that keeps what it is told.
type said struct {
	strings.Builder
	failed bool
}

func (s *said) Helper() {}

func (s *said) Logf(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

func (s *said) Errorf(format string, args ...any) {
	s.failed = true
	s.Logf(format, args...)
}
