// Other systems: the queue has the length that Go gives it, and cannot be looked into.
// A worker then takes only the one connection that Wait has accepted.

//go:build !unix

package worker

func listenAgain(uintptr, int) error { return nil }

func connectionWaits(uintptr) bool { return false }
