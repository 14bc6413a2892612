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
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// deepest is how many encodings around each other are taken off.
const deepest = 3

// most is how many bytes a compressed text may unfold to.
const most = 1 << 20

// reveal yields text and all that it may be an encoding of.
func reveal(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if text == "" || !yield(text) {
			return
		}
		seen := map[string]bool{text: true}
		layer := []string{text}
		for range deepest {
			var next []string
			for _, t := range layer {
				for _, decode := range decoders {
					for _, d := range decode(t) {
						if seen[d] || !telling(d) || len(seen) > 200 {
							continue
						}
						seen[d] = true
						if !yield(d) {
							return
						}
						next = append(next, d)
					}
				}
			}
			layer = next
		}
	}
}

// telling reports whether what was decoded may be something: text, or compressed.
// Most letters that happen to be base64's decode to neither.
func telling(d string) bool {
	return len(d) >= tokenLength && (utf8.ValidString(d) || compressed(d))
}

// compressed reports whether d begins as gzip (RFC 1952) or zlib (RFC 1950) does.
func compressed(d string) bool {
	return strings.HasPrefix(d, "\x1f\x8b") || len(d) > 1 && d[0] == 0x78 && (uint(d[0])<<8|uint(d[1]))%31 == 0
}

// decoders each return what a text may stand for, and nothing if it is not
// encoded their way.
var decoders = []func(string) []string{unescapeURL, unescapeJSON, unescapeHTML, unhex, unbase64, decompress}

func unescapeURL(t string) []string {
	if !strings.Contains(t, "%") && !strings.Contains(t, "+") {
		return nil
	}
	// Escape by escape: one that is none must not hide the others.
	return []string{percent.ReplaceAllStringFunc(t, func(e string) string {
		s, err := url.PathUnescape(e)
		if err != nil {
			return e
		}
		return s
	})}
}

var percent = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

func unescapeJSON(t string) []string {
	if !strings.Contains(t, `\`) {
		return nil
	}
	return []string{escape.ReplaceAllStringFunc(t, func(e string) string {
		n, err := strconv.ParseUint(e[2:], 16, 16)
		if err != nil {
			return e
		}
		return string(rune(n))
	})}
}

var escape = regexp.MustCompile(`\\[ux](?:[0-9A-Fa-f]{4}|[0-9A-Fa-f]{2})`)

func unescapeHTML(t string) []string {
	if !strings.Contains(t, "&") {
		return nil
	}
	return []string{html.UnescapeString(t)}
}

// unhex decodes runs of hexadecimal digits, from their first and their second.
func unhex(t string) (all []string) {
	for _, run := range hexRun.FindAllString(t, -1) {
		for _, digits := range []string{run, run[1:]} {
			b, err := hex.DecodeString(digits[:len(digits)/2*2])
			if err == nil {
				all = append(all, string(b))
			}
		}
	}
	return all
}

var hexRun = regexp.MustCompile(`[0-9A-Fa-f]{18,}`)

// unbase64 decodes runs of base64's letters, from each of the first four: what
// stands before the encoded part may be letters too.
func unbase64(t string) (all []string) {
	for _, run := range base64Run.FindAllString(t, -1) {
		run = strings.NewReplacer("-", "+", "_", "/", "\r", "", "\n", "").Replace(run)
		for skip := range 4 {
			part := run[skip:]
			b, err := base64.RawStdEncoding.DecodeString(part[:len(part)/4*4])
			if err == nil {
				rest, _ := base64.RawStdEncoding.DecodeString(part[len(part)/4*4:])
				all = append(all, string(b)+string(rest))
			}
		}
	}
	return all
}

var base64Run = regexp.MustCompile(`[0-9A-Za-z+/_-]{12,}(?:\r?\n[0-9A-Za-z+/_-]+)*`)

// decompress unpacks a text that is compressed as a whole, even if its end is
// missing.
func decompress(t string) []string {
	if !compressed(t) {
		return nil
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
		return nil
	}
	_, _ = io.Copy(&b, io.LimitReader(r, most)) // what there is, is
	return []string{b.String()}
}
