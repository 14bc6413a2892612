// The text of a failing experiment, which is what this package is for: somebody
// who has never seen the code should be able to say what happened, and why.

package lab

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/typeset"
)

// lesson is the text of an experiment that failed: by its checks, by err, or by
// both. obs is nil if err left nothing to look at. again is the command that
// runs it again.
func (e *Experiment) lesson(obs *Observation, vs []verdict, err error, again string) string {
	var p page
	p.Hang("", e.Name+": "+headline(vs, err))
	p.Line("")
	p.Item("claim", e.Claim)
	label := "system"
	parts := e.System.parts()
	for i, part := range parts {
		if i < len(parts)-1 {
			part += ";"
		}
		p.Item(label, part)
		label = ""
	}
	for i, l := range e.Load {
		label := "load"
		if i > 0 {
			label = ""
		}
		p.Item(label, loadWords(l))
	}
	p.Item("time", e.clock())

	for _, err := range each(err) {
		p.Line("")
		if tr, ok := err.(*bubble.Trouble); ok {
			tr.Write(&p.Page)
		} else {
			p.Hang("  ✗ ", err.Error())
		}
	}
	if len(vs) > 0 {
		p.Line("")
		said := map[string]bool{}
		for _, v := range vs {
			if v.Within.kind == shown {
				continue // nobody judges it
			}
			if said[v.Metric.Means] {
				v.Metric.Means = ""
			}
			said[v.Metric.Means] = true
			p.verdict(&v)
		}
	}
	if obs != nil && len(obs.Records) > 0 {
		p.picture(obs)
	}

	p.Line("")
	if e.Lesson != (Lesson{}) {
		p.Item("cause", e.Lesson.Cause)
		p.Item("fix", e.Lesson.Fix)
	}
	if again != "" {
		p.Line("  " + typeset.Pad("again", typeset.LabelWidth) + again) // not wrapped: it is to be copied
	}
	return p.String()
}

// unlike says how e differs from the row that it is the sibling of, as far as
// words tell.
func (e *Experiment) unlike(row *Experiment) string {
	clauses := func(e *Experiment) (all []string) {
		all = strings.FieldsFunc(e.System.String(), func(c rune) bool { return c == ';' })
		for _, l := range e.Load {
			all = append(all, loadWords(l))
		}
		var parts []string
		for _, clause := range all {
			parts = append(parts, strings.Split(strings.TrimSpace(clause), ", ")...)
		}
		return parts
	}
	was, is := clauses(row), clauses(e)
	only := func(these, those []string) string {
		return strings.Join(slices.DeleteFunc(slices.Clone(these), func(s string) bool { return slices.Contains(those, s) }), ", ")
	}
	switch was, is := only(was, is), only(is, was); {
	case was != "" && is != "":
		return fmt.Sprintf(": “%s” where the row has “%s”", is, was)
	case is != "":
		return fmt.Sprintf(": “%s” is new", is)
	case was != "":
		return fmt.Sprintf(": “%s” is left out", was)
	}
	return ""
}

// each takes apart what errors.Join has joined.
func each(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, each(e)...)
	}
	return all
}

// headline says in a sentence what happened.
func headline(vs []verdict, err error) string {
	for _, v := range vs {
		if v.outcome() == Fails {
			return fmt.Sprintf("the claim does not hold. %s: %s (%s: %s).",
				v.Metric.Name, v.seen(), v.said(), v.foretold(v.Metric.Unit))
		}
	}
	if err != nil {
		return "the experiment went wrong: " + summary(err) + "."
	}
	for _, v := range vs {
		if v.outcome() == Undecided {
			return fmt.Sprintf("undecided. %s: %s (%s: %s). More seeds would tell.",
				v.Metric.Name, v.seen(), v.said(), v.foretold(v.Metric.Unit))
		}
	}
	return "the claim holds."
}

// clock says on which clock the experiment ran, and with which seed.
func (e *Experiment) clock() string {
	clock := "virtual"
	if e.RealTime {
		clock = "real"
	}
	text := fmt.Sprintf("%s of %s time, seed %d", typeset.Seconds(e.horizon()), clock, e.Seed)
	if e.seeds > 1 {
		text += fmt.Sprintf(" in the picture; the numbers are the means of %d seeds", e.seeds)
	}
	return text
}

// verdict writes a check: on one line if it holds, in full if not.
func (p *page) verdict(v *verdict) {
	name := v.Metric.Name
	if v.Metric.Means != "" {
		name += " (" + v.Metric.Means + ")"
	}
	mark := "  ✗ "
	switch v.outcome() {
	case Holds:
		p.Hang("  ✓ ", fmt.Sprintf("%s: %s, %s %s", name, v.seen(), v.said(), v.foretold("")))
		return
	case Undecided:
		mark = "  ? "
		name += ": undecided, because the bound lies within the uncertainty of what was observed"
	}
	p.Hang(mark, name)
	const indent = "    "
	observed := v.seen()
	if off := v.off(); off != "" {
		observed += ": " + off
	}
	p.Hang(indent+typeset.Pad(v.said(), typeset.LabelWidth), withUnit(v.Want, v.Metric.Unit)+", from "+v.Formula)
	p.Hang(indent+typeset.Pad("allowed", typeset.LabelWidth), v.allowed()+": "+v.Within.from)
	p.Hang(indent+typeset.Pad("observed", typeset.LabelWidth), observed)
}

// command is how to run one test alone: each part of its name, exactly.
func command(test string) string {
	parts := strings.Split(test, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return "go test -count=1 -run '" + strings.Join(parts, "/") + "' ."
}
