package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// linear is a colour's red, green and blue light, 0 to 1 (IEC 61966-2-1, sRGB).
func linear(t *testing.T, hex string) (rgb [3]float64) {
	t.Helper()
	for i := range rgb {
		n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		require.NoError(t, err, hex)
		c := float64(n) / 255
		if c <= 0.04045 {
			rgb[i] = c / 12.92
		} else {
			rgb[i] = math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return rgb
}

func luminance(rgb [3]float64) float64 { return 0.2126*rgb[0] + 0.7152*rgb[1] + 0.0722*rgb[2] }

// contrast is WCAG 2.2's contrast ratio.
func contrast(t *testing.T, a, b string) float64 {
	x, y := luminance(linear(t, a)), luminance(linear(t, b))
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

var schemes = map[string]func(shade) string{"light": light, "dark": dark}

// TestEverythingStandsOutFromThePaper: WCAG 2.2 wants 4.5 for text (1.4.3) and 3
// for what one has to see in a picture (1.4.11). Faint lines one need not see.
func TestEverythingStandsOutFromThePaper(t *testing.T) {
	for name, of := range schemes {
		for _, sh := range shades {
			want := 3.0
			switch sh.role {
			case ink:
				want = 4.5
			case faint, paper:
				continue
			}
			assert.GreaterOrEqual(t, contrast(t, of(sh), of(shades[paper])), want, "%s on %s paper", sh.name, name)
		}
	}
}

// visions are what who sees no red, or no green, makes of linear light: G. Machado,
// M. Oliveira, L. Fernandes, "A Physiologically-based Model for Simulation of Color
// Vision Deficiency", 2009, table 1, severity 1.
var visions = map[string][3][3]float64{
	"normal":       {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"protanopia":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
}

// cielab is CIE 1976 L*a*b* for the white point D65, of what a vision makes of a
// colour.
func cielab(t *testing.T, hex string, vision [3][3]float64) [3]float64 {
	rgb := linear(t, hex)
	var l [3]float64
	for i := range l {
		for j := range l {
			l[i] += vision[i][j] * rgb[j]
		}
		l[i] = min(max(l[i], 0), 1)
	}
	f := func(x float64) float64 {
		if x > 216.0/24389 {
			return math.Cbrt(x)
		}
		return (24389.0/27*x + 16) / 116
	}
	x := f((0.4124564*l[0] + 0.3575761*l[1] + 0.1804375*l[2]) / 0.95047)
	y := f(luminance(l))
	z := f((0.0193339*l[0] + 0.1191920*l[1] + 0.9503041*l[2]) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// TestColoursAreToldApart, also by who sees no red or no green. The threshold is M.
// Stone, D. Szafir, V. Setlur, "An Engineering Model for Color Difference as a
// Function of Size", 2014: on each axis a difference of p·(A + B/size) is seen by a
// part p of the people. It is wanted for p = 1 at a size of 1/3 of a degree, the
// smallest that they measured: 13 pixels at arm's length.
func TestColoursAreToldApart(t *testing.T) {
	const size = 1.0 / 3
	noticed := [3]float64{10.16 + 1.50/size, 10.68 + 3.08/size, 10.70 + 5.74/size}
	for name, of := range schemes {
		for sight, vision := range visions {
			for i, a := range colours {
				for _, b := range colours[:i] {
					p := 0.0
					x, y := cielab(t, of(shades[a]), vision), cielab(t, of(shades[b]), vision)
					for axis := range noticed {
						p += math.Pow((x[axis]-y[axis])/noticed[axis], 2)
					}
					assert.GreaterOrEqual(t, math.Sqrt(p), 1.0, "%s and %s in %s, with %s", shades[a].name, shades[b].name, name, sight)
				}
			}
		}
	}
}

// TestTheSimulationIsTheOneThatIsMeant: red and green become alike without green,
// as they are not with it, and white stays white.
func TestTheSimulationIsTheOneThatIsMeant(t *testing.T) {
	apart := func(a, b, vision string) (d float64) {
		x, y := cielab(t, a, visions[vision]), cielab(t, b, visions[vision])
		for i := range x {
			d += (x[i] - y[i]) * (x[i] - y[i])
		}
		return math.Sqrt(d)
	}
	// The CIE76 difference of sRGB's red and green is 170.6.
	assert.InDelta(t, 170.6, apart("#ff0000", "#00ff00", "normal"), 0.5)
	assert.Less(t, apart("#ff0000", "#00ff00", "deuteranopia"), 170.6/2)
	white := cielab(t, "#ffffff", visions["deuteranopia"])
	assert.InDelta(t, 100, white[0], 0.1)
	assert.InDelta(t, 21, contrast(t, "#ffffff", "#000000"), 1e-9)
}

func TestEveryRoleHasAShadeAndAVariableInBothSchemes(t *testing.T) {
	css := string(style())
	for i, sh := range shades {
		assert.Equal(t, role(i), sh.role, "shades are in the order of their roles")
		for name, of := range schemes {
			assert.Contains(t, css, fmt.Sprintf("--%s:%s;", sh.name, of(sh)), name)
		}
	}
	before, after, ok := strings.Cut(css, "@media (prefers-color-scheme: dark)")
	require.True(t, ok)
	assert.Contains(t, before, "--ink:"+shades[ink].light)
	assert.Contains(t, after[:strings.Index(after, "@media print")], "--ink:"+shades[ink].dark)
	assert.Contains(t, after[strings.Index(after, "@media print"):], "--ink:"+shades[ink].light, "paper is light")
}
