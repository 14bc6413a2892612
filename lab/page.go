// A page of text for a terminal: labels on the left, wrapped text beside them.

package lab

import (
	"strings"
	"unicode/utf8"
)

// pageWidth is how wide a page is: with the eight columns that go test indents a
// subtest's output by it stays below 100.
const pageWidth = 90

// labelWidth is the width of the left column.
const labelWidth = 11

// A page is written from top to bottom.
type page struct{ strings.Builder }

// line writes a line as it is.
func (p *page) line(text string) {
	p.WriteString(strings.TrimRight(text, " "))
	p.WriteByte('\n')
}

// item writes a label, and text beside it, wrapped.
func (p *page) item(label, text string) {
	p.hang("  "+pad(label, labelWidth), text)
}

// hang writes text after first, wrapped so that all lines begin below it.
func (p *page) hang(first, text string) {
	indent := utf8.RuneCountInString(first)
	for _, line := range wrap(text, pageWidth-indent) {
		p.line(first + line)
		first = strings.Repeat(" ", indent)
	}
}

// wrap breaks text between words into lines of at most width characters. A word
// that is longer gets a line of its own.
func wrap(text string, width int) []string {
	var lines []string
	line, used := "", 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		if used > 0 && used+1+n > width {
			lines = append(lines, line)
			line, used = "", 0
		}
		if used > 0 {
			line += " "
			used++
		}
		line += word
		used += n
	}
	return append(lines, line)
}

// pad fills text with spaces on the right.
func pad(text string, width int) string {
	if n := width - utf8.RuneCountInString(text); n > 0 {
		return text + strings.Repeat(" ", n)
	}
	return text
}

// padLeft fills text with spaces on the left.
func padLeft(text string, width int) string {
	if n := width - utf8.RuneCountInString(text); n > 0 {
		return strings.Repeat(" ", n) + text
	}
	return text
}
