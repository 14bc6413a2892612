// The scenes: what the proxy is asked, what the peers do, and what comes of it.
// They run in virtual time against the expectations written here, and, beside a
// real nginx, in real time against what that does.

package front_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// scene is one server block with one upstream of peers, and a few requests.
type scene struct {
	name     string
	servers  string // of the upstream app; peers are 127.0.0.1:5000 and :5001, and nobody is at :1
	settings string // in the server block
	location string // in location /, instead of proxy_pass http://app
	peers    []script
	asks     []ask
	want     []string // the answers in order: header, end: status, body
	log      []string // the records' tries, where they matter
	seen     []string // what the scripts noted
	inBubble bool     // needs what only a simulated network does
}

// ask is a request, when it is sent, and when the client leaves; 0 is never.
type ask struct {
	at      time.Duration
	request string
	leaves  time.Duration
}

func get(path string) []ask { return []ask{{request: "GET " + path}} }

// noting is a connection whose script can leave a note, and when.
type noting struct {
	net.Conn
	note func(string)
}

func (c noting) SetLinger(n int) error {
	return c.Conn.(interface{ SetLinger(int) error }).SetLinger(n)
}

// watch notes when the proxy closes the connection.
func watch(c net.Conn, _ int, _ string) {
	io.Copy(io.Discard, c)
	c.(noting).note("closed by the proxy")
}

// echo answers with the request line.
func echo(c net.Conn, _ int, req string) { fmt.Fprintf(c, "HTTP/1.0 200 OK\r\n\r\n%s", req) }

// nth picks a script by the connection's number; the last is for all the rest.
func nth(all ...script) script {
	return func(c net.Conn, n int, req string) { all[min(n, len(all)-1)](c, n, req) }
}

// status answers with a status and a body of the app's own.
func status(line string) script { return raw("HTTP/1.0 " + line + "\r\n\r\nour own") }

const (
	ok      = "HTTP/1.0 200 OK\r\n\r\n"
	ok5     = "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n"
	okChunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	single  = "server 127.0.0.1:5000;"
	double  = "server 127.0.0.1:5000; server 127.0.0.1:5001;"
)

// lines is n lines of 1,000 bytes.
func lines(n int) string { return strings.Repeat(strings.Repeat("x", 999)+"\n", n) }

var scenes = []scene{
	{
		name: "refused is 502", servers: "server 127.0.0.1:1;", asks: get("/"),
		want: []string{"0s 0s: 502"},
		log:  []string{"127.0.0.1:1: connect() failed (111: Connection refused) while connecting to upstream"},
	}, {
		name: "reset before the header is 502", servers: single, peers: []script{reset}, asks: get("/"),
		want: []string{"0s 0s: 502"},
		log:  []string{"127.0.0.1:5000: recv() failed (104: Connection reset by peer) while reading response header from upstream"},
	}, {
		name: "closed before the header is 502", servers: single, peers: []script{raw("")}, asks: get("/"),
		want: []string{"0s 0s: 502"},
		log:  []string{"127.0.0.1:5000: upstream prematurely closed connection while reading response header from upstream"},
	}, {
		name: "closed within the header is 502", servers: single, peers: []script{raw("HTTP/1.0 200 OK\r\nA: b\r\n")}, asks: get("/"),
		want: []string{"0s 0s: 502"},
	}, {
		name: "a header larger than its buffer is 502", servers: single, settings: "proxy_buffer_size 1k;",
		peers: []script{raw("HTTP/1.0 200 OK\r\nA: " + lines(2) + "\r\n\r\n")}, asks: get("/"),
		want: []string{"0s 0s: 502"},
		log:  []string{"127.0.0.1:5000: upstream sent too big header while reading response header from upstream"},
	}, {
		name: "a field's name with a control character is 502", servers: single,
		peers: []script{raw("HTTP/1.0 200 OK\r\nA: b\r\nX\x01y: z\r\n\r\n")}, asks: get("/"),
		want: []string{"0s 0s: 502"},
		log:  []string{`127.0.0.1:5000: upstream sent invalid header: "X\x01..." while reading response header from upstream`},
	}, {
		name: "a status that is no number is 502", servers: single, inBubble: true, peers: []script{raw("HTTP/1.0 fine\r\n\r\n")}, asks: get("/"),
		want: []string{"0s 0s: 502"},
		log:  []string{"127.0.0.1:5000: upstream sent no valid HTTP/1.0 header while reading response header from upstream"},
	}, {
		name: "a reply whose first chunk is invalid is none", servers: single, peers: []script{raw(okChunk + "x\r\n")}, asks: get("/"),
		want: []string{"0s: no reply"},
		log:  []string{"127.0.0.1:5000: upstream sent invalid chunked response while reading upstream"},
	}, {
		name: "a Content-Length that is no number is none", servers: single,
		peers: []script{raw("HTTP/1.0 200 OK\r\nContent-Length: five\r\n\r\nhello")}, asks: get("/"),
		want: []string{"0s 0s: 200 hello"},
	}, {
		name: "no header in time is 504", servers: single, settings: "proxy_read_timeout 1s;",
		peers: []script{watch}, asks: get("/"),
		want: []string{"1s 1s: 504"},
		log:  []string{"127.0.0.1:5000: upstream timed out (110: Connection timed out) while reading response header from upstream"},
		seen: []string{"1s closed by the proxy"},
	}, {
		name: "half a header is no header in time", servers: single, settings: "proxy_read_timeout 1500ms;",
		peers: []script{raw("HTTP/1.0 200 OK\r\n", "A: b\r\n", "\r\n")}, asks: get("/"),
		want: []string{"1.5s 1.5s: 504"},
	}, {
		name: "the read timeout starts again with each read", servers: single, settings: "proxy_read_timeout 1500ms; proxy_buffering off;",
		peers: []script{raw(ok+"a", "b", "c")}, asks: get("/"),
		want: []string{"0s 2s: 200 abc"},
	}, {
		name: "a stream that stalls is cut", servers: single, settings: "proxy_read_timeout 1s; proxy_buffering off;",
		peers: []script{then(raw(ok+"abc"), watch)}, asks: get("/"),
		want: []string{"0s 1s: 200 cut abc"},
		log:  []string{"127.0.0.1:5000: upstream timed out (110: Connection timed out) while reading upstream"},
		seen: []string{"1s closed by the proxy"},
	}, {
		name: "a buffered stream that stalls is cut, and its buffer lost", servers: single, settings: "proxy_read_timeout 1s;",
		peers: []script{then(raw(ok+"abc"), watch)}, asks: get("/"),
		want: []string{"1s 1s: 200 cut"},
	}, {
		name: "a FIN ends a body of unknown length", servers: single, peers: []script{raw(ok+"abc", "def")}, asks: get("/"),
		want: []string{"1s 1s: 200 abcdef"},
	}, {
		name: "a FIN cuts a body of known length", servers: single, peers: []script{raw(ok5+"ab", "c")}, asks: get("/"),
		want: []string{"1s 1s: 200 cut abc"},
		log:  []string{"127.0.0.1:5000: upstream prematurely closed connection while reading upstream"},
	}, {
		name: "a FIN cuts an unbuffered body of known length", servers: single, settings: "proxy_buffering off;",
		peers: []script{raw(ok5+"ab", "c")}, asks: get("/"),
		want: []string{"0s 1s: 200 cut abc"},
	}, {
		name: "a body of known length ends without a FIN", servers: single, peers: []script{then(raw(ok5+"hello"), watch)}, asks: get("/"),
		want: []string{"0s 0s: 200 hello"},
		seen: []string{"0s closed by the proxy"},
	}, {
		name: "an unbuffered body of known length ends without a FIN", servers: single, settings: "proxy_buffering off;",
		peers: []script{then(raw(ok5+"he", "llo"), watch)}, asks: get("/"),
		want: []string{"0s 1s: 200 hello"},
	}, {
		name: "a RST cuts any body", servers: single, settings: "proxy_buffering off;",
		peers: []script{then(raw(ok+"abc"), wait(time.Second), reset)}, asks: get("/"),
		want: []string{"0s 1s: 200 cut abc"},
		log:  []string{"127.0.0.1:5000: recv() failed (104: Connection reset by peer) while reading upstream"},
	}, {
		name: "a RST cuts a buffered body, and its buffer is lost", servers: single,
		peers: []script{then(raw(ok+"abc"), wait(time.Second), reset)}, asks: get("/"),
		want: []string{"1s 1s: 200 cut"},
	}, {
		name: "chunks are unpacked", servers: single, peers: []script{raw(okChunk + "3\r\nabc\r\n0\r\n\r\n")}, asks: get("/"),
		want: []string{"0s 0s: 200 abc"},
	}, {
		name: "a FIN cuts a chunked body", servers: single, peers: []script{raw(okChunk + "3\r\nabc\r\n")}, asks: get("/"),
		want: []string{"0s 0s: 200 cut abc"},
	}, {
		name: "a FIN cuts an unbuffered chunked body", servers: single, settings: "proxy_buffering off;",
		peers: []script{raw(okChunk+"3\r\nabc\r\n", "2\r\nde\r\n")}, asks: get("/"),
		want: []string{"0s 1s: 200 cut abcde"},
	}, {
		name: "a buffered trickle waits for its end", servers: single, peers: []script{raw(ok, "a", "b")}, asks: get("/"),
		want: []string{"2s 2s: 200 ab"},
	}, {
		name: "an unbuffered trickle does not", servers: single, settings: "proxy_buffering off;", peers: []script{raw(ok, "a", "b")}, asks: get("/"),
		want: []string{"0s 2s: 200 ab"},
	}, {
		name: "the upstream may choose not to be buffered", servers: single,
		peers: []script{raw("HTTP/1.0 200 OK\r\nX-Accel-Buffering: no\r\n\r\n", "a", "b")}, asks: get("/"),
		want: []string{"0s 2s: 200 ab"},
	}, {
		name: "the first buffer is full at 4k, header included", servers: single,
		peers: []script{raw(ok, lines(4), lines(1)[:77], "x", "end")}, asks: get("/"), // 19 + 4,077 = 4,096
		want: []string{"2s 4s: 200 4081 bytes"},
	}, {
		name: "a byte less is not full", servers: single,
		peers: []script{raw(ok, lines(4), lines(1)[:76], "x", "end")}, asks: get("/"),
		want: []string{"3s 4s: 200 4080 bytes"},
	}, {
		name: "a larger first buffer is full later", servers: single, settings: "proxy_buffer_size 8k; proxy_buffers 4 8k;",
		peers: []script{raw(ok+lines(4), lines(4), lines(1))}, asks: get("/"),
		want: []string{"2s 2s: 200 9000 bytes"},
	}, {
		name: "a large reply is whole", servers: single, peers: []script{raw(ok+lines(100), lines(200))}, asks: get("/"),
		want: []string{"0s 1s: 200 300000 bytes"},
	}, {
		name: "a refused peer is skipped", servers: "server 127.0.0.1:1; server 127.0.0.1:5000;",
		peers: []script{echo}, asks: get("/"),
		want: []string{"0s 0s: 200 GET / HTTP/1.0"},
		log: []string{"127.0.0.1:1: connect() failed (111: Connection refused) while connecting to upstream, " +
			"127.0.0.1:5000: served"},
	}, {
		name: "a peer that times out is skipped", servers: double, settings: "proxy_read_timeout 1s;",
		peers: []script{watch, echo}, asks: get("/"),
		want: []string{"1s 1s: 200 GET / HTTP/1.0"},
	}, {
		name: "a POST that was sent is not sent again", servers: double, settings: "proxy_read_timeout 1s;",
		peers: []script{watch, echo}, asks: []ask{{request: "POST /\nbody"}},
		want: []string{"1s 1s: 504"},
	}, {
		name: "unless non_idempotent says so", servers: double, settings: "proxy_read_timeout 1s; proxy_next_upstream error timeout non_idempotent;",
		peers: []script{watch, echo}, asks: []ask{{request: "POST /\nbody"}},
		want: []string{"1s 1s: 200 POST / HTTP/1.0"},
	}, {
		name: "a POST that was refused is sent elsewhere", servers: "server 127.0.0.1:1; server 127.0.0.1:5000;",
		peers: []script{echo}, asks: []ask{{request: "POST /\nbody"}},
		want: []string{"0s 0s: 200 POST / HTTP/1.0"},
	}, {
		name: "off asks nobody else", servers: double, settings: "proxy_next_upstream off;",
		peers: []script{reset, echo}, asks: get("/"),
		want: []string{"0s 0s: 502"},
	}, {
		name: "a condition that is not listed asks nobody else", servers: double, settings: "proxy_next_upstream timeout;",
		peers: []script{reset, echo}, asks: get("/"),
		want: []string{"0s 0s: 502"},
	}, {
		name: "a status is passed on", servers: double, peers: []script{status("503 Busy"), echo}, asks: get("/"),
		want: []string{"0s 0s: 503 our own"},
	}, {
		name: "a status that is listed is tried elsewhere", servers: double, settings: "proxy_next_upstream http_503;",
		peers: []script{status("503 Busy"), echo}, asks: get("/"),
		want: []string{"0s 0s: 200 GET / HTTP/1.0"},
	}, {
		name: "but not beyond the last peer", servers: double, settings: "proxy_next_upstream http_503;",
		peers: []script{status("503 Busy"), status("503 Busy")}, asks: get("/"),
		want: []string{"0s 0s: 503 our own"},
	}, {
		name: "tries are counted", servers: double, settings: "proxy_next_upstream_tries 1;",
		peers: []script{reset, echo}, asks: get("/"),
		want: []string{"0s 0s: 502"},
	}, {
		name: "tries have a time", servers: double, settings: "proxy_next_upstream_timeout 500ms; proxy_read_timeout 1s;",
		peers: []script{watch, echo}, asks: get("/"),
		want: []string{"1s 1s: 504"},
	}, {
		name: "after the header nobody else is asked", servers: double, settings: "proxy_read_timeout 1s; proxy_buffering off;",
		peers: []script{then(raw(ok+"abc"), watch), echo}, asks: get("/"),
		want: []string{"0s 1s: 200 cut abc"},
	}, {
		name: "all marked is no live upstreams, and ends", servers: strings.ReplaceAll(double, ";", " fail_timeout=1s;"),
		peers: []script{nth(reset, say("first")), nth(reset, say("second"))},
		asks:  []ask{{request: "GET /"}, {at: 300 * time.Millisecond, request: "GET /"}, {at: 2500 * time.Millisecond, request: "GET /"}},
		want:  []string{"0s 0s: 502", "300ms 300ms: 502", "2.5s 2.5s: 200 second"},
		log: []string{
			"127.0.0.1:5000: recv() failed (104: Connection reset by peer) while reading response header from upstream, " +
				"127.0.0.1:5001: recv() failed (104: Connection reset by peer) while reading response header from upstream",
			"no live upstreams while connecting to upstream",
			"127.0.0.1:5001: served",
		},
	}, {
		name: "a single peer is never marked", servers: single, peers: []script{nth(reset, echo)},
		asks: []ask{{request: "GET /"}, {at: 300 * time.Millisecond, request: "GET /"}},
		want: []string{"0s 0s: 502", "300ms 300ms: 200 GET / HTTP/1.0"},
	}, {
		name: "nor is one with max_fails=0", servers: strings.ReplaceAll(double, ";", " max_fails=0;"),
		peers: []script{nth(reset, echo), nth(reset, echo)},
		asks:  []ask{{request: "GET /"}, {at: 300 * time.Millisecond, request: "GET /"}},
		want:  []string{"0s 0s: 502", "300ms 300ms: 200 GET / HTTP/1.0"},
	}, {
		name: "a peer that serves again has a clean slate", peers: []script{nth(reset, echo, reset, echo)},
		servers: "server 127.0.0.1:5000 max_fails=2 fail_timeout=1s; server 127.0.0.1:1 fail_timeout=1h;",
		asks: []ask{{request: "GET /"}, {at: 2500 * time.Millisecond, request: "GET /"},
			{at: 2700 * time.Millisecond, request: "GET /"}, {at: 2900 * time.Millisecond, request: "GET /"}},
		want: []string{"0s 0s: 502", "2.5s 2.5s: 200 GET / HTTP/1.0", "2.7s 2.7s: 502", "2.9s 2.9s: 200 GET / HTTP/1.0"},
	}, {
		name: "a failure counts although a success follows it", peers: []script{nth(reset, echo, reset, echo)},
		servers: "server 127.0.0.1:5000 max_fails=2; server 127.0.0.1:1 fail_timeout=1h;",
		asks: []ask{{request: "GET /"}, {at: 100 * time.Millisecond, request: "GET /"},
			{at: 200 * time.Millisecond, request: "GET /"}, {at: 300 * time.Millisecond, request: "GET /"}},
		want: []string{"0s 0s: 502", "100ms 100ms: 200 GET / HTTP/1.0", "200ms 200ms: 502", "300ms 300ms: 502"},
	}, {
		name: "max_fails=2 takes two", servers: strings.ReplaceAll(double, ";", " max_fails=2;"),
		peers: []script{reset, reset},
		asks:  []ask{{request: "GET /"}, {at: 300 * time.Millisecond, request: "GET /"}, {at: 600 * time.Millisecond, request: "GET /"}},
		want:  []string{"0s 0s: 502", "300ms 300ms: 502", "600ms 600ms: 502"},
		log: []string{
			"127.0.0.1:5000: recv() failed (104: Connection reset by peer) while reading response header from upstream, " +
				"127.0.0.1:5001: recv() failed (104: Connection reset by peer) while reading response header from upstream",
			"127.0.0.1:5001: recv() failed (104: Connection reset by peer) while reading response header from upstream, " +
				"127.0.0.1:5000: recv() failed (104: Connection reset by peer) while reading response header from upstream",
			"no live upstreams while connecting to upstream",
		},
	}, {
		name: "a client who leaves takes the upstream's connection along", servers: single, peers: []script{watch},
		asks: []ask{{request: "GET /", leaves: time.Second}},
		want: []string{"1s: no reply"},
		seen: []string{"1s closed by the proxy"},
	}, {
		name: "unless that is ignored", servers: single, settings: "proxy_ignore_client_abort on; proxy_read_timeout 2s;", peers: []script{watch},
		asks: []ask{{request: "GET /", leaves: time.Second}},
		want: []string{"1s: no reply"},
		seen: []string{"2s closed by the proxy"},
	}, {
		name: "a client who leaves a stream", servers: single, settings: "proxy_buffering off;",
		peers: []script{then(raw(ok+"abc"), watch)},
		asks:  []ask{{request: "GET /", leaves: time.Second}},
		want:  []string{"0s 1s: 200 cut abc"},
		seen:  []string{"1s closed by the proxy"},
	}, {
		name: "a client who leaves a buffered stream", servers: single,
		peers: []script{then(raw(ok+"abc"), watch)},
		asks:  []ask{{request: "GET /", leaves: time.Second}},
		want:  []string{"1s: no reply"},
		seen:  []string{"1s closed by the proxy"},
	}, {
		name: "HEAD has no body", servers: single, peers: []script{raw(ok5)}, asks: []ask{{request: "HEAD /"}},
		want: []string{"0s 0s: 200"},
	}, {
		name: "204 has no body", servers: single, peers: []script{raw("HTTP/1.0 204 No Content\r\n\r\n")}, asks: get("/"),
		want: []string{"0s 0s: 204"},
	}, {
		name: "a URI in proxy_pass replaces the prefix", servers: single, location: "/a/ { proxy_pass http://app/b/; }",
		peers: []script{echo}, asks: get("/a/c%20d?e=f"),
		want: []string{"0s 0s: 200 GET /b/c%20d?e=f HTTP/1.0"},
	}, {
		name: "a prefix without its slash redirects", servers: single, location: "/a/ { proxy_pass http://app; }",
		peers: []script{echo}, asks: get("/a"),
		want: []string{"0s 0s: 301"},
	}, {
		name: "dots are resolved to find the location", servers: single, location: "/a/ { proxy_pass http://app; }",
		peers: []script{echo}, asks: get("/b/..//a/c"),
		want: []string{"0s 0s: 200 GET /b/..//a/c HTTP/1.0"},
	}, {
		name: "above the root is 400", servers: single, peers: []script{echo}, asks: get("/../a"),
		want: []string{"0s 0s: 400"},
	}, {
		name: "no location is 404", servers: single, location: "/a/ { proxy_pass http://app; }",
		peers: []script{echo}, asks: get("/b"),
		want: []string{"0s 0s: 404"},
	}, {
		name: "a body over 1m is 413", servers: single, peers: []script{echo},
		asks: []ask{{request: "POST /\n" + strings.Repeat("x", 1<<20+1)}},
		want: []string{"0s 0s: 413"},
	}, {
		name: "a large body arrives", servers: single, peers: []script{echo},
		asks: []ask{{request: "POST /\n" + strings.Repeat("x", 1<<17)}},
		want: []string{"0s 0s: 200 POST / HTTP/1.0"},
	}, {
		name: "a host is an upstream by itself", servers: "server 127.0.0.1:1;", location: "/ { proxy_pass http://127.0.0.1:5000; }",
		peers: []script{echo}, asks: get("/"),
		want: []string{"0s 0s: 200 GET / HTTP/1.0"},
	}, {
		name: "a backlog that drops is 504 after proxy_connect_timeout", servers: "server 127.0.0.1:5002;", settings: "proxy_connect_timeout 2s;",
		asks: get("/"), inBubble: true,
		want: []string{"2s 2s: 504"},
		log:  []string{"127.0.0.1:5002: upstream timed out (110: Connection timed out) while connecting to upstream"},
	}, {
		name: "localhost is two peers", servers: "server localhost:5000;", inBubble: true,
		peers: []script{nil}, asks: get("/"),
		want: []string{"0s 0s: 502"},
		log: []string{"127.0.0.1:5000: connect() failed (111: Connection refused) while connecting to upstream, " +
			"[::1]:5000: connect() failed (111: Connection refused) while connecting to upstream"},
	},
}

// text is the scene's part of an nginx.conf: listening on addr, with peers at
// these ports.
func (s scene) text(app, addr string, ports ...string) string {
	location := s.location
	if location == "" {
		location = "/ { proxy_pass http://app; }"
	}
	text := fmt.Sprintf("upstream app { %s }\nserver {\nlisten %s;\n%s\nlocation %s\n}\n", s.servers, addr, s.settings, location)
	for i, p := range ports {
		text = strings.ReplaceAll(text, fmt.Sprintf(":500%d", i), ":"+p)
	}
	return strings.NewReplacer("upstream app", "upstream "+app, "http://app", "http://"+app).Replace(text)
}

// play sends the scene's requests and returns the answers.
func (s scene) play(dial func(i int) net.Conn, now func() time.Duration) []answer {
	got := make([]chan answer, len(s.asks))
	for i, a := range s.asks {
		time.Sleep(max(a.at-now(), time.Nanosecond))
		got[i] = make(chan answer, 1)
		c := dial(i)
		if a.leaves > 0 {
			time.AfterFunc(a.leaves, func() { c.Close() })
		}
		go func() {
			defer c.Close()
			got[i] <- converse(c, a.request, now)
		}()
	}
	all := make([]answer, len(got))
	for i := range got {
		all[i] = <-got[i]
	}
	return all
}

func TestScenes(t *testing.T) {
	for _, s := range scenes {
		t.Run(s.name, func(t *testing.T) { s.test(t, 1024) })
	}
	for _, s := range crowded {
		t.Run(s.name, func(t *testing.T) { s.test(t, s.connections) })
	}
}

// test plays the scene in a bubble and holds it to what is written in it.
func (s scene) test(t *testing.T, connections int) {
	text := strings.Replace(conf(s.text("app", "127.0.0.1:8080")), "1024", strconv.Itoa(connections), 1)
	inHouse(t, text, func(h *house) {
		t := h.t
		full, err := h.net.Listen("127.0.0.1:5002")
		require.NoError(t, err)
		require.NoError(t, full.SetBacklog(0))
		_, err = h.net.DialFrom(context.Background(), 1, "127.0.0.1:5002")
		require.NoError(t, err)
		defer full.Close()

		var seen []string
		for i, do := range s.peers {
			if do == nil {
				continue
			}
			h.peer(fmt.Sprintf("127.0.0.1:500%d", i), func(c net.Conn, n int, req string) {
				do(noting{c, func(what string) {
					h.mu.Lock()
					defer h.mu.Unlock()
					seen = append(seen, h.now().String()+" "+what)
				}}, n, req)
			})
		}
		answers := s.play(func(int) net.Conn { return h.dial() }, h.now)
		var got []string
		for _, a := range answers {
			got = append(got, a.String())
		}
		require.Equal(t, s.want, got)
		time.Sleep(10 * time.Second)
		tries := h.log()
		for i, line := range tries {
			if _, after, ok := strings.Cut(line, " upstream app "); ok {
				tries[i] = after
			}
		}
		if s.log != nil {
			require.Equal(t, s.log, tries)
		}
		if s.seen != nil {
			require.Equal(t, s.seen, slices.Clip(append([]string{}, seen...)))
		}
	})
}
