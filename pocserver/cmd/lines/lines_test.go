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

// pieces notes what is written at a time.
type pieces []int

func (p *pieces) Write(b []byte) (int, error) {
	*p = append(*p, len(b))
	return len(b), nil
}

// A full log is written before Add returns, and one that is not full is not.
func TestAFullLogIsWrittenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var written pieces
		l := New(&written)
		most := make([]byte, flushAt-1)
		l.Write(most)
		assert.Empty(t, written, "a byte is missing")
		l.Write([]byte("x"))
		assert.Equal(t, pieces{flushAt}, written)
		l.Write(most)
		time.Sleep(flushAfter + 1)
		synctest.Wait()
		assert.Equal(t, pieces{flushAt, flushAt - 1}, written)
	})
}

func TestAnEmptyLogWritesNothing(t *testing.T) {
	var written pieces
	l := New(&written)
	l.Flush()
	assert.Empty(t, written)
}
