// Processes and signals on Unix systems.

//go:build unix

package main

import (
	"os"
	"syscall"
)

// killGroup kills each process of a group, and does nothing if there is none.
func killGroup(group int) { _ = syscall.Kill(-group, syscall.SIGKILL) }

// endBy ends this process by a signal that it no longer handles.
func endBy(s os.Signal) {
	_ = syscall.Kill(os.Getpid(), s.(syscall.Signal))
	select {}
}
