// Nothing may be left running.

package scenario_test

import (
	"testing"

	"go.uber.org/goleak"

	"example.com/outagelab/lab/bubble"
)

func TestMain(m *testing.M) {
	bubble.Tune()
	goleak.VerifyTestMain(m)
}
