// What a file's bytes must be before they are YAML: text in UTF-8, without characters that cannot be seen.

package scenario

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// encoded notes the first byte of a file that cannot be in a scenario, and returns the text without a byte order mark.
func (r *reading) encoded(text []byte) []byte {
	if bytes.HasPrefix(text, []byte{0xff, 0xfe}) || bytes.HasPrefix(text, []byte{0xfe, 0xff}) {
		r.bad(place(text, 0), "the file is in UTF-16: save it as UTF-8")
		return nil
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if bytes.IndexByte(text, 0) >= 0 {
		r.bad(place(text, bytes.IndexByte(text, 0)), "the file has a NUL byte: a scenario is text, in UTF-8")
		return nil
	}
	for i := 0; i < len(text); {
		c, n := utf8.DecodeRune(text[i:])
		switch {
		case c == utf8.RuneError && n == 1:
			r.bad(place(text, i), "the byte %#x is not UTF-8: save the file as UTF-8", text[i])
			return nil
		case unicode.IsControl(c) && !strings.ContainsRune("\t\n\r\u0085", c):
			r.bad(place(text, i), "the control character %U cannot be in a file: remove it", c)
			return nil
		}
		i += n
	}
	return text
}

// place is where a byte of a text is. Columns count characters, as those of nodes do.
func place(text []byte, at int) *yaml.Node {
	before := text[:at]
	begin := bytes.LastIndexByte(before, '\n') + 1
	return &yaml.Node{Line: 1 + bytes.Count(before, []byte("\n")), Column: 1 + utf8.RuneCount(before[begin:])}
}

// unseen says which character of a value a reader takes for another, or does not see; "" if there is none.
func unseen(value string) string {
	for _, c := range value {
		switch {
		case c != ' ' && unicode.Is(unicode.Zs, c):
			return fmt.Sprintf("%U is no plain space: write one", c)
		case unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp):
			return fmt.Sprintf("%U cannot be seen: remove it", c)
		}
	}
	if c, _ := utf8.DecodeRuneInString(value); strings.ContainsRune("“”„‘’‚«»", c) {
		return fmt.Sprintf("%c is no quotation mark of YAML: write \" or nothing", c)
	}
	return ""
}

// indented returns where a line is indented with a tab, on the line of a parser's error or beside it. It returns nil if
// none is.
func indented(text []byte, line int) *yaml.Node {
	lines := bytes.SplitAfter(text, []byte("\n"))
	for _, at := range []int{line - 1, line, line - 2} {
		if at < 0 || at >= len(lines) {
			continue
		}
		indent := len(lines[at]) - len(bytes.TrimLeft(lines[at], " \t"))
		if tab := bytes.IndexByte(lines[at][:indent], '\t'); tab >= 0 {
			return &yaml.Node{Line: at + 1, Column: tab + 1}
		}
	}
	return nil
}
