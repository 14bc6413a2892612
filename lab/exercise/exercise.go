// What the package is.

// Package exercise is the concurrency exercise as an experiment: its servers, its
// feed and its front as a system, and its traffic as loads.
package exercise
