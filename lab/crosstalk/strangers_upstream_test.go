// Strangers that call somebody else.

package crosstalk_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"example.com/outagelab/lab/crosstalk"
)

// mailbox is an upstream that answers with its caller's mail.
var mailbox = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=60")
	fmt.Fprintf(w, "mail for %s", user(r))
})

var upstream = []stranger{
	{
		name:  "a proxy with a cache",
		ask:   inCookie,
		dirty: func() http.HandlerFunc { return proxy(func(r *http.Request) string { return r.URL.String() }) },
		clean: func() http.HandlerFunc {
			return proxy(func(r *http.Request) string { return r.URL.String() + user(r) })
		},
	},
	{
		name: "headers that all calls share",
		ask:  inAuthorization,
		dirty: func() http.HandlerFunc {
			var auth kept
			return calls(func(r *http.Request) func() string {
				auth.set(r.Header.Get("Authorization"))
				return auth.get
			})
		},
		clean: func() http.HandlerFunc {
			return calls(func(r *http.Request) func() string {
				own := r.Header.Get("Authorization")
				return func() string { return own }
			})
		},
	},
}

// proxy is a reverse proxy that keeps replies.
func proxy(key func(*http.Request) string) http.HandlerFunc {
	target, _ := url.Parse("http://mail.example")
	p := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &caching{next: crosstalk.Transport(mailbox), key: key},
	}
	return p.ServeHTTP
}

type caching struct {
	next http.RoundTripper
	key  func(*http.Request) string
	kept sync.Map
}

func (c *caching) RoundTrip(r *http.Request) (*http.Response, error) {
	if page, ok := c.kept.Load(c.key(r)); ok {
		return &http.Response{StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
			Body: io.NopCloser(bytes.NewReader(page.([]byte))), ContentLength: -1, Request: r}, nil
	}
	reply, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	page, err := io.ReadAll(reply.Body)
	reply.Body.Close()
	if err != nil {
		return nil, err
	}
	c.kept.Store(c.key(r), page)
	reply.Body = io.NopCloser(bytes.NewReader(page))
	return reply, nil
}

// calls asks the upstream on its user's behalf, and says only that it did.
func calls(session func(r *http.Request) (auth func() string)) http.HandlerFunc {
	client := &http.Client{Transport: crosstalk.Transport(mailbox)}
	return func(w http.ResponseWriter, r *http.Request) {
		auth := session(r)
		time.Sleep(time.Millisecond)
		call, err := http.NewRequestWithContext(r.Context(), "GET", "http://mail.example/", nil)
		if err != nil {
			panic(err)
		}
		call.Header.Set("Authorization", auth())
		reply, err := client.Do(call)
		if err != nil {
			http.Error(w, "the mail is down", http.StatusBadGateway)
			return
		}
		reply.Body.Close()
		fmt.Fprint(w, "you have mail")
	}
}
