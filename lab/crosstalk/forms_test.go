// That no form in which a reply may hold a canary hides it.

package crosstalk_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// forms are ways to write a text.
var forms = map[string]func(string) string{
	"plain":       func(s string) string { return s },
	"upper case":  strings.ToUpper,
	"base64":      func(s string) string { return base64.StdEncoding.EncodeToString([]byte("user=" + s)) },
	"base64url":   func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"` + s + `"}`)) },
	"hex":         func(s string) string { return hex.EncodeToString([]byte(s)) },
	"upper hex":   func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"JSON":        inJSON,
	"JSON's \\u":  func(s string) string { return each(s, `\u%04x`) },
	"HTML":        func(s string) string { return each(s, "&#%d;") },
	"HTML in hex": func(s string) string { return each(s, "&#x%x;") },
	"a URL":       func(s string) string { return each(s, "%%%02X") },
	"\\x":         func(s string) string { return each(s, `\x%02x`) },
	"gzip":        func(s string) string { return packed(s, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }) },
	"zlib":        func(s string) string { return packed(s, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }) },
}

func each(s, format string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

func inJSON(s string) string {
	b, _ := json.Marshal(map[string]string{"user": "<" + s + ">"})
	return string(b)
}

func packed(s string, pack func(io.Writer) io.WriteCloser) string {
	var b bytes.Buffer
	w := pack(&b)
	_, _ = io.WriteString(w, s)
	w.Close()
	return b.String()
}

func TestACanaryIsSeenInEveryForm(t *testing.T) {
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			dirty, clean := shows(func(w http.ResponseWriter, user string) { _, _ = io.WriteString(w, form(user)) })
			text := isDirty(t, app(dirty), inQuery)
			assert.Contains(t, text, "«B's canary»")
			isClean(t, app(clean), inQuery)
		})
	}
}
