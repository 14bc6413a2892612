// Lines are not lost, not torn, and not late.

package lines

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLinesAreWrittenWholeAndSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var written bytes.Buffer // read when nobody writes
		l := New(&written)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				for range 10 {
					l.Printf("one line\n")
				}
			})
		}
		all.Wait()
		time.Sleep(flushAfter + 1)
		synctest.Wait()
		assert.Equal(t, strings.Repeat("one line\n", 1000), written.String())

		// And again, after the first flush, and through the other way in.
		fmt.Fprintln(l, "the last")
		time.Sleep(flushAfter + 1)
		synctest.Wait()
		assert.True(t, strings.HasSuffix(written.String(), "the last\n"), "a line after a flush is flushed too")
	})
}

// A flush is complete when it returns.
func TestFlushWritesAtOnce(t *testing.T) {
	var written bytes.Buffer
	l := New(&written)
	l.Printf("%d line\n", 1)
	l.Flush()
	assert.Equal(t, "1 line\n", written.String())
}
