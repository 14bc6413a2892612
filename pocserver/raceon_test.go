//go:build race

// Tells the tests that the race detector is watching.

package pocserver_test

const raceDetector = true
