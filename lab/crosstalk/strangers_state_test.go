// Strangers that share state in a way of their own.

package crosstalk_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

var inSharedState = []stranger{
	{
		name: "a middleware with one map for all",
		ask:  inCookie,
		dirty: func() http.HandlerFunc {
			var (
				mu    sync.Mutex
				attrs = map[string]string{}
			)
			return func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				attrs["user"] = user(r)
				mu.Unlock()
				w.WriteHeader(http.StatusOK)
				mu.Lock()
				now := maps.Clone(attrs)
				mu.Unlock()
				fmt.Fprint(w, now)
			}
		},
		clean: func() http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				attrs := map[string]string{"user": user(r)}
				w.WriteHeader(http.StatusOK)
				fmt.Fprint(w, attrs)
			}
		},
	},
	{
		name: "the first user of all",
		ask:  inAuthorization,
		dirty: func() http.HandlerFunc {
			var (
				once  sync.Once
				greet string
			)
			return func(w http.ResponseWriter, r *http.Request) {
				once.Do(func() { greet = "hello " + user(r) })
				_, _ = io.WriteString(w, greet)
			}
		},
		clean: func() http.HandlerFunc {
			var (
				once  sync.Once
				greet string
			)
			return func(w http.ResponseWriter, r *http.Request) {
				once.Do(func() { greet = "hello " })
				_, _ = io.WriteString(w, greet+user(r))
			}
		},
	},
	{
		name:    "the user seen last",
		vacuous: true,
		ask:     inForm,
		dirty: func() http.HandlerFunc {
			var last kept
			return func(w http.ResponseWriter, r *http.Request) {
				before := last.get()
				last.set(user(r))
				fmt.Fprintf(w, "the last visitor was %s", before)
			}
		},
		clean: func() http.HandlerFunc {
			var seen kept
			return func(w http.ResponseWriter, r *http.Request) {
				before := seen.get()
				seen.set("somebody")
				fmt.Fprintf(w, "the last visitor was %s", before)
			}
		},
	},
	{
		name: "the empty field keeps what was in it",
		ask:  inForm,
		dirty: func() http.HandlerFunc {
			var form kept
			return func(w http.ResponseWriter, r *http.Request) {
				if q := r.FormValue("q"); q != "" {
					form.set(q)
				}
				fmt.Fprintf(w, "you asked for %s", form.get())
			}
		},
		clean: func() http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, "you asked for %s", r.FormValue("q"))
			}
		},
	},
	{
		name: "a log that goes into the page",
		ask:  inQuery,
		dirty: func() http.HandlerFunc {
			logger := log.New(io.Discard, "", 0)
			return func(w http.ResponseWriter, r *http.Request) {
				logger.SetPrefix("[" + user(r) + "] ")
				time.Sleep(time.Millisecond)
				var page bytes.Buffer
				log.New(&page, logger.Prefix(), 0).Print("served")
				_, _ = page.WriteTo(w)
			}
		},
		clean: func() http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				logger := log.New(w, "["+user(r)+"] ", 0)
				time.Sleep(time.Millisecond)
				logger.Print("served")
			}
		},
	},
	{
		name: "a logger that writes to whoever came last",
		ask:  inQuery,
		dirty: func() http.HandlerFunc {
			logger := log.New(io.Discard, "", 0)
			return func(w http.ResponseWriter, r *http.Request) {
				logger.SetOutput(w)
				time.Sleep(time.Millisecond)
				logger.Print("served ", user(r)) // it holds its lock while it writes
			}
		},
	},
	{
		name: "a buffered writer for all",
		ask:  inCookie,
		dirty: func() http.HandlerFunc {
			var (
				mu  sync.Mutex
				out = bufio.NewWriter(io.Discard)
			)
			return func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				out.Reset(w)
				mu.Unlock()
				time.Sleep(time.Millisecond)
				mu.Lock()
				defer mu.Unlock()
				fmt.Fprintf(out, "for %s", user(r))
				_ = out.Flush()
			}
		},
		clean: func() http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				out := bufio.NewWriter(w)
				time.Sleep(time.Millisecond)
				fmt.Fprintf(out, "for %s", user(r))
				_ = out.Flush()
			}
		},
	},
	{
		name:    "a body read in pieces into one buffer",
		vacuous: true,
		ask: func(_ int, canary string) *http.Request {
			return httptest.NewRequest("POST", "/", strings.NewReader(canary+strings.Repeat(".", 100)))
		},
		dirty: func() http.HandlerFunc {
			var (
				mu  sync.Mutex
				buf []byte
			)
			return echo(func(piece []byte) string {
				mu.Lock()
				defer mu.Unlock()
				buf = append(buf, piece...)
				return string(buf)
			})
		},
		clean: func() http.HandlerFunc {
			return echo(func(piece []byte) string { return string(piece) })
		},
	},
	{
		name: "a multipart form",
		ask: func(_ int, canary string) *http.Request {
			var body bytes.Buffer
			form := multipart.NewWriter(&body)
			_ = form.WriteField("kind", "letter")
			file, _ := form.CreateFormFile("file", "letter.txt")
			_, _ = io.WriteString(file, "dear "+canary)
			_ = form.Close()
			r := httptest.NewRequest("POST", "/", &body)
			r.Header.Set("Content-Type", form.FormDataContentType())
			return r
		},
		dirty: func() http.HandlerFunc {
			var letter kept
			return upload(func(text string) string {
				if text != "" {
					letter.set(text)
				}
				return letter.get()
			})
		},
		clean: func() http.HandlerFunc {
			return upload(func(text string) string { return text })
		},
	},
	{
		name: "a context that grows",
		ask:  inAuthorization,
		dirty: func() http.HandlerFunc {
			var mu sync.Mutex
			all := context.Background()
			return func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				all = context.WithValue(all, nameKey{}, user(r))
				mu.Unlock()
				time.Sleep(time.Millisecond)
				mu.Lock()
				name := all.Value(nameKey{})
				mu.Unlock()
				fmt.Fprint(w, name)
			}
		},
		clean: func() http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				ctx := context.WithValue(r.Context(), nameKey{}, user(r))
				time.Sleep(time.Millisecond)
				fmt.Fprint(w, ctx.Value(nameKey{}))
			}
		},
	},
	{
		name: "one flight for all who ask the same",
		ask:  inCookie,
		dirty: func() http.HandlerFunc {
			return flown(func(r *http.Request) string { return r.URL.Path })
		},
		clean: func() http.HandlerFunc {
			return flown(user)
		},
	},
	{
		name: "only the fifth request shows it",
		ask:  inQuery,
		dirty: func() http.HandlerFunc {
			var (
				mu  sync.Mutex
				few [4]string // of the last users, each one's page has the fourth before it
				n   int
			)
			return func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				old := few[n%4]
				few[n%4] = user(r)
				n++
				mu.Unlock()
				fmt.Fprintf(w, "before you: %s", old)
			}
		},
	},
	locked("a lock around the writes", func() {}),
	locked("a lock around the writes, after a nap", func() { time.Sleep(time.Second) }),
	locked("a lock around the writes, after a timer", func() { <-time.NewTimer(time.Second).C }),
	locked("a lock around the writes, after a nap of any length", func() { time.Sleep(rand.N(time.Second)) }),
}

type nameKey struct{}

// echo reads the body ten bytes at a time and says what it has got in the end.
func echo(keep func(piece []byte) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var got string
		piece := make([]byte, 10)
		for {
			n, err := r.Body.Read(piece)
			got = keep(piece[:n])
			if err != nil {
				break
			}
		}
		_, _ = io.WriteString(w, got)
	}
}

// upload shows the file of a form, as far as there is one.
func upload(keep func(text string) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 16); err != nil {
			http.Error(w, "no form", http.StatusBadRequest)
			return
		}
		var text string
		if file, _, err := r.FormFile("file"); err == nil {
			all, _ := io.ReadAll(file)
			text = string(all)
		}
		fmt.Fprintf(w, "%s: %s", r.FormValue("kind"), keep(text))
	}
}

// flown makes a page once for all who ask for the same meanwhile.
func flown(key func(*http.Request) string) http.HandlerFunc {
	var flights singleflight.Group
	return func(w http.ResponseWriter, r *http.Request) {
		page, _, _ := flights.Do(key(r), func() (any, error) {
			time.Sleep(time.Second)
			return "for " + user(r), nil
		})
		_, _ = io.WriteString(w, page.(string))
	}
}

// locked is clean: it naps, and then holds a lock while it writes to a client
// that may take its time.
func locked(name string, nap func()) stranger {
	return stranger{name: name, ask: inQuery, clean: func() http.HandlerFunc {
		var (
			mu sync.Mutex
			n  int
		)
		return func(w http.ResponseWriter, r *http.Request) {
			nap()
			mu.Lock()
			defer mu.Unlock()
			n++
			fmt.Fprintf(w, "number %d, ", n)
			fmt.Fprintf(w, "hello %s", user(r))
		}
	}}
}
