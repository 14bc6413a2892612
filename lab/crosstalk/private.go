// Leaving out what is private: the request of a user who did not fill in the
// optional fields, made from the request of one who did.

package crosstalk

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// A request is what newRequest made, with its body at hand.
type request struct {
	*http.Request
	body []byte
}

// read copies r, as newRequest may use it again, and takes its body.
func read(r *http.Request) (request, error) {
	r = r.Clone(r.Context())
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return request{}, err
		}
		r.Body.Close()
	}
	return request{r, body}, nil
}

// set gives the request this body.
func (r *request) set(body []byte) {
	r.body = body
	r.Body, r.ContentLength, r.GetBody = http.NoBody, int64(len(body)), nil
	if len(body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	if r.Header.Get("Content-Length") != "" {
		r.Header.Del("Content-Length")
	}
}

// holds reports whether the canary is anywhere in the request.
func (r request) holds(canary string) bool {
	var b bytes.Buffer
	b.Write(r.body)
	b.WriteString("\n" + r.Method + r.Host + r.URL.String())
	_ = r.Header.Write(&b)
	for text := range reveal(b.String()) {
		if strings.Contains(text, canary) {
			return true
		}
	}
	return false
}

// without returns the request with every optional field left out that holds the
// canary: query parameters, fields and files of a form, members of a JSON object,
// headers and cookies. It returns false if there is none: a path, say, cannot be left out.
func (r request) without(canary string) (request, bool) {
	left := request{r.Clone(r.Context()), r.body}
	dropped := false
	hidden := func(text string) bool {
		for t := range reveal(text) {
			if strings.Contains(t, canary) {
				return true
			}
		}
		return false
	}
	if query, changed := dropValues(r.URL.RawQuery, hidden); changed {
		left.URL.RawQuery, dropped = query, true
	}
	for name, values := range left.Header {
		if name == "Cookie" || !hidden(strings.Join(values, "\n")) {
			continue
		}
		left.Header.Del(name)
		dropped = true
	}
	if cookies := left.Cookies(); len(cookies) > 0 {
		left.Header.Del("Cookie")
		for _, k := range cookies {
			if hidden(k.Value) {
				dropped = true
				continue
			}
			left.AddCookie(k)
		}
	}
	body := r.body
	switch kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case kind == "multipart/form-data":
		if form, changed := dropParts(body, params["boundary"], hidden); changed {
			body, dropped = form, true
		}
	case kind == "application/x-www-form-urlencoded":
		if form, changed := dropValues(string(body), hidden); changed {
			body, dropped = []byte(form), true
		}
	case json.Valid(body) && bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")):
		var object map[string]any
		numbers := json.NewDecoder(bytes.NewReader(body))
		numbers.UseNumber() // as they were written
		if numbers.Decode(&object) == nil && dropMembers(object, hidden) {
			body, _ = json.Marshal(object)
			dropped = true
		}
	}
	left.set(body)
	return left, dropped
}

// dropValues leaves out the fields of a form whose value hides something.
func dropValues(form string, hidden func(string) bool) (string, bool) {
	var kept []string
	dropped := false
	for field := range strings.SplitSeq(form, "&") {
		_, value, _ := strings.Cut(field, "=")
		if plain, err := url.QueryUnescape(value); err == nil && hidden(plain) {
			dropped = true
			continue
		}
		kept = append(kept, field)
	}
	return strings.Join(kept, "&"), dropped
}

// dropParts leaves out the fields and files of a multipart form that hide
// something.
func dropParts(body []byte, boundary string, hidden func(string) bool) ([]byte, bool) {
	var kept bytes.Buffer
	out := multipart.NewWriter(&kept)
	if out.SetBoundary(boundary) != nil {
		return nil, false
	}
	dropped := false
	for in := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		part, err := in.NextRawPart()
		if err == io.EOF {
			break
		} else if err != nil {
			return nil, false
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, false
		}
		if hidden(string(content)) || hidden(part.FileName()) {
			dropped = true
			continue
		}
		// Neither fails on a buffer.
		copied, _ := out.CreatePart(part.Header)
		_, _ = copied.Write(content)
	}
	_ = out.Close()
	return kept.Bytes(), dropped
}

// dropMembers leaves out the members of a JSON object, however deep, whose value
// hides something.
func dropMembers(object map[string]any, hidden func(string) bool) (dropped bool) {
	for name, value := range object {
		switch value := value.(type) {
		case map[string]any:
			dropped = dropMembers(value, hidden) || dropped
		default:
			text, err := json.Marshal(value)
			if err == nil && hidden(string(text)) {
				delete(object, name)
				dropped = true
			}
		}
	}
	return dropped
}
