// That the runtime is as it was when experiments are over.

package bubble

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheRuntimeIsPutBack(t *testing.T) {
	gc := func() int {
		percent := debug.SetGCPercent(100)
		debug.SetGCPercent(percent)
		return percent
	}
	procs, percent := runtime.GOMAXPROCS(0), gc()
	tune(+1)
	assert.Equal(t, 1, runtime.GOMAXPROCS(0))
	assert.Equal(t, gcPercent, gc())
	tune(+1)
	assert.Equal(t, min(2, procs), runtime.GOMAXPROCS(0))
	tune(-1)
	assert.Equal(t, 1, runtime.GOMAXPROCS(0))
	tune(-1)
	assert.Equal(t, procs, runtime.GOMAXPROCS(0))
	assert.Equal(t, percent, gc())
}
