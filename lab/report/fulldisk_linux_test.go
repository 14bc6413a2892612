package report

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab"
)

const fullEnv = "OUTAGELAB_FULL_DISK"

// TestAFullDiskLeavesBothFilesAsTheyWere writes results and page in a process in which no file can be longer than a
// few hundred bytes. Neither file may be truncated, nor may a temporary one stay.
func TestAFullDiskLeavesBothFilesAsTheyWere(t *testing.T) {
	dir := t.TempDir()
	results := judged()
	_, err := results.Write(dir)
	require.NoError(t, err)
	_, err = HTML()(dir, results)
	require.NoError(t, err)
	was := map[string][]byte{}
	for _, name := range []string{"results.json", "index.html"} {
		was[name], err = os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Greater(t, len(was[name]), fullAt, "%s has to be longer than the disk", name)
	}

	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOnAFullDisk$")
	child.Env = append(os.Environ(), fullEnv+"="+dir)
	text, err := child.CombinedOutput()
	require.NoError(t, err, "%s", text)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, len(was), "no temporary file stays: %v", entries)
	for name, text := range was {
		is, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, len(text), len(is), "the length of %s", name)
		assert.True(t, string(text) == string(is), "%s is as it was", name)
	}
}

// fullAt is the length that no file can exceed.
const fullAt = 300

func TestOnAFullDisk(t *testing.T) {
	dir := os.Getenv(fullEnv)
	if dir == "" {
		t.Skip("a part of TestAFullDiskLeavesBothFilesAsTheyWere, which makes the disk full")
	}
	results := judged()
	signal.Ignore(syscall.SIGXFSZ) // it would end the process; write returns EFBIG then
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: fullAt, Max: fullAt}))
	for _, write := range []lab.Writer{func(dir string, r *lab.Results) (string, error) { return r.Write(dir) }, HTML()} {
		path, err := write(dir, results)
		assert.ErrorIs(t, err, syscall.EFBIG)
		assert.ErrorContains(t, err, path+" was not written, and is as it was")
	}
}
