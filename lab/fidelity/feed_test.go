// The concurrency exercise against the field: each count of each case that was
// measured lies where the model's own runs say that one more run would.

package fidelity_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"

	"example.com/outagelab/lab/racedetector"
)

// recorded is how many seeds the record has, fixed before anybody looked.
const recorded = 200

// TestFeedFidelity runs a few seeds and sees that they give what the record says,
// then judges the field by all of the record's. make fidelity runs them all.
func TestFeedFidelity(t *testing.T) {
	n := few(2)
	if racedetector.On {
		n = few(1) // one takes ten seconds
	}
	if *update && n != recorded {
		t.Fatalf("-update with -seeds=%d: the record has %d", n, recorded)
	}
	runs := feedRuns(t)
	counts := countsOf(t, runs, n)
	if *update {
		writeRecord(t, counts)
	}
	compareWithRecord(t, counts)

	m := 0 // counts that are random
	for _, c := range counts {
		if varies(c.model) {
			m++
		}
	}
	table := new(strings.Builder)
	w := tabwriter.NewWriter(table, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "case\tcount\tfield\tmodel's mean\tone more run\t\n")
	for _, c := range counts {
		low, high := interval(c.model, m)
		verdict := "inside"
		switch {
		case c.calibrated:
			verdict = "inside (calibrated on it)"
		case low <= 0 && high >= c.most:
			verdict = "inside (as any count would be)"
		}
		for _, f := range c.field {
			if !assert.True(t, low <= f && f <= high, "%s: the field has %g, one more run of the model %g to %g", c, f, low, high) {
				verdict = "OUTSIDE"
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.1f\t%g to %g\t%s\t\n", c.run, c.name, strings.Trim(fmt.Sprint(c.field), "[]"),
			stat.Mean(c.model, nil), max(0, low), min(high, c.most), verdict)
	}
	w.Flush()
	t.Logf("the field against %d seeds, %d of them run now; m = %d counts are random, the others are the same at every seed\n%s", recorded, n, m, table)
}

// countsOf runs n seeds of each run, and returns all counts.
func countsOf(t *testing.T, runs []*run, n int) (counts []*count) {
	t.Helper()
	for _, r := range runs {
		for _, c := range r.counts {
			c.model = make([]float64, n)
			counts = append(counts, c)
		}
	}
	allOf(t, n*len(runs), func(i int) error {
		r, seed := runs[i%len(runs)], i/len(runs)
		o, err := r.with(t, uint64(seed))
		if err != nil {
			return err
		}
		for _, c := range r.counts {
			c.model[seed] = c.metric.Of(o)
		}
		return nil
	})
	return counts
}

// compareWithRecord fails t where the seeds that were run give anything else than
// the record says, and gives the counts all of the record's seeds.
func compareWithRecord(t *testing.T, counts []*count) {
	t.Helper()
	kept := readRecord(t)
	for _, c := range counts {
		was := kept[c.String()]
		require.Len(t, was, recorded, "seeds in the record of %s", c)
		for seed, now := range c.model[:min(len(c.model), recorded)] {
			assert.Equal(t, was[seed], now, "%s, seed %d, in the record and now: the model has changed, and the record does not show it. "+
				"make fidelity ARGS=-update makes a new one, and says whether the field is still inside", c, seed)
		}
		c.model = was
	}
}

// varies reports whether not all values are the same.
func varies(sample []float64) bool {
	return slices.ContainsFunc(sample, func(v float64) bool { return v != sample[0] })
}
