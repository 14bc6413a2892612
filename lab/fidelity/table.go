// The judgement, as it is printed.

package fidelity

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"example.com/outagelab/lab/typeset"
)

// String is the table of all counts, case by case, and what they come to. Counts
// of nothing, measured and in the model at every seed, share a line.
func (j *Judgement) String() string {
	var page typeset.Page
	names := 0
	for _, v := range j.Verdicts {
		names = max(names, utf8.RuneCountInString(v.Name))
	}
	row := func(name, measured, mean, next, gave, says string) {
		page.Line(typeset.Pad("  "+name, names+2) + typeset.PadLeft(measured, 10) + typeset.PadLeft(mean, 8) +
			typeset.PadLeft(next, 14) + typeset.PadLeft(gave, 15) + "  " + says)
	}
	row("", "measured", "mean", "one more run", j.seeds()+" gave", "")
	for _, of := range j.cases() {
		page.Line(of[0].Case)
		var none []string
		for _, v := range of {
			if v.nothing() {
				none = append(none, v.Name)
				continue
			}
			row(v.Name, v.measured(), v.number(v.Mean, 1), v.span(v.Low, v.High), v.span(v.gave()), v.says())
		}
		if len(none) > 0 {
			page.Hang("  none, as measured: ", strings.Join(none, ", "))
		}
	}
	page.Line("")
	for _, line := range typeset.Wrap(j.summary(), typeset.Width) {
		page.Line(line)
	}
	return page.String()
}

// summary says in a few sentences how many counts there are of each kind.
func (j *Judgement) summary() string {
	var predicted, calibrated, lacking, wide, outside int
	for _, v := range j.Verdicts {
		switch {
		case v.Calibrated != "":
			calibrated++
		case v.Lacks != "":
			lacking++
		default:
			predicted++
		}
		if !v.Inside {
			outside++
		} else if v.Wide {
			wide++
		}
	}
	n := len(j.Verdicts)
	text := fmt.Sprintf("%s, of which %d are random in the model: %s", typeset.Plural(n, "count", "counts"), j.Random, typeset.Plural(predicted, "prediction", "predictions"))
	if calibrated > 0 {
		text += fmt.Sprintf(", %d that a parameter was calibrated on (by …)", calibrated)
	}
	if lacking > 0 {
		text += fmt.Sprintf(", %d of something that the model lacks (lacks …)", lacking)
	}
	if outside == 0 {
		text += ". All inside"
	} else {
		text += fmt.Sprintf(". Inside: %d. OUTSIDE: %d", n-outside, outside)
	}
	if wide > 0 {
		text += fmt.Sprintf(". Of %d inside this says little: their interval is wide", wide)
	}
	return text + ". If the model is right, all are inside in 99 of 100 fields."
}

// cases is the verdicts of each case, in their order.
func (j *Judgement) cases() (all [][]Verdict) {
	for _, v := range j.Verdicts {
		if n := len(all); n > 0 && all[n-1][0].Case == v.Case {
			all[n-1] = append(all[n-1], v)
		} else {
			all = append(all, []Verdict{v})
		}
	}
	return all
}

// seeds says how many there are, if each count has as many.
func (j *Judgement) seeds() string {
	n := len(j.Verdicts[0].Model)
	for _, v := range j.Verdicts {
		if len(v.Model) != n {
			return "the seeds"
		}
	}
	return fmt.Sprintf("%d seeds", n)
}

// says is whether it is inside, and what speaks against taking that for more than
// it is.
func (v *Verdict) says() string {
	switch {
	case v.Unmeasured > 0:
		return fmt.Sprintf("OUTSIDE: nothing to measure at %d of %s", v.Unmeasured, typeset.Plural(len(v.Model), "seed", "seeds"))
	case !v.Inside && v.Lacks != "":
		return "OUTSIDE, lacks " + v.Lacks
	case !v.Inside && v.Calibrated != "":
		return "OUTSIDE, by " + v.Calibrated
	case !v.Inside:
		return "OUTSIDE"
	}
	text := "inside"
	if v.Wide {
		text = "inside, wide"
	}
	switch {
	case v.Calibrated != "":
		text += ", by " + v.Calibrated
	case v.Lacks != "":
		text += ", lacks " + v.Lacks
	}
	return text
}

// nothing reports that there was nothing, and never is in the model.
func (v *Verdict) nothing() bool {
	return v.Inside && !slices.ContainsFunc(slices.Concat(v.Field, v.Model), func(x float64) bool { return x != 0 })
}

// gave is the least and the most that the model gave.
func (v *Verdict) gave() (least, most float64) { return slices.Min(v.Model), slices.Max(v.Model) }

func (v *Verdict) measured() string {
	all := make([]string, len(v.Field))
	for i, f := range v.Field {
		all[i] = v.number(f, 0)
	}
	return strings.Join(all, " ")
}

func (v *Verdict) span(low, high float64) string {
	if low == high || v.Unmeasured > 0 {
		return v.number(low, 0)
	}
	return v.number(low, 0) + "–" + v.number(high, 0)
}

// number writes x to the count's step, and with so many digits more.
func (v *Verdict) number(x float64, more int) string {
	if math.IsNaN(x) {
		return "–"
	}
	return strconv.FormatFloat(x, 'f', max(0, int(math.Round(-math.Log10(v.Step))))+more, 64)
}
