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
	head := row{"", "measured", "mean", "one more run", j.seeds() + " gave", ""}
	rows := []row{head}
	for _, v := range j.Verdicts {
		rows = append(rows, v.row())
	}
	columns := widthsOf(rows)
	head.write(&page, columns)
	for _, of := range j.cases() {
		page.Line(of[0].Case)
		var none []string
		for _, v := range of {
			if v.nothing() {
				none = append(none, v.Name)
				continue
			}
			v.row().write(&page, columns)
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

// widths are those of all columns of a row but the last, which needs none.
type widths [5]int

// A row is a line of the table: name, what was measured, mean, one more run, what
// the seeds gave, and what that says.
type row [6]string

const (
	ofMeasured = 1
	// mostMeasured is how wide what was measured may be before it is wrapped.
	mostMeasured = 20
)

// widthsOf is how wide the columns must be for all rows, with space between them,
// and at least what most tables need.
func widthsOf(rows []row) (w widths) {
	w = widths{0, 10, 8, 14, 15}
	space := widths{0, 2, 1, 1, 2}
	for _, r := range rows {
		for i := range w {
			for _, line := range r.lines(i) {
				w[i] = max(w[i], space[i]+utf8.RuneCountInString(line))
			}
		}
	}
	return w
}

// lines is column i, wrapped if many values were measured.
func (r row) lines(i int) []string {
	if i == ofMeasured {
		return typeset.Wrap(r[i], mostMeasured)
	}
	return []string{r[i]}
}

func (r row) write(page *typeset.Page, w widths) {
	measured := r.lines(ofMeasured)
	text := typeset.Pad("  "+r[0], w[0]+2) + typeset.PadLeft(measured[0], w[1])
	for i := 2; i < len(w); i++ {
		text += typeset.PadLeft(r[i], w[i])
	}
	page.Line(text + "  " + r[5])
	for _, line := range measured[1:] {
		page.Line(typeset.PadLeft(line, 2+w[0]+w[1]))
	}
}

func (v *Verdict) row() row {
	return row{v.Name, v.measured(), v.number(v.Mean, 1), v.span(v.Low, v.High), v.span(v.gave()), v.says()}
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
	text := fmt.Sprintf("%s, of which %s random in the model", typeset.Plural(n, "count", "counts"), typeset.Plural(j.Random, "is", "are"))
	if j.Values > j.Random {
		text += fmt.Sprintf(" (%d values)", j.Values)
	}
	text += ": " + typeset.Plural(predicted, "prediction", "predictions")
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
	switch {
	case wide == 1:
		text += ". Of 1 inside this says little: its interval is wide"
	case wide > 1:
		text += fmt.Sprintf(". Of %d inside this says little: their intervals are wide", wide)
	}
	if j.Seeds > 0 {
		text += fmt.Sprintf(". Of the model's own %d seeds, each judged by the others, %s all counts inside; of normal counts 99 in 100 would",
			j.Seeds, typeset.Plural(j.SeedsInside, "has", "have"))
	}
	return text + "."
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
		all[i] = v.number(v.rounded(f)*v.Step, 0)
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
