// A picture of several rows together, which whoever has the rows composes.

package report

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Figure is a picture of several experiments together, such as what two servers
// answer over how long each request naps. Without Lines and Points it is left out
// of the report: the rows that it is made of may not have run.
type Figure struct {
	Title string // what is to be seen in it, in a sentence
	Words string // how to read it, and where the numbers come from
	X, Y  Axis

	// Lines are drawn from point to point, Points as a mark each.
	Lines, Points []Series
}

// An Axis of a Figure.
type Axis struct {
	Title string // what it shows: "throughput"
	Unit  string // "replies/s"; "" for a plain number
	// Log makes the scale logarithmic. 0 is then at the beginning of the axis,
	// apart from the scale, and no number may be below it.
	Log bool
}

// A Series is some of a Figure's points. Series of the same thing have the same
// colour, and each has dashes or a mark of its own.
type Series struct {
	Of   string // of what the numbers are: "sync worker"
	From string // where they come from: "predicted"
	At   []Point
}

// A Point of a Series, in the axes' units.
type Point struct{ X, Y float64 }

// wrong says what is wrong with a figure; nil is right.
func (f *Figure) wrong() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if f.Title == "" {
		bad("Title is empty: say in a sentence what is to be seen")
	}
	for _, a := range []struct {
		field string
		axis  Axis
	}{{"X", f.X}, {"Y", f.Y}} {
		if a.axis.Title == "" {
			bad("%s.Title is empty: say what the axis shows", a.field)
		}
	}
	check := func(field string, all []Series) {
		for i, s := range all {
			switch {
			case s.Of == "":
				bad("%s[%d].Of is empty: say what the numbers are of", field, i)
			case s.From == "":
				bad("%s[%d].From is empty: say where the numbers come from", field, i)
			case len(s.At) == 0:
				bad("%s[%d] (%s, %s) has no point", field, i, s.Of, s.From)
			}
			for j, p := range s.At {
				for _, v := range []struct {
					axis  string
					value float64
					log   bool
				}{{"X", p.X, f.X.Log}, {"Y", p.Y, f.Y.Log}} {
					switch {
					case math.IsNaN(v.value) || math.IsInf(v.value, 0):
						bad("%s[%d].At[%d].%s is %v: want a number", field, i, j, v.axis, v.value)
					case v.log && v.value < 0:
						bad("%s[%d].At[%d].%s is %v, and the axis is logarithmic: want 0 or more", field, i, j, v.axis, v.value)
					}
				}
			}
		}
	}
	check("Lines", f.Lines)
	check("Points", f.Points)
	return errors.Join(errs...)
}

// glyphs are the marks of a figure's points.
var glyphs = []draw.GlyphDrawer{rhombus, cross, triangle, plus, square, draw.CircleGlyph{}}

// drawing is the figure's picture.
func (f *Figure) drawing() drawing {
	return drawing{title: f.Title, words: f.Words, at: func(width vg.Length) *sheet {
		return &sheet{width: width, panels: []panel{f.panel()}}
	}}
}

func (f *Figure) panel() panel {
	pl := newPlot(f.X.title(), f.Y.title())
	x := f.X.fit(&pl.X, false, f.values(func(p Point) float64 { return p.X }))
	y := f.Y.fit(&pl.Y, true, f.values(func(p Point) float64 { return p.Y }))
	place := func(s Series) (xy plotter.XYs) {
		for _, p := range s.At {
			xy = append(xy, plotter.XY{X: x(p.X), Y: y(p.Y)})
		}
		return xy
	}
	pl.Add(grid{})

	var legend []entry
	var colour palette
	for i, s := range f.Lines {
		style := line(colour.role(s.Of), i)
		pl.Add(&plotter.Line{XYs: place(s), LineStyle: style})
		legend = append(legend, lined(s.Of+", "+s.From, style))
	}
	for i, s := range f.Points {
		style := draw.GlyphStyle{Color: colour.role(s.Of), Radius: 5, Shape: glyphs[i%len(glyphs)]}
		pl.Add(&plotter.Scatter{XYs: place(s), GlyphStyle: style})
		legend = append(legend, marked(s.Of+", "+s.From, style))
	}
	return panel{legend: legend, plot: pl, height: 320}
}

// title is the axis' title with its unit.
func (a Axis) title() string {
	if a.Unit == "" {
		return a.Title
	}
	return strings.TrimSpace(a.Title + ", " + a.Unit)
}

// values is one coordinate of all points.
func (f *Figure) values(of func(Point) float64) (all []float64) {
	for _, s := range slices.Concat(f.Lines, f.Points) {
		for _, p := range s.At {
			all = append(all, of(p))
		}
	}
	return all
}

// fit gives the axis the range that the values need, and returns where on it each
// is drawn.
func (a Axis) fit(axis *plot.Axis, vertical bool, values []float64) func(float64) float64 {
	if !a.Log {
		axis.Min, axis.Max = min(0, slices.Min(values)), max(0, slices.Max(values))
		if axis.Min == axis.Max {
			axis.Max = 1
		}
		markTop(axis, moreSteps)
		return func(v float64) float64 { return v }
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v > 0 {
			low, high = min(low, math.Log10(v)), max(high, math.Log10(v))
		}
	}
	if math.IsInf(high, 0) {
		low, high = 0, 0
	}
	const margin = 0.15
	marker := decades{withZero: slices.Contains(values, 0), zero: low - apart, vertical: vertical}
	axis.Min, axis.Max = low-margin, high+margin
	if marker.withZero {
		axis.Min = marker.zero - margin
	}
	axis.Tick.Marker = marker
	return func(v float64) float64 {
		if v == 0 {
			return marker.zero
		}
		return math.Log10(v)
	}
}
