// The table on the terminal: of every experiment the claim, and of every check
// what was predicted and what was measured.

package lab

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/typeset"
)

// tableWidth is how wide the table is; its columns are counted below.
const tableWidth = 118

// table writes the results of a table of experiments.
func table(results []*Result) string {
	var p page
	row := func(metric, predicted, measured, off, allowed, verdict string) {
		p.Line("  " + typeset.Pad(metric, 38) + " " + typeset.PadLeft(predicted, 20) + " " + typeset.PadLeft(measured, 12) + "  " +
			typeset.PadLeft(off, 10) + "  " + typeset.PadLeft(allowed, 10) + "   " + verdict)
	}
	p.Line("")
	row("", "predicted", "measured", "error", "allowed", "")
	held, checks := 0, 0
	for _, r := range results {
		p.Line("")
		first := r.Name + "  "
		for _, line := range typeset.Wrap(r.Claim, tableWidth-len(first)) {
			p.Line(first + line)
			first = strings.Repeat(" ", len(first))
		}
		for i := range r.Checks {
			v := &r.Checks[i].verdict
			checks++
			verdict := v.outcome().String()
			if v.Within.kind == shown {
				verdict = ""
			}
			off := "–"
			if e := v.errorPart(); !math.IsNaN(e) {
				off = typeset.PercentOff(e)
			}
			row(v.Metric.Name, withUnit(v.Want, v.Metric.Unit), typeset.Number(v.observed), off, v.Within.short(), verdict)
		}
		if r.Trouble != "" {
			p.Line("  FAILS: " + r.Trouble)
		}
		if r.Holds {
			held++
		}
	}
	p.Line("")
	p.Line(fmt.Sprintf("%s, %s, %s of virtual time: %s.", typeset.Plural(len(results), "experiment", "experiments"),
		typeset.Plural(checks, "prediction", "predictions"), typeset.Seconds(virtualTime(results)), holding(held, len(results))))
	return p.String()
}

// holding says how many experiments hold.
func holding(held, all int) string {
	switch held {
	case all:
		return "all hold"
	case 0:
		return "none holds"
	}
	return typeset.Hold(held, all)
}

// summary is an error in one line, without what differs from run to run.
func summary(err error) string {
	var tr *bubble.Trouble
	if errors.As(err, &tr) {
		return "not so: " + tr.Name
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
