//go:build !race

// Whether this is a build with the race detector.

package lab

const raceDetector = false
