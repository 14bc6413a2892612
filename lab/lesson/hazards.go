// Hazards as lessons.

package lesson

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"example.com/outagelab/lab/hazard"
	"example.com/outagelab/lab/hazard/broken"
	"example.com/outagelab/lab/hazard/fixed"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

func ofHazard(h hazard.Hazard) Lesson {
	run := func(_ testing.TB, v hazard.Variant, race Racer) (bool, string, error) {
		record, err := hazard.Measured()
		if err != nil {
			return false, "", err
		}
		witness := witnessOf(&h, record)
		seen, said, err := testimony(&h, witness, v, race)
		if err != nil {
			return false, "", err
		}
		var p typeset.Page
		p.Hang("", h.Name+": "+h.Question)
		p.Line("")
		p.Item("claim", h.Claim)
		p.Item("runs on", runsOn(&h))
		p.Item("checked by", checks[witness])
		p.Line("")
		source := "lab/hazard/broken/" + h.Source
		if !seen {
			p.Line("  ✓ nothing of the kind was seen: the claim holds")
			if v == hazard.Broken {
				writeRepaired(&p, source)
			}
			return true, p.String(), nil
		}
		headline := headlines[witness]
		if strings.Contains(said, "in a call upstream") {
			headline = "one user's data is in a call that was made for another"
		}
		p.Line("  ✗ " + headline)
		for line := range strings.Lines(said) {
			p.Line("    " + strings.TrimRight(line, "\n"))
		}
		p.Line("")
		p.Item("seen by", seenBy(&h, record))
		p.Line("")
		p.Item("cause", h.Cause)
		p.Item("fix", h.Fix)
		d, err := diff("lab/hazard", h.Source, broken.Sources, fixed.Sources)
		if err != nil {
			return false, "", err
		}
		if h.Stands != "" {
			p.Line("")
			p.Item("happened", h.Stands)
		}
		writeFix(&p, d, source, h.Name, h.Read)
		return false, p.String(), nil
	}
	return Lesson{Name: h.Name, Question: h.Question, run: run}
}

// checks say what a detector does.
var checks = map[hazard.Detector]string{
	hazard.Crosstalk: "lab/crosstalk: each user's request holds a canary, and nobody's reply may hold somebody else's",
	hazard.Leak:      "what is left two minutes (virtual) after the last client has gone, the server being still up",
	hazard.Stall:     "a probe a second, which has to be answered within 5 s",
	hazard.Race:      "go test -race",
}

// headlines say what a detector has seen.
var headlines = map[hazard.Detector]string{
	hazard.Crosstalk: "one user's data is in another user's reply",
	hazard.Leak:      "goroutines are left behind",
	hazard.Stall:     "the app no longer answers",
	hazard.Race:      "two goroutines use the same memory, one of them writes, and nothing orders them",
}

// witnessOf is the detector that a lesson shows: the theme's own if it sees the
// hazard each time, or else one that does.
func witnessOf(h *hazard.Hazard, record hazard.Record) hazard.Detector {
	theme, _, _ := strings.Cut(h.Name, "/")
	own := map[string]hazard.Detector{"dirty": hazard.Crosstalk, "leaking": hazard.Leak, "stalling": hazard.Stall}[theme]
	for _, d := range []hazard.Detector{own, hazard.Crosstalk, hazard.Leak, hazard.Stall, hazard.Race} {
		if c, ok := record.Get(h.Name, hazard.Broken, d); ok && c.Class() == hazard.Always {
			return d
		}
	}
	return own
}

// testimony lets the witness look, and returns what it saw, trimmed.
func testimony(h *hazard.Hazard, witness hazard.Detector, v hazard.Variant, race Racer) (seen bool, said string, err error) {
	if witness != hazard.Race {
		return h.Show(witness, v)
	}
	if race == nil {
		return false, "", errors.New("lesson: " + h.Name + " needs the race detector: go test -race")
	}
	printed, err := race(h, v)
	if err != nil {
		return false, "", err
	}
	said = trimRace(printed)
	return said != "", said, nil
}

// seenBy says which detectors see the broken handler, by the record.
func seenBy(h *hazard.Hazard, record hazard.Record) string {
	var see, miss []string
	for _, d := range []hazard.Detector{hazard.Crosstalk, hazard.Leak, hazard.Stall, hazard.Race} {
		c, ok := record.Get(h.Name, hazard.Broken, d)
		switch {
		case !ok:
		case c.Class() == hazard.Always:
			see = append(see, called[d]+" each time")
		case c.Class() == hazard.Sometimes:
			see = append(see, fmt.Sprintf("%s in %v of runs", called[d], c))
		default:
			miss = append(miss, called[d])
		}
	}
	text := strings.Join(see, ", ")
	if len(miss) > 0 {
		text += "; not by " + strings.Join(miss, ", ")
	}
	theme, _, _ := strings.Cut(h.Name, "/")
	if c, ok := record.Get(h.Name, hazard.Broken, hazard.Race); ok && c.Class() == hazard.Never && theme == "dirty" {
		text += ". The race detector only asks whether accesses to shared memory are in some order, and here all are; whose data it is, it cannot know"
	}
	return text
}

// called is what a detector is called in a sentence.
var called = map[hazard.Detector]string{
	hazard.Crosstalk: "lab/crosstalk",
	hazard.Leak:      "a count of goroutines",
	hazard.Stall:     "probes",
	hazard.Race:      "go test -race",
}

// runsOn says what serves the handler.
func runsOn(h *hazard.Hazard) string {
	if h.Server == (worker.Config{}) {
		return "net/http, a goroutine for each request"
	}
	if h.Server.Model.EventLoop() {
		return "an event loop: one request's code at a time, until it awaits"
	}
	return h.Server.String()
}

// trimRace is the race detector's first report without what is not about the
// handler: of each stack, the handler's own lines.
func trimRace(printed string) string {
	_, report, found := strings.Cut(printed, "WARNING: DATA RACE\n")
	if !found {
		return ""
	}
	report, _, _ = strings.Cut(report, "\n==================")
	lines := []string{"WARNING: DATA RACE"}
	all := strings.Split(report, "\n")
	for _, line := range all {
		switch {
		case strings.HasSuffix(line, ":") && !strings.HasPrefix(line, " "):
			what, _, _ := strings.Cut(line, " at 0x")
			if strings.HasPrefix(line, "Goroutine") {
				continue // where it was created: the server
			}
			lines = append(lines, what+" by another goroutine:")
			if len(lines) == 2 {
				lines[1] = what + ":"
			}
		case (strings.Contains(line, "/lab/hazard/broken/") || strings.Contains(line, "/lab/hazard/fixed/")) && strings.HasPrefix(line, "      "):
			place, _, _ := strings.Cut(strings.TrimSpace(line), " +0x")
			entry := "  " + place[strings.Index(place, "lab/hazard/"):]
			if !slices.Contains(lines[len(lines)-1:], entry) {
				lines = append(lines, entry)
			}
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
