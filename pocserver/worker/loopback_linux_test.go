// What Linux says of a listening socket.

package worker_test

import (
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"example.com/outagelab/pocserver/worker"
)

func TestTheKernelsBacklogIsSet(t *testing.T) {
	overLoopback(t, config(worker.Sync, func(c *worker.Config) { c.Backlog = 7 }), app(), func(url string, ln net.Listener) {
		_, err := get(newClient(t), url) // Serve has begun
		require.NoError(t, err)
		raw, err := ln.(syscall.Conn).SyscallConn()
		require.NoError(t, err)
		require.NoError(t, raw.Control(func(fd uintptr) {
			// Of a listening socket, Linux reports the backlog in tcpi_sacked
			// (net/ipv4/tcp.c, tcp_get_info).
			info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
			require.NoError(t, err)
			assert.EqualValues(t, 7, info.Sacked)
		}))
	})
}
