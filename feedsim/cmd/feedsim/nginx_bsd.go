// Other Unix systems have nothing that tells a child of this process's death: when it
// is killed, nginx stays.

//go:build unix && !linux

package main

import "syscall"

// processGroup makes a child the first of a process group, which a terminal's
// signals do not reach.
func processGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
