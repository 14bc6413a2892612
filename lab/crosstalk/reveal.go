// Seeing through encodings: a canary in base64 is a canary.

package crosstalk

import (
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"html"
	"io"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"
)

// deepest is how many encodings around each other are taken off.
const deepest = 3

// most is how many bytes a compressed text may unfold to, and mostDecoded how many
// all that is decoded may have: there are bombs.
const (
	most        = 1 << 20
	mostDecoded = 4 << 20
)

// reveal yields text and all that it may be an encoding of.
func reveal(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if text == "" || !yield(text) {
			return
		}
		seen, size := map[string]bool{text: true}, 0
		layer := []string{text}
		for range deepest {
			var next []string
			for _, t := range layer {
				for _, decode := range decoders {
					for d := range decode(t) {
						if seen[d] || !telling(d) {
							continue
						}
						if size += len(d); size > mostDecoded || !yield(d) {
							return
						}
						seen[d] = true
						next = append(next, d)
					}
				}
			}
			layer = next
		}
	}
}

// telling reports whether what was decoded may be something: text, compressed, or
// with a canary in it. Most letters that happen to be base64's decode to neither.
func telling(d string) bool {
	return len(d) >= tokenLength && (utf8.ValidString(d) || compressed(d) || marked(d, 0) >= 0)
}

// compressed reports whether d begins as gzip (RFC 1952) or zlib (RFC 1950) does.
func compressed(d string) bool {
	return strings.HasPrefix(d, "\x1f\x8b") || len(d) > 1 && d[0] == 0x78 && (uint(d[0])<<8|uint(d[1]))%31 == 0
}

// decoders each yield what a text may stand for, and nothing if it is not encoded
// their way.
var decoders = []func(string) iter.Seq[string]{
	whole(unescapeURL), whole(unescapeJSON), whole(unescapeHTML), unhex, unbase64, whole(decompress),
}

// whole is the decoder that decodes a text as a whole.
func whole(decode func(string) string) func(string) iter.Seq[string] {
	return func(t string) iter.Seq[string] {
		return func(yield func(string) bool) { yield(decode(t)) }
	}
}

// unescapeURL takes off the escapes one by one: one that is none must not hide
// the others.
func unescapeURL(t string) string { return unescape(t, "%", 2) }

func unescapeJSON(t string) string { return unescape(unescape(t, `\u`, 4), `\x`, 2) }

// unescape replaces each mark with so many hexadecimal digits after it by the
// character, or the byte, that they are the number of.
func unescape(t, mark string, digits int) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(t, mark)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		t = after
		switch n, err := strconv.ParseUint(after[:min(digits, len(after))], 16, 16); {
		case err != nil || len(after) < digits:
			b.WriteString(mark)
			continue
		case digits == 2:
			b.WriteByte(byte(n))
		default:
			b.WriteRune(rune(n))
		}
		t = after[digits:]
	}
}

func unescapeHTML(t string) string { return html.UnescapeString(t) }

// unhex decodes runs of hexadecimal digits, from their first and their second.
func unhex(t string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for run := range runs(t, isHex, 2*tokenLength) {
			for skip := range 2 {
				digits := run[skip:]
				b, err := hex.DecodeString(digits[:len(digits)/2*2])
				if err == nil && !yield(string(b)) {
					return
				}
			}
		}
	}
}

// unbase64 decodes runs of base64's letters, from each of the first four: what
// stands before the encoded part may be letters too.
func unbase64(t string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if strings.Contains(t, "\n") { // as in mail: the lines are one run
			t = newlines.Replace(t)
		}
		for run := range runs(t, isBase64, tokenLength*4/3) {
			run = ordinary.Replace(run)
			for skip := range 4 {
				part := run[skip:]
				if len(part)%4 == 1 {
					part = part[:len(part)-1] // it is no whole byte
				}
				b, err := base64.RawStdEncoding.DecodeString(part)
				if err == nil && !yield(string(b)) {
					return
				}
			}
		}
	}
}

var (
	newlines = strings.NewReplacer("\r\n", "", "\n", "")
	ordinary = strings.NewReplacer("-", "+", "_", "/")
)

// runs yields the longest parts of t that are all of such bytes, and long enough;
// one that is like the one before it just once.
func runs(t string, such func(byte) bool, least int) iter.Seq[string] {
	return func(yield func(string) bool) {
		begin, before := 0, ""
		for i := 0; i <= len(t); i++ {
			if i < len(t) && such(t[i]) {
				continue
			}
			if run := t[begin:i]; len(run) >= least && run != before {
				if before = run; !yield(run) {
					return
				}
			}
			begin = i + 1
		}
	}
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isBase64(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '+' || c == '/' || c == '-' || c == '_'
}

// decompress unpacks a text that is compressed as a whole, even if its end is
// missing.
func decompress(t string) string {
	if !compressed(t) {
		return ""
	}
	var (
		r   io.Reader
		err error
		b   strings.Builder
	)
	if t[0] == 0x78 {
		r, err = zlib.NewReader(strings.NewReader(t))
	} else {
		r, err = gzip.NewReader(strings.NewReader(t))
	}
	if err != nil {
		return ""
	}
	_, _ = io.Copy(&b, io.LimitReader(r, most)) // what there is, is
	return b.String()
}
