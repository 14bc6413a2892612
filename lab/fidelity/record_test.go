// The record: what each of 200 seeds gave, so that the ordinary run need not run
// them all, and yet nobody has to believe a table that was made long ago. It runs
// a few seeds and compares.

package fidelity_test

import (
	"encoding/csv"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write what the seeds give now into the record")

const recordFile = "testdata/feed.csv"

// A record is the counts of a run, by name and then by seed.
type record map[string][]float64

func readRecord(t *testing.T) record {
	t.Helper()
	f, err := os.Open(recordFile)
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	r := record{}
	for _, row := range rows {
		for _, text := range row[1:] {
			v, err := strconv.ParseFloat(text, 64)
			require.NoError(t, err, "%s: %s", recordFile, row[0])
			r[row[0]] = append(r[row[0]], v)
		}
	}
	return r
}

func writeRecord(t *testing.T, counts []*count) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(recordFile), 0o755))
	f, err := os.Create(recordFile)
	require.NoError(t, err)
	w := csv.NewWriter(f)
	for _, c := range counts {
		row := []string{c.String()}
		for _, v := range c.model {
			row = append(row, strconv.FormatFloat(v, 'g', -1, 64))
		}
		require.NoError(t, w.Write(row))
	}
	w.Flush()
	require.NoError(t, w.Error())
	require.NoError(t, f.Close())
}
