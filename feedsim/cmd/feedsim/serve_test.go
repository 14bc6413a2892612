// The program serving: the routes through the front, what it logs and tells, what
// the flags change, and that it stops as it should.

package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/pocserver/cmd/cmdtest"
)

// stream opens /stream_feed and reads lines of it; the test's end closes it.
func stream(t *testing.T, url string, lines int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/stream_feed", nil)
	require.NoError(t, err)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	reply, err := client.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { reply.Body.Close() })
	require.Equal(t, http.StatusOK, reply.StatusCode)
	body := bufio.NewReader(reply.Body)
	for range lines {
		line, err := body.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, `{"updates": null}`+"\n", line)
	}
}

func TestTheFourRoutesAnswerThroughTheFront(t *testing.T) {
	p := newHouse(t).start(t, "-delay", "1ms")
	for path, want := range map[string]string{
		"/":           `^{"Title": "Concurrency is hard, let's go shopping!"}$`,
		"/hash_me":    `^{"uuid4": "[0-9a-f-]{36}"}$`,
		"/check_feed": `^{"updates": null}$`,
	} {
		status, body := cmdtest.Get(t, p.url+path)
		assert.Equal(t, http.StatusOK, status, path)
		assert.Regexp(t, want, body, path)
	}
	stream(t, p.url, 3)
}

// The app servers and the feed can be asked without the front, and are three
// servers: no two of them draw the same.
func TestWhatStandsBehindAnswersToo(t *testing.T) {
	p := newHouse(t).start(t, "-delay", "0")
	seen := map[string]bool{}
	for i, a := range apps {
		status, body := cmdtest.Get(t, "http://"+on(p.ports[i]).String()+"/hash_me")
		assert.Equal(t, http.StatusOK, status, a.name)
		assert.False(t, seen[body], "%s says %s, as another did", a.name, body)
		seen[body] = true
	}
	status, body := cmdtest.Get(t, "http://"+on(p.feed).String()+"/")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "null", body)
}

// What the banner says is so.
func TestTheBannerSaysWhatListensWhere(t *testing.T) {
	p := newHouse(t).start(t, "-threads", "25", "-awaiting", "-delay", "uniform:0s-1ms", "-feed-errors", "0.25", "-feed-capacity", "7")
	front := fmt.Sprintf("127.0.0.1:%d", p.front)
	want := fmt.Sprintf(`outagelab: the concurrency exercise
  front     %s  %s
  prefork   127.0.0.1:%d  2 sync workers
  threaded  127.0.0.1:%d  2 threaded workers × 25 threads
  evented   127.0.0.1:%d  2 evented workers, whose handlers await
  feed      127.0.0.1:%d  a poll takes uniform from 0s to 1ms, 0.25 of them fail, 7 at a time
  localhost is 127.0.0.1
try:
  curl http://%s/
`, front, p.conf, p.ports[0], p.ports[1], p.ports[2], p.feed, front)
	assert.Contains(t, p.Stdout.String(), want)
	assert.Contains(t, p.Stdout.String(), "\n  (for i in $(seq 100); do curl -s -o /dev/null -w '%{http_code} %{time_total} s\\n' http://"+front+"/check_feed & sleep 0.1; done; wait)\n")
}

func TestTheAccessLogHasALineForEachRequest(t *testing.T) {
	p := newHouse(t).start(t, "-delay", "0")
	prefork := on(p.ports[0]).String()
	cmdtest.Get(t, p.url+"/check_feed?x=1")
	p.Stdout.Wait(t, `(?m)^GET "/check_feed\?x=1" 200 \d+\.\d{3} location /check_feed upstream prefork `+prefork+`: served$`)
	cmdtest.Get(t, p.url+"/elsewhere")
	p.Stdout.Wait(t, `(?m)^GET "/elsewhere" 404 \d+\.\d{3} location / upstream prefork `+prefork+`: served$`)
	cmdtest.Get(t, p.url+"/"+strings.Repeat("x", 3000))
	p.Stdout.Wait(t, `(?m)^GET "/x{199}" 404 `)

	// A stranger's bytes reach no terminal as they are.
	conn, err := net.Dial("tcp", on(p.front).String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("GET /\u202e\x9b2J HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
	require.NoError(t, err)
	p.Stdout.Wait(t, `(?m)^GET "/\\u202e\\x9b2J" 404 `)
}

func TestTheAccessLogIsCompleteAtTheEnd(t *testing.T) {
	p := newHouse(t).start(t, "-delay", "1ms")
	cmdtest.Get(t, p.url+"/")
	stream(t, p.url, 1)
	p.Cancel()
	require.Equal(t, 0, p.End(t), "exit status; standard error:\n%s", p.Stderr)
	assert.Contains(t, p.Stdout.String(), `GET "/" 200 `)
	assert.Regexp(t, `(?m)^GET "/stream_feed" 200 \d+\.\d{3} cut location /stream_feed upstream prefork `, p.Stdout.String(), "what was cut")
}

func TestTheAccessLogCanBeTurnedOff(t *testing.T) {
	p := newHouse(t).start(t, "-access-log=false")
	cmdtest.Get(t, p.url+"/")
	p.Cancel()
	require.Equal(t, 0, p.End(t))
	assert.NotContains(t, p.Stdout.String(), "GET", "what is written after the banner")
}

// The exercise's 502: a time-out on the first address of localhost, and nobody on
// the second; then no live upstreams, / included. With one address it is 504, and
// / goes on.
func TestASecondAddressOfLocalhostIsThe502(t *testing.T) {
	t.Parallel()
	impatient := []string{"worker_processes 4;", "worker_processes 1;", "http {", "http {\nproxy_read_timeout 500ms;"}
	slow := []string{"-delay", "1h"}

	two := newHouse(t, impatient...).start(t, append(slow, "-localhost", "127.0.0.1,::1")...)
	assert.Contains(t, two.Stdout.String(), "\n  localhost is 127.0.0.1 and ::1: 2 peers, and the app servers listen on 127.0.0.1 alone\n")
	status, _ := cmdtest.Get(t, two.url+"/check_feed")
	assert.Equal(t, http.StatusBadGateway, status)
	peer := on(two.ports[0])
	two.Stdout.Wait(t, fmt.Sprintf(`(?m)^GET "/check_feed" 502 \d+\.\d{3} location /check_feed upstream prefork %v: upstream timed out .*, \[::1\]:%d: connect\(\) failed`, peer, peer.Port()))
	status, _ = cmdtest.Get(t, two.url+"/")
	assert.Equal(t, http.StatusBadGateway, status)
	two.Stdout.Wait(t, `(?m)^GET "/" 502 \d+\.\d{3} location / upstream prefork no live upstreams while connecting to upstream$`)

	one := newHouse(t, impatient...).start(t, slow...)
	assert.Contains(t, one.Stdout.String(), "\n  localhost is 127.0.0.1\n")
	status, _ = cmdtest.Get(t, one.url+"/check_feed")
	assert.Equal(t, http.StatusGatewayTimeout, status)
	status, _ = cmdtest.Get(t, one.url+"/")
	assert.Equal(t, http.StatusOK, status)
}

// Without -localhost the names are what this machine says.
func TestNamesAreLookedUpOnThisMachine(t *testing.T) {
	r := resolver{}
	got, err := r.resolve(t.Context(), "localhost")
	require.NoError(t, err)
	want, err := net.DefaultResolver.LookupNetIP(t.Context(), "ip", "localhost")
	require.NoError(t, err)
	assert.Equal(t, want, got)
	_, _ = r.resolve(t.Context(), "localhost")
	require.Len(t, r.said, 1, "a name that is looked up twice is told of once")
	assert.Contains(t, r.said[0], "localhost is "+want[0].Unmap().String())

	r = resolver{localhost: []netip.Addr{netip.IPv6Loopback()}}
	got, err = r.resolve(t.Context(), "LocalHost")
	require.NoError(t, err)
	assert.Equal(t, r.localhost, got)
}

// The repaired exercise: slow routes on servers that wait well, / on its own.
func TestFlagsAndTheFileChangeWhatServes(t *testing.T) {
	h := newHouse(t,
		"location /check_feed {\n            proxy_pass http://prefork;", "location /check_feed {\n            proxy_pass http://threaded;",
		"proxy_buffering off;\n            proxy_pass http://prefork;", "proxy_buffering off;\n            proxy_pass http://evented;")
	p := h.start(t, "-delay", "20ms", "-awaiting", "-threads", "10")
	for range 10 { // 2 loops
		stream(t, p.url, 1)
	}
	var asking sync.WaitGroup
	for range 20 {
		asking.Go(func() {
			status, _ := cmdtest.Get(t, p.url+"/check_feed")
			assert.Equal(t, http.StatusOK, status)
		})
	}
	asking.Wait()
	status, _ := cmdtest.Get(t, p.url+"/")
	assert.Equal(t, http.StatusOK, status)
	p.Stdout.Wait(t, `upstream threaded `+on(p.ports[1]).String()+`: served`)
	p.Cancel()
	p.End(t)
	assert.Contains(t, p.Stdout.String(), `upstream evented `+on(p.ports[2]).String())
}

// Each mitigation, and the feed's ways to fail, by what a client gets.
func TestTheMitigationsReachTheApp(t *testing.T) {
	for line, want := range map[string]int{
		"-feed-errors 1":               http.StatusInternalServerError,
		"-delay 1h -feed-timeout 10ms": http.StatusGatewayTimeout,
		"-feed-hangs 1 -feed-timeout 10ms -coalesce -honour-cancel": http.StatusGatewayTimeout,
	} {
		t.Run(line, func(t *testing.T) {
			p := newHouse(t).start(t, strings.Fields("-delay 0 "+line)...)
			status, _ := cmdtest.Get(t, p.url+"/check_feed")
			assert.Equal(t, want, status)
		})
	}
	t.Run("-max-polls 1", func(t *testing.T) {
		p := newHouse(t).start(t, strings.Fields("-max-polls 1 -delay 1ms")...)
		stream(t, p.url, 1) // one of two workers, and the only place
		status, _ := cmdtest.Get(t, p.url+"/check_feed")
		assert.Equal(t, http.StatusServiceUnavailable, status)
	})
	t.Run("-shared-poller", func(t *testing.T) {
		p := newHouse(t).start(t, strings.Fields("-max-polls 1 -delay 1ms -shared-poller")...)
		stream(t, p.url, 1) // which takes no place
		status, _ := cmdtest.Get(t, p.url+"/check_feed")
		assert.Equal(t, http.StatusOK, status)
	})
}

// A worker that is killed is told of, with its server.
func TestAWorkerThatEndsIsToldOf(t *testing.T) {
	t.Parallel()
	p := newHouse(t).start(t, "-timeout", "100ms", "-delay", "1h")
	status, _ := cmdtest.Get(t, p.url+"/check_feed")
	assert.Equal(t, http.StatusBadGateway, status)
	p.Stderr.Wait(t, `(?m)^prefork worker [01] exited: worker timeout$`)
	p.Stdout.Wait(t, `(?m)^GET "/check_feed" 502 .* upstream prematurely closed connection`)
	p.Cancel()
	require.Equal(t, 0, p.End(t))
	assert.NotContains(t, p.Stderr.String(), "shutdown", "workers that end with the server are no news")
}

// What is taken is named, and who wanted it, and nothing is left open.
func TestATakenPortIsSaidSo(t *testing.T) {
	for who, says := range map[string]string{
		"front":    "where the front listens, is taken by another program: stop it, or listen on another port in nginx.conf\n",
		"prefork":  "where the prefork app server listens, is taken by another program: stop it, or choose another port with -prefork-port, and name it in nginx.conf\n",
		"threaded": "where the threaded app server listens, is taken by another program: stop it, or choose another port with -threaded-port, and name it in nginx.conf\n",
		"evented":  "where the evented app server listens, is taken by another program: stop it, or choose another port with -evented-port, and name it in nginx.conf\n",
		"feed":     "where the feed listens, is taken by another program: stop it, or choose another port with -feed-port\n",
	} {
		t.Run(who, func(t *testing.T) {
			h := newHouse(t)
			port := map[string]int{"front": h.front, "prefork": h.ports[0], "threaded": h.ports[1], "evented": h.ports[2], "feed": h.feed}
			other, err := net.Listen("tcp", on(port[who]).String())
			require.NoError(t, err)
			status, stdout, stderr := ended(h.args()...)
			assert.Equal(t, 1, status)
			assert.Equal(t, "feedsim: "+on(port[who]).String()+", "+says, stderr)
			assert.Empty(t, stdout, "no banner for what does not run")
			other.Close()
			for who, port := range port {
				ln, err := net.Listen("tcp", on(port).String())
				if assert.NoError(t, err, "%s is left open", who) {
					ln.Close()
				}
			}
		})
	}
}

// Two parts that want one port are told apart from another program.
func TestAPortThatIsWantedTwiceIsSaidSo(t *testing.T) {
	h := newHouse(t)
	h.feed = h.ports[0]
	status, _, stderr := ended(h.args()...)
	assert.Equal(t, 1, status)
	at := on(h.feed).String()
	assert.Equal(t, "feedsim: "+at+" is where the prefork app server is to listen, and "+at+" where the feed is: choose another port with -feed-port\n", stderr)

	h = newHouse(t, "listen 8080;", "listen 8080; listen 127.0.0.1:8080;")
	text, err := os.ReadFile(h.conf)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(h.conf, []byte(strings.Replace(string(text), "127.0.0.1:8080", on(h.front).String(), 1)), 0o600))
	status, _, stderr = ended(h.args()...)
	assert.Equal(t, 1, status)
	assert.Contains(t, stderr, "is where the front is to listen, and "+on(h.front).String()+" where the front is: ")

	// The front on every address wants the others' ports too.
	h = newHouse(t)
	h.feed = h.front
	status, _, stderr = ended(h.args("-addr", "0.0.0.0")...)
	assert.Equal(t, 1, status)
	assert.Contains(t, stderr, fmt.Sprintf("0.0.0.0:%d is where the front is to listen, and 127.0.0.1:%d where the feed is", h.front, h.feed))
}

func TestAPortThatMayNotBeHadIsSaidSo(t *testing.T) {
	h := newHouse(t)
	// An address that this machine has not: TEST-NET-1 (RFC 5737).
	status, _, stderr := ended(h.args("-addr", "192.0.2.1")...)
	assert.Equal(t, 1, status)
	assert.Regexp(t, fmt.Sprintf(`^feedsim: cannot listen on 192\.0\.2\.1:%d, where the front listens: bind: .*\n$`, h.front), stderr)
}

// A bare port is 127.0.0.1's unless -addr says otherwise; what a file says itself,
// holds.
func TestWhereTheFrontListens(t *testing.T) {
	file := []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:8080"), netip.MustParseAddrPort("[::]:81"), netip.MustParseAddrPort("127.0.0.2:80")}
	assert.Equal(t, "[127.0.0.1:8080 [::]:81 127.0.0.2:80]", fmt.Sprint(listens(file, loopback)))

	p := newHouse(t).start(t, "-addr", "0.0.0.0")
	assert.Contains(t, p.Stdout.String(), fmt.Sprintf("\n  front     0.0.0.0:%d  ", p.front))
	assert.Equal(t, fmt.Sprintf("http://127.0.0.1:%d", p.front), p.url, "what to ask")
	status, _ := cmdtest.Get(t, p.url+"/")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "http://[::1]:80/", url(netip.MustParseAddrPort("[::]:80")))
}

// A nginx.conf that is wrong, or not modelled, is so with file, line and directive.
func TestAWrongFileIsNamed(t *testing.T) {
	dir := t.TempDir()
	unknown := strings.Repeat("x", 64) // longer than a label can be, so that nobody has to be asked
	write := func(text string) string {
		path := filepath.Join(dir, "my.conf")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	for text, says := range map[string]string{
		"events {}\nhttp {\nserver {\nlisten 8080":                                                        `my.conf:4: `,
		"events {}\nhttp {\n  limit_req_zone $uri zone=a:1m rate=1r/s;\n}\n":                              "my.conf:3: limit_req_zone: not modelled here\n",
		"events {}\nhttp { server { listen 8080; location / { proxy_pass http://" + unknown + "; } } }\n": `my.conf:2: proxy_pass: host not found in upstream "` + unknown + `": `,
		"events { worker_connections 1; }\nhttp { server { listen 8080; } }\n":                            "my.conf:1: worker_connections: 1 worker_connections are not enough for 1 listening sockets: want at least 2\n",
	} {
		status, stdout, stderr := ended(write(text))
		assert.Equal(t, 1, status, text)
		assert.Contains(t, stderr, says, text)
		assert.Equal(t, 1, strings.Count(stderr, "\n"), "one line, not\n%s", stderr)
		assert.Empty(t, stdout, text)
	}
	status, _, stderr := ended(filepath.Join(dir, "none.conf"))
	assert.Equal(t, 1, status)
	assert.Contains(t, stderr, "none.conf: no such file or directory\n")
}

// Whoever is being served when it stops is cut, however long he would have to wait.
func TestItStopsAtOnceWithRequestsUnderWay(t *testing.T) {
	p := newHouse(t).start(t, "-delay", "1h")
	var asked sync.WaitGroup
	for range 5 { // more than there are workers
		conn, err := net.Dial("tcp", on(p.front).String())
		require.NoError(t, err)
		_, err = conn.Write([]byte("GET /check_feed HTTP/1.1\r\nHost: localhost\r\n\r\n"))
		require.NoError(t, err)
		asked.Go(func() {
			defer conn.Close()
			for b := make([]byte, 4096); err == nil; {
				_, err = conn.Read(b)
			}
		})
	}
	cmdtest.Get(t, p.url+"/..") // answered by the front itself, which has accepted the others by then
	p.Cancel()
	assert.Equal(t, 0, p.End(t), "exit status; standard error:\n%s", p.Stderr)
	assert.Equal(t, "feedsim: stopping; a second signal ends it at once\nfeedsim: stopped\n", p.Stderr.String())
	asked.Wait()
}

func TestASignalStopsIt(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			p := newHouse(t).startChild(t, "-delay", "1ms")
			stream(t, p.url, 1)
			require.NoError(t, p.Child.Process.Signal(signal))
			assert.Equal(t, 0, p.End(t), "exit status; standard error:\n%s", p.Stderr)
			assert.Contains(t, p.Stderr.String(), "feedsim: stopped\n")
			assert.Contains(t, p.Stdout.String(), `GET "/stream_feed" 200 `, "the access log is complete")
		})
	}
}
