package exercise_test

import (
	"fmt"

	"example.com/outagelab/lab/exercise"
)

// The exercise as shipped, and what becomes of its front page.
func ExampleRun() {
	report, err := exercise.Run(nil, exercise.Setup{})
	if err != nil {
		fmt.Println(err)
		return
	}
	page := report.Routes[0]
	fmt.Printf("%s: %d of %d answered, %d × 502, for: %q\n", page.Path, page.Answered, page.Offered, page.BadGateway, page.Causes)
	// Output:
	// /: 6 of 120 answered, 112 × 502, for: ["no live upstreams" "queueing"]
}
