// A detector on a hazard, broken and fixed.

package hazard_test

import (
	"fmt"

	"example.com/outagelab/lab/hazard"
)

func ExampleHazard_Try() {
	h, err := hazard.Named("dirty/mutex")
	if err != nil {
		panic(err)
	}
	for _, v := range []hazard.Variant{hazard.Broken, hazard.Fixed} {
		seen, _, err := h.Try(hazard.Crosstalk, v)
		fmt.Println(v, seen, err)
	}
	// Output:
	// broken true <nil>
	// fixed false <nil>
}
