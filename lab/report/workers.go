// The picture of the workers: who held which of them, and who waited meanwhile.

package report

import (
	"fmt"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

const (
	lanesHeight  vg.Length = 280 // of all lanes together, where that suits them
	lowestLane   vg.Length = 3
	lowestCrew   vg.Length = 14
	highestLane  vg.Length = 20
	pooledHeight vg.Length = 90
	betweenCrews vg.Length = 8
	titleHeight  vg.Length = 50 // what the axis' title needs
)

// workers is the picture; false where there is no worker to draw, or none ever did
// anything.
func workers(r *lab.Result, p *palette) (drawing, bool) {
	o := r.Seen
	if o.Workers == 0 || len(o.Spans) == 0 {
		return drawing{}, false
	}
	words := "A bar is the time for which a request held its worker; where nothing is, the worker was idle."
	if evented(o) {
		words += " An event loop is held by code that runs; a request that awaits holds nothing."
	}
	lower := false
	for w := range o.Workers {
		c := crewOf(o, w, o.Horizon/time.Duration(wide))
		lower = lower || !c.pooled && slices.ContainsFunc(c.bars, func(b bar) bool { return b.part < 1 })
		if c.pooled {
			words += fmt.Sprintf(" %s has held up to %s requests at a time: its bar is as high as the part of them that it held.", o.WorkerName(w), typeset.Number(float64(c.most)))
		}
	}
	if lower {
		words += " Requests too short to be drawn one by one make a bar as high as the part of the time in which they held it."
	}
	if _, ok := waitingPanel(r, p, int(wide)); ok {
		words += " Requests that wait include those that are being served."
	}
	return drawing{
		title: holders(r),
		words: words,
		at: func(width vg.Length) *sheet {
			s := &sheet{width: width, panels: []panel{crewPanel(o, p, width)}}
			if pa, ok := waitingPanel(r, p, int(width)); ok {
				s.panels = append([]panel{pa}, s.panels...)
			}
			return s
		},
	}, true
}

func evented(o *lab.Observation) bool {
	for w := range o.Workers {
		if o.WorkerConfig(w).Model == worker.Evented {
			return true
		}
	}
	return false
}

// crewPanel is the lanes of all workers, the first one at the top.
func crewPanel(o *lab.Observation, p *palette, width vg.Length) panel {
	pl := newPlot(timeTitle, "workers")
	timeAxis(pl, o)
	c := &crewPlotter{o: o, palette: p}
	lanes := 0
	for w := range o.Workers {
		// The axis' labels leave about nine tenths of the width to the data.
		pixel := o.Horizon*10/(9*time.Duration(width)) + 1
		c.crews = append(c.crews, crewOf(o, w, pixel))
		if last := c.crews[w]; !last.pooled {
			lanes += last.lanes
		}
	}
	c.lane = min(max(lanesHeight/vg.Length(max(1, lanes)), lowestLane), highestLane)
	var (
		height = betweenCrews / 2
		ticks  plot.ConstantTicks
		routes []string
	)
	for i := len(c.crews) - 1; i >= 0; i-- {
		c.bottoms = append([]vg.Length{height}, c.bottoms...)
		ticks = append(ticks, plot.Tick{Value: float64(height + c.height(i)/2), Label: o.WorkerName(i)})
		height += c.height(i) + betweenCrews
	}
	pl.Y.Tick.Marker = ticks
	pl.Y.Tick.Length = 0
	height = max(height, titleHeight)
	pl.Y.Min, pl.Y.Max = 0, float64(height)
	pl.Add(c)

	var legend []entry
	for _, s := range o.Spans {
		if route := routeOf(s.What); !slices.Contains(routes, route) {
			routes = append(routes, route)
			legend = append(legend, filled("held by "+route, p.look(route), false))
		}
	}
	legend = append(legend, lined("idle", draw.LineStyle{Color: faint, Width: 1}))
	for _, m := range marks {
		if slices.ContainsFunc(o.Exits, func(e worker.Exit) bool { return e.Reason == m.reason }) {
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
	o       *lab.Observation
	palette *palette
	crews   []crew
	bottoms []vg.Length // of each crew
	lane    vg.Length   // height of one
}

// height is that of a worker's lanes.
func (cp *crewPlotter) height(w int) vg.Length {
	if cp.crews[w].pooled {
		return pooledHeight
	}
	return max(vg.Length(cp.crews[w].lanes)*cp.lane, lowestCrew)
}

func (cp *crewPlotter) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for w, crew := range cp.crews {
		lanes := crew.lanes
		if crew.pooled {
			lanes = 1
		}
		lane := cp.height(w) / vg.Length(lanes)
		top := y(float64(cp.bottoms[w])) + cp.height(w)
		gap := vg.Length(0)
		if lane >= 5 {
			gap = 1
		}
		var idle []vg.Rectangle
		for l := range lanes {
			middle := top - (vg.Length(l)+0.5)*lane + gap/2
			idle = append(idle, vg.Rectangle{Min: vg.Point{X: c.Min.X, Y: middle - 0.5}, Max: vg.Point{X: c.Max.X, Y: middle + 0.5}})
		}
		fill(&c, look{faint, solid}, false, idle)

		var routes []string
		of := map[string][]vg.Rectangle{}
		for _, b := range crew.bars {
			if of[b.route] == nil {
				routes = append(routes, b.route)
			}
			bottom := top - vg.Length(b.lane+1)*lane + gap
			r := vg.Rectangle{
				Min: vg.Point{X: x(b.from.Seconds()), Y: bottom + vg.Length(b.base)*(lane-gap)},
				Max: vg.Point{X: min(x(b.to.Seconds()), c.Max.X), Y: bottom + vg.Length(b.base+b.part)*(lane-gap)},
			}
			if r.Max.X-r.Min.X > 4 {
				r.Max.X -= 0.8 // so that two requests do not look like one
			} else if b.part < 1 || crew.pooled {
				r.Max.X += 0.3 // so that neighbours leave no seam
			}
			of[b.route] = append(of[b.route], r)
		}
		for _, route := range routes {
			fill(&c, cp.palette.look(route), false, of[route])
		}
		cp.label(&c, w, top, x)
		cp.ends(&c, w, top-cp.height(w)/2, x)
	}
}

// mostLabelled is how many workers there can be if each is to have a label.
const mostLabelled = 4

// label writes the name of the route that held most of a worker's time on its
// bars, where there is room.
func (cp *crewPlotter) label(c *draw.Canvas, w int, top vg.Length, x func(float64) vg.Length) {
	held := map[string]float64{}
	all, first, last := 0.0, map[string]float64{}, map[string]float64{}
	most := ""
	for _, b := range cp.crews[w].bars {
		seconds := (b.to - b.from).Seconds() * b.part
		if held[b.route] == 0 {
			first[b.route] = b.from.Seconds()
		}
		held[b.route] += seconds
		all += seconds
		last[b.route] = max(last[b.route], b.to.Seconds())
		if held[b.route] > held[most] {
			most = b.route
		}
	}
	height := cp.height(w)
	style := writing(draw.XCenter, draw.YCenter)
	width := style.Width(most) + 8
	from, to := x(first[most]), x(last[most])
	if len(cp.crews) > mostLabelled || most == "" || most == unread || held[most] < all/2 || height < 16 || to-from < 2*width || cp.crews[w].pooled {
		return
	}
	middle := vg.Point{X: from + width/2 + 12, Y: top - height/2 + 0.5}
	for _, e := range cp.o.Exits { // which are in order of time
		if at := x(e.At.Sub(cp.o.Begin).Seconds()); e.Worker == w && at > middle.X-width/2-10 && at < middle.X+width/2+10 {
			middle.X = at + width/2 + 12
		}
	}
	if middle.X+width/2 > to {
		return
	}
	c.SetColor(paper)
	box := vg.Rectangle{Min: vg.Point{X: middle.X - width/2, Y: middle.Y - 7.5}, Max: vg.Point{X: middle.X + width/2, Y: middle.Y + 7.5}}
	c.Fill(box.Path())
	c.FillText(style, centred(middle.X, middle.Y), most)
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
