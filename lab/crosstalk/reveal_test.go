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
