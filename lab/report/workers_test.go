package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot/vg"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver/worker"
)

// drawn is the picture of the workers as its reader sees it: the last panel.
func drawn(t *testing.T, r *lab.Result, p *palette, width vg.Length) plotted {
	t.Helper()
	d, ok := workers(r, p)
	require.True(t, ok)
	panels := panelsOf(t, d, width)
	return panels[len(panels)-1]
}

// height is the height of a worker's name in the picture.
func (p plotted) height(t *testing.T, name string) float64 {
	t.Helper()
	for _, m := range p.texts {
		if m.text == name {
			return m.at[0][0].y + 4
		}
	}
	t.Fatalf("no %s in %v", name, p.texts)
	return 0
}

// A bar may end a pixel early, so that two do not look like one, and places are cut
// to a tenth of a pixel.
func assertFromTo(t *testing.T, p plotted, line []vgPoint, from, to float64) {
	t.Helper()
	assert.InDelta(t, from, p.x.value(line[0].x), p.x.pixels(0.2))
	assert.InDelta(t, to, p.x.value(line[1].x), p.x.pixels(1.2))
}

func TestABarInThePictureIsWhereTheSpanWas(t *testing.T) {
	for _, width := range bothWidths {
		var p palette
		r := seen(100, 2, []worker.Span{span(0, "GET /a", 25, 50), span(1, "GET /b", 60, 90)}, []load.Record{reply("/", 200, 0, 1)})
		panel := drawn(t, r, &p, width)
		for route, want := range map[string]struct {
			from, to float64
			worker   string
		}{"/a": {25, 50, "worker 0"}, "/b": {60, 90, "worker 1"}} {
			bars := panel.with(shades[p.role(route)].name)
			require.Len(t, bars, 1, route)
			assertFromTo(t, panel, bars[0].at[0], want.from, want.to)
			assert.InDelta(t, panel.height(t, want.worker), bars[0].at[0][0].y, 3, "%s is beside %s", route, want.worker)
		}
		assert.Greater(t, panel.height(t, "worker 0"), panel.height(t, "worker 1"), "the first is at the top")
	}
}

func TestTheLanesOfAWorkerFillFromTheTop(t *testing.T) {
	for _, width := range bothWidths {
		var p palette
		r := seen(100, 1, []worker.Span{span(0, "GET /a", 0, 50), span(0, "GET /b", 20, 40), span(0, "GET /c", 30, 60)}, []load.Record{reply("/", 200, 0, 1)})
		panel := drawn(t, r, &p, width)
		var heights []float64
		for _, route := range []string{"/a", "/b", "/c"} {
			bars := panel.with(shades[p.role(route)].name)
			require.Len(t, bars, 1)
			heights = append(heights, bars[0].at[0][0].y)
			assert.InDelta(t, float64(highestLane)-1, bars[0].width, 0.01, "a lane, and a gap")
		}
		assert.InDelta(t, float64(highestLane), heights[0]-heights[1], 0.11)
		assert.InDelta(t, float64(highestLane), heights[1]-heights[2], 0.11)
		assert.Len(t, panel.with("faint"), 1)
		assert.Len(t, panel.with("faint")[0].at, 3, "each lane has a line, which is seen where it is idle")
	}
}

// TestWorkInVainIsInDots, in its place, and the legend and the words say so where
// there is any.
func TestWorkInVainIsInDotsInItsPlace(t *testing.T) {
	r := seen(100, 1, []worker.Span{span(0, "GET /a", 10, 40), span(0, "GET /a", 40, 90)}, []load.Record{reply("/", 200, 0, 1)})
	r.Seen.Front = []front.Record{try("/a", 0, 40, 40, front.Served), try("/a", 0, 50, 70, front.ClientGone)}
	for _, width := range bothWidths {
		var p palette
		panel := drawn(t, r, &p, width)
		solid, dotted := [][]vgPoint{}, [][]vgPoint{}
		for _, m := range panel.with(shades[p.role("/a")].name) {
			if m.dashes == "" {
				solid = append(solid, m.at...)
			} else {
				dotted = append(dotted, m.at...)
			}
		}
		require.Len(t, solid, 2)
		require.Len(t, dotted, 1)
		assertFromTo(t, panel, solid[0], 10, 40)
		assertFromTo(t, panel, solid[1], 40, 70)
		assertFromTo(t, panel, dotted[0], 70, 90)
	}
	says := func() bool {
		d, ok := workers(r, &palette{})
		require.True(t, ok)
		svg, err := d.at(wide).svg("x", d.title, d.words)
		require.NoError(t, err)
		legend := strings.Contains(string(svg), ">its client left before it was done</text>")
		assert.Equal(t, legend, strings.Contains(d.words, "A dotted bar was work in vain"))
		return legend
	}
	assert.True(t, says())
	r.Seen.Front = r.Seen.Front[:1]
	assert.False(t, says())
}

// TestAKillIsMarkedWhereItWas, and only where there was one.
func TestAKillIsMarkedWhereItWas(t *testing.T) {
	r := starved()
	r.Seen.Exits = []worker.Exit{
		{Worker: 0, At: at(60), Reason: worker.TimedOut}, {Worker: 1, At: at(75), Reason: worker.TimedOut},
		{Worker: 1, At: at(75.1), Reason: worker.TimedOut}, // nobody would see two
		{Worker: 1, At: at(90), Reason: worker.TimedOut},
		{Worker: 0, At: at(95), Reason: worker.Stopped},
	}
	for _, width := range bothWidths {
		panel := drawn(t, r, &palette{}, width)
		var crosses []vgPoint
		for _, m := range panel.with("ink") {
			require.Len(t, m.at, 2, "a cross is two lines")
			a, b := m.at[0][0], m.at[0][1]
			crosses = append(crosses, vgPoint{panel.x.value((a.x + b.x) / 2), (a.y + b.y) / 2})
		}
		require.Len(t, crosses, 3, "width %v", width)
		for i, want := range []struct {
			at     float64
			worker string
		}{{60, "worker 0"}, {75, "worker 1"}, {90, "worker 1"}} {
			assert.InDelta(t, want.at, crosses[i].x, panel.x.pixels(0.2), "width %v", width)
			assert.InDelta(t, panel.height(t, want.worker), crosses[i].y, 3, "width %v", width)
		}
	}
}

func TestTheLegendNamesOnlyWhatThereIs(t *testing.T) {
	draw := func(r *lab.Result) string {
		d, ok := workers(r, &palette{})
		require.True(t, ok)
		svg, err := d.at(wide).svg("x", d.title, d.words)
		require.NoError(t, err)
		return string(svg)
	}
	r := starved()
	assert.Contains(t, draw(r), ">killed by the worker timeout</text>")
	assert.NotContains(t, draw(r), "recycled")
	r.Seen.Exits = []worker.Exit{{Worker: 0, At: at(60), Reason: worker.Recycled}}
	assert.Contains(t, draw(r), ">recycled after max requests</text>")
	assert.NotContains(t, draw(r), "killed")
	r.Seen.Exits = nil
	assert.NotContains(t, draw(r), "recycled")
}

func TestWorkersOfSeveralServersHaveNamesOfTheirOwn(t *testing.T) {
	e := overloaded()
	e.System.Others = []lab.AppServer{{Server: worker.Defaults(worker.Sync), App: e.System.App, Address: "127.0.0.1:5100"}}
	panel := drawn(t, lab.Judge(nil, e), &palette{}, wide)
	assert.Greater(t, panel.height(t, ":8000/0"), panel.height(t, ":5100/0"))
}

// TestThePartOfManyThreadsIsTheBarsHeight reads the picture.
func TestThePartOfManyThreadsIsTheBarsHeight(t *testing.T) {
	var spans []worker.Span
	for i := range 2 * mostLanes {
		spans = append(spans, span(0, "GET /a", 0, 50))
		if i%2 == 0 {
			spans = append(spans, span(0, "GET /a", 50, 100))
		}
	}
	for _, width := range bothWidths {
		var p palette
		r := seen(100, 1, spans, []load.Record{reply("/", 200, 0, 1)})
		d, _ := workers(r, &palette{})
		assert.Contains(t, d.words, "a worker's bar is as high as the part of its threads that was held.")
		panel := drawn(t, r, &p, width)
		bars := slices.DeleteFunc(panel.with(shades[p.role("/a")].name), func(m mark) bool {
			return m.at[0][1].x-m.at[0][0].x < 2 // the pixel that is in both halves
		})
		require.Len(t, bars, 2)
		// Columns of a pixel each begin and end where pixels do.
		assert.InDelta(t, 50, panel.x.value(bars[0].at[0][1].x), panel.x.pixels(1.5))
		assert.InDelta(t, 50, panel.x.value(bars[1].at[0][0].x), panel.x.pixels(1.5))
		assert.InDelta(t, float64(highestPool)-1, bars[0].width, 0.01)
		assert.InDelta(t, (float64(highestPool)-1)/2, bars[1].width, 0.01)
	}
}

// TestTheWordsAreForBothWidths: what is drawn one by one on a wide page may not be
// on a phone.
func TestTheWordsAreForBothWidths(t *testing.T) {
	for seconds, lower := range map[float64]bool{0.1: true, 0.2: true, 1: false} {
		r := seen(100, 1, []worker.Span{span(0, "GET /a", 0, seconds)}, []load.Record{reply("/", 200, 0, 1)})
		d, ok := workers(r, &palette{})
		require.True(t, ok)
		for _, width := range bothWidths {
			part := false
			for _, b := range crewOf(r).bars(0, pixelOf(r.Seen, width)) {
				part = part || b.part < 1
			}
			assert.True(t, lower || !part)
		}
		assert.Equal(t, lower, strings.Contains(d.words, "Requests too short to be drawn one by one"), "%v s", seconds)
	}
}

// TestTheWordsSayHowToReadWhatIsDrawn, and nothing else.
func TestTheWordsSayHowToReadWhatIsDrawn(t *testing.T) {
	r := starved()
	d, _ := workers(r, &palette{})
	assert.Equal(t, "A bar is the time for which a request held its worker; where nothing is, the worker was idle."+waitingWords, d.words)
	r.Seen.Records = r.Seen.Records[:2]
	d, _ = workers(r, &palette{})
	assert.NotContains(t, d.words, "no reply yet")
	require.Len(t, d.at(wide).panels, 1)

	e := overloaded()
	for model, loop := range map[worker.Model]bool{worker.Sync: false, worker.Evented: true} {
		e.System.Server = worker.Defaults(model)
		d, _ = workers(lab.Judge(nil, e), &palette{})
		assert.Equal(t, loop, strings.Contains(d.words, "An event loop is held by code that runs"), model)
	}
}

// TestPanelsHaveOneTimeAxis: the moments of one are right below those of the other,
// though what is written beside them is not of one width.
func TestPanelsHaveOneTimeAxis(t *testing.T) {
	for _, width := range bothWidths {
		d, ok := workers(starved(), &palette{})
		require.True(t, ok)
		panels := panelsOf(t, d, width)
		require.Len(t, panels, 2)
		for _, at := range []float64{0, 20, 60, 100} {
			x := panels[0].x
			pixels := x.from + (at-x.low)/(x.high-x.low)*(x.to-x.from)
			assert.InDelta(t, at, panels[1].x.value(pixels), x.pixels(0.2), "width %v", width)
		}
	}
}
