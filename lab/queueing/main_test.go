// What all tests here share.

package queueing_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// must is for what has to have an answer: must(t)(queueing.Little(10, 2.5)).
func must(t *testing.T) func(x float64, err error) float64 {
	t.Helper()
	return func(x float64, err error) float64 {
		t.Helper()
		require.NoError(t, err)
		return x
	}
}
