// A learner does what a lesson says: the fix, in the broken file. Then the lesson passes.

package lesson

import (
	"bytes"
	"embed"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/hazard"
	hazardfixed "example.com/outagelab/lab/hazard/fixed"
	outagefixed "example.com/outagelab/lab/outage/fixed"
	"example.com/outagelab/lab/racedetector"
)

// repairedEnv is set in the process in which every lesson has been repaired.
const repairedEnv = "OUTAGELAB_REPAIRED"

// TestARepairedLessonPasses builds this package's tests with every broken file overlaid by the fixed one, and runs
// TestEveryLessonIsRepaired in them.
func TestARepairedLessonPasses(t *testing.T) {
	if racedetector.On {
		t.Skip("it builds the lessons once more: it needs a run without -race")
	}
	replace := map[string]string{}
	for folder, fixed := range map[string]embed.FS{"../outage": outagefixed.Sources, "../hazard": hazardfixed.Sources} {
		entries, err := fs.ReadDir(fixed, ".")
		require.NoError(t, err)
		for _, entry := range entries {
			if entry.Name() == "fixed.go" {
				continue // its embed pattern and comment are no lesson's
			}
			text, err := fixed.ReadFile(entry.Name())
			require.NoError(t, err)
			broken, err := filepath.Abs(filepath.Join(folder, "broken", entry.Name()))
			require.NoError(t, err)
			require.FileExists(t, broken)
			replace[broken] = filepath.Join(t.TempDir(), entry.Name())
			text = bytes.Replace(text, []byte("\npackage fixed\n"), []byte("\npackage broken\n"), 1)
			require.NoError(t, os.WriteFile(replace[broken], text, 0o644))
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "overlay.json")
	require.NoError(t, os.WriteFile(path, overlay, 0o644))

	run := []string{"test", "-count=1", "-overlay=" + path, "-run=^TestEveryLessonIsRepaired$", "."}
	child := exec.CommandContext(t.Context(), "go", run...)
	child.Env = append(os.Environ(), repairedEnv+"=1")
	text, err := child.CombinedOutput()
	assert.NoError(t, err, "%s", text)
}

func TestEveryLessonIsRepaired(t *testing.T) {
	if os.Getenv(repairedEnv) == "" {
		t.Skip("a part of TestARepairedLessonPasses, which edits the broken sources")
	}
	nothing := func(*hazard.Hazard, hazard.Variant) (string, error) { return "", nil } // no report of a race
	for _, l := range All() {
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel()
			holds, text, err := l.Run(t, hazard.Broken, nothing)
			require.NoError(t, err)
			assert.True(t, holds, "%s", text)
			assert.Contains(t, words(text), "repaired your change to lab/")
			assert.Contains(t, words(text), "To break it again: git checkout lab/")
			assert.NotContains(t, text, "the fix")
			assert.NotRegexp(t, `(?m)^  (cause|fix) `, text)
		})
	}
}
