// The record: what each seed gave, so that the ordinary run need not run them all,
// and yet nobody has to believe a table that was made long ago. It runs a few
// seeds and compares.

package fidelity_test

import (
	"bytes"
	"encoding/csv"
	"flag"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/atomicfile"
)

var update = flag.Bool("update", false, "write what the seeds give now into the record")

const recordFile = "testdata/record.csv"

// readRecord returns the counts by name, and of each its values by seed.
func readRecord(t *testing.T) map[string][]float64 {
	t.Helper()
	f, err := os.Open(recordFile)
	require.NoError(t, err)
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1 // runs of many requests have fewer seeds
	rows, err := r.ReadAll()
	require.NoError(t, err)
	record := map[string][]float64{}
	for _, row := range rows {
		for _, text := range row[1:] {
			v, err := strconv.ParseFloat(text, 64)
			require.NoError(t, err, "%s: %s", recordFile, row[0])
			record[row[0]] = append(record[row[0]], v)
		}
	}
	return record
}

func writeRecord(t *testing.T, runs []*run) {
	t.Helper()
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	for _, r := range runs {
		for _, c := range r.counts {
			require.Len(t, c.Model, r.recorded, "the record has all seeds or none: -update wants as many -seeds, %s", c)
			row := []string{c.String()}
			for _, v := range c.Model {
				row = append(row, strconv.FormatFloat(v, 'g', -1, 64))
			}
			require.NoError(t, w.Write(row))
		}
	}
	w.Flush()
	require.NoError(t, w.Error())
	require.NoError(t, atomicfile.Write(recordFile, text.Bytes(), 0o644))
}

// compareWithRecord fails t where the seeds that were run give anything else than
// the record says, and gives the counts all of the record's seeds.
func compareWithRecord(t *testing.T, runs []*run) {
	t.Helper()
	kept := readRecord(t)
	for _, r := range runs {
		for _, c := range r.counts {
			was := kept[c.String()]
			require.Len(t, was, r.recorded, "seeds in the record of %s", c)
			for seed, now := range c.Model {
				assert.Equal(t, was[seed], now, "%s, seed %d, in the record and now: the model has changed, and the record does not show it. "+
					"make fidelity ARGS=-update makes a new one, and says whether the field is still inside", c, seed)
			}
			c.Model = was
			delete(kept, c.String())
		}
	}
	for name := range kept {
		t.Errorf("the record has %q, which is no count any more", name)
	}
}
