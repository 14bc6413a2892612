// A check: the number that was predicted, how far off the measured one may be,
// and where both come from.

package lab

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"example.com/outagelab/lab/typeset"
)

// A Check predicts a metric. A prediction without a tolerance, or a tolerance
// that nobody can say the origin of, is not one: every field is wanted.
type Check struct {
	Metric Metric
	// Want is the predicted number, in the metric's unit.
	Want float64
	// Demand says that Want is what somebody demands, and that nobody predicts it.
	Demand bool
	// Formula is where it comes from: "1/(E[S]+c) = 1/(0.05 s)".
	Formula string
	// Within is how far off the observed number may be.
	Within Tolerance
}

// A Tolerance is how far from a prediction an observation may be. Make one with
// [Exactly], [Relative], [Absolute], [AtLeast], [AtMost] or [Shown].
type Tolerance struct {
	kind   string
	amount float64
	from   string // what it is derived from
}

// Exactly is for counts that chance does not touch.
func Exactly() Tolerance { return Tolerance{kind: "exactly", from: "nothing here is random"} }

// Relative allows a part of the prediction to either side: 0.16 is 16 %. from
// says what that is derived from: "4σ of the mean of 200 naps".
func Relative(part float64, from string) Tolerance {
	return Tolerance{kind: "relative", amount: part, from: from}
}

// Absolute allows an amount, in the metric's unit, to either side.
func Absolute(amount float64, from string) Tolerance {
	return Tolerance{kind: "absolute", amount: amount, from: from}
}

// AtLeast allows all from the prediction up: it is a bound.
func AtLeast(from string) Tolerance { return Tolerance{kind: "at least", from: from} }

// AtMost allows all up to the prediction: it is a bound.
func AtMost(from string) Tolerance { return Tolerance{kind: "at most", from: from} }

// Shown allows anything, for a number that is predicted to be looked at and that
// nothing is held to. A table's row cannot have such a check: see [Judge].
func Shown(why string) Tolerance { return Tolerance{kind: shown, from: why} }

const shown = "shown"

// bounds are the numbers that a prediction allows, both included.
func (t Tolerance) bounds(want float64) (low, high float64) {
	switch t.kind {
	case "relative":
		d := math.Abs(want) * t.amount
		return want - d, want + d
	case "absolute":
		return want - t.amount, want + t.amount
	case "at least":
		return want, math.Inf(1)
	case "at most":
		return math.Inf(-1), want
	case shown:
		return math.Inf(-1), math.Inf(1)
	}
	return want, want
}

// short is the tolerance in a few characters, for a table.
func (t Tolerance) short() string {
	switch t.kind {
	case "relative":
		return "±" + typeset.Number(100*t.amount) + " %"
	case "absolute":
		return "±" + typeset.Number(t.amount)
	case shown:
		return "–"
	}
	return t.kind
}

// allowed says in words what a prediction allows.
func (c *Check) allowed() string {
	low, high := c.Within.bounds(c.Want)
	switch {
	case high == 0 && low <= 0 && c.Metric.counts():
		return "none"
	case low == high:
		return "exactly " + typeset.Number(low)
	case c.Within.kind == shown:
		return "anything"
	case math.IsInf(high, 0):
		return withUnit(low, c.Metric.Unit) + " or more"
	case math.IsInf(low, 0):
		return withUnit(high, c.Metric.Unit) + " or less"
	}
	return fmt.Sprintf("%s to %s (%s)", typeset.Number(low), withUnit(high, c.Metric.Unit), c.Within.short())
}

// said is what Want is.
func (c *Check) said() string {
	if c.Demand {
		return "demanded"
	}
	return "predicted"
}

// foretold is the prediction in a few words, with the bound that it may be.
func (c *Check) foretold(unit string) string {
	switch c.Within.kind {
	case "at least", "at most":
		return c.Within.kind + " " + withUnit(c.Want, unit)
	}
	return withUnit(c.Want, unit)
}

// wrong says what is wrong with a check, beginning with the field; "" is right.
func (c *Check) wrong() string {
	switch {
	case c.Metric.Name == "" || c.Metric.Of == nil:
		return "Metric is not set: what is to be measured?"
	case c.Metric.misused != "":
		return "Metric: " + c.Metric.misused
	case math.IsNaN(c.Want) || math.IsInf(c.Want, 0):
		return fmt.Sprintf("Want is %v: predict a number", c.Want)
	case c.Formula == "":
		return "Formula is empty: say where the prediction comes from"
	case c.Within.kind == "":
		return "Within is not set: want Exactly, Relative, Absolute, AtLeast or AtMost"
	case !(c.Within.amount >= 0) || math.IsInf(c.Within.amount, 0):
		return fmt.Sprintf("Within allows %v: want a number, 0 or more", c.Within.amount)
	case c.Want == 0 && c.Within.kind == "relative":
		return "Want is 0, and Within is a part of it: predict a number, or say Exactly or Absolute"
	case c.Within.from == "":
		return "Within does not say what the tolerance is derived from"
	case c.Metric.counts() && c.Within.kind == "at least" && c.Want <= 0:
		return fmt.Sprintf("Within allows every number of %s: want a bound that some run could miss", c.Metric.Unit)
	}
	return ""
}

// A verdict is a check and what came of it.
type verdict struct {
	Check
	observed  float64
	ok        bool      // and not undecided
	undecided bool      // see Check.undecided
	samples   []float64 // of several seeds
}

// outcome is what is known of it.
func (v *verdict) outcome() Outcome { return verdictOf(v.ok, v.undecided) }

// seen is what was observed, with its uncertainty and its unit.
func (v *verdict) seen() string {
	if text := PlusMinus(v.samples); text != "" {
		return strings.TrimSpace(typeset.Number(v.observed) + text + " " + v.Metric.Unit)
	}
	return withUnit(v.observed, v.Metric.Unit)
}

// verdicts measures all checks on o.
func verdicts(checks []Check, o *Observation) []verdict {
	var vs []verdict
	for _, c := range checks {
		vs = append(vs, c.judge(c.Metric.Of(o)))
	}
	return vs
}

// judge compares what was observed with what was predicted.
func (c Check) judge(observed float64) verdict {
	low, high := c.Within.bounds(c.Want)
	ok := observed >= low && observed <= high // false for NaN
	return verdict{Check: c, observed: observed, ok: ok || c.Within.kind == shown}
}

// off says how far the observed number is from the predicted one, or "" where there
// is nothing to say beyond the numbers.
func (v *verdict) off() string {
	d := v.observed - v.Want
	switch {
	case math.IsNaN(v.observed):
		return "nothing to measure"
	case d == 0:
		return "as predicted"
	case v.Want == 0:
		return "" // the number says it
	case v.observed/v.Want >= 1000:
		return "more than 1,000 times as much"
	case v.observed/v.Want >= 1.95:
		return times(v.observed / v.Want)
	case v.observed == 0:
		return "none at all"
	case v.observed > 0 && v.Want/v.observed >= 2:
		return onePart(v.Want/v.observed) + " of it"
	case d > 0:
		return fmt.Sprintf("%s %% more", twoDigits(100*d/math.Abs(v.Want)))
	}
	return fmt.Sprintf("%s %% less", twoDigits(-100*d/math.Abs(v.Want)))
}

// times is "twice as much" for 2.04.
func times(x float64) string {
	if text := twoDigits(x); text != "2" {
		return text + " times as much"
	}
	return "twice as much"
}

// parts are the names of one of so many parts of something, from two on.
var parts = []string{"half", "a third", "a quarter", "a fifth", "a sixth", "a seventh", "an eighth", "a ninth", "a tenth", "an eleventh", "a twelfth"}

// onePart is "a 19th" for 19.2: one of so many parts of something.
func onePart(x float64) string {
	n := int(math.Round(x))
	if i := n - 2; i < len(parts) {
		return parts[i]
	}
	article, suffix := "a ", "th"
	if text := typeset.Number(float64(n)); n == 18 || text[0] == '8' || strings.HasPrefix(text, "11,") || strings.HasPrefix(text, "18,") {
		article = "an "
	}
	switch {
	case n%100 >= 11 && n%100 <= 13:
	case n%10 == 1:
		suffix = "st"
	case n%10 == 2:
		suffix = "nd"
	case n%10 == 3:
		suffix = "rd"
	}
	return article + typeset.Number(float64(n)) + suffix
}

// errorPart is how far the observed number is from the predicted one, in parts
// of the prediction; NaN where that means nothing.
func (v *verdict) errorPart() float64 {
	if v.Want == 0 {
		if v.observed == 0 {
			return 0
		}
		return math.NaN()
	}
	return (v.observed - v.Want) / math.Abs(v.Want)
}

// twoDigits is typeset.Number with two significant digits: enough to say how far off.
func twoDigits(x float64) string {
	if math.Abs(x) >= 99.5 { // which is 100, and 'g' writes it as 1e+02
		return typeset.Number(math.Round(x))
	}
	return strconv.FormatFloat(x, 'g', 2, 64)
}
