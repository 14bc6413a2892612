// What the tests see of the inside.

package fidelity

// Interval is interval, for m values in all.
func Interval(sample []float64, m int) (low, high float64) {
	return interval(sample, quantile(len(sample), m))
}
