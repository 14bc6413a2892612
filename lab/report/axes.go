// Where axes have their marks, and what is written at them.

package report

import (
	"math"

	"gonum.org/v1/plot"

	"example.com/outagelab/lab/typeset"
)

// evenly marks round numbers, no more than so many steps of them.
type evenly int

// A few marks are enough for a low panel, and more do not fit on a phone.
const (
	fewSteps  evenly = 4
	moreSteps evenly = 7
)

func (e evenly) Ticks(low, high float64) (ticks []plot.Tick) {
	step := roundUp((high - low) / float64(e))
	for k := math.Ceil(low/step - 1e-9); k*step <= high+1e-9*step; k++ {
		ticks = append(ticks, plot.Tick{Value: k * step, Label: typeset.Number(k * step)})
	}
	return ticks
}

// markTop makes a vertical axis end at a mark.
func markTop(a *plot.Axis, steps evenly) {
	step := roundUp((a.Max - a.Min) / float64(steps))
	a.Max = step * math.Ceil(a.Max/step-1e-9)
}

// wholly marks round numbers of things that cannot be halved.
type wholly struct{}

func (wholly) Ticks(low, high float64) (ticks []plot.Tick) {
	for _, t := range fewSteps.Ticks(low, high) {
		if math.Abs(t.Value-math.Round(t.Value)) < 1e-9 {
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// roundUp is the smallest of 1, 2, 5, 10, 20, … that is x or more.
func roundUp(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, digit := range []float64{1, 2, 5} {
		if digit*power >= x*(1-1e-9) {
			return digit * power
		}
	}
	return 10 * power
}

// decades marks the powers of ten on an axis of logarithms, and between two of
// them 2 and 5, which are labelled where there are few powers.
type decades struct {
	// withZero puts 0 at zero, which is where its logarithm would be.
	withZero bool
	zero     float64
	// vertical labels the highest mark too.
	vertical bool
}

func (d decades) Ticks(low, high float64) (ticks []plot.Tick) {
	if d.withZero {
		ticks = append(ticks, plot.Tick{Value: d.zero, Label: "0"})
	}
	few := high-low < 2
	for power := math.Floor(low); power <= math.Ceil(high); power++ {
		for _, digit := range []float64{1, 2, 5} {
			v := power + math.Log10(digit)
			if v < low-1e-9 || v > high+1e-9 || d.withZero && v < d.zero+apart/2 {
				continue
			}
			t := plot.Tick{Value: v}
			if digit == 1 || few {
				t.Label = typeset.Number(digit * math.Pow(10, power))
			}
			ticks = append(ticks, t)
		}
	}
	if last := len(ticks) - 1; d.vertical && last >= 0 {
		ticks[last].Label = typeset.Number(math.Pow(10, ticks[last].Value))
	}
	return ticks
}

// apart is how far 0 is from the smallest number on a logarithmic axis, in powers
// of ten.
const apart = 0.7
