// What a lesson is, and how one is found by its name.

// Package lesson turns the catalogue of hazards and the list of outages into
// lessons: each a claim that does not hold, what happened instead, the cause, and
// the smallest fix as a diff of the two real sources.
package lesson

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"example.com/outagelab/lab/hazard"
	"example.com/outagelab/lab/outage"
	"example.com/outagelab/lab/typeset"
)

// A Lesson is something to run that fails, and says why, until it is fixed.
type Lesson struct {
	// Name is "theme/what".
	Name string
	// Question is what it asks, in one line.
	Question string

	run func(tb testing.TB, v hazard.Variant, race Racer) (holds bool, text string, err error)
}

// A Racer puts a hazard's traffic on one of its handlers in a process of its own
// that has the race detector, and returns what that printed.
type Racer func(h *hazard.Hazard, v hazard.Variant) (printed string, err error)

// Run runs the lesson on what is broken, or on what is fixed. It returns whether
// the claim holds, which it does only when fixed, and all there is to say. race
// is for lessons that only the race detector sees; the error is that it could not
// be told.
//
// What a broken handler leaves behind stays in the process: a lesson is run in
// one of its own.
func (l Lesson) Run(tb testing.TB, v hazard.Variant, race Racer) (holds bool, text string, err error) {
	return l.run(tb, v, race)
}

// theme is the first part of the name.
func (l Lesson) theme() string {
	theme, _, _ := strings.Cut(l.Name, "/")
	return theme
}

// All returns every lesson: the outages of the PoC and of the feed exercise, then
// the hazards.
func All() []Lesson {
	var all []Lesson
	for _, o := range outage.All() {
		all = append(all, ofOutage(o))
	}
	for _, h := range hazard.All() {
		all = append(all, ofHazard(h))
	}
	return all
}

// Find returns the lesson that name means: its whole name, its last part where
// that is the only one, or a theme, which means the theme's first. The error
// suggests what was meant.
func Find(name string) (Lesson, error) {
	var parts, near []Lesson
	for _, l := range All() {
		_, what, _ := strings.Cut(l.Name, "/")
		switch {
		case l.Name == name:
			return l, nil
		case what == name:
			parts = append(parts, l)
		case strings.Contains(l.Name, name):
			near = append(near, l)
		}
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	for _, l := range All() {
		if l.theme() == name {
			return l, nil
		}
	}
	switch near = append(parts, near...); {
	case name == "":
		return Lesson{}, fmt.Errorf("no lesson was named: make lesson lists them")
	case len(near) == 0:
		return Lesson{}, fmt.Errorf("no lesson is called %q: make lesson lists them", name)
	}
	names := make([]string, len(near))
	for i, l := range near {
		names[i] = l.Name
	}
	return Lesson{}, fmt.Errorf("no lesson is called %q; there is %s", name, strings.Join(names, ", "))
}

// Index lists the lessons by theme, each with what it asks.
func Index() string {
	var p typeset.Page
	all := All()
	width := 0
	for _, l := range all {
		width = max(width, len(l.Name))
	}
	p.Line("Each lesson is a claim that fails, on purpose: make lesson NAME=" + all[0].Name)
	p.Line("")
	p.Line("The same after its fix: " + again(all[0].Name))
	var themes []string
	for _, l := range all {
		if !slices.Contains(themes, l.theme()) {
			themes = append(themes, l.theme())
		}
	}
	for _, theme := range themes {
		p.Line("")
		p.Line(theme + about[theme])
		for _, l := range all {
			if l.theme() == theme {
				p.Line("  " + typeset.Pad(l.Name, width) + "  " + l.Question)
			}
		}
	}
	p.Line("")
	p.Line(typeset.Plural(len(all), "lesson.", "lessons."))
	return p.String()
}

// about says what a theme is about.
var about = map[string]string{
	"exhaustion": ": more users than workers",
	"two-users":  ": one waits for the other",
	"blocking":   ": one call that holds an event loop",
	"recycling":  ": workers that end after so many requests",
	"queue":      ": what chance makes of an average",
	"crossover":  ": when async is the slower one",
	"polls":      ": 10 requests a second, each of which asks a slow feed",
	"streams":    ": 75 connections that never end",
	"502":        ": how nginx comes to say so",
	"504":        ": how nginx comes to say so",
	"feed":       ": what to do about a slow one",
	"buffering":  ": where a stream's first line is",
	"routing":    ": which route goes to which server",
	"dirty":      ": one user's data in another user's reply",
	"leaking":    ": goroutines that never end",
	"stalling":   ": everybody waits for somebody",
}
