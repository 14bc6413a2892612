package report

import (
	"encoding/xml"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab"
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
	p := crossover()
	panel := p.panel()
	assert.Len(t, panel.legend, 5)
	for _, of := range []string{"blue", "yellow"} { // the lines have more points than a mark
		assert.Len(t, regexp.MustCompile(`<path d="M[^L"]*(L[^L"]*){5}" style="fill:none;stroke:var\(--`+of+`\)`).FindAllString(svg, -1), 1, of)
		assert.Len(t, regexp.MustCompile(`<path d="M[^L"]*(L[^L"]*){4}" style="fill:none;stroke:var\(--`+of+`\)`).FindAllString(svg, -1), 3, "%s marks, and the legend's", of)
	}
}

func TestZeroIsApartFromALogarithmicScale(t *testing.T) {
	f := crossover()
	p := f.panel().plot
	place := f.X.fit(&p.X, f.values(func(p Point) float64 { return p.X }))
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
