//go:build !race

// Tells the tests that no race detector is watching.

package pocserver_test

const raceDetector = false
