// The colours: a role each, and what the role looks like on light and on dark
// paper.

package report

import (
	"fmt"
	"image/color"
	"strings"
)

// A role is what a colour is for. A picture is drawn in roles, which the page's
// style sheet gives a colour each in light and in dark.
type role int

const (
	ink   role = iota // text and axes
	faint             // lines that may be overlooked
	paper             // what is below everything
	blue
	yellow
	purple
	green
	red
	grey // what there is no colour left for
)

// A shade is what a role looks like on light and on dark paper.
type shade struct {
	role        role
	name        string // of its variable in the style sheet
	light, dark string
}

// shades are all roles, in their order. The five colours are from Paul Tol, "Colour
// Schemes", SRON/EPS/TN/09-002, issue 3.2, 2021 (muted: 332288, AA4499, 882255;
// medium-contrast: 997700; light: 99DDFF, 44BB99; vibrant: EE7733) and from
// Masataka Okabe and Kei Ito, "Color Universal Design", 2008 (009E73, F0E442): of
// those that stand out on white, and of those on the dark paper, the ones that are
// furthest apart for somebody who does not see red, or green.
var shades = []shade{
	{ink, "ink", "#1a1c1e", "#e8eaed"},
	{faint, "faint", "#d5d8dc", "#3a4046"},
	{paper, "paper", "#ffffff", "#14171a"},
	{blue, "blue", "#332288", "#99DDFF"},
	{yellow, "yellow", "#997700", "#F0E442"},
	{purple, "purple", "#AA4499", "#AA4499"},
	{green, "green", "#009E73", "#44BB99"},
	{red, "red", "#882255", "#EE7733"},
	{grey, "grey", "#5c6268", "#a2a9b0"},
}

// colours are those that tell things apart, in the order in which they are used:
// on grey paper the first is dark and the second is not.
var colours = []role{blue, yellow, purple, green, red}

// RGBA makes a role a colour that can be drawn with. It is not what will be seen:
// see [variables].
func (r role) RGBA() (uint32, uint32, uint32, uint32) {
	return color.RGBA{R: 0xfe, G: 0x01, B: uint8(r), A: 0xff}.RGBA()
}

// variables puts the style sheet's variables in the place of the colours that
// roles are drawn with.
var variables = func() *strings.Replacer {
	var pairs []string
	for _, s := range shades {
		pairs = append(pairs, fmt.Sprintf("#FE01%02X", int(s.role)), "var(--"+s.name+")")
	}
	return strings.NewReplacer(pairs...)
}()

// scheme is the style sheet's variables in light or in dark.
func scheme(of func(shade) string) string {
	var b strings.Builder
	for _, s := range shades {
		fmt.Fprintf(&b, "--%s:%s;", s.name, of(s))
	}
	return b.String()
}

func light(s shade) string { return s.light }
func dark(s shade) string  { return s.dark }
