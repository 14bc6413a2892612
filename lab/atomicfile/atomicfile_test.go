package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var errFull = errors.New("no space left on device")

// half writes a part of a file, and then the disk is full.
func half(w io.Writer) error {
	_, err := io.WriteString(w, "<html><bo")
	return errors.Join(err, errFull)
}

// names are what is in a folder.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestAFullDiskLeavesTheFileAsItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.html")
	require.NoError(t, Write(path, []byte("<html></html>"), 0o644))
	err := create(path, 0o644, half)
	assert.ErrorIs(t, err, errFull)
	assert.EqualError(t, err, path+" was not written, and is as it was: no space left on device")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "<html></html>", string(text))
	assert.Equal(t, []string{"index.html"}, names(t, filepath.Dir(path)), "and nothing beside it")
}

func TestAFullDiskLeavesNoNewFile(t *testing.T) {
	dir := t.TempDir()
	assert.ErrorIs(t, create(filepath.Join(dir, "index.html"), 0o644, half), errFull)
	assert.Empty(t, names(t, dir))
}

func TestWriteReplacesTheWholeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.json")
	for _, text := range []string{"a long text", "short", ""} {
		require.NoError(t, Write(path, []byte(text), 0o644))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, text, string(got))
	}
	assert.Equal(t, []string{"results.json"}, names(t, filepath.Dir(path)))
}

func TestWriteKeepsTheModeAndTheLink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes, and links only for some users")
	}
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	require.NoError(t, Write(file, nil, 0o600))
	require.NoError(t, os.Symlink(file, link))
	require.NoError(t, Write(link, []byte("new"), 0o644))
	info, err := os.Lstat(link)
	require.NoError(t, err)
	assert.Equal(t, fs.ModeSymlink, info.Mode().Type(), "the link stays a link")
	info, err = os.Lstat(file)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), info.Mode())
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "new", string(text))
}

func TestWhatIsNoRegularFileIsWrittenDirectly(t *testing.T) {
	assert.NoError(t, Write(os.DevNull, []byte("gone"), 0o644))
	info, err := os.Stat(os.DevNull)
	require.NoError(t, err)
	assert.False(t, info.Mode().IsRegular(), "it was not replaced")
	assert.ErrorIs(t, create(os.DevNull, 0o644, half), errFull)

	dir := t.TempDir()
	assert.Error(t, Write(dir, []byte("text"), 0o644), "a folder")
	assert.ErrorIs(t, Write(filepath.Join(dir, "none", "file"), nil, 0o644), fs.ErrNotExist)
}
