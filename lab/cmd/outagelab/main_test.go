// The program as its users meet it: what it prints where, and its exit status.

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/racedetector"
)

func TestMain(m *testing.M) {
	bubble.Tune()
	goleak.VerifyTestMain(m)
}

// A scenario that holds, one that does not, and one that leaves that open.
const (
	scenarioHolds = `server: {model: threaded, threads: 4}
service: {distribution: constant, time: 10ms}
load: [{name: users, path: /, rate: 10, for: 2s}]
hold: [{metric: p99, at_most: 1s}]
`
	scenarioFails = `server: {model: threaded, threads: 4}
service: {distribution: constant, time: 10ms}
load: [{name: users, path: /, rate: 10, for: 2s}]
hold: [{metric: p99, at_most: 5ms}]
`
	scenarioUndecided = `server: {model: threaded, threads: 1}
service: {distribution: exponential, mean: 100ms}
load: [{name: users, path: /, rate: 5, for: 20s}]
seeds: 3
hold: [{metric: mean latency, at_most: 200ms}]
`
)

// outagelab runs the program.
func outagelab(args ...string) (status int, stdout, stderr string) {
	var out, err strings.Builder
	status = run(context.Background(), args, &out, &err)
	return status, out.String(), err.String()
}

// file writes a file and returns its path, which has a space and a dash in it.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "-my file")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

func TestAScenario(t *testing.T) {
	for text, want := range map[string]struct {
		status int
		first  string
	}{
		scenarioHolds:     {0, "-my-file: all holds.\n"},
		scenarioFails:     {1, "-my-file: the claim does not hold. "},
		scenarioUndecided: {3, "-my-file: undecided. "},
	} {
		status, stdout, stderr := outagelab("run", file(t, text))
		assert.Equal(t, want.status, status, stdout)
		assert.True(t, strings.HasPrefix(stdout, want.first), stdout)
		assert.Empty(t, stderr)
		assert.NotContains(t, stdout, "Written")
	}
}

func TestAScenarioWritesItsResults(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	status, stdout, stderr := outagelab("run", "--out="+dir, file(t, scenarioFails))
	assert.Equal(t, 1, status)
	assert.Empty(t, stderr)
	data, page := filepath.Join(dir, "results.json"), filepath.Join(dir, "index.html")
	assert.Contains(t, stdout, "Written: "+data+", "+page+"\n")
	assert.FileExists(t, data)
	assert.FileExists(t, page)

	notAFolder := file(t, "")
	status, _, stderr = outagelab("run", "--out="+notAFolder, file(t, scenarioHolds))
	assert.Equal(t, 2, status, "results that cannot be written")
	assert.True(t, strings.HasPrefix(stderr, "cannot write the results: "), stderr)
}

func TestTheExercise(t *testing.T) {
	if racedetector.On {
		t.Skip("lab/exercise runs the same under the race detector: it needs a run without -race")
	}
	status, stdout, stderr := outagelab("exercise", "solution")
	assert.Equal(t, 0, status)
	assert.Contains(t, stdout, "Every route is healthy.")
	assert.Empty(t, stderr)

	status, shipped, stderr := outagelab("exercise")
	assert.Equal(t, 1, status)
	assert.Contains(t, shipped, "4 of 4 routes fail.")
	assert.Empty(t, stderr)

	// Flags change what they are about, with one dash or two.
	status, stdout, _ = outagelab("exercise", "-threads=25", "--awaiting", "-one-address")
	assert.Equal(t, 1, status)
	const servers = "2 workers with 25 threads each; evented :5200, 2 loops whose handlers await"
	assert.Contains(t, strings.Join(strings.Fields(stdout), " "), servers)
	assert.Contains(t, stdout, "localhost is 127.0.0.1 alone")
}

// What cannot be is one error, the first line of standard error, and status 2.
func TestBadInput(t *testing.T) {
	folder := t.TempDir()
	port := unused(t)
	const usage = " (outagelab --help lists commands and flags)"
	for _, c := range []struct {
		args  []string
		first string
	}{
		{nil, `outagelab: expected one of "run", "exercise", "live"` + usage},
		{[]string{"walk"}, `outagelab: unexpected argument walk` + usage},
		{[]string{"run"}, `outagelab: expected "<file>"` + usage},
		{[]string{"run", ""}, `outagelab: <file>: the value is empty` + usage},
		{[]string{"run", "a", "b"}, `outagelab: unexpected argument b` + usage},
		{[]string{"run", "--out=", "a"}, `outagelab: --out: the value is empty` + usage},
		{[]string{"run", "--outt=a", "b"}, `outagelab: unknown flag --outt, did you mean "--out"?` + usage},
		{[]string{"run", "nope.yaml"}, "stat nope.yaml: no such file or directory"},
		{[]string{"run", "--", "-nope.yaml"}, "stat -nope.yaml: no such file or directory"},
		{[]string{"run", folder}, folder + " is not a file"},
		{[]string{"exercise", ""}, `outagelab: [<conf>]: the value is empty` + usage},
		{[]string{"exercise", "nope.conf"}, "open nope.conf: no such file or directory"},
		{[]string{"exercise", folder}, "read " + folder + ": is a directory"},
		{[]string{"exercise", "-threads=0"}, "outagelab: --threads: 0 threads: want 1 to 10000" + usage},
		{[]string{"exercise", "-threads=10001"}, "outagelab: --threads: 10001 threads: want 1 to 10000" + usage},
		{[]string{"exercise", "-threads=-1"}, "outagelab: --threads: -1 threads: want 1 to 10000" + usage},
		{[]string{"exercise", "-threads=99999999999999999999"},
			"outagelab: --threads: 99999999999999999999 threads: want 1 to 10000" + usage},
		{[]string{"exercise", "-threads="}, `outagelab: --threads: want a number of threads, not ""` + usage},
		{[]string{"exercise", "-threads=two"}, `outagelab: --threads: want a number of threads, not "two"` + usage},
		{[]string{"exercise", "a", "b"}, `outagelab: unexpected argument b` + usage},
		{[]string{"live"}, `outagelab: expected "<url>"` + usage},
		{[]string{"live", ""}, `outagelab: <url>: the value is empty` + usage},
		{[]string{"live", "127.0.0.1:8000"},
			`target "127.0.0.1:8000": it must begin with http://, as http://127.0.0.1:8000 does`},
		{[]string{"live", "http://" + port},
			"nobody listens at http://" + port + ": start it first, for example make run.sync"},
	} {
		status, stdout, stderr := outagelab(c.args...)
		assert.Equal(t, 2, status, "%q", c.args)
		assert.Equal(t, c.first+"\n", stderr, "%q", c.args)
		assert.Empty(t, stdout, "%q", c.args)
	}
	path := file(t, strings.Replace(scenarioHolds, "threaded", "threadd", 1))
	status, stdout, stderr := outagelab("run", path)
	assert.Equal(t, 2, status)
	assert.True(t, strings.HasPrefix(stderr, path+":1:17: "), stderr)
	assert.Empty(t, stdout)
	path = file(t, "http { proxy_pas http://a; }")
	status, _, stderr = outagelab("exercise", path)
	assert.Equal(t, 2, status)
	assert.True(t, strings.HasPrefix(stderr, path+":1: "), stderr)
	path = file(t, "events {} http { server { listen 9999; location / { proxy_pass http://127.0.0.1:5000; } } }")
	status, _, stderr = outagelab("exercise", path)
	assert.Equal(t, 2, status)
	assert.Equal(t, path+": the first port to listen on is 9999, and the exercise's traffic goes to 8080\n", stderr)
}

// unused is an address of this machine on which nothing listens.
func unused(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	return ln.Addr().String()
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"--help"}, {"-help"}, {"-h"}} {
		status, stdout, stderr := outagelab(args...)
		assert.Equal(t, 0, status, "%q", args)
		assert.Empty(t, stderr, "%q", args)
		assert.Contains(t, strings.Join(strings.Fields(stdout), " "),
			"Exit status: 0 if it holds, 1 if it does not, 2 for bad input (the command line, a file or the target "+
				"cannot be used), 3 if that cannot be told (the result is undecided, or the run was not completed).")
	}
	status, stdout, _ := outagelab("exercise", "--help")
	assert.Equal(t, 0, status)
	assert.Contains(t, stdout, "--one-address")
}

// A server that answers 500 to everything is one that live cannot tell the model of.
func TestLiveThatCannotTell(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no", http.StatusInternalServerError)
	}))
	defer server.Close()
	status, stdout, stderr := outagelab("live", server.URL)
	assert.Equal(t, 3, status)
	assert.True(t, strings.HasPrefix(stdout, server.URL+": not enough to tell\n"), stdout)
	assert.True(t, strings.HasPrefix(stderr, server.URL+": at most 3000 requests, at most 1m0s\n"), stderr)
}

// A diagnosis that is interrupted says so, and shows what it has found until then.
func TestLiveThatIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(context.Background())
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 2 { // the first is answered before the next is sent
			cancel(errors.New("interrupt"))
		}
		fmt.Fprint(w, "hello")
	}))
	defer server.Close()
	var stdout, stderr strings.Builder
	status := run(ctx, []string{"live", server.URL}, &stdout, &stderr)
	assert.Equal(t, 3, status)
	assert.Contains(t, stdout.String(), server.URL)
	assert.True(t, strings.HasSuffix(stderr.String(), "\ninterrupt\n"), stderr.String())
}

// A full disk is an error of its own.
func TestStandardOutputThatCannotBeWritten(t *testing.T) {
	var stderr strings.Builder
	status := run(context.Background(), []string{"run", file(t, scenarioHolds)}, full{}, &stderr)
	assert.Equal(t, 2, status)
	assert.Equal(t, "outagelab: cannot write to standard output: no space left\n", stderr.String())
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }
