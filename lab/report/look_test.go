package report

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot/vg/draw"

	"example.com/outagelab/pocserver/worker"
)

// TestAreasOfOneColourAreToldApart: on grey paper, and by who sees no colours.
func TestAreasOfOneColourAreToldApart(t *testing.T) {
	for _, upright := range []bool{true, false} {
		drawn := map[string]pattern{}
		for p := range pattern(patterns) {
			plot := newPlot("", "")
			plot.X.Max, plot.Y.Max = 1, 1
			svg, err := (&sheet{width: wide, panels: []panel{{
				plot: plot, height: 100, legend: []entry{filled("same", look{blue, p}, upright)},
			}}}).svg("x", "same", "same")
			require.NoError(t, err)
			assert.NotContains(t, drawn, string(svg), "patterns %d and %d, upright: %v", p, drawn[string(svg)], upright)
			drawn[string(svg)] = p
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

func TestManyLanesAreNoHigherThanFew(t *testing.T) {
	var spans []worker.Span
	for lane := range 30 {
		spans = append(spans, span(0, "GET /a", 0.1*float64(lane), 10), span(1, "GET /a", 0.1*float64(lane), 10))
	}
	many := crewPanel(seen(10, 2, spans, nil).Seen, &palette{}, wide).height
	few := crewPanel(seen(10, 2, spans[:4], nil).Seen, &palette{}, wide).height
	assert.Less(t, few, many)
	assert.InDelta(t, float64(lanesHeight), float64(many), 0.25*float64(lanesHeight), "60 lanes, with names and axis")
}
