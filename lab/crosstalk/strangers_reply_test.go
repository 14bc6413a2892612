// Strangers that show somebody else's data in each part of a reply.

package crosstalk_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"time"
)

// A kept is a text that requests share. Its lock prevents data races, and
// nothing else.
type kept struct {
	mu   sync.Mutex
	text string
}

func (k *kept) set(text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.text = text
}

func (k *kept) get() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text
}

// shows are an app that keeps its user while it naps and then shows whom it kept,
// and one that has its user in a variable of its own.
func shows(show func(w http.ResponseWriter, user string)) (dirty, clean func() http.HandlerFunc) {
	dirty = func() http.HandlerFunc {
		var session kept
		return func(w http.ResponseWriter, r *http.Request) {
			session.set(user(r))
			time.Sleep(time.Millisecond)
			show(w, session.get())
		}
	}
	clean = func() http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			user := user(r)
			time.Sleep(time.Millisecond)
			show(w, user)
		}
	}
	return dirty, clean
}

// shown is a stranger that shows its user.
func shown(name string, ask newRequest, show func(w http.ResponseWriter, user string)) stranger {
	dirty, clean := shows(show)
	return stranger{name: name, ask: ask, dirty: dirty, clean: clean}
}

var inTheReply = []stranger{
	shown("a cookie is set from what is shared", inQuery, func(w http.ResponseWriter, user string) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: user, HttpOnly: true})
		w.WriteHeader(http.StatusNoContent)
	}),
	shown("a redirect takes a parameter along", inCookie, func(w http.ResponseWriter, user string) {
		w.Header().Set("Location", "/welcome?"+url.Values{"user": {user}}.Encode())
		w.WriteHeader(http.StatusSeeOther)
	}),
	shown("a trailer", inForm, func(w http.ResponseWriter, user string) {
		w.Header().Set("Trailer", "X-Served")
		_, _ = io.WriteString(w, "that was it")
		w.Header().Set("X-Served", user)
	}),
	shown("a trailer that nobody announced", inForm, func(w http.ResponseWriter, user string) {
		_, _ = io.WriteString(w, "that was it")
		w.(http.Flusher).Flush()
		w.Header().Set(http.TrailerPrefix+"X-Served", user)
	}),
	shown("the name of a header", inQuery, func(w http.ResponseWriter, user string) {
		w.Header().Set("X-User-"+user, "yes")
	}),
	shown("an early hint", inCookie, func(w http.ResponseWriter, user string) {
		w.Header().Set("Link", "</"+user+".css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		_, _ = io.WriteString(w, "welcome")
	}),
	shown("a reply with no body", inAuthorization, func(w http.ResponseWriter, user string) {
		w.Header().Set("X-User", user)
		w.WriteHeader(http.StatusNoContent)
	}),
	shown("a reply to HEAD", func(_ int, canary string) *http.Request {
		return httptest.NewRequest("HEAD", "/?q="+canary, nil)
	}, func(w http.ResponseWriter, user string) {
		w.Header().Set("X-User", user)
		_, _ = io.WriteString(w, "nobody reads this")
	}),
	showsNothing(shown("an error page", inCookie, func(w http.ResponseWriter, user string) {
		http.Error(w, "no mail for "+user, http.StatusInternalServerError)
	})),
	{
		name: "a pooled gzip writer",
		ask:  inCookie,
		dirty: func() http.HandlerFunc {
			return gzipped(func(*bytes.Buffer) {})
		},
		clean: func() http.HandlerFunc {
			return gzipped((*bytes.Buffer).Reset)
		},
	},
	{
		name: "a JSON encoder for all",
		ask:  inAuthorization,
		dirty: func() http.HandlerFunc {
			var (
				mu     sync.Mutex
				page   bytes.Buffer
				encode = json.NewEncoder(&page)
			)
			return func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				page.Reset()
				_ = encode.Encode(map[string]string{"user": user(r)})
				reply := page.Bytes() // and not a copy
				mu.Unlock()
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusOK) // others may come now
				mu.Lock()
				reply = bytes.Clone(reply)
				mu.Unlock()
				_, _ = w.Write(reply)
			}
		},
		clean: func() http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_ = json.NewEncoder(w).Encode(map[string]string{"user": user(r)})
			}
		},
	},
	{
		name: "pages are cached by their address",
		ask:  inCookie,
		dirty: func() http.HandlerFunc {
			return cached(func(r *http.Request) string { return r.URL.Path })
		},
		clean: func() http.HandlerFunc {
			return cached(func(r *http.Request) string { return r.URL.Path + " " + user(r) })
		},
	},
}

// gzipped compresses a page with a writer, and into a buffer, of a pool.
func gzipped(clear func(*bytes.Buffer)) http.HandlerFunc {
	type press struct {
		page bytes.Buffer
		gzip *gzip.Writer
	}
	// A free list, as sync.Pool drops at random with the race detector.
	free := make(chan *press, 4)
	return func(w http.ResponseWriter, r *http.Request) {
		var p *press
		select {
		case p = <-free:
		default:
			p = &press{gzip: gzip.NewWriter(nil)}
		}
		clear(&p.page)
		p.gzip.Reset(&p.page)
		fmt.Fprintf(p.gzip, "<h1>%s</h1>", user(r))
		p.gzip.Close()
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(p.page.Bytes())
		select {
		case free <- p:
		default:
		}
	}
}

// cached keeps pages and their ETags.
func cached(key func(*http.Request) string) http.HandlerFunc {
	var pages sync.Map
	return func(w http.ResponseWriter, r *http.Request) {
		page, _ := pages.LoadOrStore(key(r), "the inbox of "+user(r))
		etag := fmt.Sprintf("%q", fmt.Sprint(len(page.(string))))
		w.Header().Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, page.(string))
	}
}
