// The seeing through encodings, around each other and on rubbish.

package crosstalk

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

const secret = "zqjabcdefzqjabcdefzqjabcdef"

// reveals reports whether reveal finds the secret.
func reveals(text string) bool {
	for t := range reveal(text) {
		if strings.Contains(t, secret) {
			return true
		}
	}
	return false
}

func gzipOf(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	w.Close()
	return b.String()
}

func urlOf(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02x", c)
	}
	return b.String()
}

func TestEncodingsAroundEachOtherAreTakenOff(t *testing.T) {
	encodings := map[string]func(string) string{
		"base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"hex":    func(s string) string { return hex.EncodeToString([]byte(s)) },
		"gzip":   gzipOf,
		"url":    urlOf,
	}
	for outer, encode := range encodings {
		for inner, first := range encodings {
			assert.True(t, reveals(encode(first("user "+secret))), "%s in %s", inner, outer)
		}
	}
	assert.True(t, reveals(urlOf(base64.StdEncoding.EncodeToString([]byte(gzipOf(secret))))))
}

func TestACanaryIsFoundWhateverStandsBesideIt(t *testing.T) {
	for skip := range 5 {
		lead := strings.Repeat("a", skip)
		assert.True(t, reveals(lead+base64.StdEncoding.EncodeToString([]byte(lead+secret+lead))+lead), "base64 after %d letters", skip)
		assert.True(t, reveals(lead+hex.EncodeToString([]byte(lead+secret))+lead), "hex after %d digits", skip)
	}
	mail := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("dear all, ", 6) + secret))
	assert.True(t, reveals(mail[:76]+"\r\n"+mail[76:]), "in lines, as in mail")
	assert.True(t, reveals("100% of it: "+urlOf(secret)+" %zz %"), "beside what is no escape")
	whole := gzipOf(secret)
	assert.True(t, reveals(whole[:len(whole)-8]), "in a gzip whose end is missing")
	assert.False(t, reveals("nothing"))
}

func TestEscapesAreReplacedOneByOne(t *testing.T) {
	for text, want := range map[string]string{
		"a%41b": "aAb", "%41": "A", "%e9%2": "\xe9%2", "%": "%", "%4": "%4", "%zz%41": "%zzA", "%4g": "%4g", "": "", "plain": "plain",
	} {
		assert.Equal(t, want, unescapeURL(text), "%q", text)
	}
	for text, want := range map[string]string{
		`a\u0041b`: "aAb", `\u00e9`: "é", `\u004`: `\u004`, `\x41`: "A", `\xe9`: "\xe9", `\u`: `\u`, `\u20ac1`: "€1",
	} {
		assert.Equal(t, want, unescapeJSON(text), "%q", text)
	}
}

func TestTheLettersOfEncodingsAreTheirOwn(t *testing.T) {
	hexes, base64s := "", ""
	for c := range 256 {
		if isHex(byte(c)) {
			hexes += string(rune(c))
		}
		if isBase64(byte(c)) {
			base64s += string(rune(c))
		}
	}
	assert.Equal(t, "0123456789ABCDEFabcdef", hexes)
	assert.Equal(t, "+-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz", base64s)
}

func TestRunsAreLongEnoughAndNotRepeated(t *testing.T) {
	found := func(text string, least int) (all []string) {
		for run := range runs(text, isHex, least) {
			all = append(all, run)
		}
		return all
	}
	assert.Equal(t, []string{"abc", "abcd"}, found("abc ab abcd", 3))
	assert.Equal(t, []string{"abc", "def", "abc"}, found("abc abc,def;abc", 3))
	assert.Empty(t, found("", 1))
	assert.Empty(t, found("xyz", 1))
	for run := range runs("abc def", isHex, 3) {
		assert.Equal(t, "abc", run, "no run after the caller has stopped")
		break
	}
}

func TestACompressedTextIsKnownByItsBeginning(t *testing.T) {
	assert.True(t, compressed("\x1f\x8b"))
	assert.True(t, compressed("\x78\x9c"))
	assert.True(t, compressed("\x78\x01"))
	for _, text := range []string{"", "\x78", "\x78\x9d", "\x79\x9c", "\x1f", "text"} {
		assert.False(t, compressed(text), "%q", text)
	}
	assert.Empty(t, decompress("\x1f\x8b no gzip"))
	assert.Empty(t, decompress("\x78\x9c\x00"))
}

func TestOnlyWhatMayBeSomethingIsLookedAtFurther(t *testing.T) {
	assert.True(t, telling("nine char"))
	assert.False(t, telling("eight ch"), "shorter than a token")
	assert.True(t, telling("\x1f\x8b\xff\xff\xff\xff\xff\xff\xff"), "compressed")
	assert.True(t, telling("\xff\xff\xff\xff\xff\xff zqj"), "a marker")
	assert.False(t, telling("\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
}

func TestATextIsYieldedOnceAndFirst(t *testing.T) {
	var all []string
	for text := range reveal("%41%41 is a text") {
		all = append(all, text)
	}
	assert.Equal(t, []string{"%41%41 is a text", "AA is a text"}, all)
	for range reveal("") {
		t.Error("an empty text is nothing")
	}
	n := 0
	for range reveal(urlOf(secret)) {
		n++
		break
	}
	assert.Equal(t, 1, n, "nothing after the caller has stopped")
}

func TestOnlySoManyEncodingsAreTakenOff(t *testing.T) {
	text := secret
	for range deepest {
		text = urlOf(text)
	}
	assert.True(t, reveals(text))
	assert.False(t, reveals(urlOf(text)))
}

func TestRubbishIsNoTrouble(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"%", "%4", `\u`, `\u00`, `\x`, "&#", "&#x", "\x1f\x8b", "\x78\x9c", "zqj", "=", "\n", "YWJj", "6162", ";", `\u0041`}
	for range 500 {
		var b strings.Builder
		for range random.IntN(30) {
			b.WriteString(pieces[random.IntN(len(pieces))])
			b.WriteByte(byte(random.UintN(256)))
		}
		for range reveal(b.String()) {
		}
	}
}

func TestABombDoesNotGoOff(t *testing.T) {
	size := 0
	for text := range reveal(gzipOf(gzipOf(strings.Repeat("YWFh", 1<<20)))) {
		size += len(text)
	}
	assert.LessOrEqual(t, size, 2*mostDecoded)
}

func FuzzReveal(f *testing.F) {
	f.Add(urlOf(secret))
	f.Add(gzipOf(secret))
	f.Fuzz(func(t *testing.T, text string) {
		for range reveal(text) {
		}
		_, _ = (&check{}).strangers(text, "")
	})
}
