// Numbers over time, drawn in a line.

package typeset

import (
	"math"
	"strings"
)

// bars are the heights of a sparkline; nothing is a space.
var bars = []rune(" ▁▂▃▄▅▆▇█")

// Spark draws values against the highest of the rows they are compared with.
// Only nothing at all is drawn as nothing.
func Spark(values []int, top int) string {
	var b strings.Builder
	for _, v := range values {
		height := 0
		if v > 0 {
			height = max(1, int(math.Round(float64(v)/float64(top)*float64(len(bars)-1))))
		}
		b.WriteRune(bars[height])
	}
	return b.String()
}
