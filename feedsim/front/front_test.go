// What a single scene cannot show: locations, clients who read slowly, requests
// that come together, connections that run out, and what is written down.

package front_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim/front"
)

func TestTheLongestPrefixTakesTheRequest(t *testing.T) {
	text := conf(`upstream a { server 127.0.0.1:5000; } upstream b { server 127.0.0.1:5001; } upstream c { server 127.0.0.1:5002; }
		server { listen 8080;
			location /check { proxy_pass http://b; }
			location / { proxy_pass http://a; }
			location /check_feed { proxy_pass http://c; } }`)
	inHouse(t, text, func(h *house) {
		for i, name := range []string{"a", "b", "c"} {
			h.peer(fmt.Sprintf("127.0.0.1:500%d", i), say(name))
		}
		for path, want := range map[string]string{
			"/": "a", "/chec": "a", "/check": "b", "/check_fee": "b", "/check_feed": "c", "/check_feed/x?y": "c",
			"/%63heck": "b", "//check": "b", "/x/../check_feed": "c",
		} {
			require.Equal(h.t, want, h.get(path).body, path)
		}
	})
}

func TestInnerBlocksInheritAndOverride(t *testing.T) {
	text := conf(`proxy_read_timeout 3s;
		upstream a { server 127.0.0.1:5000; }
		server { listen 8080; proxy_read_timeout 2s;
			location / { proxy_pass http://a; }
			location /own { proxy_pass http://a; proxy_read_timeout 1s; } }
		server { listen 8081; location / { proxy_pass http://a; } }`)
	inHouse(t, text, func(h *house) {
		h.peer("127.0.0.1:5000", watchQuietly)
		ln, err := h.net.Listen("127.0.0.1:8081")
		require.NoError(h.t, err)
		go h.proxy.Serve(ln)
		took := func(addr, path string) time.Duration {
			began := h.now()
			c, err := h.net.DialContext(context.Background(), "tcp", addr)
			require.NoError(h.t, err)
			require.Equal(h.t, 504, converse(c, "GET "+path, h.now).status)
			return h.now() - began
		}
		require.Equal(h.t, time.Second, took("127.0.0.1:8080", "/own"))
		require.Equal(h.t, 2*time.Second, took("127.0.0.1:8080", "/"))
		require.Equal(h.t, 3*time.Second, took("127.0.0.1:8081", "/"))
	})
}

func watchQuietly(c net.Conn, _ int, _ string) { io.Copy(io.Discard, c) }

// A client who reads nothing for a while frees a buffered upstream at once, and
// holds an unbuffered one.
func TestASlowClient(t *testing.T) {
	for settings, freed := range map[string]time.Duration{"": 0, "proxy_buffering off;": 5 * time.Second} {
		inHouse(t, one("server 127.0.0.1:5000;", settings), func(h *house) {
			body := lines(1000)
			var wrote time.Duration
			h.peer("127.0.0.1:5000", func(c net.Conn, _ int, _ string) {
				io.WriteString(c, ok+body)
				wrote = h.now()
			})
			c := h.dial()
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			time.Sleep(5 * time.Second)
			reply, err := http.ReadResponse(bufio.NewReader(c), nil)
			require.NoError(h.t, err)
			got, err := io.ReadAll(reply.Body)
			require.NoError(h.t, err)
			require.True(h.t, body == string(got))
			require.Equal(h.t, freed, wrote, "%q", settings)
			c.Close()
		})
	}
}

func TestAClientWhoNeverReadsIsCutAfterAMinute(t *testing.T) {
	for _, settings := range []string{"", "proxy_buffering off;"} {
		inHouse(t, one("server 127.0.0.1:5000;", settings), func(h *house) {
			h.peer("127.0.0.1:5000", raw(ok+lines(1000)))
			c := h.dial()
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			time.Sleep(59 * time.Second)
			require.Empty(h.t, h.log())
			time.Sleep(2 * time.Second)
			r := h.record()
			require.True(h.t, r.Cut)
			require.Equal(h.t, 200, r.Status)
			c.Close()
		})
	}
}

func TestAConnectionIsKeptForMoreRequests(t *testing.T) {
	inHouse(t, one("server 127.0.0.1:5000;", "keepalive_timeout 5s;"), func(h *house) {
		h.peer("127.0.0.1:5000", nth(say("one"), reset, say("three")))
		c := h.dial()
		r := bufio.NewReader(c)
		for _, want := range []int{200, 502, 200} {
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			reply, err := http.ReadResponse(r, nil)
			require.NoError(h.t, err)
			io.Copy(io.Discard, reply.Body)
			require.Equal(h.t, want, reply.StatusCode)
			require.Equal(h.t, "nginx", reply.Header.Get("Server"))
		}
		_, err := r.ReadByte()
		require.ErrorIs(h.t, err, io.EOF)
		require.Equal(h.t, 5*time.Second, h.now())
		c.Close()
	})
}

// Requests that come together choose before the first refusal is known; those that
// come apart do not.
func TestRequestsThatComeTogether(t *testing.T) {
	inHouse(t, one("server 127.0.0.1:5000; server 127.0.0.1:1;", ""), func(h *house) {
		h.peer("127.0.0.1:5000", then(wait(time.Second), say("x")))
		var all []<-chan answer
		for range 75 {
			all = append(all, h.ask("GET /"))
		}
		for _, a := range all {
			require.Equal(h.t, 200, (<-a).status)
		}
		refused := 0
		for _, line := range h.log() {
			refused += strings.Count(line, "Connection refused")
		}
		require.Greater(h.t, refused, 5)
		require.LessOrEqual(h.t, refused, 37)
		time.Sleep(15 * time.Second)
		for range 75 {
			time.Sleep(time.Millisecond)
			h.ask("GET /")
		}
		time.Sleep(2 * time.Second)
		for _, line := range h.log() {
			refused -= strings.Count(line, "Connection refused")
		}
		require.Equal(h.t, -1, refused)
	})
}

func TestConnectionsAreGivenBack(t *testing.T) {
	inHouse(t, strings.Replace(one("server 127.0.0.1:5000; server 127.0.0.1:1;", ""), "1024", "4", 1), func(h *house) {
		h.peer("127.0.0.1:5000", say("x"))
		for range 20 {
			require.Equal(h.t, 200, h.get("/").status)
			time.Sleep(time.Second)
		}
	})
}

// What one process learns of a peer the others do not know.
func TestEachProcessMarksPeersForItself(t *testing.T) {
	text := strings.Replace(one("server 127.0.0.1:1; server 127.0.0.1:5000;", ""), "worker_processes 1", "worker_processes 4", 1)
	inHouse(t, text, func(h *house) {
		h.peer("127.0.0.1:5000", say("x"))
		for range 100 {
			require.Equal(h.t, 200, h.get("/").status)
			time.Sleep(10 * time.Millisecond)
		}
		refused := map[int]int{}
		served := map[int]int{}
		h.log()
		for _, r := range h.records {
			served[r.Process]++
			refused[r.Process] += len(r.Tries) - 1
		}
		require.Equal(h.t, map[int]int{0: 1, 1: 1, 2: 1, 3: 1}, refused)
		for p := range 4 {
			require.InDelta(h.t, 25, served[p], 15)
		}
	})
}

func TestWhatIsWrittenDown(t *testing.T) {
	inHouse(t, one("server 127.0.0.1:1; server 127.0.0.1:5000;", ""), func(h *house) {
		h.peer("127.0.0.1:5000", then(wait(time.Second), raw(ok, "abc", "d"), wait(time.Second)))
		require.Equal(h.t, "4s 4s: 200 abcd", h.get("/stream_feed").String())
		r := h.record()
		since := func(at time.Time) time.Duration { return at.Sub(h.began).Round(time.Millisecond) }
		require.Equal(h.t, "/stream_feed", r.URI)
		require.Equal(h.t, "/", r.Location)
		require.Equal(h.t, "app", r.Upstream)
		require.True(h.t, r.Buffered)
		require.EqualValues(h.t, 4, r.Bytes)
		require.Equal(h.t, 4*time.Second, since(r.FirstByte), "the client waits")
		require.Len(h.t, r.Tries, 2)
		require.Equal(h.t, front.Refused, r.Tries[0].Outcome)
		require.Equal(h.t, front.Connecting, r.Tries[0].While)
		require.Error(h.t, r.Tries[0].Err)
		last := r.Tries[1]
		require.Equal(h.t, front.Served, last.Outcome)
		require.Equal(h.t, 200, last.Status)
		require.Equal(h.t, []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second},
			[]time.Duration{since(last.Connected), since(last.Header), since(last.FirstBody), since(last.End)})
	})
}

func TestAClientWhoLeavesIs499(t *testing.T) {
	inHouse(t, one("server 127.0.0.1:5000;", ""), func(h *house) {
		h.peer("127.0.0.1:5000", watchQuietly)
		c := h.dial()
		time.AfterFunc(time.Second, func() { c.Close() })
		converse(c, "GET /", h.now)
		r := h.record()
		require.Equal(h.t, 499, r.Status)
		require.False(h.t, r.Cut)
		require.Equal(h.t, "GET / 499 1.000 location / upstream app "+
			"127.0.0.1:5000: epoll_wait() reported that client prematurely closed connection, so upstream connection is closed too while sending request to upstream", r.String())
	})
}

func TestHeadersOnTheirWay(t *testing.T) {
	inHouse(t, one("server 127.0.0.1:5000;", ""), func(h *house) {
		ln, err := h.net.Listen("127.0.0.1:5000")
		require.NoError(h.t, err)
		defer ln.Close()
		asked := make(chan string, 1)
		go func() {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			b := make([]byte, 4096)
			n, _ := c.Read(b)
			asked <- string(b[:n])
			io.WriteString(c, "HTTP/1.1 200 OK\r\nDate: never\r\nServer: app\r\nX-Two: 1\r\nX-Two: 2\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")
		}()
		c := h.dial()
		io.WriteString(c, "GET /a HTTP/1.1\r\nHost: example.org\r\nConnection: keep-alive\r\nX-B: 2\r\nX-A: 1\r\nTE: x\r\nExpect: 100-continue\r\nX-Forwarded-For: me\r\n\r\n")
		reply, err := http.ReadResponse(bufio.NewReader(c), nil)
		require.NoError(h.t, err)
		require.Equal(h.t, "GET /a HTTP/1.0\r\nHost: app\r\nConnection: close\r\nX-A: 1\r\nX-B: 2\r\nX-Forwarded-For: me\r\n\r\n", <-asked)
		require.Equal(h.t, []string{"1", "2"}, reply.Header["X-Two"])
		require.Equal(h.t, "nginx", reply.Header.Get("Server"))
		require.NotEqual(h.t, "never", reply.Header.Get("Date"))
		require.False(h.t, reply.Close)
		c.Close()
	})
}

func TestCloseCutsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, began: time.Now(), port: 20000}
		p, err := front.New(parse(t, one("server 127.0.0.1:5000;", "proxy_ignore_client_abort on;")), front.Options{Dial: h.net.DialContext})
		require.NoError(t, err)
		ln, err := h.net.Listen("127.0.0.1:8080")
		require.NoError(t, err)
		served := make(chan error, 1)
		go func() { served <- p.Serve(ln) }()
		h.peer("127.0.0.1:5000", watchQuietly)
		got := h.ask("GET /")
		time.Sleep(time.Second)
		require.NoError(t, p.Close())
		require.Equal(t, "1s: no reply", (<-got).String())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
		ln, err = h.net.Listen("127.0.0.1:8080")
		require.NoError(t, err)
		require.ErrorIs(t, p.Serve(ln), http.ErrServerClosed)
	})
}

func TestAListenerThatNoServerIsFor(t *testing.T) {
	cfg := parse(t, conf(up+"server { listen 8080; location / { proxy_pass http://app; } } server { listen 8081; }"))
	p, err := front.New(cfg, front.Options{})
	require.NoError(t, err)
	defer p.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.ErrorContains(t, p.Serve(ln), "no server listens on the port of 127.0.0.1:")
}
