// What tests of the package's callers need of its inside.

package crosstalk

import "time"

// Impatient shortens how long one instant may be computed on, and how long a request
// that is alone may compute. It returns a function that puts them back.
func Impatient(instant, alone time.Duration) (restore func()) {
	before, first := dog.Computing, mostComputing
	dog.Computing, mostComputing = instant, alone
	return func() { dog.Computing, mostComputing = before, first }
}
