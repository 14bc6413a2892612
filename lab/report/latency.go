// The picture of the latencies: how many replies took longer than so long.

package report

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/typeset"
)

// noTime is what the left edge of the picture stands for at the least: what
// is faster than a tenth of a millisecond took no time.
const noTime = 1e-4 // s

// A spread is a load's latencies, sorted, in seconds.
type spread struct {
	load    string
	sorted  []float64 // of complete replies
	good    []float64 // of those, the ones that the client wanted
	refused []float64 // and those that report an error
	missing int       // requests without one
	closed  bool      // some are always open: who is answered asks again
}

// spreadOf is the latencies of a load.
func spreadOf(records []load.Record, name string) spread {
	s := spread{load: name}
	for _, r := range load.Of(records, name) {
		s.closed = s.closed || r.Seq > 0
		latency := r.Latency.Seconds()
		switch {
		case !r.Complete:
			s.missing++
			continue
		case r.Status < 400:
			s.good = append(s.good, latency)
		default:
			s.refused = append(s.refused, latency)
		}
		s.sorted = append(s.sorted, latency)
	}
	for _, latencies := range [][]float64{s.sorted, s.good, s.refused} {
		slices.Sort(latencies)
	}
	return s
}

// partial reports whether most of the requests are not in it, so that it says
// nothing of them. Those that a closed loop has open at its end say nothing else.
func (s spread) partial() bool { return !s.closed && s.missing > len(s.sorted) }

// slower is the part of the replies that took longer, from latency to latency: each
// point is where the line falls to.
func (s spread) slower() (xy plotter.XYs) {
	n := len(s.sorted)
	for i, x := range s.sorted {
		if i+1 == n || s.sorted[i+1] > x {
			xy = append(xy, plotter.XY{X: x, Y: float64(n-i-1) / float64(n)})
		}
	}
	return xy
}

// A foretold is a quantile that a check predicts.
type foretold struct {
	load            string
	part            float64 // of the replies that are no slower, below 1
	want, low, high float64 // s; low may be −∞, high ∞
}

var quantileName = regexp.MustCompile(`^latency p([0-9.]+)(?: of (.+))?$`)

// foretoldOf are the quantiles of a row that are predicted.
func foretoldOf(r *lab.Result) (all []foretold) {
	for _, c := range r.Checks {
		parts := quantileName.FindStringSubmatch(c.Metric)
		if parts == nil {
			continue
		}
		p, err := strconv.ParseFloat(parts[1], 64)
		if err != nil {
			continue // it is a metric of that name, and no percentile
		}
		f := foretold{load: parts[2], part: p / 100, want: c.Predicted, low: math.Inf(-1), high: math.Inf(1)}
		if c.Low != nil {
			f.low = *c.Low
		}
		if c.High != nil {
			f.high = *c.High
		}
		if f.load == "" && len(r.Loads) == 1 {
			f.load = r.Loads[0].Name
		}
		all = append(all, f)
	}
	return all
}

// foretells reports whether something is predicted of a load's latencies.
func foretells(r *lab.Result, load string) bool {
	return slices.ContainsFunc(r.Latencies, func(d lab.Distribution) bool { return d.Load == load }) ||
		slices.ContainsFunc(foretoldOf(r), func(f foretold) bool { return f.load == load })
}

// latencies is the picture; false where there is no distribution to see.
func latencies(r *lab.Result, p *palette) (drawing, bool) {
	var (
		spreads        []spread
		words, left    []string
		missing        []string
		differ, refuse = len(r.Latencies) > 0, false
		most           = 0
	)
	for _, l := range r.Loads {
		s := spreadOf(r.Seen.Records, l.Name)
		if len(s.sorted) < 2 {
			continue
		}
		if s.partial() && !foretells(r, l.Name) {
			left = append(left, fmt.Sprintf("%s (%s of %s)", l.Name, typeset.Number(float64(len(s.sorted))), typeset.Number(float64(len(s.sorted)+s.missing))))
			continue
		}
		spreads = append(spreads, s)
		most = max(most, len(s.sorted))
		refuse = refuse || len(s.refused) > 0
		low, high := max(s.sorted[0], noTime), s.sorted[len(s.sorted)-1]
		differ = differ || high > 1.01*low
		words = append(words, l.Name+": "+s.words())
		if s.missing > 0 {
			missing = append(missing, fmt.Sprintf("%s of %s", typeset.Number(float64(s.missing)), l.Name))
		}
	}
	if !differ || most < 10 {
		return drawing{}, false
	}
	reading := "A line shows, for each latency, which part of the complete replies took longer: it begins with all of them, and ends at the slowest. Both scales are logarithmic."
	if refuse {
		reading += " Error replies, such as 504, are in it."
	}
	if len(missing) > 0 {
		reading += " Requests without a complete reply are not: " + strings.Join(missing, ", ") + "."
	}
	if len(left) > 0 {
		reading += " Left out, since most of the requests have no complete reply: " + typeset.List(left) + "."
	}
	for _, d := range r.Latencies {
		reading += fmt.Sprintf(" Predicted for %s: %s.", d.Load, d.Formula)
	}
	return drawing{
		title: "How long the complete replies took. " + strings.Join(words, "; ") + ".",
		words: reading,
		at: func(width vg.Length) *sheet {
			return &sheet{width: width, panels: []panel{latencyPanel(r, p, spreads, width)}}
		},
	}, true
}

// words say how long the replies took, those that report an error apart.
func (s spread) words() string {
	switch {
	case len(s.refused) == 0:
		return howLong(s.good, "reply", "replies")
	case len(s.good) == 0:
		return howLong(s.refused, "error reply", "error replies")
	}
	return howLong(s.good, "good reply", "good replies") + ", and " + howLong(s.refused, "error reply", "error replies")
}

// howLong says how long half of the replies took, and the slowest.
func howLong(sorted []float64, one, many string) string {
	n, last := typeset.Plural(len(sorted), one, many), sorted[len(sorted)-1]
	half, slowest := seconds(sorted[load.NearestRank(50, len(sorted))-1]), seconds(last)
	all := "all "
	if len(sorted) == 1 {
		all = ""
	}
	switch {
	case last < noTime:
		return all + n + " within " + slowest
	case sorted[0] > 0.99*last:
		return all + n + " after " + slowest
	case half == slowest:
		return "at least half of " + n + " after " + slowest + ", none later"
	}
	return fmt.Sprintf("half of %s within %s, all within %s", n, half, slowest)
}

func seconds(s float64) string {
	if s < noTime {
		return "0.1 ms"
	}
	return typeset.Seconds(time.Duration(math.Round(s * 1e9)))
}

func latencyPanel(r *lab.Result, p *palette, spreads []spread, width vg.Length) panel {
	pl := newPlot("latency, s", "replies that took longer, %")
	quantiles := foretoldOf(r)
	low, high, most := math.Inf(1), 0.0, 0
	for _, s := range spreads {
		low, high = min(low, s.sorted[load.NearestRank(1, len(s.sorted))-1]), max(high, s.sorted[len(s.sorted)-1])
		most = max(most, len(s.sorted))
	}
	for _, q := range quantiles {
		low, high = min(low, q.want), max(high, q.want)
		if !math.IsInf(q.high, 0) {
			high = max(high, q.high)
		}
	}
	for _, d := range r.Latencies {
		if median, ok := medianOf(d.CDF); ok {
			low, high = min(low, median/2), max(high, 2*median)
		}
	}
	// The axes are of logarithms, and begin and end at a quarter of a power of ten.
	pl.X.Max = math.Ceil(4*math.Log10(max(1.05*high, 10*noTime))) / 4
	pl.X.Min = min(math.Floor(4*math.Log10(max(low, high/1e6, noTime)))/4, pl.X.Max-1)
	pl.Y.Max = 2 // 100 %
	pl.Y.Min = pl.Y.Max + math.Floor(4*math.Log10(0.9/float64(most)))/4
	pl.X.Tick.Marker, pl.Y.Tick.Marker = decades{}, decades{}
	pl.Add(grid{})

	var legend []entry
	for _, s := range spreads {
		xy := stairs(s.slower(), pl, width)
		pl.Add(&plotter.Line{XYs: xy, LineStyle: p.line(s.load)})
		legend = append(legend, lined(s.load+", measured", p.line(s.load)))
	}
	for _, d := range r.Latencies {
		style := draw.LineStyle{Color: p.role(d.Load), Width: 4, Dashes: []vg.Length{1.5, 4}}
		if curve := predictedCurve(d.CDF, pl); len(curve) > 0 {
			pl.Add(&plotter.Line{XYs: curve, LineStyle: style})
			legend = append(legend, lined(d.Load+", predicted", style))
		}
	}
	for _, q := range quantiles {
		pl.Add(&quantileMark{q, p.role(q.load)})
	}
	if len(quantiles) > 0 {
		legend = append(legend, marked("predicted, with what is allowed", draw.GlyphStyle{Color: ink, Radius: 5, Shape: diamond{}}))
	}
	return panel{legend: legend, plot: pl, height: latencyHeight}
}

// onX is where a latency is on an axis of logarithms, and onY where a part of the
// replies; what is beyond the axis is at its end.
func onX(pl *plot.Plot, seconds float64) float64 {
	return min(max(math.Log10(max(seconds, 0)), pl.X.Min), pl.X.Max)
}

func onY(pl *plot.Plot, part float64) float64 {
	return min(max(math.Log10(100*max(part, 0)), pl.Y.Min), pl.Y.Max)
}

// stairs makes a line of the steps, with no more points than can be seen.
func stairs(steps plotter.XYs, pl *plot.Plot, width vg.Length) (xy plotter.XYs) {
	xy = plotter.XYs{{X: pl.X.Min, Y: pl.Y.Max}}
	last := xy[0]
	for i, s := range steps {
		now := plotter.XY{X: onX(pl, s.X), Y: onY(pl, s.Y)}
		dx := float64(width) * (pl.X.Norm(now.X) - pl.X.Norm(last.X))
		dy := latencyHeight * (pl.Y.Norm(last.Y) - pl.Y.Norm(now.Y))
		if i+1 < len(steps) && dx < 0.7 && dy < 0.7 {
			continue
		}
		xy = append(xy, plotter.XY{X: now.X, Y: last.Y}, now)
		last = now
	}
	return xy
}

const latencyHeight = 260

// predictedCurve is the part of the replies that theory says take longer.
func predictedCurve(cdf func(float64) float64, pl *plot.Plot) (xy plotter.XYs) {
	const points = 300
	for i := range points + 1 {
		x := pl.X.Min + (pl.X.Max-pl.X.Min)*float64(i)/points
		slower := 1 - cdf(math.Pow(10, x))
		if math.IsNaN(slower) {
			continue
		}
		xy = append(xy, plotter.XY{X: x, Y: onY(pl, slower)})
		if slower <= 0 || math.Log10(100*slower) < pl.Y.Min {
			break
		}
	}
	return xy
}

// medianOf is about the latency that half of the replies are predicted to exceed;
// false if there is none from a tenth of a millisecond to a day.
func medianOf(cdf func(float64) float64) (float64, bool) {
	for x := noTime; x < 86_400; x *= 1.1 {
		if cdf(x) >= 0.5 {
			return x, true
		}
	}
	return 0, false
}

// A quantileMark is a plotter of what a check predicts: a mark at the prediction,
// and a bar over what is allowed, which ends in an arrow where there is no bound.
type quantileMark struct {
	foretold
	role role
}

func (q *quantileMark) Plot(c draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&c)
	x := func(s float64) vg.Length { return trX(onX(p, s)) }
	y := trY(onY(p, 1-q.part))
	style := draw.LineStyle{Color: ink, Width: 1.5}
	from, to := x(q.low), x(q.high)
	if math.IsInf(q.low, 0) {
		from = max(x(q.want)-40, c.Min.X)
		c.StrokeLines(style, []vg.Point{{X: from + 5, Y: y - 4}, {X: from, Y: y}, {X: from + 5, Y: y + 4}})
	} else {
		c.StrokeLine2(style, from, y-4, from, y+4)
	}
	if math.IsInf(q.high, 0) {
		to = min(x(q.want)+40, c.Max.X)
		c.StrokeLines(style, []vg.Point{{X: to - 5, Y: y - 4}, {X: to, Y: y}, {X: to - 5, Y: y + 4}})
	} else {
		c.StrokeLine2(style, to, y-4, to, y+4)
	}
	c.StrokeLine2(style, from, y, to, y)
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: q.role, Radius: 5, Shape: diamond{}}, vg.Point{X: x(q.want), Y: y})
}

// A diamond is a mark with an edge of ink.
type diamond struct{}

func (diamond) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	r := style.Radius
	var path vg.Path
	path.Move(vg.Point{X: at.X - r, Y: at.Y})
	path.Line(vg.Point{X: at.X, Y: at.Y + r})
	path.Line(vg.Point{X: at.X + r, Y: at.Y})
	path.Line(vg.Point{X: at.X, Y: at.Y - r})
	path.Close()
	c.SetColor(style.Color)
	c.Fill(path)
	c.SetLineStyle(draw.LineStyle{Color: ink, Width: 1.2})
	c.Stroke(path)
}

// grid is faint lines at the axes' labels.
type grid struct{}

func (grid) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := draw.LineStyle{Color: faint, Width: 1}
	var lines [][]vg.Point
	labelled := func(a *plot.Axis) (values []float64) {
		for _, t := range a.Tick.Marker.Ticks(a.Min, a.Max) {
			if t.Label != "" && cmp.Compare(t.Value, a.Min) >= 0 && cmp.Compare(t.Value, a.Max) <= 0 {
				values = append(values, t.Value)
			}
		}
		return values
	}
	for _, v := range labelled(&p.X) {
		lines = append(lines, []vg.Point{{X: x(v), Y: c.Min.Y}, {X: x(v), Y: c.Max.Y}})
	}
	for _, v := range labelled(&p.Y) {
		lines = append(lines, []vg.Point{{X: c.Min.X, Y: y(v)}, {X: c.Max.X, Y: y(v)}})
	}
	c.StrokeLines(style, lines...)
}
