// What the goroutines of a bubble are doing, read from a dump of all stacks:
// the only place where the runtime says who holds up the virtual clock, and who
// was left behind.

package bubble

import (
	"bytes"
	"fmt"
	"path"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Goroutine is one entry of a stack dump.
type Goroutine struct {
	id      int
	state   string // "sync.Mutex.Lock", "sleep", …
	durable bool   // waits for something that the virtual clock can bring
	bubble  int    // 0 outside any
	nap     time.Duration
	frames  []Frame
	creator Frame // of the go statement
}

// A Frame is a function and where in it the goroutine is.
type Frame struct {
	fn, file string
	line     int
}

// String gives a place that fits a line: the last folder, the file, the line.
func (f Frame) String() string {
	dir, file := path.Split(f.file)
	return fmt.Sprintf("%s:%d", path.Join(path.Base(dir), file), f.line)
}

// name is the function without the path of its package.
func (f Frame) name() string { return path.Base(f.fn) }

// At is the place in the code that somebody wrote where the goroutine is: the
// first frame outside the standard library and outside packages whose functions
// begin so; if all are inside, the first outside the standard library, or at least
// outside what a wait is made of.
func (g Goroutine) At(skip ...string) Frame {
	for _, f := range g.frames {
		if !f.Standard() && !f.In(skip...) {
			return f
		}
	}
	if len(skip) > 0 {
		return g.At()
	}
	for _, f := range g.frames {
		if !f.in("runtime", "sync", "time", "internal/") {
			return f
		}
	}
	if len(g.frames) > 0 {
		return g.frames[0]
	}
	return g.creator
}

// standardRoot is the folder of the standard library, as stack dumps name it; ""
// in a binary built with -trimpath.
var standardRoot = func() string {
	file, _ := runtime.FuncForPC(reflect.ValueOf(strings.Cut).Pointer()).FileLine(0)
	return strings.TrimSuffix(file, "strings/strings.go")
}()

// Standard reports whether f is of the standard library.
func (f Frame) Standard() bool {
	first, _, _ := strings.Cut(f.fn, "/")
	if standardRoot == "" {
		return f.in("testing") || !strings.Contains(first, ".") && first != f.fn
	}
	return strings.HasPrefix(f.file, standardRoot)
}

// in reports whether f is in one of these packages, or below one that ends with
// a slash.
func (f Frame) in(packages ...string) bool {
	for _, p := range packages {
		if strings.HasSuffix(p, "/") && strings.HasPrefix(f.fn, p) || strings.HasPrefix(f.fn, p+".") {
			return true
		}
	}
	return false
}

// doing says the state in words.
func (g Goroutine) doing() string {
	switch g.state {
	case "sleep":
		return "naps"
	case "sync.Mutex.Lock":
		return "waits for a sync.Mutex"
	case "sync.RWMutex.Lock", "sync.RWMutex.RLock":
		return "waits for a sync.RWMutex"
	case "sync.Cond.Wait":
		return "waits for a sync.Cond"
	case "sync.WaitGroup.Wait":
		return "waits for a sync.WaitGroup"
	case "chan receive":
		return "waits to receive"
	case "chan send":
		return "waits to send"
	case "select", "select (no cases)":
		return "waits in a select"
	case "IO wait":
		return "waits for real I/O"
	case "running", "runnable":
		return "computes"
	}
	return "is in " + g.state
}

// String says what the goroutine is doing, and where.
func (g Goroutine) String() string {
	return fmt.Sprintf("goroutine %d %s at %v, in %s", g.id, g.doing(), g.At(), g.At().name())
}

// Doing says what the goroutine is doing, where, and who began it, with nothing
// that differs from run to run. Places are those of [Goroutine.At].
func (g Goroutine) Doing(skip ...string) string {
	at := g.At(skip...)
	return fmt.Sprintf("%s at %v, in %s; created by %s at %v", g.doing(), at, at.name(), g.creator.name(), g.creator)
}

// Frames are the functions that the goroutine is in, the innermost first.
func (g Goroutine) Frames() []Frame { return slices.Clone(g.frames) }

// In reports whether a function whose name begins so is on the goroutine's stack.
func (g Goroutine) In(prefix string) bool {
	return slices.ContainsFunc(g.frames, func(f Frame) bool { return f.In(prefix) })
}

// ID tells goroutines apart, as stack dumps do.
type ID int

// This returns the caller's ID.
func This() ID {
	var buf [64]byte
	g, _ := parseHeader(string(buf[:runtime.Stack(buf[:], false)]))
	return ID(g.id)
}

// Others returns what the goroutines of the caller's bubble are doing now, but
// for the caller and those that make the bubble.
func Others() []Goroutine {
	all := everybody()
	if len(all) == 0 {
		return nil
	}
	this := all[0] // a dump begins with its caller
	return slices.DeleteFunc(within(this.bubble, all), func(g Goroutine) bool { return g.id == this.id })
}

// Outside returns what the goroutines outside any bubble are doing now. It stops the
// process for as long as [runtime.Stack] does.
func Outside() []Goroutine {
	return slices.DeleteFunc(everybody(), func(g Goroutine) bool { return g.bubble != 0 })
}

// Computes reports whether the goroutine runs, is about to, or is in a system call.
func (g Goroutine) Computes() bool { return !g.durable && !blocked(g.state) }

// ID is the goroutine's.
func (g Goroutine) ID() ID { return ID(g.id) }

// Durable reports whether the goroutine waits for something that virtual time
// can bring.
func (g Goroutine) Durable() bool { return g.durable }

// Stuck reports whether the goroutine waits for what virtual time cannot bring,
// such as a lock: while it does, the clock stands still.
func (g Goroutine) Stuck() bool { return !g.durable && blocked(g.state) }

// Nap is how long the time.Sleep takes in all that the goroutine is in, 0 if it
// is in none.
func (g Goroutine) Nap() time.Duration { return g.nap }

// In reports whether the name of f's function begins with one of these.
func (f Frame) In(begins ...string) bool {
	return slices.ContainsFunc(begins, func(b string) bool { return f.fn != "" && strings.HasPrefix(f.fn, b) })
}

// FrameOf is the frame that package runtime has found.
func FrameOf(f runtime.Frame) Frame { return Frame{fn: f.Function, file: f.File, line: f.Line} }

// thisBubble returns the number of the bubble that the caller is in, 0 outside.
func thisBubble() int {
	buf := make([]byte, 256)
	gs := parseStacks(buf[:runtime.Stack(buf, false)])
	if len(gs) == 0 {
		return 0
	}
	return gs[0].bubble
}

// dumps are buffers for the stacks of all goroutines.
var dumps = sync.Pool{New: func() any {
	buf := make([]byte, 1<<17)
	return &buf
}}

// inside returns what the goroutines of a bubble are doing now, but for those
// that make the bubble.
func inside(bubble int) []Goroutine { return within(bubble, everybody()) }

// within returns those of gs that are in a bubble, but for those that make it and
// its pulse.
func within(bubble int, gs []Goroutine) []Goroutine {
	return slices.DeleteFunc(gs, func(g Goroutine) bool {
		return bubble == 0 || g.bubble != bubble || g.frames[0].in("internal/synctest", "testing/synctest") ||
			slices.ContainsFunc(g.frames, func(f Frame) bool { return f.fn == pulseFunction })
	})
}

// pulseFunction is what the goroutine of a bubble's pulse runs.
var pulseFunction = runtime.FuncForPC(reflect.ValueOf((*vital).beatUntil).Pointer()).Name()

// everybody returns what all goroutines are doing now, the caller first.
func everybody() []Goroutine {
	dump := dumps.Get().(*[]byte)
	defer dumps.Put(dump)
	n := runtime.Stack(*dump, true)
	for n == len(*dump) && n < 1<<26 {
		*dump = make([]byte, 2*n)
		n = runtime.Stack(*dump, true)
	}
	return parseStacks((*dump)[:n])
}

// parseStacks reads what runtime.Stack writes.
func parseStacks(dump []byte) []Goroutine {
	var gs []Goroutine
	for _, entry := range bytes.Split(dump, []byte("\n\n")) {
		lines := strings.Split(strings.TrimSpace(string(entry)), "\n")
		g, ok := parseHeader(lines[0])
		if !ok || len(lines) < 3 {
			continue
		}
		for i := 1; i+1 < len(lines); i += 2 {
			fn, created := strings.CutPrefix(lines[i], "created by ")
			f := Frame{fn: fn}
			if created {
				f.fn, _, _ = strings.Cut(fn, " in goroutine ")
			} else if open := strings.LastIndexByte(fn, '('); open > 0 {
				f.fn = fn[:open]
				if len(g.frames) == 0 && f.fn == "time.Sleep" {
					g.nap = parseNap(fn[open+1:])
				}
			}
			place, _, _ := strings.Cut(strings.TrimSpace(lines[i+1]), " ")
			if colon := strings.LastIndexByte(place, ':'); colon > 0 {
				f.file = place[:colon]
				f.line, _ = strconv.Atoi(place[colon+1:])
			}
			if created {
				g.creator = f
			} else {
				g.frames = append(g.frames, f)
			}
		}
		gs = append(gs, g)
	}
	return gs
}

// parseNap reads the argument of time.Sleep, such as "0x3b9aca00)", which is left
// as it was while the sleep lasts.
func parseNap(args string) time.Duration {
	n, _ := strconv.ParseInt(strings.TrimRight(args, "?)"), 0, 64)
	return time.Duration(n)
}

// parseHeader reads a line such as
// "goroutine 12 [chan receive (durable), 2 minutes, synctest bubble 3]:".
func parseHeader(line string) (Goroutine, bool) {
	var g Goroutine
	rest, ok := strings.CutPrefix(line, "goroutine ")
	if !ok {
		return g, false
	}
	id, rest, ok := strings.Cut(rest, " ")
	if !ok {
		return g, false
	}
	g.id, _ = strconv.Atoi(id)
	_, rest, ok = strings.Cut(rest, "[")
	end := strings.LastIndexByte(rest, ']')
	if !ok || end < 0 {
		return g, false
	}
	for i, part := range strings.Split(rest[:end], ", ") {
		if i == 0 {
			g.state, g.durable = strings.CutSuffix(part, " (durable)")
		} else if n, ok := strings.CutPrefix(part, "synctest bubble "); ok {
			g.bubble, _ = strconv.Atoi(n)
		}
	}
	return g, true
}
