//go:build race

// Package racedetector says whether this is a build with the race detector.
package racedetector

// On says so.
const On = true
