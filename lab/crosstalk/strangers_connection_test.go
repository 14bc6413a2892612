// Strangers that do with their connection what most handlers do not.

package crosstalk_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"
)

var inTheConnection = []stranger{
	{
		name: "a stream that is flushed",
		ask:  inQuery,
		dirty: func() http.HandlerFunc {
			var session kept
			return stream(5, func(r *http.Request) func() string {
				session.set(user(r))
				return session.get
			})
		},
		clean: func() http.HandlerFunc {
			return stream(5, itsOwn)
		},
	},
	{
		name: "a stream without end",
		ask:  inQuery,
		dirty: func() http.HandlerFunc {
			var session kept
			return stream(-1, func(r *http.Request) func() string {
				session.set(user(r))
				return session.get
			})
		},
		clean: func() http.HandlerFunc {
			return stream(-1, itsOwn)
		},
	},
	{
		name:  "a flood without end",
		large: true,
		ask:   inQuery,
		clean: func() http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				page := []byte(strings.Repeat(user(r)+" ", 1000))
				for {
					if _, err := w.Write(page); err != nil {
						return
					}
				}
			}
		},
	},
	{
		name:    "no answer until the client leaves",
		vacuous: true,
		ask:     inQuery,
		clean: func() http.HandlerFunc {
			return func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		},
	},
	{
		name: "a connection taken over",
		ask:  inCookie,
		dirty: func() http.HandlerFunc {
			var session kept
			return hijack("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n", func(r *http.Request) func() string {
				session.set(user(r))
				return session.get
			})
		},
		clean: func() http.HandlerFunc {
			return hijack("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n", itsOwn)
		},
	},
	{
		name: "a connection taken over by what is not HTTP",
		ask:  inCookie,
		dirty: func() http.HandlerFunc {
			var session kept
			return hijack("220 ", func(r *http.Request) func() string {
				session.set(user(r))
				return session.get
			})
		},
		clean: func() http.HandlerFunc {
			return hijack("220 ", itsOwn)
		},
	},
	{
		name: "a connection taken over, and answered at once",
		ask:  inCookie,
		clean: func() http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				conn, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					panic(err)
				}
				defer conn.Close()
				fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n%s", user(r))
			}
		},
	},
	{
		name:  "a body that waits to be asked for, and is large",
		large: true,
		ask: func(_ int, canary string) *http.Request {
			r := httptest.NewRequest("PUT", "/", strings.NewReader(strings.Repeat("x", 70_000)+canary))
			r.Header.Set("Expect", "100-continue")
			return r
		},
		dirty: func() http.HandlerFunc {
			var last kept
			return func(w http.ResponseWriter, r *http.Request) {
				all, _ := io.ReadAll(r.Body)
				before := last.get()
				last.set(string(all))
				_, _ = io.WriteString(w, before)
			}
		},
		clean: func() http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				all, _ := io.ReadAll(r.Body)
				_, _ = w.Write(all)
			}
		},
	},
	{
		name:    "a body that nobody reads",
		vacuous: true,
		large:   true,
		ask: func(_ int, canary string) *http.Request {
			return httptest.NewRequest("PUT", "/?q="+canary, strings.NewReader(strings.Repeat("x", 300_000)))
		},
		clean: func() http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				http.Error(w, "too much of "+r.URL.Query().Get("q"), http.StatusRequestEntityTooLarge)
			}
		},
	},
	shown("a large page", inQuery, func(w http.ResponseWriter, user string) {
		_, _ = w.Write(bytes.Repeat([]byte("."), 70_000))
		_, _ = io.WriteString(w, user)
		_, _ = w.Write(bytes.Repeat([]byte("."), 70_000))
	}),
	shown("a page copied from a reader", inQuery, func(w http.ResponseWriter, user string) {
		_, _ = w.(io.ReaderFrom).ReadFrom(strings.NewReader(user))
	}),
	shown("a page in strings", inQuery, func(w http.ResponseWriter, user string) {
		_, _ = w.(io.StringWriter).WriteString(user)
	}),
	shown("a connection that is closed after the reply", func(_ int, canary string) *http.Request {
		r := httptest.NewRequest("GET", "/?q="+canary, nil)
		r.Close = true
		return r
	}, func(w http.ResponseWriter, user string) {
		_, _ = io.WriteString(w, user)
	}),
	shown("an address with a host", func(_ int, canary string) *http.Request {
		r, _ := http.NewRequest("GET", "https://shop.example/cart?q="+canary, nil)
		return r
	}, func(w http.ResponseWriter, user string) {
		_, _ = io.WriteString(w, user)
	}),
	{
		name: "a deadline for the client",
		ask:  inQuery,
		clean: func() http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				control := http.NewResponseController(w)
				if err := control.SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
					panic(err)
				}
				fmt.Fprint(w, user(r))
				if err := control.Flush(); err != nil {
					panic(err)
				}
			}
		},
	},
}

// itsOwn keeps a request's user for it.
func itsOwn(r *http.Request) func() string {
	user := user(r)
	return func() string { return user }
}

// stream sends an event a second, so many or without end.
func stream(events int, session func(r *http.Request) (user func() string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user := session(r)
		w.Header().Set("Content-Type", "text/event-stream")
		for i := 0; i != events; i++ {
			fmt.Fprintf(w, "data: %s\n\n", user())
			w.(http.Flusher).Flush()
			select {
			case <-time.After(time.Second):
			case <-r.Context().Done():
				return
			}
		}
	}
}

// hijack takes the connection over, and greets its user on it a second later.
func hijack(begin string, session func(r *http.Request) (user func() string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user := session(r)
		conn, buf, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		time.Sleep(time.Second)
		fmt.Fprintf(buf, "%shello %s\n", begin, user())
		_ = buf.Flush()
	}
}
