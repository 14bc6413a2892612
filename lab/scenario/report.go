// The report of a scenario: what theory says and what came of it, what must hold,
// and what a search has tried.

package scenario

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/typeset"
)

// A Report is what came of a scenario. The same file gives the same report.
type Report struct {
	scenario *Scenario
	result   *lab.Result // of a search, its answer's
	theory   *theory
	found    *found
}

// Outcome is what is known of all that must hold. Of a search it is [lab.Holds] if a value was found with which all
// holds, and [lab.Undecided] if none was but some may.
func (r *Report) Outcome() lab.Outcome {
	switch f := r.found; {
	case f == nil:
		return r.result.Outcome()
	case f.answer > 0:
		return lab.Holds
	case slices.ContainsFunc(f.trials, func(t trial) bool { return t.outcome == lab.Undecided }):
		return lab.Undecided
	}
	return lab.Fails
}

// Holds reports whether Outcome is [lab.Holds].
func (r *Report) Holds() bool { return r.Outcome() == lab.Holds }

// Results is the report as a table of one row; of a search, the answer's.
func (r *Report) Results() *lab.Results {
	var p typeset.Page
	p.Item("settings", r.scenario.settings())
	r.predictions(&p)
	if r.found != nil {
		r.search(&p)
	}
	r.result.Note = strings.Trim(p.String(), "\n")
	return lab.Collect(r.result)
}

// String is the report for a terminal, in less than 100 columns.
func (r *Report) String() string {
	var p typeset.Page
	s, res := r.scenario, r.result
	if !res.Holds {
		p.WriteString(res.Text())
		p.Line("")
		p.Item("settings", s.settings())
	} else {
		p.Hang("", s.name+": "+r.headline())
		p.Line("")
		p.Item("claim", res.Claim)
		item(&p, "system", res.Parts, ";")
		var words []string
		for _, l := range res.Loads {
			words = append(words, l.Words)
		}
		item(&p, "load", words, "")
		p.Item("settings", s.settings())
		p.Item("time", fmt.Sprintf("%s of virtual time, %s", typeset.Seconds(s.horizon), r.seeds()))
		p.Line("")
		of := ""
		if len(s.seeds) > 1 {
			of = fmt.Sprintf(", of seed %d", s.seeds[0])
		}
		p.Line("  what became of the requests" + of)
		for _, l := range res.Loads {
			p.Hang("    ", became(l))
		}
		if len(s.holds) > 0 {
			p.Line("")
			p.Line("  what must hold")
			for i, h := range s.holds {
				c := res.Checks[i]
				p.Hang("  ✓ ", strings.TrimSpace(h.String()+": "+measured(&c)+" "+c.Unit))
			}
		}
		lab.WriteLog(&p, res.Log)
	}
	r.predictions(&p)
	if r.found != nil {
		r.search(&p)
	}
	return p.String()
}

// became says what became of a load's requests, of the first seed.
func became(l lab.ResultLoad) string {
	var all []string
	for _, o := range l.Outcomes {
		all = append(all, fmt.Sprintf("%s × %s", number(float64(o.Count)), strings.ReplaceAll(o.Outcome, ",", "")))
	}
	text := l.Name + ": " + strings.Join(all, ", ")
	if l.P50 != nil {
		text += fmt.Sprintf("; of the replies p50 %s, p90 %s, p99 %s, the slowest %s", seconds(*l.P50), seconds(*l.P90), seconds(*l.P99), seconds(*l.Max))
	}
	return text
}

func item(p *typeset.Page, label string, all []string, end string) {
	for i, text := range all {
		if i < len(all)-1 {
			text += end
		}
		p.Item(label, text)
		label = ""
	}
}

// headline says in a sentence what came of it.
func (r *Report) headline() string {
	switch f := r.found; {
	case f != nil:
		text := f.enough(r.scenario.servers()[f.search.server].Workers)
		if f.undecided() != "" {
			text = strings.TrimSuffix(text, ".") + "; fewer may be."
		}
		return text
	case len(r.scenario.holds) == 0:
		return "what becomes of the load."
	}
	return "all holds."
}

// seeds says which there are.
func (r *Report) seeds() string {
	s := r.scenario.seeds
	if len(s) == 1 {
		return fmt.Sprintf("seed %d", s[0])
	}
	for i := range s {
		if s[i] != s[0]+uint64(i) {
			return fmt.Sprintf("%d seeds", len(s))
		}
	}
	if len(s) == 2 {
		return fmt.Sprintf("seeds %d and %d", s[0], s[1])
	}
	return fmt.Sprintf("seeds %d to %d", s[0], s[len(s)-1])
}

// The columns of the table of predictions.
const (
	whatWidth      = 36
	predictedWidth = 17
	measuredWidth  = 20
	errorWidth     = 10
)

// predictions writes what theory says, and what was measured.
func (r *Report) predictions(p *typeset.Page) {
	p.Line("")
	head := "measured"
	if len(r.scenario.seeds) > 1 {
		head = "measured ± 95 %"
	}
	if len(r.theory.predictions) > 0 {
		p.Line("  " + typeset.Pad("what theory says", whatWidth) + typeset.PadLeft("predicted", predictedWidth) + typeset.PadLeft(head, measuredWidth) + typeset.PadLeft("error", errorWidth))
	}
	checks := r.result.Checks[len(r.scenario.holds):]
	for i, x := range r.theory.predictions {
		c := &checks[i]
		p.Line("  " + typeset.Pad(x.metric.Name, whatWidth) + typeset.PadLeft(x.number(), predictedWidth) +
			typeset.PadLeft(measured(c), measuredWidth) + typeset.PadLeft(x.off(c), errorWidth))
		p.Hang("      ", x.formula)
	}
	for i := range r.theory.bottlenecks {
		p.Hang("  – ", r.theory.bottlenecks[i].String())
	}
	for _, text := range r.theory.without {
		p.Hang("  – ", "no formula for "+text)
	}
	notes := r.theory.notes
	if len(r.scenario.seeds) == 1 && len(r.scenario.holds) > 0 {
		notes = append(slices.Clip(notes), "one seed says nothing about how much another run would differ; seeds: 5 does")
	}
	for _, text := range notes {
		p.Hang("  – ", text)
	}
}

// number is the predicted number, or the two that it is between, with its unit.
func (p *prediction) number() string {
	text := number(p.high)
	switch unit := p.metric.Unit; {
	case p.atMost:
		text = "at most " + text
	case number(p.low) != text:
		text = number(p.low) + " to " + text
	case unit == "s":
		return text + " s"
	}
	return text
}

// off is how far the measured number is from what was predicted.
func (p *prediction) off(c *lab.ResultCheck) string {
	if c.Observed == nil {
		return "–"
	}
	x, nearest := *c.Observed, p.low
	switch {
	case p.low == p.high && !p.atMost:
	case x <= p.high && (p.atMost || x >= p.low):
		return "inside"
	case x > p.high:
		nearest = p.high
	}
	switch {
	case x == nearest:
		return "0 %"
	case nearest == 0:
		return "–"
	}
	part := 100 * (x - nearest) / math.Abs(nearest)
	if text := fmt.Sprintf("%+.1f %%", part); strings.Trim(text, "+-0. %") != "" {
		return text
	}
	return "0 %"
}

// measured is the mean over the seeds, with what it may be off by, if there are
// several.
func measured(c *lab.ResultCheck) string {
	if c.Observed == nil {
		for _, x := range c.Samples {
			if math.IsInf(x, 1) {
				return "∞"
			}
		}
		return "none"
	}
	return number(*c.Observed) + lab.PlusMinus(c.Samples)
}
