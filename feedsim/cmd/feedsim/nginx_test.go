// The real nginx in front: what it is given to read, that it serves, and that it
// never outlives the program.

package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/pocserver/cmd/cmdtest"
)

// needsNginx skips the test where there is none; where everything is required it
// fails.
func needsNginx(t *testing.T) {
	t.Helper()
	if _, err := findNginx(); err == nil {
		return
	}
	if os.Getenv("OUTAGELAB_REQUIRE") == "1" {
		t.Fatal("OUTAGELAB_REQUIRE=1, and nginx is not installed: apt-get install nginx")
	}
	t.Skip("needs nginx: apt-get install nginx")
}

func TestTheRealNginxIsPutInFront(t *testing.T) {
	needsNginx(t)
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	h := newHouse(t)
	p := h.start(t, "-nginx", "-delay", "1ms")
	assert.Contains(t, p.Stdout.String(), fmt.Sprintf("\n  nginx     127.0.0.1:%d  %s\n", p.front, p.conf))
	p.Stderr.Wait(t, fmt.Sprintf(`(?m)^feedsim: %s:25: listen %d is listen 127\.0\.0\.1:%[2]d here$`, p.conf, p.front))

	reply, err := http.Get(p.url + "/")
	require.NoError(t, err)
	reply.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	assert.Equal(t, http.StatusOK, reply.StatusCode)
	assert.Regexp(t, "^nginx/", reply.Header.Get("Server"), "a version, which the front of our own never says")
	status, body := cmdtest.Get(t, p.url+"/check_feed")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, `{"updates": null}`, body)
	stream(t, p.url, 2)
	p.Stdout.Wait(t, fmt.Sprintf(`(?m)^GET "/check_feed" 200 \d+\.\d{3} upstream prefork 127\.0\.0\.1:%d: 200$`, p.ports[0]))
	assert.Contains(t, p.Stderr.String(), "feedsim: "+p.conf+":10: access_log: no format of its own: it is method, target, status, seconds, upstream, ")

	p.Cancel()
	require.Equal(t, 0, p.End(t), "exit status; standard error:\n%s", p.Stderr)
	h.isClosed(t)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left, "files that it left behind")
}

// isClosed says that nobody listens where the front did.
func (h house) isClosed(t *testing.T) {
	t.Helper()
	ln, err := net.Listen("tcp", on(h.front).String())
	if assert.NoError(t, err, "nginx is still there") {
		ln.Close()
	}
}

// A file that sets nothing, so that the defaults of nginx's
// own would count: an access log in /var/log, and files where only root may write.
func TestTheRealNginxReadsAFileThatSetsNothing(t *testing.T) {
	needsNginx(t)
	h := newHouse(t)
	text := fmt.Sprintf("events {}\nhttp\n{ server { listen 127.0.0.1:%d; location / { proxy_pass http://127.0.0.1:%d; } }\n"+
		"server { listen 127.0.0.1:%[1]d; server_name other; return 204; } }\n", h.front, h.ports[2])
	require.NoError(t, os.WriteFile(h.conf, []byte(text), 0o600))
	p := h.start(t, "-nginx")
	status, _ := cmdtest.Get(t, p.url+"/")
	assert.Equal(t, http.StatusOK, status)
	p.Stdout.Wait(t, fmt.Sprintf(`(?m)^GET "/" 200 \d+\.\d{3} upstream 127\.0\.0\.1:%d 127\.0\.0\.1:%[1]d: 200$`, h.ports[2]))
	p.Stderr.Wait(t, `(?m)^feedsim: \S+:2: http: no access_log: it is standard output here, with method, target, `)
	p.Cancel()
	require.Equal(t, 0, p.End(t))
	assert.NotContains(t, p.Stderr.String(), " is listen ", "nothing to say where nothing was changed")
}

func TestNginxsLogCanBeTurnedOff(t *testing.T) {
	needsNginx(t)
	p := newHouse(t).start(t, "-nginx", "-access-log=false")
	cmdtest.Get(t, p.url+"/")
	p.Cancel()
	require.Equal(t, 0, p.End(t))
	assert.NotContains(t, p.Stdout.String(), "GET", "what is written after the banner")
}

func TestAPortTakenFromNginxIsSaidSo(t *testing.T) {
	needsNginx(t)
	h := newHouse(t)
	other, err := net.Listen("tcp", on(h.front).String())
	require.NoError(t, err)
	defer other.Close()
	status, stdout, stderr := ended(h.args("-nginx")...)
	assert.Equal(t, 1, status)
	assert.Contains(t, stderr, "feedsim: "+on(h.front).String()+", where nginx listens, is taken by another program: stop it, or listen on another port in nginx.conf\n")
	assert.Empty(t, stdout)
}

// What nginx itself does not accept it says itself, and the program ends.
func TestAFileThatNginxDoesNotAccept(t *testing.T) {
	needsNginx(t)
	h := newHouse(t, "proxy_buffering off;", "proxy_buffering perhaps;")
	stdout, stderr := cmdtest.NewOutput(), cmdtest.NewOutput()
	assert.Equal(t, 1, run(t.Context(), h.args("-nginx"), stdout, stderr))
	assert.Regexp(t, `(?m)invalid value "perhaps" .* in .*/nginx\.conf:40$`, stderr.String(), "the line of the file that was given")
	assert.Contains(t, stderr.String(), "feedsim: nginx cannot serve any longer: it ended by itself: exit status 1\n")
	assert.Empty(t, stdout.String(), "no banner for what does not run")
}

// nginx that ends while it serves ends the program.
func TestNginxThatEndsByItselfEndsTheProgram(t *testing.T) {
	needsNginx(t)
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	h := newHouse(t)
	p := h.start(t, "-nginx")
	require.NoError(t, signalTo(pidOfNginx(t, dir), syscall.SIGTERM))
	assert.Equal(t, 1, p.End(t))
	assert.Contains(t, p.Stderr.String(), "feedsim: nginx cannot serve any longer: it ended by itself: exit status 0\n")
	h.isClosed(t)
}

// pidOfNginx returns the process that has written its pid file in dir.
func pidOfNginx(t *testing.T, dir string) (pid int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "feedsim-nginx-*", "pid"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	_, err = fmt.Sscan(string(text), &pid)
	require.NoError(t, err)
	return pid
}

// signalTo sends a signal to a process. Signal 0 only asks whether it is there.
func signalTo(pid int, s syscall.Signal) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Signal(s)
}

func TestASignalStopsNginxToo(t *testing.T) {
	needsNginx(t)
	h := newHouse(t)
	p := h.startChild(t, "-nginx", "-delay", "1ms")
	stream(t, p.url, 1)
	require.NoError(t, p.Child.Process.Signal(syscall.SIGINT))
	assert.Equal(t, 0, p.End(t), "exit status; standard error:\n%s", p.Stderr)
	h.isClosed(t)
}

// A program that is killed cannot do anything any more: the kernel tells nginx.
func TestNginxDoesNotOutliveAProgramThatIsKilled(t *testing.T) {
	needsNginx(t)
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux, which tells a process of its parent's death")
	}
	h := newHouse(t)
	p := h.startChild(t, "-nginx")
	nginx := pidOfNginx(t, p.tmp)
	t.Cleanup(func() {
		if t.Failed() {
			_ = signalTo(nginx, syscall.SIGTERM)
		}
	})
	require.NoError(t, p.Child.Process.Kill())
	p.End(t)
	require.Eventually(t, func() bool {
		ln, err := net.Listen("tcp", on(h.front).String())
		if err == nil {
			ln.Close()
		}
		return err == nil
	}, 10*time.Second, 10*time.Millisecond, "nginx is still there")
}

// A second signal waits for nobody, and leaves nobody.
func TestASecondSignalEndsItAndAnNginxThatHangs(t *testing.T) {
	// One that is up, and does not stop when it is told to.
	dir := t.TempDir()
	stubborn := "#!/bin/sh\ntrap '' TERM\necho it hangs >&2\necho $$ >\"$4/pid\"\nwhile :; do sleep 1; done\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "nginx"), []byte(stubborn), 0o755))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	p := newHouse(t).startChild(t, "-nginx")
	nginx := pidOfNginx(t, p.tmp)
	t.Cleanup(func() { killGroup(nginx) }) // it has ended already, if all is well
	require.NoError(t, p.Child.Process.Signal(syscall.SIGTERM))
	p.Stderr.Wait(t, `(?m)^feedsim: stopping; a second signal ends it at once$`)
	require.NoError(t, signalTo(nginx, syscall.Signal(0)), "it is to be still there")
	require.NoError(t, p.Child.Process.Signal(syscall.SIGTERM))
	assert.Equal(t, -1, p.End(t), "killed by the signal; standard error:\n%s", p.Stderr)
	assert.NotContains(t, p.Stderr.String(), "stopped")
	left, err := os.ReadDir(p.tmp)
	require.NoError(t, err)
	assert.Empty(t, left, "files that it left behind")
	// Its parent is gone, so somebody else has to bury it: it may be a zombie, and
	// who has its output is p.end.
	require.Eventually(t, func() bool {
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", nginx))
		return err != nil || strings.Contains(string(state), ") Z ")
	}, 10*time.Second, 10*time.Millisecond, "nginx is still there")
}

func TestWithoutNginxItIsSaidWhatIsNeeded(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	defer func(was []string) { sbin = was }(sbin)
	sbin = nil
	status, stdout, stderr := ended("-nginx")
	assert.Equal(t, 1, status)
	assert.Equal(t, "feedsim: -nginx needs nginx, which is not installed: it is not in PATH, /usr/sbin or /usr/local/sbin\n", stderr)
	assert.Empty(t, stdout)
}

func TestAFileThatListensNowhere(t *testing.T) {
	needsNginx(t)
	h := newHouse(t)
	require.NoError(t, os.WriteFile(h.conf, []byte("events {} http { }"), 0o600))
	status, _, stderr := ended(h.args("-nginx")...)
	assert.Equal(t, 1, status)
	assert.Equal(t, "feedsim: "+h.conf+": nothing to listen on\n", stderr)
	status, _, stderr = ended("-nginx", h.conf+"x")
	assert.Equal(t, 1, status)
	assert.Contains(t, stderr, "my.confx: no such file or directory\n")
}
