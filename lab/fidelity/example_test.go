// A judgement of two counts.

package fidelity_test

import (
	"fmt"

	"example.com/outagelab/lab/fidelity"
)

func ExampleJudge() {
	j, err := fidelity.Judge([]fidelity.Count{
		{
			Case: "two sync workers", Name: "answered", Most: 1200,
			Field: []float64{58, 44}, Model: []float64{51, 47, 50, 55, 44, 42, 48, 54, 46, 53},
		},
		{
			Case: "two sync workers", Name: "not answered", Most: 1200,
			Field: []float64{1142, 900}, Model: []float64{1149, 1153, 1150, 1145, 1156, 1158, 1152, 1146, 1154, 1147},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(j)
	// Output:
	//                 measured    mean  one more run  10 seeds gave
	// two sync workers
	//   answered         58 44    49.0         30–68          42–55  inside
	//   not answered  1142 900  1151.0     1132–1170      1145–1158  OUTSIDE
	//
	// 2 counts, of which 2 are random in the model (4 values): 2 predictions. Inside: 1.
	// OUTSIDE: 1. Of the model's own 10 seeds, each judged by the others, 10 have all counts
	// inside; of normal counts 99 in 100 would.
}
