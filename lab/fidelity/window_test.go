// What a metric's window has to do with the phase in which a load begins.

package fidelity_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The window of a rate is that of its load, at each seed. One worker gives 10 replies/s in each phase. When the load was
// shifted by up to 1 s and its window was not, the seeds gave 9 to 10, and 9.5 was inside.
func TestTheWindowOfACaseMovesWithItsLoad(t *testing.T) {
	const server = "server: {model: sync, sleep_overshoot: 0s}\nservice: {distribution: constant, time: 100ms}\n"
	for name, loads := range map[string]string{
		"a closed loop":            "load: {path: /, connections: 3, for: 10s}\n",
		"one with a start":         "load: {path: /, connections: 3, for: 10s, start: 2s}\n",
		"an open loop":             "load: {path: /, rate: 20, arrivals: constant, for: 10s, timeout: 1m}\n",
		"one with a horizon":       "load: {path: /, rate: 20, arrivals: constant, for: 1m}\nhorizon: 10s\n",
		"one as long as a horizon": "load: {path: /, connections: 3, for: 10s}\nhorizon: 10s\n",
	} {
		path := filepath.Join(t.TempDir(), "case.yaml")
		require.NoError(t, os.WriteFile(path, []byte(server+loads+`measured:
  - {metric: throughput, values: [9.5]}
  - {metric: busy workers, values: [0.95]}
`), 0o644))
		judged, err := judgeCase(t, path, 20)
		require.NoError(t, err)
		for _, v := range judged.Verdicts {
			assert.False(t, v.Inside, "%s\n%s", name, judged)
		}
		assert.InDelta(t, 10, judged.Verdicts[0].Mean, 0.11, "%s: 10/s, and one more or less at the end", name)
	}
}
