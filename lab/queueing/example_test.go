package queueing_test

import (
	"fmt"

	"example.com/outagelab/lab/queueing"
)

// How many threads does a server need for 10 requests a second, at random, of 2.5
// seconds each on average, so that 99 in 100 are answered within 14 seconds?
func Example() {
	for threads := 25; ; threads++ {
		p99, err := queueing.MMc{Arrivals: 10, Service: 2.5, Servers: threads}.Quantile(0.99)
		if err != nil {
			fmt.Println(threads, "threads:", err)
			continue
		}
		fmt.Printf("%d threads: 99 in 100 within %.1f s\n", threads, p99)
		if p99 <= 14 {
			return
		}
	}
	// Output:
	// 25 threads: queueing: MMc: utilisation is 1: a queue is stable below 1 only; see Overload
	// 26 threads: 99 in 100 within 16.0 s
	// 27 threads: 99 in 100 within 12.7 s
}

// What becomes of 10 requests a second on two sync workers, which can do 0.8, if
// clients leave after a minute?
func ExampleOverload() {
	o := queueing.Overload{Arrivals: 10, Capacity: 2 / 2.5, Patience: 60}
	served, err := o.Served()
	if err != nil {
		fmt.Println(err)
		return
	}
	last, _ := o.LastServed() // its error would be the same
	fmt.Printf("%.0f are served, of which the last came %.1f s after the first, and then nobody\n", served, last)
	// Output: 52 are served, of which the last came 5.2 s after the first, and then nobody
}
