// The picture of the workers: who held which of them, and who waited meanwhile.

package report

import (
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"example.com/outagelab/lab"
	"example.com/outagelab/pocserver/worker"
)

const (
	lanesHeight  vg.Length = 280 // of all lanes together, where that suits them
	lowestLane   vg.Length = 6   // in which each pattern can still be seen
	lowestCrew   vg.Length = 14
	highestLane  vg.Length = 20
	highestPool  vg.Length = 90
	lowestPool   vg.Length = 40
	betweenCrews vg.Length = 8
	titleHeight  vg.Length = 50 // what the axis' title needs
)

// pixelOf is how long a CSS pixel is in a picture of that width: the axis' labels
// leave about nine tenths of it to the data.
func pixelOf(o *lab.Observation, width vg.Length) time.Duration {
	return o.Horizon*10/(9*time.Duration(width)) + 1
}

// workers is the picture; false where there is no worker to draw, or none ever did
// anything.
func workers(r *lab.Result, p *palette) (drawing, bool) {
	o := r.Seen
	c := crewOf(r)
	if len(c.stays) == 0 {
		return drawing{}, false
	}
	words := "A bar is the time for which a request held its worker; where nothing is, the worker was idle."
	if evented(o) {
		words += " An event loop is held by code that runs; a request that awaits holds nothing."
	}
	if c.anyVain() {
		words += " A dotted bar was work in vain: its client, or the proxy on the client's behalf, left before it was done. Of a stream it is what was done after that."
	}
	lower, pooled := false, false
	for w := range o.Workers {
		if c.pooled(w) {
			pooled = true
			continue
		}
		for _, width := range []vg.Length{wide, narrow} {
			lower = lower || slices.ContainsFunc(c.bars(w, pixelOf(o, width)), func(b bar) bool { return b.part < 1 })
		}
	}
	if pooled {
		words += " There are too many threads to draw each: a worker's bar is as high as the part of its threads that was held."
	}
	if lower {
		words += " Requests too short to be drawn one by one make a bar as high as the part of the time in which they held it."
	}
	if _, ok := waitingPanel(r, p, int(wide)); ok {
		words += waitingWords
	}
	return drawing{
		title: holders(r, c),
		words: words,
		at: func(width vg.Length) *sheet {
			s := &sheet{width: width, panels: []panel{crewPanel(c, p, width)}}
			if pa, ok := waitingPanel(r, p, int(width)); ok {
				s.panels = append([]panel{pa}, s.panels...)
			}
			return s
		},
	}, true
}

// anyVain reports whether anything was in vain.
func (c *crew) anyVain() bool {
	return slices.ContainsFunc(c.stays, func(s stay) bool { return s.left < s.to })
}

func evented(o *lab.Observation) bool {
	for w := range o.Workers {
		if o.WorkerConfig(w).Model.EventLoop() {
			return true
		}
	}
	return false
}

// crewPanel is the lanes of all workers, the first one at the top.
func crewPanel(c *crew, p *palette, width vg.Length) panel {
	o := c.o
	pl := newPlot(timeTitle, "workers")
	timeAxis(pl, o)
	cp := &crewPlotter{crew: c, palette: p, pool: min(max(lanesHeight/vg.Length(o.Workers), lowestPool), highestPool)}
	lanes := 0
	for w := range o.Workers {
		cp.drawn = append(cp.drawn, c.bars(w, pixelOf(o, width)))
		if !c.pooled(w) {
			lanes += c.lanes[w]
		}
	}
	cp.lane = min(max(lanesHeight/vg.Length(max(1, lanes)), lowestLane), highestLane)
	height := betweenCrews / 2
	var ticks plot.ConstantTicks
	for w := o.Workers - 1; w >= 0; w-- {
		cp.bottoms = append([]vg.Length{height}, cp.bottoms...)
		ticks = append(ticks, plot.Tick{Value: float64(height + cp.height(w)/2), Label: o.WorkerName(w)})
		height += cp.height(w) + betweenCrews
	}
	pl.Y.Tick.Marker = ticks
	pl.Y.Tick.Length = 0
	height = max(height, titleHeight)
	pl.Y.Min, pl.Y.Max = 0, float64(height)
	pl.Add(cp)

	var legend []entry
	var routes []string
	for _, s := range c.stays {
		if !slices.Contains(routes, s.route) {
			routes = append(routes, s.route)
			legend = append(legend, filled("held by "+s.route, p.look(s.route), false))
		}
	}
	if c.anyVain() {
		legend = append(legend, filled("its client left before it was done", look{role: ink, vain: true}, false))
	}
	legend = append(legend, lined("idle", draw.LineStyle{Color: faint, Width: 1}))
	for _, m := range marks {
		if ended(o, m.reason) > 0 {
			legend = append(legend, marked(m.words, draw.GlyphStyle{Color: ink, Radius: 4, Shape: m.glyph}))
		}
	}
	axis := vg.Length(40)
	return panel{name: "Who held which worker", legend: legend, plot: pl, height: height + axis}
}

// marks are what is drawn where a worker ended.
var marks = []struct {
	reason worker.Reason
	words  string
	glyph  draw.GlyphDrawer
}{
	{worker.TimedOut, "killed by the worker timeout", killed{}},
	{worker.Recycled, "recycled after max requests", recycled{}},
}

// killed is a heavy cross that stands out from a bar.
type killed struct{}

func (killed) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	c.SetColor(paper)
	r := style.Radius + 2
	c.Fill(vg.Rectangle{Min: vg.Point{X: at.X - r, Y: at.Y - r}, Max: vg.Point{X: at.X + r, Y: at.Y + r}}.Path())
	cross.DrawGlyph(c, style, at)
}

// recycled is a ring that stands out from a bar.
type recycled struct{}

func (recycled) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	draw.CircleGlyph{}.DrawGlyph(c, style, at)
	style.Color, style.Radius = paper, style.Radius/2
	draw.CircleGlyph{}.DrawGlyph(c, style, at)
}

// A crewPlotter draws workers. Its vertical axis is in CSS pixels.
type crewPlotter struct {
	*crew
	palette *palette
	drawn   [][]bar     // of each worker
	bottoms []vg.Length // of each worker
	lane    vg.Length   // height of one
	pool    vg.Length   // height of many together
}

// height is that of a worker's lanes.
func (cp *crewPlotter) height(w int) vg.Length {
	if cp.pooled(w) {
		return cp.pool
	}
	return max(vg.Length(cp.lanes[w])*cp.lane, lowestCrew)
}

func (cp *crewPlotter) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for w, bars := range cp.drawn {
		lanes := cp.lanes[w]
		if cp.pooled(w) {
			lanes = 1
		}
		lane := cp.height(w) / vg.Length(lanes)
		top := y(float64(cp.bottoms[w])) + cp.height(w)
		const gap vg.Length = 1 // between lanes
		var idle []vg.Rectangle
		for l := range lanes {
			middle := top - (vg.Length(l)+0.5)*lane + gap/2
			idle = append(idle, vg.Rectangle{Min: vg.Point{X: c.Min.X, Y: middle - 0.5}, Max: vg.Point{X: c.Max.X, Y: middle + 0.5}})
		}
		fill(&c, look{role: faint}, false, idle)

		var by []holder
		of := map[holder][]vg.Rectangle{}
		for _, b := range bars {
			if of[b.holder] == nil {
				by = append(by, b.holder)
			}
			bottom := top - vg.Length(b.lane+1)*lane + gap
			r := vg.Rectangle{
				Min: vg.Point{X: x(b.from.Seconds()), Y: bottom + vg.Length(b.base)*(lane-gap)},
				Max: vg.Point{X: min(x(b.to.Seconds()), c.Max.X), Y: bottom + vg.Length(b.base+b.part)*(lane-gap)},
			}
			if r.Max.X-r.Min.X > 4 {
				r.Max.X -= 0.8 // so that two requests do not look like one
			} else if b.part < 1 || cp.pooled(w) {
				r.Max.X += 0.3 // so that neighbours leave no seam
			}
			of[b.holder] = append(of[b.holder], r)
		}
		for _, h := range by {
			l := cp.palette.look(h.route)
			l.vain = h.vain
			fill(&c, l, false, of[h])
		}
		cp.ends(&c, w, top-cp.height(w)/2, x)
	}
}

// ends marks where a worker ended; of marks that would hide each other one is
// drawn.
func (cp *crewPlotter) ends(c *draw.Canvas, w int, middle vg.Length, x func(float64) vg.Length) {
	for _, m := range marks {
		before := c.Min.X - 100
		for _, e := range cp.o.Exits {
			at := x(e.At.Sub(cp.o.Begin).Seconds())
			if e.Worker != w || e.Reason != m.reason || at-before < 6 {
				continue
			}
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: ink, Radius: 4, Shape: m.glyph}, vg.Point{X: at, Y: middle})
			before = at
		}
	}
}
