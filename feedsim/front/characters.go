// Characters that no nginx.conf has on purpose: they are in a name that nobody can
// look up, or in a word that no directive knows, and they cannot be seen.

package front

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkCharacters returns an error for the first character outside comments that is
// a control character, or no UTF-8, or, outside quotes, blank or invisible. nginx
// takes such a character as part of a word. Tab, line feed and carriage return are
// fine.
func checkCharacters(name string, text []byte) error {
	at := place{name, 1, ""}
	word := 0 // where the present one begins, or may begin
	quote, comment, escaped := rune(0), false, false
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRune(text[i:])
		if !comment && strange(c, size, quote != 0) {
			return characterError(at, text[word:i], text[i:i+size], c)
		}
		if c == '\n' {
			at.line++
			comment = false
		}
		first := word == i
		switch {
		case comment:
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case first && c == '#':
			comment = true
		case first && (c == '"' || c == '\''):
			quote = c
		}
		if quote == 0 && (comment || strings.ContainsRune(" \t\r\n;{}", c)) {
			if at.directive == "" && !comment {
				at.directive = string(text[word:i])
			}
			if strings.ContainsRune(";{}", c) {
				at.directive = ""
			}
			word = i + size
		}
		i += size
	}
	return nil
}

// strange reports whether a character of so many bytes can be in no word.
func strange(c rune, size int, quoted bool) bool {
	switch {
	case c == '\t', c == '\n', c == '\r':
		return false
	case c == utf8.RuneError && size == 1:
		return true
	}
	return unicode.IsControl(c) || !quoted && !unicode.IsPrint(c)
}

// characterError is the error of a character, as bytes and decoded, after the part of
// a word.
func characterError(at place, word, bytes []byte, c rune) error {
	after := ""
	if len(word) > 0 {
		after = fmt.Sprintf(" after %q", word)
	}
	if c == utf8.RuneError && len(bytes) == 1 {
		return at.errorf("byte 0x%02x%s is not UTF-8: save the file as UTF-8", bytes[0], after)
	}
	name := map[rune]string{
		0: " (NUL)", '\u00a0': " (no-break space)", '\u200b': " (zero width space)", '\ufeff': " (byte order mark)",
	}[c]
	return at.errorf("invalid character %U%s%s: delete it", c, name, after)
}
