package fidelity_test

import (
	"encoding/json"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"example.com/outagelab/lab/bubble"
)

func TestMain(m *testing.M) {
	bubble.Tune()
	goleak.VerifyTestMain(m)
}

// field reads a file of the field data.
func field(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile("../testdata/field/" + name)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, into))
}

// each runs n jobs, as many at a time as there are processors, and returns the
// first error.
func each(n int, job func(i int) error) error {
	var jobs errgroup.Group
	jobs.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		jobs.Go(func() error { return job(i) })
	}
	return jobs.Wait()
}
