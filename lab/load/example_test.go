// The package at its best: an overload seen by those who cause it and by a
// bystander.

package load_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"example.com/outagelab/lab/load"
)

// A server with one worker, asked for 100 naps of 50 ms at a time, while
// somebody else opens the front page once a second: ten virtual seconds, in a
// few milliseconds.
func Example() {
	inBubble(func(t *testing.T) {
		worker := make(chan struct{}, 1)
		target := serve(t, func(w http.ResponseWriter, r *http.Request) {
			worker <- struct{}{}
			if r.URL.Path == "/sync_sleep/" {
				time.Sleep(50 * time.Millisecond)
			}
			<-worker
		})

		records, err := load.Run(context.Background(), target, 15*time.Second,
			load.Closed{Name: "crowd", Path: "/sync_sleep/", Connections: 100, Duration: 10 * time.Second},
			load.Probe("front page", "/", time.Second, 10*time.Second),
		)
		if err != nil {
			fmt.Println(err)
		}
		crowd := load.Summarize(10*time.Second, load.Of(records, "crowd"))
		fmt.Print(crowd)
		fmt.Printf("later than 2 s: %d, still open: %d\n", crowd.Timeouts, crowd.Kinds[load.Unfinished])
		for _, r := range load.Of(records, "front page")[:3] {
			fmt.Printf("front page at %v: %d after %v\n",
				r.Scheduled.Round(time.Second), r.Status, r.Latency.Round(10*time.Millisecond))
		}
	})
	// Output:
	//   Latency Distribution
	//      50%     1.05s
	//      75%     1.55s
	//      90%     1.85s
	//      99%     2.00s
	//   199 requests in 10.00s
	//   Socket errors: connect 0, read 0, write 0, timeout 159
	// Requests/sec:     19.90
	// later than 2 s: 159, still open: 100
	// front page at 0s: 200 after 5s
	// front page at 1s: 200 after 5s
	// front page at 2s: 200 after 5s
}
