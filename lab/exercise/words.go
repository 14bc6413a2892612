// Numbers, durations and lines of text, as the report writes them.

package exercise

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// number writes a count with its thousands apart: 1,149.
func number(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// plural is a count with the right form of what is counted.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// seconds writes a duration with a digit behind the point, if that says anything:
// 60 s, 2.4 s.
func seconds(d time.Duration) string {
	s := math.Round(d.Seconds()*10) / 10
	return strconv.FormatFloat(s, 'f', -1, 64) + " s"
}

// percent writes a part of a whole, 0 to 1.
func percent(part float64) string {
	switch p := math.Round(100 * part); {
	case p == 0 && part > 0:
		return "less than 1 %"
	case p == 100 && part < 1-1e-4:
		return "99 %"
	default:
		return fmt.Sprintf("%.0f %%", p)
	}
}

// pageWidth is how wide the report is.
const pageWidth = 100

// unit is a number with its unit, which stay on one line.
var unit = regexp.MustCompile(`(\d) (s|%)\b`)

// hang is text behind first, wrapped so that all its lines begin below each other.
func hang(first, text string) string {
	var b strings.Builder
	indent := utf8.RuneCountInString(first)
	b.WriteString(first)
	used := indent
	for i, word := range strings.Fields(unit.ReplaceAllString(text, "$1~$2")) {
		word = strings.ReplaceAll(word, "~", " ")
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case used+1+n > pageWidth:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			used = indent
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	b.WriteByte('\n')
	return b.String()
}
