// What the tests see of the inside.

package fidelity

// Interval is interval.
var Interval = interval
