// A picture on its way from gonum/plot to the page: panels one below the other,
// on one axis, as an SVG without a colour or a font of its own.

package report

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"regexp"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Lengths are CSS pixels: a picture is shown as large as it is drawn.
const (
	wide   vg.Length = 860 // on a desk and on paper
	narrow vg.Length = 350 // on a phone

	textSize  vg.Length = 12
	lineWidth vg.Length = 2
	spacing   vg.Length = 8 // between panels, and around what is in a legend
)

// A drawing is a picture at any width.
type drawing struct {
	title string // what is to be seen, in a sentence
	words string // how to read it
	at    func(width vg.Length) *sheet
}

// A sheet is a picture at one width.
type sheet struct {
	width  vg.Length
	panels []panel
}

// A panel is one of a picture's plots.
type panel struct {
	name   string  // written above it
	legend []entry // and that below the name
	plot   *plot.Plot
	height vg.Length
}

// An entry is a line of a legend.
type entry struct {
	name string
	draw func(c *draw.Canvas, at vg.Rectangle)
}

// face is the font that text is measured in. Arial and Helvetica, which a reader
// may have in its place, have the same widths.
func face(weight xfont.Weight) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Weight: weight, Size: textSize}
}

// centred is where text goes that is to be centred at y: its middle is that of its
// small letters.
func centred(x, y vg.Length) vg.Point { return vg.Point{X: x, Y: y + 1.5} }

// writing is text in that font.
func writing(x text.XAlignment, y text.YAlignment) text.Style {
	return text.Style{Color: ink, Font: face(xfont.WeightNormal), XAlign: x, YAlign: y, Handler: plot.DefaultTextHandler}
}

// newPlot is an empty plot in this package's style.
func newPlot(x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Color, a.Tick.Color = ink, ink
		a.Padding = 0
		a.Label.TextStyle.Color, a.Tick.Label.Color = ink, ink
		a.Label.TextStyle.Font, a.Tick.Label.Font = face(xfont.WeightNormal), face(xfont.WeightNormal)
		a.Label.Padding, a.Tick.Length = 3, 4
		a.Tick.Marker = moreSteps
	}
	p.X.Label.Text, p.Y.Label.Text = x, y
	return p
}

const (
	swatchWidth  vg.Length = 26
	legendHeight vg.Length = 20
	nameHeight   vg.Length = 20
)

// rows puts a legend's entries into rows that fit.
func rows(legend []entry, width vg.Length) (rows [][]entry) {
	x := width
	for _, e := range legend {
		if x+entryWidth(e) > width {
			rows, x = append(rows, nil), 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
		x += entryWidth(e)
	}
	return rows
}

func entryWidth(e entry) vg.Length {
	return swatchWidth + spacing + writing(draw.XLeft, draw.YCenter).Width(e.name) + 2*spacing
}

// shortened is as much of a text as the width has room for.
func shortened(text string, style text.Style, width vg.Length) string {
	runes := []rune(text)
	for n := len(runes); style.Width(text) > width && n > 0; n-- {
		text = string(runes[:n-1]) + "…"
	}
	return text
}

// svg is the sheet as an element of a page. Its id is that of no other element.
func (s *sheet) svg(id, title, description string) (template.HTML, error) {
	var height vg.Length
	for _, p := range s.panels {
		height += p.head(s.width) + p.height + spacing
	}
	out := vgsvg.New(s.width, height)
	c := draw.New(out)
	left := s.margin(c)
	top := height
	for _, p := range s.panels {
		p.drawHead(c, top)
		top -= p.head(s.width) + p.height
		p.plot.Draw(p.fit(c, top, left))
		top -= spacing
	}
	return clean(out, id, title, description)
}

// head is how high name and legend are.
func (p panel) head(width vg.Length) (height vg.Length) {
	if p.name != "" {
		height = nameHeight
	}
	return height + vg.Length(len(rows(p.legend, width)))*legendHeight
}

// drawHead writes name and legend below top.
func (p panel) drawHead(c draw.Canvas, top vg.Length) {
	if p.name != "" {
		top -= nameHeight
		style := writing(draw.XLeft, draw.YBottom)
		style.Font = face(xfont.WeightBold)
		c.FillText(style, vg.Point{Y: top + 4}, shortened(p.name, style, c.Max.X))
	}
	for _, row := range rows(p.legend, c.Max.X) {
		top -= legendHeight
		var x vg.Length
		for _, e := range row {
			middle := top + legendHeight/2
			e.draw(&c, vg.Rectangle{Min: vg.Point{X: x, Y: middle - 6}, Max: vg.Point{X: x + swatchWidth, Y: middle + 6}})
			style, from := writing(draw.XLeft, draw.YCenter), x+swatchWidth+spacing
			c.FillText(style, centred(from, middle), shortened(e.name, style, c.Max.X-from))
			x += entryWidth(e)
		}
	}
}

// area is where a panel goes whose lower edge is at bottom.
func (p panel) area(c draw.Canvas, bottom vg.Length) draw.Canvas {
	c.Min.Y, c.Max.Y = bottom, bottom+p.height
	return c
}

// fit is the panel's canvas on which its data begin at left. They end where those of
// the others do, for they have one axis.
func (p panel) fit(c draw.Canvas, bottom, left vg.Length) draw.Canvas {
	area := p.area(c, bottom)
	for range 3 { // a label at an axis' end moves a little with it
		area.Min.X += left - p.plot.DataCanvas(area).Min.X
	}
	return area
}

// margin is where the data of all panels can begin.
func (s *sheet) margin(c draw.Canvas) (left vg.Length) {
	for _, p := range s.panels {
		left = max(left, p.plot.DataCanvas(p.area(c, 0)).Min.X)
	}
	return left
}

// fontStyle is what says in each text which font it was measured in.
var fontStyle = regexp.MustCompile(`font-family:[^;"]*;font-variant:normal;font-weight:(normal|bold);font-style:normal;`)

// coordinate is a place in a path, of which a tenth of a pixel is seen and no more.
var coordinate = regexp.MustCompile(`([ML,]-?[0-9]+\.[0-9])[0-9]+`)

// clean makes what was drawn a part of a page: with a title and a description, with
// the page's font and colours.
func clean(c *vgsvg.Canvas, id, title, description string) (template.HTML, error) {
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return "", err
	}
	_, body, ok := strings.Cut(b.String(), `xmlns:xlink="http://www.w3.org/1999/xlink">`)
	if !ok {
		return "", fmt.Errorf("what gonum/plot has drawn does not begin as an SVG does: %.200q", b.String())
	}
	body = fontStyle.ReplaceAllStringFunc(body, func(style string) string {
		if strings.Contains(style, "bold") {
			return "font-weight:bold;"
		}
		return ""
	})
	body = coordinate.ReplaceAllString(body, "$1")
	body = variables.Replace(strings.ReplaceAll(body, "\n\t", " "))
	w, h := c.Size()
	return template.HTML(fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="%[1]s.title %[1]s.desc" viewBox="0 0 %[2]g %[3]g" width="%[2]g" height="%[3]g"><title id="%[1]s.title">%[4]s</title><desc id="%[1]s.desc">%[5]s</desc>%[6]s`,
		id, float64(w), float64(h), html.EscapeString(title), html.EscapeString(description), strings.TrimSpace(body))), nil
}
