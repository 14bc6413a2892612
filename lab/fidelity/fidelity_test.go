// The model against the field: each number of each case that was measured lies
// where the model's own runs say that one more run would.

package fidelity_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/fidelity"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/lab/typeset"
)

// seeds is how many runs the test has of each case, as many as the record has at
// most.
var seeds = flag.Int("seeds", 0, "how many `seeds` each case is run with, at most as many as its record has; 0 is one, and under the race detector of short cases only")

// TestFidelity runs a few seeds and sees that they give what the record says, then
// judges the field by all of the record's. make fidelity runs them all.
func TestFidelity(t *testing.T) {
	runs := append(pocRuns(t), feedRuns(t)...)
	ran := runSeeds(t, runs)
	if *update {
		writeRecord(t, runs)
	}
	compareWithRecord(t, runs)

	var counts []fidelity.Count
	for _, r := range runs {
		for _, c := range r.counts {
			counts = append(counts, c.Count)
		}
	}
	j, err := fidelity.Judge(counts)
	require.NoError(t, err)
	assert.Equal(t, insideByUpdating(counts, j.Values), j.SeedsInside, "seeds with all counts inside, of %d", j.Seeds)
	for _, v := range j.Verdicts {
		assert.True(t, v.Inside, "%s: the field has %v, one more run of the model gives %g to %g", &v.Count, v.Field, v.Low, v.High)
	}
	if *seeds > 0 {
		fmt.Printf("The field against the model's record, %s of which were run again now.\n\n%s\n%s\nCalibrated:\n%s\n", typeset.Plural(ran, "run", "runs"), j, pace, parameters())
	}
}

// pace is what the model lacks.
const pace = "lacks pace: where requests wait for the processor, the model's is as fast at all times of a\n" +
	"run, and the field's was not: its p99 was 1.1 to 1.5 times its p50.\n"

// runSeeds runs what it should, gives the counts what that gave, and returns how
// many runs that were.
func runSeeds(t *testing.T, runs []*run) int {
	t.Helper()
	type job struct {
		*run
		seed int
	}
	var jobs []job
	for _, r := range runs {
		n := min(*seeds, r.recorded)
		if n == 0 && !(r.heavy && racedetector.On) {
			n = 1
		}
		for _, c := range r.counts {
			c.Model = make([]float64, n)
		}
		for seed := range n {
			jobs = append(jobs, job{r, seed})
		}
	}
	require.NoError(t, each(len(jobs), func(i int) error {
		o, err := jobs[i].with(t, uint64(jobs[i].seed))
		if err != nil {
			return fmt.Errorf("%s, seed %d: %w", jobs[i].name, jobs[i].seed, err)
		}
		for _, c := range jobs[i].counts {
			c.Model[jobs[i].seed] = c.of(o)
		}
		return nil
	}))
	return len(jobs)
}

// parameters is what was calibrated, as a table.
func parameters() string {
	var b strings.Builder
	for _, p := range fidelity.Parameters() {
		fmt.Fprintf(&b, "  %s%s  on %s\n", typeset.Pad(p.Name, 19), typeset.Pad(strings.TrimSpace(typeset.Number(p.Value)+" "+p.Unit), 12), p.Rows)
	}
	return b.String()
}
