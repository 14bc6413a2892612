// What Unix systems tell of a listening socket's queue, and let be set.

//go:build unix

package worker

import "golang.org/x/sys/unix"

// listenAgain sets the length of a listening socket's queue. On Linux and the BSDs a
// second listen(2) changes nothing else.
func listenAgain(fd uintptr, backlog int) error { return unix.Listen(int(fd), backlog) }

// connectionWaits reports whether accept would return at once.
func connectionWaits(fd uintptr) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	return err == nil && n > 0
}
