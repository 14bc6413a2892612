package report

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"example.com/outagelab/pocserver/worker"
)

// TestAreasOfOneColourAreToldApart: on grey paper, and by who sees no colours, in
// the thinnest lane that there is and in the widest column.
func TestAreasOfOneColourAreToldApart(t *testing.T) {
	thin := vg.Rectangle{Max: vg.Point{X: 30, Y: lowestLane - 1}} // a lane's gap is one pixel
	column := vg.Rectangle{Max: vg.Point{X: 14, Y: 30}}
	for _, upright := range []bool{true, false} {
		area := thin
		if upright {
			area = column
		}
		drawn := map[string]look{}
		for i := range 2 * patterns {
			l := look{blue, pattern(i / 2), i%2 == 1}
			if upright && l.vain {
				continue // columns are not
			}
			c := vgsvg.New(100, 100)
			canvas := draw.New(c)
			fill(&canvas, l, upright, []vg.Rectangle{area})
			var b bytes.Buffer
			_, err := c.WriteTo(&b)
			require.NoError(t, err)
			assert.NotContains(t, drawn, b.String(), "%v and %v, upright: %v", l, drawn[b.String()], upright)
			drawn[b.String()] = l
		}
	}
}

// TestPatternsAreLinesAlongALane: none, one and two that are free.
func TestPatternsAreLinesAlongALane(t *testing.T) {
	for p := range pattern(patterns) {
		d := drawing{at: func(vg.Length) *sheet {
			return &sheet{width: 100, panels: []panel{{plot: newPlot("", ""), height: 50, legend: []entry{{"", func(c *draw.Canvas, at vg.Rectangle) {
				at.Max.Y = at.Min.Y + lowestLane - 1
				fill(c, look{blue, p, false}, false, []vg.Rectangle{at})
			}}}}}}
		}}
		var free, filled []float64
		for _, m := range marksOf(t, d, wide) {
			switch m.colour {
			case "paper":
				free = append(free, m.at[0][0].y)
				assert.GreaterOrEqual(t, m.width, 1.0, "it can be seen")
			case "blue":
				filled = append(filled, m.at[0][0].y)
			}
		}
		require.Len(t, filled, 1)
		require.Len(t, free, int(p))
		if p == hollow {
			assert.InDelta(t, 2*filled[0], free[0]+free[1], 0.11, "on both sides of the middle")
			assert.GreaterOrEqual(t, free[0]-free[1], 1.9, "with something between them")
		}
	}
}

// TestWhatWasInVainIsInDots, also where it is hardly longer than a dot.
func TestWhatWasInVainIsInDots(t *testing.T) {
	for _, width := range []vg.Length{2, 3, 30} {
		d := drawing{at: func(vg.Length) *sheet {
			pl := newPlot("", "")
			pl.X.Max, pl.Y.Max = 1, 1
			return &sheet{width: 100, panels: []panel{{plot: pl, height: 50, legend: []entry{{"", func(c *draw.Canvas, at vg.Rectangle) {
				at.Max.X = at.Min.X + width
				fill(c, look{blue, solid, true}, false, []vg.Rectangle{at})
			}}}}}}
		}}
		for _, m := range marksOf(t, d, wide) {
			if m.colour != "blue" {
				continue
			}
			on, _, _ := strings.Cut(m.dashes, ",")
			length, err := strconv.ParseFloat(on, 64)
			require.NoError(t, err, "width %v", width)
			assert.LessOrEqual(t, length, float64(width)/2, "half of it is left free, width %v", width)
		}
	}
}

func TestALongNameIsCutWhereThePictureEnds(t *testing.T) {
	style := writing(draw.XLeft, draw.YCenter)
	assert.Equal(t, "short", shortened("short", style, narrow))
	long := strings.Repeat("connections ", 20)
	cut := shortened(long, style, narrow)
	assert.LessOrEqual(t, style.Width(cut), narrow)
	assert.Greater(t, style.Width(cut), narrow-2*style.Width("W"))
	assert.True(t, strings.HasSuffix(cut, "…"))
	assert.Equal(t, "…", shortened(long, style, 0))
}

// TestTheLegendEndsWhereThePictureDoes, however long a name is.
func TestTheLegendEndsWhereThePictureDoes(t *testing.T) {
	long := strings.Repeat("connections ", 20)
	d := drawing{at: func(width vg.Length) *sheet {
		return &sheet{width: width, panels: []panel{{name: long, plot: newPlot("", ""), height: 50, legend: []entry{filled(long, look{role: blue}, true)}}}}
	}}
	for _, width := range bothWidths {
		found := 0
		for _, m := range marksOf(t, d, width) {
			if strings.HasPrefix(m.text, "connections") {
				found++
				assert.LessOrEqual(t, m.at[0][0].x+float64(writing(draw.XLeft, draw.YCenter).Width(m.text)), float64(width), "%q", m.text)
			}
		}
		assert.Equal(t, 2, found, "the panel's name and the legend's")
	}
}

func TestManyLanesAreAsLowAsTheyCanBe(t *testing.T) {
	var spans []worker.Span
	for lane := range 30 {
		spans = append(spans, span(0, "GET /a", 0.1*float64(lane), 10), span(1, "GET /a", 0.1*float64(lane), 10))
	}
	many := crewPanel(crewOf(seen(10, 2, spans, nil)), &palette{}, wide).height
	few := crewPanel(crewOf(seen(10, 2, spans[:4], nil)), &palette{}, wide).height
	assert.Less(t, few, many)
	assert.InDelta(t, 60*float64(lowestLane), float64(many), 70, "with names and axis")
}
