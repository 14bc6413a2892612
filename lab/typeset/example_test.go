// A page with labels, numbers and a picture.

package typeset_test

import (
	"fmt"
	"time"

	"example.com/outagelab/lab/typeset"
)

func ExamplePage() {
	var p typeset.Page
	p.Item("claim", "Everybody is answered within two seconds, whatever the others ask for, and however many of them there are.")
	p.Item("observed", typeset.Plural(1200, "reply", "replies")+", "+typeset.Seconds(2500*time.Microsecond)+" each")
	p.Item("over time", typeset.Spark([]int{1, 4, 8, 8, 2, 0}, 8))
	fmt.Print(p.String())
	// Output:
	//   claim      Everybody is answered within two seconds, whatever the others ask for, and
	//              however many of them there are.
	//   observed   1,200 replies, 2.5 ms each
	//   over time  ▁▄██▂
}
