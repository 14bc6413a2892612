// This file runs the conformance test for net.Conn.

package simnet_test

import (
	"context"
	"net"
	"testing"

	"example.com/outagelab/lab/simnet"
	"golang.org/x/net/nettest"
)

func TestConformsToNetConn(t *testing.T) {
	ends := func() (client, server net.Conn, stop func(), err error) {
		var n simnet.Network
		l, err := n.Listen("127.0.0.1:0")
		if err != nil {
			return nil, nil, nil, err
		}
		defer l.Close()
		client, err = n.DialContext(context.Background(), "tcp", l.Addr().String())
		if err != nil {
			return nil, nil, nil, err
		}
		server, err = l.Accept()
		return client, server, func() { client.Close(); server.Close() }, err
	}
	t.Run("client first", func(t *testing.T) { nettest.TestConn(t, ends) })
	t.Run("server first", func(t *testing.T) {
		nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
			client, server, stop, err := ends()
			return server, client, stop, err
		})
	})
}
