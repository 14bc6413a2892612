// Everything that can be wrong with a file, and where it says so.

package scenario_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/scenario"
)

// wrongFiles are the files of testdata/wrong.txt, and what is said of each.
func wrongFiles(t testing.TB) (files, said []string) {
	text, err := os.ReadFile("testdata/wrong.txt")
	require.NoError(t, err)
	cases := strings.Split(string(text), "=====\n")
	for _, c := range cases[1 : len(cases)-1] {
		i := strings.LastIndex(c, "---\n")
		require.GreaterOrEqual(t, i, 0, "a case without ---:\n%s", c)
		files, said = append(files, c[:i]), append(said, strings.TrimSpace(c[i+4:]))
	}
	return files, said
}

func TestAllThatIsWrongIsSaidWithLineAndColumn(t *testing.T) {
	files, said := wrongFiles(t)
	require.Greater(t, len(files), 60)
	for i, file := range files {
		_, err := scenario.Parse("testdata/wrong.yaml", []byte(file))
		require.Error(t, err, "nothing is wrong with\n%s", file)
		assert.Equal(t, said[i], strings.ReplaceAll(err.Error(), "testdata/wrong.yaml:", "wrong.yaml:"), "what is said of\n%s", file)
	}
}

// A file with few worker_connections is asked like any other: nothing runs that
// could use them up.
func TestFewWorkerConnectionsDoNotHideALocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which Parse once could not be called in
		_, err := scenario.Parse("testdata/few.yaml", []byte(`server: {model: sync}
service: {distribution: constant, time: 10ms}
load: [{path: /, rate: 1, for: 10s}]
nginx: few.conf
`))
		require.NoError(t, err)
	})
}

func TestAFileThatIsNotThereIsAnError(t *testing.T) {
	_, err := scenario.Read("testdata/nothing.yaml")
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = scenario.Read("testdata")
	assert.EqualError(t, err, "testdata is not a file")
}

func TestAFileOfAnyLengthIsRefusedAtOnce(t *testing.T) {
	long := filepath.Join(t.TempDir(), "long.yaml")
	require.NoError(t, os.WriteFile(long, make([]byte, 2<<20), 0o600))
	_, err := scenario.Read(long)
	assert.EqualError(t, err, long+":1:1: the file has 2097152 bytes: want at most 1048576")
	_, err = scenario.Parse("long.yaml", []byte(strings.Repeat("[", 2<<20)))
	assert.EqualError(t, err, "long.yaml:1:1: the file has 2097152 bytes: want at most 1048576")
	_, err = scenario.Parse("deep.yaml", []byte("server: "+strings.Repeat("[", 100_000)))
	assert.ErrorContains(t, err, "deep.yaml:1:1: not YAML: exceeded max depth")
}

// What is not text in UTF-8 is found before it is read as YAML, which says neither the line nor what to do.
func TestAFileThatIsNotTextIsAnError(t *testing.T) {
	const good = "server: {model: sync}\nservice: {distribution: constant, time: 1s}\nload: [{path: /, rate: 1, for: 10s}]\n"
	for text, says := range map[string]string{
		good + "name: caf\xe9\n":         "4:10: the byte 0xe9 is not UTF-8: save the file as UTF-8",
		good + "# é: caf\xe9\n":          "4:9: the byte 0xe9 is not UTF-8: save the file as UTF-8",
		good + "name: a\x00b\n":          "4:8: the file has a NUL byte: a scenario is text, in UTF-8",
		"\x7fELF\x02\x01\x00\xff":        "1:7: the file has a NUL byte: a scenario is text, in UTF-8",
		good + "name: a\x1b[1m\n":        "4:8: the control character U+001B cannot be in a file: remove it",
		"\ufeff" + good + "name: a\ax\n": "4:8: the control character U+0007 cannot be in a file: remove it",
		"\xff\xfes\x00e\x00":             "1:1: the file is in UTF-16: save it as UTF-8",
		"\xfe\xff\x00s\x00e":             "1:1: the file is in UTF-16: save it as UTF-8",
		"":                               "1:1: the file is empty: a scenario has at least server, service and load",
		"\ufeff \r\n":                    "1:1: the file is empty: a scenario has at least server, service and load",
	} {
		_, err := scenario.Parse("bytes.yaml", []byte(text))
		assert.EqualError(t, err, "bytes.yaml:"+says, "%q", text)
	}
	for _, text := range []string{"\ufeff" + good, strings.ReplaceAll(good, "\n", "\r\n"), strings.ReplaceAll(good, "\n", "\r")} {
		_, err := scenario.Parse("bytes.yaml", []byte(text))
		assert.NoError(t, err, "%q", text)
	}
}

// FuzzParse looks for a file that panics, or that is neither a scenario nor an
// error with a place.
func FuzzParse(f *testing.F) {
	files, _ := wrongFiles(f)
	for _, example := range examples(f) {
		text, err := os.ReadFile(example)
		require.NoError(f, err)
		files = append(files, string(text))
	}
	for _, file := range files {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := scenario.Parse("fuzz.yaml", text)
		if err == nil {
			assert.NotEmpty(t, s.Experiment(1).Load)
			return
		}
		for _, line := range strings.Split(err.Error(), "\n") {
			assert.Regexp(t, `^fuzz\.yaml:[1-9][0-9]*:[1-9][0-9]*: .`, line)
		}
	})
}

// examples are the files that are shown.
func examples(t testing.TB) []string {
	paths, err := filepath.Glob("examples/*.yaml")
	require.NoError(t, err)
	require.Len(t, paths, 4)
	return paths
}
