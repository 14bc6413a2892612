// What a cell comes to, and that the record has them all.

package hazard_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/hazard"
)

func TestACellIsAlwaysNeverOrARate(t *testing.T) {
	for want, c := range map[string]hazard.Cell{
		"always": {Seen: 100, Of: 100},
		"never":  {Seen: 0, Of: 100},
		// R. G. Newcombe, Statistics in Medicine 17, 1998, table I: 81 of 263, and 15 of
		// 148, by Wilson's score method.
		"31 % (26–37)": {Seen: 81, Of: 263},
		"10 % (6–16)":  {Seen: 15, Of: 148},
	} {
		assert.Equal(t, want, c.String())
	}
}

func TestTheRecordHasEveryCell(t *testing.T) {
	record, err := hazard.Measured()
	require.NoError(t, err)
	assert.Len(t, record, len(hazard.All()), "a hazard each, and no other")
	trials := math.MaxInt
	for _, h := range hazard.All() {
		seenAlways := false
		for _, d := range []hazard.Detector{hazard.Race, hazard.Crosstalk, hazard.Leak, hazard.Stall} {
			for _, v := range []hazard.Variant{hazard.Broken, hazard.Fixed} {
				c, ok := record.Get(h.Name, v, d)
				require.True(t, ok, "%s, %v, %s is missing: make matrix", h.Name, v, d)
				trials = min(trials, c.Of)
				if v == hazard.Fixed {
					assert.Zero(t, c.Seen, "%s: %s sees something in the fixed handler", h.Name, d)
				} else {
					seenAlways = seenAlways || c.Class() == hazard.Always
				}
			}
		}
		assert.True(t, seenAlways, "%s: no detector sees it each time", h.Name)
	}
	assert.GreaterOrEqual(t, trials, 100, "trials a cell: make matrix")
}

func TestTheTableSaysWhatSeesTheFixedHandler(t *testing.T) {
	h := hazard.All()[0].Name
	r := hazard.Record{}
	for _, d := range []hazard.Detector{hazard.Race, hazard.Crosstalk, hazard.Leak, hazard.Stall} {
		r.Set(h, hazard.Broken, d, hazard.Cell{Seen: 3, Of: 3})
		r.Set(h, hazard.Fixed, d, hazard.Cell{Seen: 0, Of: 3})
	}
	r.Set(h, hazard.Fixed, hazard.Leak, hazard.Cell{Seen: 3, Of: 3})
	for line := range strings.Lines(r.Table()) {
		if strings.HasPrefix(line, h+" ") {
			assert.Contains(t, line, "leak: always")
		}
	}
	assert.Contains(t, r.Table(), "3 trials a cell")
}
