// What a detector saw, to be shown: trimmed to what matters, and drawn.

package hazard

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/hazard/broken"
	"example.com/outagelab/lab/hazard/fixed"
	"example.com/outagelab/lab/typeset"
)

const thisPackage = "example.com/outagelab/lab/hazard"

// notTheirs begin the names of functions that a handler calls to wait.
var notTheirs = []string{"example.com/outagelab/lab/crosstalk.", "example.com/outagelab/pocserver/worker.", "golang.org/x/sync/"}

// Show is [Hazard.Try] for a reader: text is what was seen, drawn, with nothing
// in it that differs from run to run. It knows Crosstalk, Leak and Stall.
func (h *Hazard) Show(d Detector, v Variant) (seen bool, text string, err error) {
	switch d {
	case Crosstalk:
		seen, text, err = h.Try(d, v)
		if err == nil && !seen && strings.Contains(text, stoppedWords) {
			err = errors.New("the check could not run, so it says nothing:\n" + text)
		}
		return seen, telling(text), err
	case Leak, Stall:
	default:
		return false, "", fmt.Errorf("hazard: %s cannot be shown", d)
	}
	run := drive{hazard: h, probing: d == Stall, drawing: true}
	stopped, err := run.run(v)
	if err != nil {
		return false, "", err
	}
	var p typeset.Page
	switch missed, _ := run.missed(); {
	case d == Stall && stopped != nil:
		p.Hang("", "In virtual time nothing passes while a goroutine waits for a sync.Mutex, so the clock has stopped at the first request that found the lock taken, and no probe was answered. (On a real server each would wait for the one before it.)")
		for _, who := range stopped.Who {
			doing := strings.SplitN(who, " ", 3)[2] // after "goroutine 12"
			what, holds := strings.CutSuffix(doing, ", in the same function: it holds the lock, most likely")
			if holds {
				what += ", with the lock in its hands"
			}
			bullet(&p, "one "+what)
		}
		return true, p.String(), nil
	case d == Leak && len(run.left) > 0:
		run.showLeft(&p)
		return true, p.String(), nil
	case missed > 0:
		run.showMissed(&p)
		return true, p.String(), nil
	}
	return false, "", nil
}

// telling is what of a check's report is about this handler: who got whose data,
// where, under which schedule.
func telling(report string) string {
	headline, rest, _ := strings.Cut(strings.TrimSpace(report), "\n\n")
	_, who, found := strings.Cut(strings.Join(strings.Fields(headline), " "), "another: ")
	if !found {
		return report
	}
	rest, _, _ = strings.Cut(rest, "\n  means ")
	return strings.ToUpper(who[:1]) + who[1:] + "\n\n" + rest + "\n"
}

// showLeft lists what was left, and draws how it came to that.
func (d *drive) showLeft(p *typeset.Page) {
	clients := d.hazard.Traffic.withDefaults().Users
	p.Hang("", fmt.Sprintf("%s still there two minutes after the last of %s had gone:",
		typeset.Plural(len(d.left), "goroutine is", "goroutines are"), typeset.Plural(clients, "client", "clients")))
	var doing []string
	for _, g := range d.left {
		doing = append(doing, doingOf(g))
	}
	group(p, doing)
	p.Line("")
	step := (len(d.samples) + 49) / 50
	var users, goroutines []int
	for i := 0; i < len(d.samples); i += step {
		u, g := 0, 0
		for _, s := range d.samples[i:min(i+step, len(d.samples))] {
			u, g = max(u, s.users), max(g, s.goroutines)
		}
		users, goroutines = append(users, u), append(goroutines, g)
	}
	row := func(label string, values []int) {
		p.Line(typeset.Pad(label, 17) + "|" + typeset.Spark(values, slices.Max(values)) + fmt.Sprintf("| at most %d, %d at the end", slices.Max(values), values[len(values)-1]))
	}
	row("clients there", users)
	row("the app's own", goroutines)
	p.Line(typeset.Pad("  goroutines", 17) + " 0 s" + typeset.PadLeft(fmt.Sprintf("%d s", len(d.samples)-1), len(users)-3))
}

// doingOf says what a goroutine does that was left.
func doingOf(g bubble.Goroutine) string {
	const transport = "example.com/outagelab/lab/crosstalk.(*transport)"
	if g.In(transport + ".RoundTrip.func") {
		return "the other side of a call that is still open (with http.Transport, the two goroutines of its connection): it " + g.Doing(notTheirs...)
	}
	return g.Doing(notTheirs...)
}

// showMissed draws which probes were answered, and says who was busy with what
// when the first was not.
func (d *drive) showMissed(p *typeset.Page) {
	_, first := d.missed()
	p.Hang("", d.missedWords()+":")
	p.Line("")
	var b strings.Builder
	for _, missed := range d.missing {
		if missed {
			b.WriteString("✗")
		} else {
			b.WriteString("·")
		}
	}
	p.Line("a probe a second  |" + b.String() + "|  · answered  ✗ not")
	patience, last := d.hazard.Traffic.withDefaults().Patience, probes-1
	for !d.missing[last] {
		last--
	}
	// The first that was answered again was still waiting when the first client left.
	if last < probes-1 && time.Duration(last+2)*time.Second+probeWithin >= patience {
		p.Hang("", fmt.Sprintf("The last ones are answered, since clients give up after %s and let go of what they held.", typeset.Seconds(patience)))
	}
	at := int(first.Seconds()) + 4
	if at >= len(d.samples) || len(d.samples[at].doing) == 0 {
		return
	}
	p.Line("")
	p.Line(fmt.Sprintf("after %d s the app was busy with this:", at))
	group(p, d.samples[at].doing)
}

// group lists what goroutines do, each thing once, the most frequent first.
func group(p *typeset.Page, doing []string) {
	counts := map[string]int{}
	var order []string
	for _, what := range doing {
		if counts[what]++; counts[what] == 1 {
			order = append(order, what)
		}
	}
	slices.Sort(order)
	slices.SortStableFunc(order, func(a, b string) int { return counts[b] - counts[a] })
	const most = 3
	for i, what := range order {
		if i == most {
			p.Hang("  • ", fmt.Sprintf("and %d more", len(order)-most))
			break
		}
		bullet(p, fmt.Sprintf("%d × %s", counts[what], what))
	}
}

// bullet writes what a goroutine does, and the line of the source where.
func bullet(p *typeset.Page, what string) {
	p.Hang("  • ", what)
	at := place.FindStringSubmatch(what)
	if at == nil {
		return
	}
	sources := broken.Sources
	if at[1] == Fixed.String() {
		sources = fixed.Sources
	}
	text, err := sources.ReadFile(at[2])
	n, _ := strconv.Atoi(at[3])
	if lines := strings.Split(string(text), "\n"); err == nil && n >= 1 && n <= len(lines) {
		p.Line(fmt.Sprintf("      %d | %s", n, strings.TrimSpace(lines[n-1])))
	}
}

// place is where in a handler's source something is.
var place = regexp.MustCompile(`at (broken|fixed)/(\w+\.go):(\d+)`)
