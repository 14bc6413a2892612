// How Linux keeps a child from outliving this process, even when it is killed.

package main

import "syscall"

// processGroup makes a child the first of a process group, which a terminal's
// signals do not reach. When this process dies, nginx is told to stop, and tells
// its workers.
func processGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
