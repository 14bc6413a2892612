// Systems without process groups or signals: nginx itself is killed, and its workers
// may stay.

//go:build !unix

package main

import (
	"os"
	"syscall"
)

func processGroup() *syscall.SysProcAttr { return nil }

// killGroup kills the first process of a group.
func killGroup(group int) {
	if p, err := os.FindProcess(group); err == nil {
		_ = p.Kill()
	}
}

// endBy ends this process.
func endBy(os.Signal) { os.Exit(1) }
