// What the tests see of the inside.

package pocserver

import "time"

// Seconds is appendSeconds.
func Seconds(d time.Duration) string { return string(appendSeconds(nil, d)) }
