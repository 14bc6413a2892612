// The one rule that makes the proxy repeatable in virtual time.

package front

import "time"

// settle returns once the instant t is over. Goroutines that act at one virtual
// instant run in any order, so a decision is made at an instant of its own and
// only from what happened before it: in virtual time settle sleeps one
// nanosecond, in real time the clock has moved on by itself.
func settle(t time.Time) {
	for !time.Now().After(t) {
		time.Sleep(time.Nanosecond)
	}
}
