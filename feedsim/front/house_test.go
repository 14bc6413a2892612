// The house that the tests of this package share: a proxy on a simulated network
// in a bubble, peers that are scripts on raw connections, and clients who write
// down what came back and when.

package front_test

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab/simnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// conf is an nginx.conf around the lines of its http section.
func conf(http string) string {
	return "worker_processes 1;\nevents { worker_connections 1024; }\nhttp {\n" + http + "\n}\n"
}

// one is a configuration with a server on 8080 that passes everything to the
// upstream app, which has these server lines.
func one(servers, settings string) string {
	return conf("upstream app { " + servers + " }\n" +
		"server { listen 127.0.0.1:8080; " + settings + " location / { proxy_pass http://app; } }")
}

func parse(t testing.TB, text string) *front.Config {
	t.Helper()
	cfg, err := front.Parse("nginx.conf", strings.NewReader(text))
	require.NoError(t, err)
	return cfg
}

// localhost resolves that name to these addresses.
func localhost(addrs ...string) func(context.Context, string) ([]netip.Addr, error) {
	return func(_ context.Context, host string) ([]netip.Addr, error) {
		if host != "localhost" {
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}
		var all []netip.Addr
		for _, a := range addrs {
			all = append(all, netip.MustParseAddr(a))
		}
		return all, nil
	}
}

// house is a proxy in a bubble.
type house struct {
	t     *testing.T
	net   simnet.Network
	proxy *front.Proxy
	began time.Time
	port  int

	mu       sync.Mutex
	records  []front.Record
	errorLog []front.LogLine
	asked    []string // by peers, in order
}

// inHouse runs f in a bubble with a proxy of that configuration, and closes it.
func inHouse(t *testing.T, text string, f func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t}
		h.run(text, front.Options{Dial: h.net.DialContext}, f)
	})
}

// run is the inside of inHouse, with these options as far as the house has none of
// its own.
func (h *house) run(text string, options front.Options, f func(h *house)) {
	h.began, h.port = time.Now(), 20000
	options.Resolve, options.Observe, options.Log = localhost("127.0.0.1", "::1"), h.observe, h.note
	var err error
	h.proxy, err = front.New(parse(h.t, text), options)
	require.NoError(h.t, err)
	ln, err := h.net.Listen("127.0.0.1:8080")
	require.NoError(h.t, err)
	served := make(chan error, 1)
	go func() { served <- h.proxy.Serve(ln) }()
	defer func() {
		synctest.Wait()
		require.NoError(h.t, h.proxy.Close())
		require.ErrorIs(h.t, <-served, http.ErrServerClosed)
	}()
	f(h)
}

func (h *house) note(l front.LogLine) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.errorLog = append(h.errorLog, l)
}

func (h *house) observe(r front.Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.records = append(h.records, r)
}

// log is the records so far in a settled order, as lines.
func (h *house) log() []string {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	slices.SortFunc(h.records, func(a, b front.Record) int {
		return cmp.Or(cmp.Compare(a.Conn, b.Conn), cmp.Compare(a.Seq, b.Seq))
	})
	var lines []string
	for _, r := range h.records {
		lines = append(lines, r.String())
	}
	return lines
}

// record is the only record so far.
func (h *house) record() front.Record {
	h.t.Helper()
	time.Sleep(time.Millisecond)
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	require.Len(h.t, h.records, 1)
	return h.records[0]
}

// script is what a peer does with one connection: the nth, from 0, whose request
// was req.
type script func(c net.Conn, n int, req string)

// peer listens on addr and runs the script for each connection, one beside the
// other. It closes each connection when the script returns.
func (h *house) peer(addr string, do script) {
	h.t.Helper()
	ln, err := h.net.Listen(addr)
	require.NoError(h.t, err)
	go func() {
		for n := 0; ; n++ {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serveScript(c, n, func(req string) {
					h.mu.Lock()
					h.asked = append(h.asked, addr+" "+req)
					h.mu.Unlock()
				}, do)
			}()
		}
	}()
	h.t.Cleanup(func() { ln.Close() })
}

// serveScript reads a request and runs a script.
func serveScript(c net.Conn, n int, saw func(string), do script) {
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	io.Copy(io.Discard, r.Body)
	req := r.Method + " " + r.RequestURI + " " + r.Proto
	saw(req)
	do(c, n, req)
}

// say answers with a body of unknown length and closes.
func say(body string) script {
	return func(c net.Conn, _ int, _ string) { fmt.Fprintf(c, "HTTP/1.0 200 OK\r\n\r\n%s", body) }
}

// raw writes the parts with a second between them, and closes.
func raw(parts ...string) script {
	return func(c net.Conn, _ int, _ string) {
		for i, p := range parts {
			if i > 0 {
				time.Sleep(time.Second)
			}
			io.WriteString(c, p)
		}
	}
}

// then follows one script with another.
func then(all ...script) script {
	return func(c net.Conn, n int, req string) {
		for _, do := range all {
			do(c, n, req)
		}
	}
}

func wait(d time.Duration) script { return func(net.Conn, int, string) { time.Sleep(d) } }

// reset cuts the connection.
func reset(c net.Conn, _ int, _ string) {
	c.(interface{ SetLinger(int) error }).SetLinger(0)
	c.Close()
}

// answer is what became of a request.
type answer struct {
	header time.Duration // when the header came
	end    time.Duration // when the reply was complete, or broke off
	status int
	body   string
	cut    bool // the reply broke off
	err    error
}

func (a answer) String() string {
	if a.status == 0 {
		return fmt.Sprintf("%v: no reply", a.end)
	}
	s := fmt.Sprintf("%v %v: %d", a.header, a.end, a.status)
	if a.cut {
		s += " cut"
	}
	if !strings.HasPrefix(a.body, "<html>") {
		if len(a.body) > 40 {
			s += fmt.Sprintf(" %d bytes", len(a.body))
		} else if a.body != "" {
			s += " " + a.body
		}
	}
	return s
}

// now is the time since the house was built, to the millisecond.
func (h *house) now() time.Duration { return time.Since(h.began).Round(time.Millisecond) }

func (h *house) dial() net.Conn {
	h.t.Helper()
	h.port++
	c, err := h.net.DialFrom(context.Background(), h.port, "127.0.0.1:8080")
	require.NoError(h.t, err)
	return c
}

// ask sends a request on a connection of its own, a nanosecond after the one
// before, and returns where the answer will be.
func (h *house) ask(request string) <-chan answer {
	h.t.Helper()
	time.Sleep(time.Nanosecond)
	h.port++
	port := h.port
	got := make(chan answer, 1)
	go func() {
		c, err := h.net.DialFrom(context.Background(), port, "127.0.0.1:8080")
		if err != nil {
			got <- answer{end: h.now(), err: err}
			return
		}
		defer c.Close()
		got <- converse(c, request, h.now)
	}()
	return got
}

// get is ask for a path, and its answer.
func (h *house) get(path string) answer { return <-h.ask("GET " + path) }

// converse sends a request, a method and a path and maybe a body, and reads the
// answer. It sends nothing for "", and waits until the connection is closed.
func converse(c net.Conn, request string, now func() time.Duration) answer {
	if request == "" {
		_, err := io.Copy(io.Discard, c)
		return answer{end: now(), err: err}
	}
	line, body, _ := strings.Cut(request, "\n")
	length := ""
	if body != "" {
		length = fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	sent := make(chan struct{})
	go func() { // beside the reading, for a reply may come before all of it is sent
		defer close(sent)
		fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: x\r\n%s\r\n%s", line, length, body)
	}()
	defer func() { <-sent }()
	defer c.Close()
	method, _, _ := strings.Cut(line, " ")
	reply, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		return answer{end: now(), err: err}
	}
	a := answer{header: now(), status: reply.StatusCode}
	got, err := io.ReadAll(reply.Body)
	a.end, a.body, a.cut, a.err = now(), string(got), err != nil, err
	return a
}

// shipped is the exercise's own file.
func shipped(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("../nginx.conf")
	require.NoError(t, err)
	return string(b)
}
