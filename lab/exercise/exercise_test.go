package exercise

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab/racedetector"
)

func TestTheReportIsTheSameAtEveryRun(t *testing.T) {
	if racedetector.On {
		t.Skip("the race detector sees these servers in other tests: it needs a run without -race")
	}
	solution, err := For("solution")
	require.NoError(t, err)
	solution.Awaiting = false // streams that are killed, beside a pool that is not full
	for name, s := range map[string]Setup{"shipped": {}, "solution, blocking": solution} {
		var first string
		for i := range 3 {
			procs := runtime.GOMAXPROCS(1 + i%2)
			text := run(t, s).String()
			runtime.GOMAXPROCS(procs)
			if first == "" {
				first = text
			}
			require.Equal(t, first, text, "%s, run %d", name, i)
		}
	}
}

func TestAnotherSeedIsAnotherRun(t *testing.T) {
	t.Parallel()
	if racedetector.On {
		t.Skip("the race detector sees these servers in other tests: it needs a run without -race")
	}
	assert.NotEqual(t, run(t, Setup{}).String(), run(t, Setup{Seed: 1}).String())
}

func TestAFileIsAskedForByPathAndTheRestByWord(t *testing.T) {
	s, err := For("shipped")
	require.NoError(t, err)
	assert.Equal(t, Setup{}, s)

	s, err = For("solution")
	require.NoError(t, err)
	assert.Equal(t, 25, s.Threads)
	assert.True(t, s.Awaiting)

	path := filepath.Join(t.TempDir(), "my.conf")
	require.NoError(t, os.WriteFile(path, []byte(repaired()), 0o644))
	s, err = For(path)
	require.NoError(t, err)
	assert.Equal(t, path, s.Conf.String())
	assert.Zero(t, s.Threads, "a file brings no servers of its own")

	_, err = For(filepath.Join(t.TempDir(), "none.conf"))
	assert.ErrorIs(t, err, os.ErrNotExist)

	require.NoError(t, os.WriteFile(path, []byte(but(repaired(), "listen 8080;", "listen 8080;\n        gzip on;")), 0o644))
	_, err = For(path)
	var wrong *front.ConfigError
	require.ErrorAs(t, err, &wrong)
	assert.Equal(t, "gzip", wrong.Directive)
}

func TestWhatCannotBeRunIsSaid(t *testing.T) {
	_, err := Run(t, Setup{Threads: -1})
	assert.EqualError(t, err, "-1 threads: want 1 or more, or 0 for what is shipped")

	elsewhere := parsed(t, but(repaired(), "server localhost:5000", "server elsewhere:5000"))
	_, err = Run(t, Setup{Conf: elsewhere})
	assert.ErrorContains(t, err, `my.conf:13: server: host not found in upstream "elsewhere"`)

	elsewhere = parsed(t, but(repaired(), "listen 8080", "listen 5000"))
	_, err = Run(t, Setup{Conf: elsewhere})
	assert.EqualError(t, err, "my.conf: the first port to listen on is 5000, and the exercise's traffic goes to 8080")

	second := parsed(t, but(repaired(), "    server {\n", "    server { listen 9999; }\n    server {\n"))
	_, err = Run(t, Setup{Conf: second})
	assert.EqualError(t, err, "my.conf: the first port to listen on is 9999, of 9999 and 8080, and the exercise's traffic goes to 8080")
}

// Nothing fails while the other servers are fast enough, and the report says what
// is left all the same.
func TestAHealthyReportNamesWhatIsLeft(t *testing.T) {
	t.Parallel()
	if racedetector.On {
		t.Skip("the race detector sees these servers in other tests: it needs a run without -race")
	}
	s := fitTwo
	s.Conf = parsed(t, repaired())
	report := run(t, s)
	require.True(t, report.Healthy(), "%s", report)
	assert.Contains(t, inOneLine(report), "nginx's error log, and how often it has each line 106 [error] "+
		"connect() failed (111: Connection refused) while connecting to upstream 181 [warn] and [info], which nginx's default level leaves out")
	assert.Contains(t, inOneLine(report), "Every route is healthy. One thing is left: nginx counts [::1]:5000, [::1]:5100 and [::1]:5200 among its servers")

	s.OneAddress = true
	assert.NotContains(t, run(t, s).String(), "One thing is left")
}

// A share may consist of requests that were turned away for what others had met.
func TestARefusalOfOthersIsNamed(t *testing.T) {
	t.Parallel()
	text := inOneLine(run(t, Setup{Conf: parsed(t, but(feedsim.Shipped, "localhost:5000", "localhost:5999"))}))
	assert.Contains(t, text, "/stream_feed cause: connections to 127.0.0.1:5999 and [::1]:5999 were refused, for nobody listens there: "+
		"nginx then took those addresses for dead, and had no live upstream left for 75 requests when they came.")
}

func inOneLine(r *Report) string { return strings.Join(strings.Fields(r.String()), " ") }
