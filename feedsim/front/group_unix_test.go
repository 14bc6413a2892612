// Process groups, so that no worker of nginx outlives a test.

//go:build unix

package front_test

import (
	"os/exec"
	"syscall"
)

func groupOfItsOwn(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
