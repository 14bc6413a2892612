// The program serving: each deployment answers, says what it is, logs, tells of
// workers that end, and stops as it should.

package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/cmd/cmdtest"
)

func TestEachDeploymentServesAndSaysWhatItIs(t *testing.T) {
	for name, says := range map[string]string{
		"dev":     `^outagelab: a thread per request \(run\.django\) on http://127\.0\.0\.1:(\d+), try: curl 'http://localhost:(\d+)/dirty/\?sleep=7&email=test' & `,
		"sync":    `^outagelab: 1 sync worker \(run\.gunicorn\) on http://127\.0\.0\.1:(\d+), try: wrk -t 8 -c 500 -d 10 --latency 'http://localhost:(\d+)/sync_sleep/\?sleep=0\.1'\n`,
		"async":   `^outagelab: 1 uvicorn worker \(run\.uvicorn\) on http://127\.0\.0\.1:(\d+), try: wrk -t 8 -c 500 -d 10 --latency 'http://localhost:(\d+)/sync_sleep/\?sleep=0\.1'\n`,
		"async12": `^outagelab: 12 uvicorn workers \(run\.gunicorn\.uvicorn\) on http://127\.0\.0\.1:(\d+), try: wrk -t 8 -c 500 -d 10 --latency 'http://localhost:(\d+)/sync_sleep/\?sleep=0\.1'\n`,
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, name)
			found := p.Stdout.Wait(t, says)
			assert.Equal(t, found[1], found[2], "the port that it says and the one to try")
			for _, target := range []string{"/sync_sleep/?sleep=0", "/async_sleep/?sleep=0", "/blocking_sleep/?sleep=0"} {
				status, body := p.get(t, target)
				assert.Equal(t, http.StatusOK, status, target)
				assert.Equal(t, "I napped for 0.0 seconds", body, target)
			}
			status, body := p.get(t, "/dirty?sleep=0&email=dev")
			assert.Equal(t, http.StatusOK, status)
			assert.Equal(t, "I napped for 0.0 seconds - user dev@django-poc.com", body)
			p.Cancel()
			assert.Equal(t, 0, p.End(t), "exit status; standard error:\n%s", p.Stderr)
			assert.NotContains(t, p.Stderr.String(), "exited", "workers that end with the server are no news")
		})
	}
}

// What the flags change is what serves.
func TestFlagsChangeWhatServes(t *testing.T) {
	p := start(t, "sync", "-model", "threaded", "-workers", "2", "-threads", "25", "-cpu", "1ms", "-seed", "3")
	p.Stdout.Wait(t, `^outagelab: 2 threaded workers × 25 threads \(run\.gunicorn\)`)
	status, _ := p.get(t, "/sync_sleep/?sleep=0")
	assert.Equal(t, http.StatusOK, status)
}

func TestTheAccessLogHasALineForEachRequest(t *testing.T) {
	p := start(t, "sync")
	p.get(t, "/sync_sleep/?sleep=0")
	p.Stdout.Wait(t, `(?m)^GET "/sync_sleep/\?sleep=0" 200 24B \d+\.\dms app 0$`)
	p.get(t, "/sync_sleep/?sleep=%1b[2J")
	p.Stdout.Wait(t, `(?m)^GET "/sync_sleep/\?sleep=%1b\[2J" 400 \d+B `)
	p.get(t, "/"+strings.Repeat("x", 3000))
	p.Stdout.Wait(t, `(?m)^GET "/x{199}" 404 `)
}

func TestTheAccessLogIsCompleteAtTheEnd(t *testing.T) {
	p := start(t, "sync")
	p.get(t, "/sync_sleep/?sleep=0")
	p.Cancel()
	require.Equal(t, 0, p.End(t))
	assert.Contains(t, p.Stdout.String(), "GET ", "what is written when the program ends")
}

func TestTheAccessLogCanBeTurnedOff(t *testing.T) {
	p := start(t, "sync", "-access-log=false")
	p.get(t, "/sync_sleep/?sleep=0")
	p.Cancel()
	require.Equal(t, 0, p.End(t))
	assert.NotContains(t, p.Stdout.String(), "GET", "what is written after the banner")
}

// A worker that ends while the server goes on is told of, and replaced.
func TestAWorkerThatEndsIsToldOf(t *testing.T) {
	p := start(t, "sync", "-max-requests", "2", "-boot-time", "0")
	for range 5 {
		status, _ := p.get(t, "/sync_sleep/?sleep=0")
		require.Equal(t, http.StatusOK, status)
	}
	p.Stderr.Wait(t, `(?m)^worker 0 exited: max requests\nworker 0 exited: max requests$`)
	p.Stdout.Wait(t, `(?m)^GET .* app 2$`) // the third process
}

// It is told of with max-requests alone as well: uvicorn has no worker timeout.
func TestARecycledLoopIsToldOf(t *testing.T) {
	p := start(t, "async", "-max-requests", "1", "-boot-time", "0")
	p.get(t, "/sync_sleep/?sleep=0")
	p.Stderr.Wait(t, `(?m)^worker 0 exited: max requests$`)
}

// A request that a worker's death cuts short is in the log as cut.
func TestARequestThatAWorkersDeathCutsIsLoggedAsCut(t *testing.T) {
	p := start(t, "sync", "-timeout", "100ms", "-boot-time", "0")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	// Seed 1, first request: a nap of minutes, which the arbiter ends.
	reply, err := client.Get(p.url + "/sync_sleep/?sleep=3600")
	if err == nil {
		reply.Body.Close()
		require.FailNow(t, "a worker silent beyond its timeout still answered", reply.Status)
	}
	p.Stderr.Wait(t, `(?m)^worker 0 exited: worker timeout$`)
	p.Stdout.Wait(t, `(?m)^GET "/sync_sleep/\?sleep=3600" cut 0B `)
	status, _ := p.get(t, "/sync_sleep/?sleep=0")
	assert.Equal(t, http.StatusOK, status, "from the replacement")
}

func TestATakenPortIsSaidSo(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer other.Close()
	addr := other.Addr().String()
	stdout, stderr := cmdtest.NewOutput(), cmdtest.NewOutput()
	status := run(context.Background(), []string{"sync", "-addr", addr}, stdout, stderr)
	assert.Equal(t, 1, status)
	assert.Equal(t, "pocserver: "+addr+" is taken by another program: stop it or choose another with -addr\n", stderr.String())
	assert.Empty(t, stdout.String(), "no banner for what does not run")
}

// It leaks on purpose, so the network has to be asked for, and is warned of.
func TestOnlyLoopbackWithoutAWarning(t *testing.T) {
	o, err := parse([]string{"sync"})
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1:8000", o.addr)

	p := start(t, "sync")
	p.Cancel()
	p.End(t)
	assert.NotContains(t, p.Stderr.String(), "open to the network")

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	stdout, stderr := cmdtest.NewOutput(), cmdtest.NewOutput()
	require.Equal(t, 0, run(ctx, []string{"sync", "-addr", "0.0.0.0:0"}, stdout, stderr), stderr.String())
	assert.Contains(t, stderr.String(), "is open to the network, and this program leaks")
	assert.Contains(t, stdout.String(), "'http://localhost:")
}

// A signal lets the request that naps finish; the exit status is 0.
func TestASignalDrains(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			p := startChild(t, "async")
			reply := p.napping(t, "/async_sleep/?sleep=1")
			require.NoError(t, p.Child.Process.Signal(signal))
			p.Stderr.Wait(t, `pocserver: stopping, within 1h0m0s; a second signal ends it at once`)
			assert.Contains(t, <-reply, "I napped for ", "the reply of a request that was under way")
			assert.Equal(t, 0, p.End(t), "exit status; standard error:\n%s", p.Stderr)
			assert.Contains(t, p.Stderr.String(), "pocserver: stopped\n")
			assert.Contains(t, p.Stdout.String(), "/async_sleep/?sleep=1", "the access log is complete")
		})
	}
}

// A second signal does not wait for anything.
func TestASecondSignalEndsItAtOnce(t *testing.T) {
	p := startChild(t, "async")
	reply := p.napping(t, "/async_sleep/?sleep=3600")
	require.NoError(t, p.Child.Process.Signal(syscall.SIGTERM))
	p.Stderr.Wait(t, `stopping`)
	require.NoError(t, p.Child.Process.Signal(syscall.SIGTERM))
	assert.Equal(t, -1, p.End(t), "killed by the signal; standard error:\n%s", p.Stderr)
	assert.NotContains(t, <-reply, "I napped")
	assert.NotContains(t, p.Stderr.String(), "stopped")
}

// runserver's threads are daemons: they end with it.
func TestDevStopsAtOnce(t *testing.T) {
	p := start(t, "dev")
	p.Cancel()
	assert.Equal(t, 0, p.End(t))
	assert.Contains(t, p.Stderr.String(), "pocserver: stopping at once, as -graceful-timeout 0 says\n")
}

// What is not done within the graceful timeout is cut, and said so.
func TestWhatIsNotDoneInTimeIsCut(t *testing.T) {
	p := start(t, "async", "-graceful-timeout", "10ms")
	reply := p.napping(t, "/async_sleep/?sleep=3600")
	p.Cancel()
	assert.Equal(t, 0, p.End(t), "exit status; standard error:\n%s", p.Stderr)
	assert.Contains(t, p.Stderr.String(), "were cut: 1\n")
	assert.NotContains(t, <-reply, "I napped")
}

// napping sends a request and returns when its nap has begun; what it is
// answered, or the error, comes later. Naps are drawn in turn from the seed, so
// its draw shows in the requests that come after it: they no longer nap as they
// would on a server that they had to themselves.
func (p *program) napping(t *testing.T, target string) <-chan string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	require.NoError(t, err)
	_, err = conn.Write([]byte("GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
	require.NoError(t, err)
	answered := make(chan string, 1)
	go func() {
		defer conn.Close()
		var all strings.Builder
		b := make([]byte, 4096)
		for {
			n, err := conn.Read(b)
			all.Write(b[:n])
			if err != nil {
				answered <- all.String() + err.Error()
				return
			}
		}
	}()
	const quick = "/async_sleep/?sleep=0.001"
	alone := pocserver.NewHandler(1)
	for {
		_, body := p.get(t, quick)
		w := httptest.NewRecorder()
		alone.ServeHTTP(w, httptest.NewRequest(http.MethodGet, quick, nil))
		if body != w.Body.String() {
			return answered
		}
	}
}
