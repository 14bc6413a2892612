// Parameters: every way of getting them wrong is a 400 that says which one and
// why, and every way of getting them right is served.

package pocserver_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/pocserver"
)

func TestABadParameterIsA400ThatSaysWhatIsWrong(t *testing.T) {
	long := strings.Repeat("9", 2000)
	for _, c := range []struct{ query, says string }{
		{"sleep=abc", `sleep is "abc": not a number`},
		{"sleep=1,5", `sleep is "1,5": not a number`},
		{"sleep=+1", `sleep is " 1": not a number`},
		{"sleep=0x1p-2", `sleep is "0x1p-2": not a number`},
		{"sleep=1_000", `sleep is "1_000": not a number`},
		{"sleep=<b>", `sleep is "<b>": not a number`},
		{"sleep=%00%1b[2J", `sleep is "\x00\x1b[2J": not a number`},
		{"sleep=nan", `sleep is "nan": a nap needs a number`},
		{"sleep=-NaN", `sleep is "-NaN": not a number`},
		{"sleep=-1", `sleep is "-1": a nap cannot be negative`},
		{"sleep=-1e-9", `sleep is "-1e-9": a nap cannot be negative`},
		{"sleep=-inf", `sleep is "-inf": a nap cannot be negative`},
		{"sleep=-1e999", `sleep is "-1e999": a nap cannot be negative`},
		{"sleep=inf", `sleep is "inf": a nap cannot be infinite, the limit is 3600 seconds`},
		{"sleep=%2BInfinity", `sleep is "+Infinity": a nap cannot be infinite`},
		{"sleep=3600.000000001", `sleep is "3600.000000001": over the limit of 3600 seconds`},
		{"sleep=1e999", `sleep is "1e999": over the limit of 3600 seconds`},
		{"sleep=" + long, `... (2000 bytes): over the limit of 3600 seconds`},
		{"sleep=" + strings.Repeat("z", 80), `sleep is "` + strings.Repeat("z", 80) + `": not a number`},
		{"sleep=" + strings.Repeat("z", 81), `sleep is "` + strings.Repeat("z", 80) + `"... (81 bytes): not a number`},
		{"sleep=", `sleep is empty`},
		{"sleep", `sleep is empty`},
		{"sleep=1&sleep=1", `sleep is given twice`},
		{"sl%65ep=1&sleep=2", `sleep is given twice`},
		{"Sleep=1", `parameter "Sleep" is unknown: this view takes sleep`},
		{"nap=1", `parameter "nap" is unknown: this view takes sleep`},
		{"=1", `parameter "" is unknown`},
		{"sleep=%zz", `parameter "sleep" is malformed at "%zz"`},
		{"sleep=%", `parameter "sleep" is malformed at "%"`},
		{"%zz=1", `the query is malformed at "%zz"`},
		{"sleep=1;sleep=2", `the query is malformed at "sleep=1;sleep=2": separate parameters with &`},
	} {
		for _, path := range append(sleepViews, userViews...) {
			query, says := c.query, c.says
			if strings.HasPrefix(path, "/dirty") {
				query = "email=dev&" + query
				says = strings.Replace(says, "this view takes sleep", "this view takes sleep and email", 1)
			}
			w := inABubble(t, path, query)
			assert.Equal(t, http.StatusBadRequest, w.Code, "%s?%s", path, query)
			assert.Contains(t, w.Body.String(), says, "%s?%s", path, query)
			assert.Less(t, w.Body.Len(), 500, "%s?%s", path, query)
		}
	}
	for _, path := range sleepViews {
		w := getQuery(path, "sleep=0&email=dev")
		assert.Equal(t, http.StatusBadRequest, w.Code, path)
		assert.Contains(t, w.Body.String(), `parameter "email" is unknown: this view takes sleep`, path)
	}
}

func TestABadEmailIsA400ThatSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ query, says string }{
		{"", `email is missing`},
		{"sleep=0", `email is missing`},
		{"email=", `email is empty`},
		{"email", `email is empty`},
		{"email=dev&email=dev", `email is given twice`},
		{"email=dev@django-poc.com", `email is "dev@django-poc.com": give only the part before the @`},
		{"email=a+b", `email is "a b": a space is not allowed (RFC 5322); if it was a + write it as %2B`},
		{"email=.dev", `email is ".dev": a dot in the wrong place`},
		{"email=dev.", `email is "dev.": a dot in the wrong place`},
		{"email=a..b", `email is "a..b": a dot in the wrong place`},
		{"email=.", `email is ".": a dot in the wrong place`},
		{"email=%22a%22", `character "\"" is not allowed`},
		{"email=<script>", `email is "<script>": character "<" is not allowed`},
		{"email=a%0d%0aSet-Cookie:x", `email is "a\r\nSet-Cookie:x": character "\r" is not allowed`},
		{"email=d%C3%A9v", `email is "d\u00e9v": character "\xc3" is not allowed`},
		{"email=" + strings.Repeat("x", 65), `over the limit of 64 bytes`},
		{"email=" + strings.Repeat("x", 5000), `... (5000 bytes): over the limit of 64 bytes`},
		{"email=%zz", `parameter "email" is malformed at "%zz"`},
	} {
		for _, path := range userViews {
			w := inABubble(t, path, c.query)
			assert.Equal(t, http.StatusBadRequest, w.Code, "%s?%s", path, c.query)
			assert.Contains(t, w.Body.String(), c.says, "%s?%s", path, c.query)
			assert.Less(t, w.Body.Len(), 500, "%s?%s", path, c.query)
		}
	}
}

func TestAGoodParameterIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for query, most := range map[string]time.Duration{
			"sleep=0":                   0,
			"sleep=-0":                  0,
			"sleep=0.0":                 0,
			"sleep=1e-400":              0, // underflows to 0, as in Python
			"sleep=1e-10":               0, // below a nanosecond
			"sleep=.5":                  500 * time.Millisecond,
			"sleep=5.":                  5 * time.Second,
			"sleep=%2B1":                time.Second,
			"sleep=1E1":                 10 * time.Second,
			"sleep=3600":                time.Hour,
			"sleep=3600." + "00000":     time.Hour,
			"sleep=%31":                 time.Second,
			"sl%65ep=1":                 time.Second,
			"&sleep=1&&":                time.Second,
			"":                          pocserver.DefaultSleep,
			"sleep=0.30000000000000004": 300 * time.Millisecond,
		} {
			for _, path := range sleepViews {
				began := time.Now()
				w := getQuery(path, query)
				require.Equal(t, http.StatusOK, w.Code, "%s?%s: %s", path, query, w.Body)
				assert.LessOrEqual(t, time.Since(began), most, "%s?%s", path, query)
			}
		}
		for query, user := range map[string]string{
			"email=dev":   "dev",
			"email=a.b.c": "a.b.c",
			"email=a%2Bb": "a+b",
			"email=%21%23$%25%26'*%2B-/%3D?^_`{|}~09": "!#$%&'*+-/=?^_`{|}~09",
			"email=" + strings.Repeat("x", 64):        strings.Repeat("x", 64),
			"email=a=b":                               "a=b",
		} {
			for _, path := range userViews {
				w := getQuery(path, query)
				require.Equal(t, http.StatusOK, w.Code, "%s?%s: %s", path, query, w.Body)
				assert.True(t, strings.HasSuffix(w.Body.String(), " - user "+user+"@django-poc.com"), "%s?%s: %s", path, query, w.Body)
			}
		}
	})
}

// getQuery asks for path with a raw query, even one that no client library
// would send.
func getQuery(path, query string) *httptest.ResponseRecorder {
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}}
	w := httptest.NewRecorder()
	pocserver.NewHandler(1).ServeHTTP(w, r)
	return w
}

// inABubble is getQuery in virtual time: what should be refused, and is served
// instead, fails at once and not after its nap.
func inABubble(t *testing.T, path, query string) (w *httptest.ResponseRecorder) {
	synctest.Test(t, func(*testing.T) { w = getQuery(path, query) })
	return w
}

// Whatever the query, the answer is 200 exactly where url.ParseQuery and the
// rules, written down a second time here, allow it, and 400 otherwise; it is
// short printable text and nothing a browser would run.
func FuzzAnyQueryIsServedOrRefusedByTheRules(f *testing.F) {
	for _, seed := range []string{
		"", "sleep=0.1", "sleep=7&email=test", "email=dev", "sleep=nan", "sleep=1&sleep=2", "sleep=%zz",
		"sleep=0x1p-2", "a;b", "email=a..b", "email=<script>", "&&", "=", "%00=%00", "sleep=1e-400&email=a%2Bb",
	} {
		f.Add(seed)
	}
	for b := range 256 {
		f.Add(fmt.Sprintf("email=a%%%02xb", b)) // each byte, in a name
		f.Add(fmt.Sprintf("sleep=1%%%02x2&email=%%%02x", b, b))
	}
	number := regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
	localPart := regexp.MustCompile("^[A-Za-z0-9!#$%&'*+\\-/=?^_`{|}~]+(\\.[A-Za-z0-9!#$%&'*+\\-/=?^_`{|}~]+)*$")
	printable := regexp.MustCompile(`^[ -~]*\n?$`)

	good := func(query string, takesEmail bool) bool {
		values, err := url.ParseQuery(query)
		if err != nil {
			return false
		}
		for key, all := range values {
			if len(all) != 1 || key != "sleep" && !(takesEmail && key == "email") {
				return false
			}
		}
		if s, ok := values["sleep"]; ok {
			v, err := strconv.ParseFloat(s[0], 64)
			if !number.MatchString(s[0]) || err != nil || v < 0 || v > 3600 {
				return false
			}
		}
		if takesEmail {
			e := values.Get("email")
			return len(e) <= 64 && localPart.MatchString(e)
		}
		return true
	}

	f.Fuzz(func(t *testing.T, query string) {
		// In a bubble, so that a nap of an hour takes no time.
		synctest.Test(t, func(t *testing.T) {
			for _, path := range append(sleepViews, userViews...) {
				w := getQuery(path, query)
				want := http.StatusBadRequest
				if good(query, strings.HasPrefix(path, "/dirty")) {
					want = http.StatusOK
				}
				if w.Code != want {
					t.Fatalf("%s?%s is answered %d, want %d:\n%s", path, query, w.Code, want, w.Body)
				}
				if !printable.Match(w.Body.Bytes()) || w.Body.Len() > 1000 {
					t.Fatalf("%s?%s is answered with %d bytes, which are not all printable or too many:\n%q", path, query, w.Body.Len(), w.Body)
				}
				if bytes.Contains(w.Body.Bytes(), []byte("<")) && want == http.StatusOK {
					t.Fatalf("%s?%s is served with markup:\n%s", path, query, w.Body)
				}
				h := w.Header()
				if h.Get("Content-Type") != "text/plain; charset=utf-8" || h.Get("X-Content-Type-Options") != "nosniff" {
					t.Fatalf("%s?%s is not served as plain text: %v", path, query, h)
				}
			}
		})
	})
}
