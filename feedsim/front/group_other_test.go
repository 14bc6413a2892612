// Systems without process groups.

//go:build !unix

package front_test

import "os/exec"

func groupOfItsOwn(*exec.Cmd) {}

func killGroup(*exec.Cmd) {}
