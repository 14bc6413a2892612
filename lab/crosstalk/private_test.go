// The leaving out of what is private, wherever it is.

package crosstalk

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withoutSecret is the request that is left, and whether anything was left out.
func withoutSecret(t *testing.T, r *http.Request) (request, bool) {
	t.Helper()
	full, err := read(r)
	require.NoError(t, err)
	require.True(t, full.holds(secret))
	left, dropped := full.without(secret)
	assert.True(t, full.holds(secret), "the full request is as it was")
	if dropped {
		assert.False(t, left.holds(secret))
	}
	return left, dropped
}

func TestAQueryIsLeftWithWhatIsPublic(t *testing.T) {
	left, dropped := withoutSecret(t, httptest.NewRequest("GET", "/cart?page=2&user="+secret+"&sort=a%20b", nil))
	assert.True(t, dropped)
	assert.Equal(t, "page=2&sort=a%20b", left.URL.RawQuery)
}

func TestAFormIsLeftWithWhatIsPublic(t *testing.T) {
	r := httptest.NewRequest("POST", "/", strings.NewReader("a=1&mail="+secret+"%40example.org&b=2"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("Content-Length", "999")
	left, dropped := withoutSecret(t, r)
	assert.True(t, dropped)
	assert.Equal(t, "a=1&b=2", string(left.body))
	assert.EqualValues(t, len("a=1&b=2"), left.ContentLength)
	assert.Empty(t, left.Header.Get("Content-Length"))
	sent, err := io.ReadAll(left.Body)
	assert.NoError(t, err)
	assert.Equal(t, "a=1&b=2", string(sent))
}

func TestAMultipartFormIsLeftWithWhatIsPublic(t *testing.T) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	require.NoError(t, form.WriteField("kind", "letter"))
	require.NoError(t, form.WriteField("user", secret))
	for _, name := range []string{"open.txt", secret + ".txt"} {
		file, err := form.CreateFormFile("file", name)
		require.NoError(t, err)
		_, err = io.WriteString(file, "text")
		require.NoError(t, err)
	}
	require.NoError(t, form.Close())
	r := httptest.NewRequest("POST", "/", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())

	left, dropped := withoutSecret(t, r)
	assert.True(t, dropped)
	require.NoError(t, left.ParseMultipartForm(1000))
	assert.Equal(t, map[string][]string{"kind": {"letter"}}, left.MultipartForm.Value)
	require.Len(t, left.MultipartForm.File["file"], 1)
	assert.Equal(t, "open.txt", left.MultipartForm.File["file"][0].Filename)
}

func TestABrokenMultipartFormIsLeftAlone(t *testing.T) {
	for _, kind := range []string{"multipart/form-data", "multipart/form-data; boundary=x"} {
		r := httptest.NewRequest("POST", "/", strings.NewReader("--x\r\nno form "+secret))
		r.Header.Set("Content-Type", kind)
		_, dropped := withoutSecret(t, r)
		assert.False(t, dropped)
	}
}

func TestAJSONObjectIsLeftWithWhatIsPublic(t *testing.T) {
	left, dropped := withoutSecret(t, httptest.NewRequest("POST", "/", strings.NewReader(
		`{"id": 12345678901234567890, "user": {"name": "`+secret+`", "age": 7}, "tags": ["`+secret+`"]}`)))
	assert.True(t, dropped)
	assert.Equal(t, `{"id":12345678901234567890,"user":{"age":7}}`, string(left.body))
}

func TestHeadersAndCookiesAreLeftOut(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.SetBasicAuth("user", secret)
	r.Header.Set("Accept", "text/html")
	r.AddCookie(&http.Cookie{Name: "session", Value: base64.URLEncoding.EncodeToString([]byte(secret))})
	r.AddCookie(&http.Cookie{Name: "theme", Value: "dark"})
	left, dropped := withoutSecret(t, r)
	assert.True(t, dropped)
	assert.Equal(t, http.Header{"Accept": {"text/html"}, "Cookie": {"theme=dark"}}, left.Header)
}

func TestAHeaderWithSeveralValuesIsLeftOutAsAWhole(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["X-Tags"] = []string{"public", secret}
	r.Header["X-Kept"] = []string{"one", "two"}
	r.AddCookie(&http.Cookie{Name: "theme", Value: "dark"})
	left, dropped := withoutSecret(t, r)
	assert.True(t, dropped)
	assert.Equal(t, http.Header{"X-Kept": {"one", "two"}, "Cookie": {"theme=dark"}}, left.Header)
}

func TestACookieAloneIsLeftOut(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: secret})
	left, dropped := withoutSecret(t, r)
	assert.True(t, dropped)
	assert.Empty(t, left.Header)
}

func TestAFieldThatIsNoFormIsKept(t *testing.T) {
	form, dropped := dropValues("a=%zz"+secret+"&q="+secret+"&b=1", func(text string) bool { return strings.Contains(text, secret) })
	assert.True(t, dropped)
	assert.Equal(t, "a=%zz"+secret+"&b=1", form)
	form, dropped = dropValues("a=%zz", func(string) bool { return true })
	assert.False(t, dropped)
	assert.Equal(t, "a=%zz", form)
}

func TestAJSONObjectInsideAnotherIsEmptied(t *testing.T) {
	left, dropped := withoutSecret(t, httptest.NewRequest("POST", "/", strings.NewReader(
		`{"a": {"secret": "`+secret+`"}, "b": {"public": 1}}`)))
	assert.True(t, dropped)
	assert.Equal(t, `{"a":{},"b":{"public":1}}`, string(left.body))
}

func TestABodyIsSetWithItsLength(t *testing.T) {
	r := request{httptest.NewRequest("POST", "/", nil), nil}
	r.set([]byte("abc"))
	assert.EqualValues(t, 3, r.ContentLength)
	assert.NotEqual(t, http.NoBody, r.Body)
	r.set(nil)
	assert.Zero(t, r.ContentLength)
	assert.Equal(t, http.NoBody, r.Body)
}

func TestACanaryIsFoundWhereverARequestHoldsIt(t *testing.T) {
	in := func(change func(r *http.Request)) *http.Request {
		r := httptest.NewRequest("GET", "/", nil)
		change(r)
		return r
	}
	for name, r := range map[string]*http.Request{
		"path":   httptest.NewRequest("GET", "/"+secret, nil),
		"method": in(func(r *http.Request) { r.Method = secret }),
		"host":   in(func(r *http.Request) { r.Host = secret + ".example" }),
		"header": in(func(r *http.Request) { r.Header.Set("X-User", secret) }),
		"body":   httptest.NewRequest("POST", "/", strings.NewReader(secret)),
	} {
		full, err := read(r)
		require.NoError(t, err)
		assert.True(t, full.holds(secret), name)
		assert.False(t, full.holds("zqj000000"), name)
	}
}

func TestWhatCannotBeLeftOutIsKept(t *testing.T) {
	for _, r := range []*http.Request{
		httptest.NewRequest("GET", "/users/"+secret, nil),
		httptest.NewRequest("PUT", "/", strings.NewReader("plain "+secret)),
		httptest.NewRequest("PUT", "/", strings.NewReader(`["`+secret+`"]`)),
	} {
		left, dropped := withoutSecret(t, r)
		assert.False(t, dropped)
		assert.True(t, left.holds(secret))
	}
}
