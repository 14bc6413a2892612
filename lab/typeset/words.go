// Numbers, durations and counts in words, the same wherever they are printed.

package typeset

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Number writes x with four significant digits, and thousands apart: 0.0512,
// 19.43, 9,983.
func Number(x float64) string {
	switch {
	case math.IsNaN(x):
		return "none"
	case math.IsInf(x, 0):
		return "∞"
	case math.Abs(x) < 1e-6:
		return "0" // the model's nanoseconds
	case math.Abs(x) < 1e4 && x != math.Trunc(x):
		if math.Abs(x) >= 1000 {
			return grouped(x)
		}
		return strconv.FormatFloat(x, 'g', 4, 64)
	}
	return grouped(x)
}

// grouped writes x without its fraction, thousands apart.
func grouped(x float64) string {
	digits := strconv.FormatFloat(math.Abs(x), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if x < 0 && strings.Trim(digits, "0") != "" {
		return "-" + digits
	}
	return digits
}

// Seconds writes a duration in the unit that suits it: 300 s, 0.25 s, 2.5 ms.
func Seconds(d time.Duration) string {
	switch {
	case d == 0 || d >= 100*time.Millisecond:
		return Number(d.Seconds()) + " s"
	case d >= 100*time.Microsecond:
		return Number(float64(d)/1e6) + " ms"
	case d >= 100*time.Nanosecond:
		return Number(float64(d)/1e3) + " µs"
	}
	return fmt.Sprintf("%d ns", d)
}

// Plural is a count with the right form of what is counted.
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(float64(n)) + " " + many
}

// PercentOff is how far off something is, a part of it, with its sign: "+1.2 %".
func PercentOff(part float64) string {
	switch p := math.Round(1000*part) / 10; {
	case p == 0:
		return "0 %"
	case p >= 1000:
		return "+" + Number(math.Round(p)) + " %"
	case p <= -1000:
		return Number(math.Round(p)) + " %"
	default:
		return fmt.Sprintf("%+.1f %%", p)
	}
}

// Hold is how many of something hold: "1 of 2 holds", "3 of 5 hold".
func Hold(held, all int) string {
	verb := "hold"
	if held == 1 {
		verb = "holds"
	}
	return fmt.Sprintf("%d of %d %s", held, all, verb)
}

// List is "a, b and c".
func List(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
