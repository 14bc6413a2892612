// A page of text for a terminal: labels on the left, wrapped text beside them.

// Package typeset sets text for a terminal: labels with wrapped text beside them,
// and numbers as they are printed everywhere.
package typeset

import (
	"strings"
	"unicode/utf8"
)

// Width is how wide a page is: with the eight columns that go test indents a
// subtest's output by it stays below 100.
const Width = 90

// LabelWidth is the width of the left column.
const LabelWidth = 11

// A Page is written from top to bottom.
type Page struct{ strings.Builder }

// Line writes a line as it is.
func (p *Page) Line(text string) {
	p.WriteString(strings.TrimRight(text, " "))
	p.WriteByte('\n')
}

// Item writes a label, and text beside it, wrapped.
func (p *Page) Item(label, text string) {
	p.Hang("  "+Pad(label, LabelWidth), text)
}

// Hang writes text after first, wrapped so that all lines begin below it.
func (p *Page) Hang(first, text string) {
	indent := utf8.RuneCountInString(first)
	for _, line := range Wrap(text, Width-indent) {
		p.Line(first + line)
		first = strings.Repeat(" ", indent)
	}
}

// Wrap breaks text between words into lines of at most width characters. A word
// that is longer gets a line of its own.
func Wrap(text string, width int) []string {
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

// Pad fills text with spaces on the right.
func Pad(text string, width int) string {
	if n := width - utf8.RuneCountInString(text); n > 0 {
		return text + strings.Repeat(" ", n)
	}
	return text
}

// PadLeft fills text with spaces on the left.
func PadLeft(text string, width int) string {
	if n := width - utf8.RuneCountInString(text); n > 0 {
		return strings.Repeat(" ", n) + text
	}
	return text
}
