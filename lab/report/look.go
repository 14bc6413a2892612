// How things are told apart: by a colour, and for those who do not see it by a
// pattern, a dash or a mark as well.

package report

import (
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A look is how an area is filled.
type look struct {
	role    role
	pattern pattern
	vain    bool // in dots, whatever the pattern
}

type pattern int

const (
	solid pattern = iota
	striped
	hollow
	patterns int = iota
)

// A palette gives each of a row's loads and routes a look, the same in all of its
// pictures.
type palette struct {
	names []string // that have a colour
	areas []string // that have a pattern
}

// index is the place of a name; names get theirs as they come.
func (p *palette) index(name string) int { return indexIn(&p.names, name) }

func indexIn(names *[]string, name string) int {
	i := slices.Index(*names, name)
	if i < 0 {
		i, *names = len(*names), append(*names, name)
	}
	return i
}

func (p *palette) look(name string) look {
	return look{role: p.role(name), pattern: pattern(indexIn(&p.areas, name) % patterns)}
}

func (p *palette) role(name string) role {
	if i := p.index(name); i < len(colours) {
		return colours[i]
	}
	return grey
}

// line is how the name's line is drawn.
func (p *palette) line(name string) draw.LineStyle { return line(p.role(name), p.index(name)) }

// line is a line of a colour, with the dashes of its place.
func line(r role, place int) draw.LineStyle {
	dashes := [][]vg.Length{nil, {7, 3}, {2, 2}, {9, 3, 2, 3}, {14, 4}, {1, 4}}
	return draw.LineStyle{Color: r, Width: lineWidth, Dashes: dashes[place%len(dashes)]}
}

// fill fills rectangles, which may be many: each is a thick stroke, along the
// longer side of what they make up together.
func fill(c *draw.Canvas, l look, upright bool, rects []vg.Rectangle) {
	type size struct {
		thick vg.Length
		short bool // too short to be seen to have dots of the usual length
	}
	var sizes []size
	of := map[size][]vg.Rectangle{}
	for _, r := range rects {
		s := size{across(r, upright), l.vain && r.Size().X < 2*dot}
		if of[s] == nil {
			sizes = append(sizes, s)
		}
		of[s] = append(of[s], r)
	}
	for _, s := range sizes {
		strokes := func(style draw.LineStyle, aside, shorter vg.Length) {
			var path vg.Path
			for _, r := range of[s] {
				from, to := middle(r, upright)
				if upright {
					from.Y, to.Y = from.Y+shorter, max(from.Y+shorter, to.Y-shorter)
				} else {
					from.Y, to.Y = from.Y+aside, to.Y+aside
				}
				path.Move(from)
				path.Line(to)
			}
			c.SetLineStyle(style)
			c.Stroke(path)
		}
		t := s.thick
		whole := draw.LineStyle{Color: l.role, Width: t}
		switch {
		case l.vain && s.short:
			whole.Dashes = []vg.Length{dot / 2, dot / 2}
		case l.vain:
			whole.Dashes = []vg.Length{dot, dot}
		case l.pattern == striped && upright:
			whole.Dashes = []vg.Length{4, 2}
		}
		strokes(whole, 0, 0)
		gap := draw.LineStyle{Color: paper, Width: min(max(t/5, 1), 2)}
		switch {
		case l.pattern == hollow && upright && t >= 6:
			strokes(draw.LineStyle{Color: paper, Width: t - 3}, 0, 1.5)
		case l.pattern == striped && !upright && t >= 3:
			strokes(gap, 0, 0)
		case l.pattern == hollow && !upright && t >= 5: // a lane that is empty inside would look idle
			strokes(gap, t/5, 0)
			strokes(gap, -t/5, 0)
		}
	}
}

// dot is how long the dots are of what was in vain, and how far apart.
const dot vg.Length = 2

// across is how thick the stroke of a rectangle is.
func across(r vg.Rectangle, upright bool) vg.Length {
	size := r.Size()
	t := size.Y
	if upright {
		t = size.X
	}
	return vg.Length(math.Round(100*float64(t)) / 100)
}

// middle is where the stroke of a rectangle begins and ends.
func middle(r vg.Rectangle, upright bool) (from, to vg.Point) {
	if upright {
		x := (r.Min.X + r.Max.X) / 2
		return vg.Point{X: x, Y: r.Min.Y}, vg.Point{X: x, Y: r.Max.Y}
	}
	y := (r.Min.Y + r.Max.Y) / 2
	return vg.Point{X: r.Min.X, Y: y}, vg.Point{X: r.Max.X, Y: y}
}

// filled is a legend's entry for an area.
func filled(name string, l look, upright bool) entry {
	return entry{name, func(c *draw.Canvas, at vg.Rectangle) { fill(c, l, upright, []vg.Rectangle{at}) }}
}

// lined is a legend's entry for a line.
func lined(name string, style draw.LineStyle) entry {
	return entry{name, func(c *draw.Canvas, at vg.Rectangle) {
		y := (at.Min.Y + at.Max.Y) / 2
		c.StrokeLine2(style, at.Min.X, y, at.Max.X, y)
	}}
}

// marked is a legend's entry for a mark.
func marked(name string, style draw.GlyphStyle) entry {
	return entry{name, func(c *draw.Canvas, at vg.Rectangle) {
		c.DrawGlyphNoClip(style, vg.Point{X: (at.Min.X + at.Max.X) / 2, Y: (at.Min.Y + at.Max.Y) / 2})
	}}
}

// A sign is a mark made of thick lines, of which others can be seen through it. Its
// lines are from point to point, in radii from its middle.
type sign [][]vg.Point

func (s sign) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	var path vg.Path
	for _, line := range s {
		for i, p := range line {
			p = vg.Point{X: at.X + style.Radius*p.X, Y: at.Y + style.Radius*p.Y}
			if i == 0 {
				path.Move(p)
			} else {
				path.Line(p)
			}
		}
	}
	c.SetLineStyle(draw.LineStyle{Color: style.Color, Width: 2})
	c.Stroke(path)
}

var (
	cross    = sign{{{X: -1, Y: -1}, {X: 1, Y: 1}}, {{X: -1, Y: 1}, {X: 1, Y: -1}}}
	plus     = sign{{{X: -1.2}, {X: 1.2}}, {{Y: -1.2}, {Y: 1.2}}}
	square   = sign{{{X: -1, Y: -1}, {X: 1, Y: -1}, {X: 1, Y: 1}, {X: -1, Y: 1}, {X: -1, Y: -1.2}}}
	triangle = sign{{{X: -1.2, Y: -1}, {X: 1.2, Y: -1}, {Y: 1.3}, {X: -1.4, Y: -1.2}}}
	rhombus  = sign{{{X: -1.4}, {Y: 1.4}, {X: 1.4}, {Y: -1.4}, {X: -1.6, Y: 0.2}}}
)
