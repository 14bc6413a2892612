// What the package is for, in a few lines.

package bubble_test

import (
	"fmt"
	"time"

	"example.com/outagelab/lab/bubble"
)

// An hour passes at once. (A test gives its *testing.T in place of nil.)
func ExampleRun() {
	err := bubble.Run(nil, time.Minute, bubble.Patient, func() error {
		begin := time.Now()
		time.Sleep(time.Hour)
		fmt.Println("slept for", time.Since(begin))
		return nil
	})
	fmt.Println(err)
	// Output:
	// slept for 1h0m0s
	// <nil>
}
