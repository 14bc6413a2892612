// Reading a picture as its reader does: what is drawn where, by the axes beside it.

package report

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot/vg"
)

// A mark is a path or a text of a picture. Places are in CSS pixels from its lower
// left corner.
type mark struct {
	colour string      // of its stroke, or of a text
	width  float64     // of its stroke
	dashes string      // of its stroke
	fill   string      // colour, if it is filled
	at     [][]vgPoint // each is a line from point to point
	text   string
}

type vgPoint struct{ x, y float64 }

var (
	elements  = regexp.MustCompile(`<path d="([^"]*)" style="([^"]*)" />|<text x="([^"]*)" y="([^"]*)" transform="scale\(1, -1\)" style="([^"]*)">([^<]*)</text>`)
	aVariable = regexp.MustCompile(`var\(--([a-z]+)\)`)
)

// marksOf draws at a width and reads what was drawn.
func marksOf(t *testing.T, d drawing, width vg.Length) (marks []mark) {
	t.Helper()
	svg, err := d.at(width).svg("x", d.title, d.words)
	require.NoError(t, err)
	number := func(s string) float64 {
		x, err := strconv.ParseFloat(s, 64)
		require.NoError(t, err)
		return x
	}
	for _, found := range elements.FindAllStringSubmatch(string(svg), -1) {
		m := mark{width: 1}
		for _, property := range strings.Split(found[2]+found[5], ";") {
			name, value, _ := strings.Cut(property, ":")
			colour := ""
			if v := aVariable.FindStringSubmatch(value); v != nil {
				colour = v[1]
			}
			switch name {
			case "stroke":
				m.colour = colour
			case "stroke-width":
				m.width = number(value)
			case "stroke-dasharray":
				m.dashes = value
			case "fill":
				m.fill = colour
			}
		}
		if found[3] != "" {
			m.text, m.colour = found[6], m.fill
			m.at = [][]vgPoint{{{number(found[3]), -number(found[4])}}}
		}
		for _, line := range strings.Split(strings.TrimSuffix(found[1], "Z"), "M")[1:] {
			var points []vgPoint
			for _, p := range strings.FieldsFunc(line, func(r rune) bool { return r == 'L' || r == 'A' }) {
				p = p[strings.LastIndex(p, " ")+1:] // an arc ends there
				x, y, _ := strings.Cut(p, ",")
				points = append(points, vgPoint{number(x), number(y)})
			}
			m.at = append(m.at, points)
		}
		marks = append(marks, m)
	}
	return marks
}

// An axis is what a reader knows of one: where the first of its labels is and where
// the last, and what they say.
type axis struct {
	from, to  float64 // pixels
	low, high float64
}

// value is what a place on the axis stands for.
func (a axis) value(pixels float64) float64 {
	return a.low + (pixels-a.from)/(a.to-a.from)*(a.high-a.low)
}

// power is what a place stands for on an axis of logarithms.
func (a axis) power(pixels float64) float64 {
	a.low, a.high = math.Log10(a.low), math.Log10(a.high)
	return math.Pow(10, a.value(pixels))
}

// pixels is how much of the axis so many pixels are.
func (a axis) pixels(n float64) float64 { return n * (a.high - a.low) / (a.to - a.from) }

// A plotted is a panel as its reader sees it.
type plotted struct {
	x, y  axis   // y is none where there are no numbers
	marks []mark // strokes among the data, in the order in which they were drawn
	texts []mark // at the axes, and above the data
}

// with are the panel's strokes of a colour.
func (p plotted) with(colour string) (found []mark) {
	for _, m := range p.marks {
		if m.colour == colour {
			found = append(found, m)
		}
	}
	return found
}

// panelsOf are a picture's panels, from the top to the bottom.
func panelsOf(t *testing.T, d drawing, width vg.Length) (panels []plotted) {
	t.Helper()
	marks := marksOf(t, d, width)
	tick := func(m mark) (horizontal, vertical bool) {
		if m.text != "" || m.colour != "ink" || m.width > 0.5 || len(m.at) != 1 || len(m.at[0]) != 2 {
			return false, false
		}
		const length = 4 // pixels, to a tenth
		a, b := m.at[0][0], m.at[0][1]
		return a.x == b.x && math.Abs(b.y-a.y-length) < 0.15, a.y == b.y && math.Abs(b.x-a.x-length) < 0.15
	}
	var floors []float64
	for _, m := range marks {
		if horizontal, _ := tick(m); horizontal && !slices.Contains(floors, m.at[0][0].y) {
			floors = append(floors, m.at[0][0].y)
		}
	}
	slices.SortFunc(floors, func(a, b float64) int { return cmp.Compare(b, a) })
	for i, floor := range floors {
		ceiling := math.Inf(1)
		if i > 0 {
			ceiling = floors[i-1] - 15 // what is written at the axis
		}
		p := plotted{}
		var x, y []mark
		for _, m := range marks {
			at := m.at[0][0]
			below := m.text != "" && floor-at.y > 0 && floor-at.y < 15
			if !below && (at.y < floor || at.y >= ceiling) {
				continue
			}
			switch horizontal, vertical := tick(m); {
			case m.text != "":
				p.texts = append(p.texts, m)
			case horizontal:
				x = append(x, m)
			case vertical:
				y = append(y, m)
			default:
				p.marks = append(p.marks, m)
			}
		}
		p.x = p.axis(x, func(tick, label vgPoint, width float64) (along float64, ok bool) {
			return tick.x, math.Abs(label.x+width/2-tick.x) < 2 && label.y < floor
		})
		p.y = p.axis(y, func(tick, label vgPoint, width float64) (along float64, ok bool) {
			return tick.y, math.Abs(label.y+3-tick.y) < 3 && label.x < tick.x && tick.x-label.x < width+10
		})
		// What is in a legend is no data: it is above the axis' upper end.
		left := x[0].at[0][0].x
		top := floor
		for _, m := range p.marks {
			if a := m.at[0]; m.colour == "ink" && m.width == 0.5 && len(a) == 2 && a[0].x == a[1].x {
				top = max(top, a[1].y) // the vertical axis itself
			}
		}
		p.marks = slices.DeleteFunc(p.marks, func(m mark) bool {
			return m.width == 0.5 || m.at[0][0].x < left-20 || m.at[0][0].y > top+5
		})
		panels = append(panels, p)
	}
	return panels
}

// axis reads the numbers at an axis' ticks.
func (p plotted) axis(ticks []mark, beside func(tick, label vgPoint, width float64) (float64, bool)) (a axis) {
	first := true
	for _, tick := range ticks {
		for _, m := range p.texts {
			v, err := strconv.ParseFloat(strings.ReplaceAll(m.text, ",", ""), 64)
			if err != nil {
				continue
			}
			along, ok := beside(tick.at[0][0], m.at[0][0], float64(writing(0, 0).Width(m.text)))
			if !ok {
				continue
			}
			if first {
				a.from, a.low, first = along, v, false
			}
			a.to, a.high = along, v
		}
	}
	return a
}

var bothWidths = []vg.Length{wide, narrow}
