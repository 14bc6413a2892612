// The same scenes in real time, through our front and through a real nginx that
// reads the very same file, beside each other.

package front_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim/front"
)

// tolerance is how far apart two instants may be that should be the same. The
// house's promise is 100 ms on a machine that has nothing else to do.
const tolerance = 100 * time.Millisecond

// mostAttempts is how often a scene that differs is played. Beside the rest of the
// suite on two processors, a scene was seen to be late six times in a row.
const mostAttempts = 10

// needs returns the path of a program, or skips the test; where everything is
// required it fails.
func needs(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("OUTAGELAB_REQUIRE") == "1" {
		t.Fatalf("OUTAGELAB_REQUIRE=1, and %s is not installed: apt-get install %[1]s", program)
	}
	t.Skipf("needs %s: apt-get install %[1]s", program)
	return ""
}

// startNginx runs nginx with this configuration until the test ends, and returns
// when it listens on all of addrs. errorLog reads what it has logged so far.
func startNginx(t testing.TB, text string, addrs ...string) (errorLog func() []string) {
	t.Helper()
	nginx := needs(t, "nginx")
	dir := t.TempDir()
	var temp strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	// What nginx alone needs goes into a file around ours, which stays as it is
	// but for this: a place for temporary files, and none for error pages' version.
	text = strings.Replace(text, "http {", "http {\n"+temp.String()+"server_tokens off;", 1)
	file := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	log, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	defer log.Close()
	global := "pid " + filepath.Join(dir, "pid") + "; lock_file " + filepath.Join(dir, "lock") + ";"
	if os.Getuid() == 0 {
		global += " user root;" // or its workers could not write there
	}
	cmd := exec.Command(nginx, "-p", dir, "-c", file, "-e", "stderr", "-g", global)
	cmd.Stdout, cmd.Stderr = log, log
	groupOfItsOwn(cmd)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		killGroup(cmd) // workers, should any be left
		if t.Failed() {
			said, _ := os.ReadFile(log.Name())
			t.Logf("nginx said:\n%s", said)
		}
	})
	for _, addr := range addrs {
		require.Eventually(t, func() bool {
			c, err := net.Dial("tcp", addr)
			if err == nil {
				c.Close()
			}
			return err == nil
		}, 5*time.Second, 5*time.Millisecond, "nginx does not listen on %s", addr)
	}
	return func() (lines []string) {
		said, err := os.ReadFile(log.Name())
		require.NoError(t, err)
		for _, line := range logLine.FindAllStringSubmatch(string(said), -1) {
			level, message := line[1], line[2]
			if level == "notice" || level == "info" && !strings.Contains(message, "prematurely closed") && !strings.Contains(message, "sending to client") {
				continue // nothing that the model has
			}
			if strings.HasPrefix(message, "open() ") {
				continue // of a file, where no location takes the request
			}
			message = regexp.MustCompile(`, client: .*`).ReplaceAllString(message, "")
			message = regexp.MustCompile(`(temporary file) \S+`).ReplaceAllString(message, "$1")
			lines = append(lines, "["+level+"] "+message)
		}
		return lines
	}
}

// logLine is a line of nginx's error log: level and message.
var logLine = regexp.MustCompile(`(?m)^\S+ \S+ \[(\w+)\] \d+#\d+: (?:\*\d+ )?(.*)$`)

// startFront serves the same file with our front. errorLog returns what it has
// logged so far.
func startFront(t testing.TB, text string, listeners ...net.Listener) (errorLog func() []string) {
	t.Helper()
	cfg, err := front.Parse("nginx.conf", strings.NewReader(text))
	require.NoError(t, err)
	var mu sync.Mutex
	var lines []string
	proxy, err := front.New(cfg, front.Options{Resolve: localhost("127.0.0.1"), Log: func(l front.LogLine) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, l.String())
	}})
	require.NoError(t, err)
	var served sync.WaitGroup
	for _, ln := range listeners {
		served.Go(func() { proxy.Serve(ln) })
	}
	t.Cleanup(func() {
		proxy.Close()
		served.Wait()
		http.DefaultClient.CloseIdleConnections()
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(lines)
	}
}

// listen listens on n loopback addresses.
func listen(t testing.TB, n int) (listeners []net.Listener, addrs []string) {
	t.Helper()
	return listenOn(t, "127.0.0.1", n)
}

func listenOn(t testing.TB, ip string, n int) (listeners []net.Listener, addrs []string) {
	t.Helper()
	for range n {
		ln, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
		require.NoError(t, err)
		listeners, addrs = append(listeners, ln), append(addrs, ln.Addr().String())
	}
	return listeners, addrs
}

var lastIP atomic.Uint32

// free returns n loopback addresses that nobody listens on: for nginx, which
// cannot be handed a listener. Where the system has all of 127.0.0.0/8, as Linux,
// they are on an IP address that no one else asks for a port on.
func free(t testing.TB, n int) []string {
	t.Helper()
	pid := os.Getpid()
	ip := fmt.Sprintf("127.%d.%d.%d", 1+pid>>8&63, pid&255, 1+lastIP.Add(1)%250)
	if ln, err := net.Listen("tcp", ip+":0"); err != nil {
		ip = "127.0.0.1"
	} else {
		ln.Close()
	}
	listeners, addrs := listenOn(t, ip, n)
	for _, ln := range listeners {
		ln.Close()
	}
	return addrs
}

// stage is a scene on loopback: its peers, and what they noted.
type stage struct {
	scene
	ports []string

	mu    sync.Mutex
	began time.Time
	notes []noted
}

type noted struct {
	what string
	at   time.Duration
}

func newStage(t testing.TB, s scene) *stage {
	st := &stage{scene: s}
	for _, do := range s.peers {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		st.ports = append(st.ports, strconv.Itoa(ln.Addr().(*net.TCPAddr).Port))
		var scripts sync.WaitGroup
		scripts.Go(func() {
			for n := 0; ; n++ {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				scripts.Go(func() {
					defer c.Close()
					serveScript(noting{c, st.note}, n, func(string) {}, do)
				})
			}
		})
		t.Cleanup(func() { ln.Close(); scripts.Wait() })
	}
	return st
}

func (st *stage) now() time.Duration {
	st.mu.Lock()
	defer st.mu.Unlock()
	return time.Since(st.began)
}

func (st *stage) note(what string) {
	at := st.now()
	st.mu.Lock()
	defer st.mu.Unlock()
	st.notes = append(st.notes, noted{what, at})
}

// play plays the scene through the front at addr.
func (st *stage) play(addr string) answers {
	st.mu.Lock()
	st.began = time.Now()
	st.mu.Unlock()
	return st.scene.play(func(int) net.Conn {
		c, err := new(net.Dialer).DialContext(context.Background(), "tcp", addr)
		if err != nil {
			panic(err)
		}
		return c
	}, st.now)
}

// differ says what two answers differ in that should be the same; "" if nothing.
func differ(ours, theirs answer) string {
	switch {
	case ours.status != theirs.status:
		return "status"
	case ours.cut != theirs.cut:
		return "how it ended"
	case ours.body != theirs.body:
		return "body"
	case (ours.header - theirs.header).Abs() > tolerance:
		return "time to the header"
	case (ours.end - theirs.end).Abs() > tolerance:
		return "time to the end"
	}
	return ""
}

func TestTheRealNginxDoesTheSame(t *testing.T) {
	needs(t, "nginx")
	t.Run("in every scene", func(t *testing.T) {
		t.Parallel()
		compare(t, 1024, slices.DeleteFunc(slices.Clone(scenes), func(s scene) bool { return s.inBubble }))
	})
	for _, s := range crowded {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			compare(t, s.connections, []scene{s.scene})
		})
	}
}

// crowded are scenes in which worker_connections run out: two of them are for
// listening and for the master process.
var crowded = []struct {
	connections int
	scene
}{
	{6, scene{
		name: "when a third connection does not fit", servers: single, peers: []script{then(wait(time.Second), say("x"))},
		asks: []ask{{request: "GET /"}, {request: "GET /", at: 100 * time.Millisecond}, {request: "GET /", at: 500 * time.Millisecond}},
		want: []string{"1s 1s: 200 x", "1.1s 1.1s: 200 x", "500ms: no reply"},
	}},
	{6, scene{
		name: "when idle connections make room for two", servers: single, peers: []script{then(wait(time.Second), say("x"))},
		asks: []ask{{}, {at: 100 * time.Millisecond}, {request: "GET /", at: 300 * time.Millisecond},
			{request: "GET /", at: 600 * time.Millisecond}, {request: "GET /", at: 900 * time.Millisecond}},
		want: []string{"600ms: no reply", "600ms: no reply", "1.3s 1.3s: 200 x", "1.6s 1.6s: 200 x", "900ms: no reply"},
	}},
	{5, scene{
		name: "when the upstream's does not", servers: single, peers: []script{then(wait(time.Second), say("x"))},
		asks: []ask{{request: "GET /"}, {request: "GET /", at: 500 * time.Millisecond}},
		want: []string{"1s 1s: 200 x", "500ms 500ms: 500"},
	}},
}

// compare plays the scenes through both. Scenes that differ are played again, on
// their own: what a busy machine delayed passes then, a real difference stays.
func compare(t *testing.T, connections int, played []scene) {
	for attempt := 1; ; attempt++ {
		differences, log := sideBySide(t, connections, played)
		var again []scene
		if log != "" && attempt < mostAttempts {
			continue
		}
		assert.Empty(t, log)
		for i, d := range differences {
			switch {
			case d != "" && attempt < mostAttempts:
				again = append(again, played[i])
			case d != "":
				t.Errorf("%s: %s", played[i].name, d)
			}
		}
		if len(again) == 0 {
			return
		}
		played = again
	}
}

// sideBySide plays the scenes through both and says what differed in each, and in
// the error log of all.
func sideBySide(t *testing.T, connections int, played []scene) (differences []string, log string) {
	var ourText, theirText strings.Builder
	var ourStages, theirStages []*stage
	for _, s := range played {
		ourStages, theirStages = append(ourStages, newStage(t, s)), append(theirStages, newStage(t, s))
	}
	listeners, ours := listen(t, len(played))
	theirs := free(t, len(played))
	for i, s := range played {
		app := fmt.Sprintf("app%d", i)
		ourText.WriteString(s.text(app, ours[i], ourStages[i].ports...))
		theirText.WriteString(s.text(app, theirs[i], theirStages[i].ports...))
	}
	top := fmt.Sprintf("daemon off;\nerror_log stderr info;\nworker_processes 1;\nevents { worker_connections %d; }\nhttp {\naccess_log off;\n", connections)
	ourLog := startFront(t, top+ourText.String()+"}\n", listeners...)
	theirLog := startNginx(t, top+theirText.String()+"}\n", theirs...)

	got := make([][2]answers, len(played))
	var playing sync.WaitGroup
	for i := range played { // nearly all at once: they wait, and hardly compute
		playing.Go(func() { got[i][0] = ourStages[i].play(ours[i]) })
		playing.Go(func() { got[i][1] = theirStages[i].play(theirs[i]) })
		time.Sleep(5 * time.Millisecond)
	}
	playing.Wait()
	differences = make([]string, len(played))
	for i := range played {
		differences[i] = got[i][0].differFrom(got[i][1])
		if differences[i] == "" && played[i].seen != nil {
			differences[i] = ourStages[i].differFrom(theirStages[i])
		}
	}
	return differences, differentLogs(ourLog, theirLog)
}

// differentLogs says in what two error logs differ, but for the order of their
// lines; "" if in nothing. The last lines may be written after the last reply.
func differentLogs(ours, theirs func() []string) string {
	patience := time.Now().Add(3 * time.Second)
	for {
		more := map[string]int{}
		for _, line := range ours() {
			more[line]++
		}
		for _, line := range theirs() {
			more[line]--
		}
		maps.DeleteFunc(more, func(_ string, n int) bool { return n == 0 })
		switch {
		case len(more) == 0:
			return ""
		case time.Now().After(patience):
			return fmt.Sprintf("how many lines more than nginx we logged: %v", more)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// answers are the answers of one scene.
type answers []answer

func (ours answers) differFrom(theirs answers) string {
	for i := range ours {
		if what := differ(ours[i], theirs[i]); what != "" {
			return fmt.Sprintf("request %d differs in %s:\n ours  %v\n nginx %v", i, what, ours[i], theirs[i])
		}
	}
	return ""
}

// differFrom compares what the scripts of two stages noted.
func (st *stage) differFrom(theirs *stage) string {
	patience := time.Now().Add(3 * time.Second)
	for len(st.noted()) < len(st.scene.seen) || len(theirs.noted()) < len(st.scene.seen) {
		if time.Now().After(patience) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	a, b := st.noted(), theirs.noted()
	same := slices.EqualFunc(a, b, func(a, b noted) bool { return a.what == b.what && (a.at-b.at).Abs() <= tolerance })
	if same && len(a) == len(st.scene.seen) {
		return ""
	}
	return fmt.Sprintf("the peers noted different things:\n ours  %v\n nginx %v", a, b)
}

// noted returns what the scripts noted so far.
func (st *stage) noted() []noted {
	st.mu.Lock()
	defer st.mu.Unlock()
	return slices.Clone(st.notes)
}

// The file as shipped, but for its addresses, in front of the same three app servers.
func TestTheRealNginxServesTheFileAsShippedTheSame(t *testing.T) {
	t.Parallel()
	needs(t, "nginx")
	app := newStage(t, scene{peers: []script{nth(func(c net.Conn, _ int, req string) {
		if strings.Contains(req, "/stream_feed") {
			raw(ok+"one\n", "two\n")(c, 0, req)
			return
		}
		fmt.Fprintf(c, "HTTP/1.0 200 OK\r\n\r\n%s", req)
	})}})
	app.began = time.Now()
	listeners, ours := listen(t, 1)
	theirs := free(t, 1)
	text := func(addr string) string {
		return strings.NewReplacer("listen 8080", "listen "+addr, "localhost:5000", "localhost:"+app.ports[0]).Replace(shipped(t))
	}
	startFront(t, text(ours[0]), listeners...)
	startNginx(t, text(theirs[0]), theirs...)
	paths := []string{"/", "/hash_me", "/check_feed", "/stream_feed", "/elsewhere"}
	got := make([][2]answer, len(paths))
	var asking sync.WaitGroup
	for i, path := range paths {
		for j, addr := range []string{ours[0], theirs[0]} {
			asking.Go(func() {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					got[i][j].err = err
					return
				}
				got[i][j] = converse(c, "GET "+path, app.now)
			})
		}
	}
	asking.Wait()
	for i, path := range paths {
		require.Equal(t, 200, got[i][0].status, path)
		require.Equal(t, []any{got[i][1].status, got[i][1].body, got[i][1].cut}, []any{got[i][0].status, got[i][0].body, got[i][0].cut}, path)
	}
}
