// The report of a search: its answer in words, and what was tried.

package scenario

import (
	"fmt"
	"strings"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/typeset"
)

// enough says the answer in a sentence, of a server with so many workers.
func (f *found) enough(workers int) string {
	switch n := number(float64(f.answer)); f.search.key {
	case "workers", "threads", "worker_connections":
		words := strings.ReplaceAll(f.search.key, "_", " ")
		each, all := "", ""
		if workers > 1 && f.search.key != "workers" {
			each, all = " a worker", " ("+number(float64(f.answer*workers))+" in all)"
		}
		return typeset.Plural(f.answer, strings.TrimSuffix(words, "s")+each+" is", words+each+" are") + " enough" + all + "."
	case "backlog":
		return "a backlog of " + n + " is enough."
	default:
		return f.search.key + ": " + n + " is enough."
	}
}

// search writes what was tried.
func (r *Report) search(p *typeset.Page) {
	f, s := r.found, r.scenario
	p.Line("")
	for i, text := range f.words() {
		if i == 0 {
			p.Hang("  ", text)
		} else {
			p.Hang("  – ", text)
		}
	}
	p.Line("")
	// In a few columns, each as wide as the widest in it.
	metric := s.holds[0].metric.Name
	rows := [][]string{{f.search.key, "predicted " + metric, "measured", "holds"}}
	if len(s.seeds) > 1 {
		rows[0][2] = "measured ± 95 %"
	}
	for _, t := range f.inOrder() {
		predicted := "–"
		switch {
		case t.predicted != nil:
			predicted = t.predicted.number()
		case t.excess:
			predicted = "more than can be served"
		case t.critical:
			predicted = "grows like √t"
		}
		verdict := map[lab.Outcome]string{lab.Holds: "yes", lab.Fails: "no", lab.Undecided: "undecided"}[t.outcome]
		if !t.holds() && len(s.holds) > 1 {
			verdict += ": " + strings.Join(t.failing, ", ")
		}
		rows = append(rows, []string{number(float64(t.value)), predicted, measured(&t.check), verdict})
	}
	widths := make([]int, len(rows[0])-1)
	for _, row := range rows {
		for i := range widths {
			widths[i] = max(widths[i], len([]rune(row[i])))
		}
	}
	for _, row := range rows {
		line := "  "
		for i, width := range widths {
			line += typeset.PadLeft(row[i], width) + "   "
		}
		p.Line(line + row[len(widths)])
	}
}

// words says what a search has found, and then what is to be known about it.
func (f *found) words() (all []string) {
	text := fmt.Sprintf("searched %s from %s to %s. ", f.search.key, number(float64(f.search.low)), number(float64(f.search.high)))
	text += f.byTheory() + " "
	limit := f.limitless()
	var below, above *trial // above is the last that fails of those above
	trials := f.inOrder()
	for i := range trials {
		switch t := &trials[i]; {
		case t.value == f.answer-1:
			below = t
		case f.answer > 0 && t.value > f.answer && !t.holds():
			above = t
		}
	}
	n := number(float64(f.answer))
	switch {
	case f.hopeless != "":
		return []string{fmt.Sprintf("searched %s from %s to %s. %s No value in that range can hold, so only %s was run, which does not.",
			f.search.key, number(float64(f.search.low)), number(float64(f.search.high)), f.hopeless, number(float64(f.search.high)))}
	case f.answer == 0:
		return append([]string{text + f.none()}, limit...)
	case f.answer == f.search.low:
		text += "The least of them, " + n + ", holds already."
	case below != nil && below.outcome == lab.Undecided:
		text += n + " holds, and " + number(float64(f.answer-1)) + " is undecided."
	default:
		text += n + " holds, and " + number(float64(f.answer-1)) + " does not."
	}
	all = append([]string{text}, limit...)
	if above != nil {
		text := "more is not better here: " + number(float64(above.value)) + " " + above.verdict() + "."
		if f.answer > f.search.low+1 {
			text += " A smaller value than " + n + " may hold as well, of those that were not run."
		}
		all = append(all, text)
	}
	if text := f.undecided(); text != "" {
		all = append(all, text)
	}
	return all
}

// limitless says up to which value a queue grows without limit, if theory knows.
func (f *found) limitless() []string {
	switch n := number(float64(f.critical)); f.critical {
	case 0:
		return nil
	case 1:
		return []string{"with " + n + " the queue grows without limit"}
	default:
		return []string{"with " + n + " or fewer the queue grows without limit"}
	}
}

// undecided says which of the trials below the answer are undecided; "" if there are none.
func (f *found) undecided() string {
	var values []string
	for _, t := range f.inOrder() {
		if t.outcome == lab.Undecided && (f.answer == 0 || t.value < f.answer) {
			values = append(values, number(float64(t.value)))
		}
	}
	switch {
	case len(values) == 0:
		return ""
	case f.answer == 0:
		return typeset.List(values) + map[bool]string{true: " is", false: " are"}[len(values) == 1] +
			" undecided: the bound lies within the uncertainty of what was measured. More seeds would tell."
	}
	return fmt.Sprintf("Fewer than %s may be enough: the bound lies within the uncertainty of what was measured with %s. More seeds would tell.",
		number(float64(f.answer)), typeset.List(values))
}

// verdict says in words what came of a trial that does not hold.
func (t *trial) verdict() string {
	if t.outcome == lab.Undecided {
		return "is undecided"
	}
	return "does not hold"
}

// byTheory says what theory's answer is, or how much of one it has.
func (f *found) byTheory() string {
	n := number(float64(f.guess))
	switch {
	case f.guess > 0 && f.unsaid != "":
		return fmt.Sprintf("Theory finds %s enough, and has no formula below %s (%s).", n, n, f.unsaid)
	case f.guess > 0:
		return "Theory's answer is " + n + "."
	case f.known && f.above == 0:
		return "By theory none is enough."
	}
	text := "Theory has no answer"
	if f.needsMore >= f.search.low {
		text = "Theory needs more than " + number(float64(f.needsMore))
	}
	if f.above > 0 {
		text += ", and finds " + number(float64(f.above)) + " enough"
	}
	return text + "."
}

// none says that nothing holds of what was run.
func (f *found) none() string {
	var all []string
	for _, t := range f.inOrder() {
		all = append(all, number(float64(t.value)))
	}
	text := "None of these holds: " + typeset.List(all) + "."
	if undecided := f.undecided(); undecided != "" {
		text = "None of these holds for certain: " + typeset.List(all) + ". " + undecided
	}
	if len(all) <= f.search.high-f.search.low && !f.known {
		text += " The values between them were not run: where one fails from having too few, and the next from having too many, there may be one that holds."
	}
	return text
}
