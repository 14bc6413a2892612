package fidelity_test

import (
	"encoding/json"
	"flag"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// seeds is how many runs a test has of each case.
var seeds = flag.Int("seeds", 0, "how many `seeds` the model is run with; 0 is a few")

// few is seeds, or n, if that is not set.
func few(n int) int {
	if *seeds > 0 {
		return *seeds
	}
	return n
}

// field reads a file of the field data.
func field(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile("../testdata/field/" + name)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, into))
}

// allOf runs n jobs, as many at a time as there are processors.
func allOf(t *testing.T, n int, job func(i int) error) {
	t.Helper()
	var jobs errgroup.Group
	jobs.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		jobs.Go(func() error { return job(i) })
	}
	require.NoError(t, jobs.Wait())
}
