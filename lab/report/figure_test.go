package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/typeset"
)

// crossover is a figure as the PoC's: what theory, the model and the field say of
// two servers, over how long each request naps.
func crossover() Figure {
	line := func(rate func(nap float64) float64) (at []Point) {
		for _, nap := range []float64{0, 0.0001, 0.001, 0.01, 0.03, 0.1} {
			at = append(at, Point{nap, rate(nap)})
		}
		return at
	}
	return Figure{
		Title: "Async pays for naps of a millisecond and more.",
		Words: "Lines are predicted, marks are measured.",
		X:     Axis{Title: "longest nap", Unit: "s", Log: true},
		Y:     Axis{Title: "throughput", Unit: "replies/s", Log: true},
		Lines: []Series{
			{Of: "sync worker", From: "predicted", At: line(func(nap float64) float64 { return 1 / (nap/2 + 0.000302) })},
			{Of: "event loop", From: "predicted", At: line(func(float64) float64 { return 1 / 0.000935 })},
		},
		Points: []Series{
			{Of: "sync worker", From: "in the model", At: []Point{{0, 3310}, {0.1, 20.2}}},
			{Of: "event loop", From: "in the model", At: []Point{{0, 1014}, {0.1, 1031}}},
			{Of: "sync worker", From: "in the field", At: []Point{{0, 3314}, {0.001, 1069}, {0.1, 19.43}}},
		},
	}
}

func svgOf(t *testing.T, f Figure) string {
	t.Helper()
	require.NoError(t, f.wrong())
	d := f.drawing()
	svg, err := d.at(wide).svg("fig", d.title, d.words)
	require.NoError(t, err)
	return string(svg)
}

func TestAFigureTellsItsSeriesApart(t *testing.T) {
	svg := svgOf(t, crossover())
	for _, text := range []string{
		"longest nap, s", "throughput, replies/s", "sync worker, predicted", "event loop, predicted",
		"sync worker, in the model", "event loop, in the model", "sync worker, in the field",
	} {
		assert.Contains(t, svg, ">"+text+"</text>")
	}
	f := crossover()
	assert.Len(t, f.panel().legend, 5)
	var lines []string
	marks := map[string]int{}
	for _, m := range marksOf(t, f.drawing(), wide) {
		switch {
		case m.width != 2 || m.text != "":
		case len(m.at[0]) == 6: // the lines have more points than a mark
			lines = append(lines, m.colour+" "+m.dashes)
		case len(m.at) > 1 || len(m.at[0]) > 2: // the legend's lines have two
			marks[fmt.Sprint(m.colour, " of ", len(m.at), " lines, ", len(m.at[0]), " points")]++
		}
	}
	assert.Equal(t, []string{"blue ", "yellow 7,3"}, lines)
	assert.Equal(t, map[string]int{
		"blue of 1 lines, 5 points": 2 + 1, "yellow of 2 lines, 2 points": 2 + 1, // the model's: a rhombus and a cross
		"blue of 1 lines, 4 points": 3 + 1, // the field's: a triangle
	}, marks, "and one more in the legend")
}

// TestPointsAreWhereTheyBelong reads the picture.
func TestPointsAreWhereTheyBelong(t *testing.T) {
	f := Figure{
		Title: "t", X: Axis{Title: "x"}, Y: Axis{Title: "y", Log: true},
		Lines:  []Series{{Of: "a", From: "b", At: []Point{{0, 1}, {4, 1000}, {10, 10}}}},
		Points: []Series{{Of: "c", From: "d", At: []Point{{2, 100}, {7, 3}}}},
	}
	for _, width := range bothWidths {
		panel := panelsOf(t, f.drawing(), width)[0]
		lines := panel.with("blue")
		require.Len(t, lines, 1)
		var at []vgPoint
		at = append(at, lines[0].at[0]...)
		for _, m := range panel.with("yellow") {
			at = append(at, vgPoint{(m.at[0][0].x + m.at[0][2].x) / 2, (m.at[0][1].y + m.at[0][3].y) / 2})
		}
		require.Len(t, at, 5)
		for i, want := range []Point{{0, 1}, {4, 1000}, {10, 10}, {2, 100}, {7, 3}} {
			assert.InDelta(t, want.X, panel.x.value(at[i].x), panel.x.pixels(0.3), "width %v", width)
			assert.InEpsilon(t, want.Y, panel.y.power(at[i].y), 0.03, "width %v", width)
		}
	}
}

func TestZeroIsApartFromALogarithmicScale(t *testing.T) {
	f := crossover()
	p := f.panel().plot
	place := f.X.fit(&p.X, false, f.values(func(p Point) float64 { return p.X }))
	assert.InDelta(t, -1, place(0.1), 1e-12)
	assert.InDelta(t, -4, place(0.0001), 1e-12)
	assert.InDelta(t, -4-apart, place(0), 1e-12, "where the smallest number is, and a step further")
	assert.Less(t, p.X.Min, place(0))
	assert.Equal(t, []string{"0", "0.0001", "0.001", "0.01", "0.1"}, labels(p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max)))
}

func TestALinearAxisBeginsAtZero(t *testing.T) {
	f := crossover()
	f.Y.Log = false
	p := f.panel().plot
	assert.Equal(t, 0.0, p.Y.Min)
	assert.Greater(t, p.Y.Max, 3314.0)
	marks := labels(moreSteps.Ticks(p.Y.Min, p.Y.Max))
	assert.Equal(t, typeset.Number(p.Y.Max), marks[len(marks)-1], "and ends at a mark")
}

func TestALogarithmicAxisHasAMarkNearItsTop(t *testing.T) {
	f := crossover()
	p := f.panel().plot
	assert.Equal(t, []string{"100", "1,000", "2,000"}, labels(p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max)))

	f.Points[0].At = append(f.Points[0].At, Point{0.4, 10})
	p = f.panel().plot
	assert.Equal(t, []string{"0", "0.0001", "0.001", "0.01", "0.1"}, labels(p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max)), "side by side there is no room for 0.2 and 0.5")
}

// TestEverySeriesHasDashesOrAMarkOfItsOwn: on grey paper too.
func TestEverySeriesHasDashesOrAMarkOfItsOwn(t *testing.T) {
	at := []Point{{1, 1}, {2, 2}}
	f := Figure{Title: "t", X: Axis{Title: "x"}, Y: Axis{Title: "y"}}
	for i := range 6 {
		s := Series{Of: fmt.Sprint("server ", i), From: "here", At: at}
		f.Lines, f.Points = append(f.Lines, s), append(f.Points, s)
	}
	d := f.drawing()
	marks := marksOf(t, d, wide)
	dashes, shapes := map[string]string{}, map[string]string{}
	for _, m := range marks {
		if m.text != "" || m.width != 2 && m.fill == "" {
			continue
		}
		var shape strings.Builder // from its first point on
		for _, line := range m.at {
			for _, p := range line {
				fmt.Fprintf(&shape, "%.0f,%.0f ", p.x-m.at[0][0].x, p.y-m.at[0][0].y)
			}
		}
		colour := m.colour + m.fill
		if len(m.at) == 1 && len(m.at[0]) == 2 && m.dashes+colour != "" {
			dashes[m.dashes] += colour + " "
			continue
		}
		shapes[shape.String()] += colour + " "
	}
	assert.Len(t, dashes, 6, "each line has its own: %v", dashes)
	assert.Len(t, shapes, 6, "each mark has its own: %v", shapes)
}

func TestAllZeroesAreDrawnToo(t *testing.T) {
	for _, log := range []bool{true, false} {
		f := crossover()
		f.X.Log, f.Y.Log = log, log
		f.Lines, f.Points = nil, []Series{{Of: "a", From: "b", At: []Point{{0, 0}}}}
		assert.NotContains(t, svgOf(t, f), "NaN")
	}
}

func TestAFigureThatCannotBeDrawnSaysWhatIsWrong(t *testing.T) {
	for want, change := range map[string]func(*Figure){
		"Title is empty":          func(f *Figure) { f.Title = "" },
		"Y.Title is empty":        func(f *Figure) { f.Y.Title = "" },
		"Lines[1].Of is empty":    func(f *Figure) { f.Lines[1].Of = "" },
		"Points[0].From is empty": func(f *Figure) { f.Points[0].From = "" },
		"Points[2] (sync worker, in the field) has no point":  func(f *Figure) { f.Points[2].At = nil },
		"Points[0].At[1].Y is NaN":                            func(f *Figure) { f.Points[0].At[1].Y = math.NaN() },
		"Lines[0].At[0].X is -1, and the axis is logarithmic": func(f *Figure) { f.Lines[0].At[0].X = -1 },
	} {
		f := crossover()
		change(&f)
		_, err := HTML(func([]*lab.Result) (Figure, error) { return f, nil })(t.TempDir(), lab.Collect())
		assert.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, "figure 0")
	}
}

// wellFormed reads text as XML to its end.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := d.Token()
		if err == io.EOF {
			return
		}
		require.NoError(t, err)
	}
}

func TestAFigureIsWellFormedWhateverItIsCalled(t *testing.T) {
	f := crossover()
	f.Title, f.Lines[0].Of = `<script>alert("&")</script>`, `a<b & "c"`
	svg := svgOf(t, f)
	wellFormed(t, svg)
	assert.NotContains(t, svg, "<script")
}
