// An album whose pictures are made smaller by three workers.

package fixed

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// UnclosedChannel shrinks the eight pictures of an album, three at a time.
func UnclosedChannel(_ http.RoundTripper) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var (
			sizes    [8]int
			pictures = make(chan int)
			left     sync.WaitGroup
		)
		for range 3 {
			go func() {
				for i := range pictures {
					time.Sleep(20 * time.Millisecond)
					sizes[i] = 100 + i
					left.Done()
				}
			}()
		}
		for i := range sizes {
			left.Add(1)
			pictures <- i
		}
		close(pictures)
		left.Wait()
		fmt.Fprintln(w, "kilobytes:", sizes)
	})
}
