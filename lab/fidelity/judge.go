// The judgement: whether what was measured lies where one more run of the model
// would.

package fidelity

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
)

// A Count is a number that was measured once or a few times, and that the model
// gives once a seed. None of its values is negative.
type Count struct {
	Case string // what was run: "prefork2, polls"
	Name string // what was counted: "/check_feed 200"

	Field []float64 // what was measured, a value for each run; one at least
	Model []float64 // what the model gave, a value for each seed; two at least

	// Step is how fine the count is, a power of ten: 1 for whole things, 0.001 for
	// seconds to the millisecond. What was measured is rounded to it, and the
	// interval widened to it. 0 means 1.
	Step float64
	// Most is as many as there were to count; 0 if that is not known.
	Most float64

	// Calibrated names the parameters that were chosen by this count, which then
	// is no prediction. "" says that it is one.
	Calibrated string
	// Lacks names what the model does not have that this count is about: it may be
	// inside, but by no merit of the model's. "" says that it has all.
	Lacks string
}

func (c *Count) String() string { return c.Case + ": " + c.Name }

// A Verdict is what is judged of a count.
type Verdict struct {
	Count
	Mean      float64 // of the model
	Low, High float64 // where one more run of it lies: both ends belong to it
	Inside    bool    // all that was measured lies there
	// Wide: that it is inside says little. The interval covers more than half of
	// all that could be counted; where that is not known, its upper end is more
	// than twice its lower one.
	Wide bool
	// Unmeasured is at how many seeds the model had nothing to measure (NaN). With
	// any there is no interval, and nothing is inside.
	Unmeasured int
}

// A Judgement is what is judged of all counts, in their order.
type Judgement struct {
	Verdicts []Verdict
	Random   int // how many of the counts are random in the model
	Values   int // how many values were measured of these: the m of their intervals

	// Seeds is how many seeds of the model could be judged by the others, as the
	// field is by all, and SeedsInside how many of them have all their counts
	// inside: how often the intervals hold what the model gives, whatever its
	// distributions are. With fewer than three seeds both are 0.
	Seeds, SeedsInside int
}

// Holds reports whether all that was measured is inside.
func (j *Judgement) Holds() bool {
	for _, v := range j.Verdicts {
		if !v.Inside {
			return false
		}
	}
	return true
}

// Judge judges the counts together. The interval of each is mean ±
// t(n−1; 1 − 0.01/2m)·s·√(1+1/n), with mean and standard deviation s of the n
// seeds, and the m values that were measured of counts that are random (G. Hahn
// and W. Meeker, Statistical Intervals, 1991, section 4.7, with Bonferroni's
// inequality). A count that is the same at every seed has only that value.
//
// Were all counts normal, as many more runs of the model as were measured would
// all be inside with a probability of 0.99. Counts that are skewed, or cannot
// exceed what there is, are inside less often: Judge tries that too, with each seed
// and the others (see [Judgement.Seeds]). So values that belong to the same run of
// the model must have the same place in each [Count.Model].
//
// The error says which counts are none.
func Judge(counts []Count) (*Judgement, error) {
	if len(counts) == 0 {
		return nil, errors.New("no counts to judge")
	}
	var wrong []error
	j := new(Judgement)
	for i := range counts {
		if err := counts[i].check(); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", &counts[i], err))
		}
		if unmeasured(counts[i].Model) == 0 && varies(counts[i].Model) {
			j.Random++
			j.Values += len(counts[i].Field)
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	for _, c := range counts {
		if c.Step == 0 {
			c.Step = 1
		}
		j.Verdicts = append(j.Verdicts, c.judge(quantile(len(c.Model), max(1, j.Values))))
	}
	j.judgeSeeds()
	return j, nil
}

func (c *Count) check() error {
	if !(c.Step >= 0) || c.Step > 0 && math.Abs(math.Log10(c.Step)-math.Round(math.Log10(c.Step))) > 1e-9 {
		return fmt.Errorf("a step of %g, want a power of ten", c.Step)
	}
	if len(c.Field) == 0 {
		return errors.New("nothing was measured")
	}
	for _, v := range c.Field {
		if !(v >= 0 && !math.IsInf(v, 1)) {
			return fmt.Errorf("%g was measured, want a number, 0 or more", v)
		}
		if v > c.largest() {
			return fmt.Errorf("%g was measured, want %g at most", v, c.largest())
		}
	}
	if len(c.Model) < 2 {
		return fmt.Errorf("the model has the values of %d seeds, want two or more", len(c.Model))
	}
	for _, v := range c.Model {
		if v < 0 || math.IsInf(v, 1) {
			return fmt.Errorf("the model gave %g, want a number, 0 or more", v)
		}
		if v > c.largest() {
			return fmt.Errorf("the model gave %g, want %g at most", v, c.largest())
		}
	}
	return nil
}

// largest is more than anybody counts, and yet little enough for steps to be exact.
func (c *Count) largest() float64 {
	if c.Step > 0 {
		return 1e9 * c.Step
	}
	return 1e9
}

// judge judges by an interval of t standard deviations.
func (c Count) judge(t float64) Verdict {
	v := Verdict{Count: c, Unmeasured: unmeasured(c.Model)}
	if v.Unmeasured > 0 {
		v.Mean, v.Low, v.High = math.NaN(), math.NaN(), math.NaN()
		return v
	}
	v.Mean = stat.Mean(c.Model, nil)
	low, high := interval(c.Model, t)
	first, last := math.Floor(c.steps(max(0, low))), math.Ceil(c.steps(high))
	v.Wide = last > 2*first && last-first > 1
	if c.Most > 0 {
		last = min(last, math.Ceil(c.steps(c.Most)))
		v.Wide = last-first > c.steps(c.Most)/2
	}
	v.Low, v.High = first*c.Step, last*c.Step
	v.Inside = true
	for _, f := range c.Field {
		if n := c.rounded(f); !(n >= first && n <= last) {
			v.Inside = false
		}
	}
	return v
}

// rounded is what was measured, in whole steps.
func (c *Count) rounded(x float64) float64 { return math.Round(c.steps(x)) }

// steps is x counted in steps, without what a division leaves in the last bits.
func (c *Count) steps(x float64) float64 {
	return math.Round(x/c.Step*1e6) / 1e6
}

func unmeasured(model []float64) (n int) {
	for _, v := range model {
		if math.IsNaN(v) {
			n++
		}
	}
	return n
}
