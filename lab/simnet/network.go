// This file is the network itself: addresses, ports, and dialing with its
// SYN retransmissions.

// Package simnet is an in-memory network with TCP's manners, for virtual time.
//
// A [Network] behaves as loopback TCP does on Linux where a server can tell:
// a listener has a bounded backlog, and a choice of what its overflow means
// ([Drop] or [Refuse]); FIN and RST differ; bytes stay readable after the peer
// closed; deadlines work; errors are the same values ([*net.OpError] around
// [syscall.ECONNRESET] and its kin). Only latency is missing: it is 0.
//
// It is made for the bubbles of [testing/synctest] and works outside them too.
// What a network creates belongs to the bubble that created it.
//
// Rules that keep results the same whatever order goroutines run in:
//
//   - A decision at one instant uses facts from before that instant only. A SYN
//     sent at instant N is decided on 1 ns later, when all of N has happened:
//     a dial at N succeeds or is refused at N+1 ns.
//   - SYNs of one instant are decided on in order of the dialer's port, so a
//     caller who needs an order chooses ports with [Network.DialFrom];
//     [Network.DialContext] hands ports out in order of the calls.
//   - Connections wait in the accept queue in order of arrival, then port.
//     A place that an accept frees at instant M serves SYNs decided on after M.
//   - [Listener.Accept] takes nothing that arrived at the very instant, and one
//     connection an instant.
//   - A cancelled context stops a SYN of the same instant; its deadline wins
//     over whatever else happens at that instant, as do the deadlines of a
//     connection.
//
// In real time these rules are harmless: 1 ns has always passed already.
//
// No lock is shared by two established connections, so the network adds no
// happens-before edge between their handlers that could hide a data race.
package simnet

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// Ephemeral ports: Linux's default net.ipv4.ip_local_port_range.
const (
	firstEphemeral = 32768
	lastEphemeral  = 60999
)

// synRetransmits holds when a SYN that nobody answers is sent, counted from the
// first: the initial timeout is 1 s (TCP_TIMEOUT_INIT in include/net/tcp.h, from
// RFC 6298 section 2.1), it doubles each time, and there are 6 retransmissions
// (net.ipv4.tcp_syn_retries in Documentation/networking/ip-sysctl.rst).
//
// Linux 6.5 and later send the first five 1 s apart unless
// net.ipv4.tcp_syn_linear_timeouts is 0; this is the schedule of the kernels
// before it, and of that setting.
var synRetransmits = [...]time.Duration{
	0, 1 * time.Second, 3 * time.Second, 7 * time.Second,
	15 * time.Second, 31 * time.Second, 63 * time.Second,
}

// ConnectTimeout is when a dial gives up, counted from the first SYN: a further
// doubling after the last retransmission.
const ConnectTimeout = 127 * time.Second

// A Network connects dialers to listeners. All of them are on one host, which
// has every IP address. The zero value is an empty network, ready to use.
// Its methods may be called from any goroutine. It must not be copied.
type Network struct {
	mu         sync.Mutex
	endpoints  map[netip.AddrPort]*endpoint
	ephemerals int // ports handed out by DialContext so far
}

// endpoint returns what answers at addr, whether or not somebody listens there.
// The caller holds n.mu.
func (n *Network) endpoint(addr netip.AddrPort) *endpoint {
	e := n.endpoints[addr]
	if e == nil {
		if n.endpoints == nil {
			n.endpoints = make(map[netip.AddrPort]*endpoint)
		}
		e = &endpoint{addr: net.TCPAddrFromAddrPort(addr)}
		n.endpoints[addr] = e
	}
	return e
}

// Listen listens on addr, an IP literal with a port such as "127.0.0.1:8000" or
// "[::1]:5000"; port 0 means the highest free port from 60999 down, far from
// where [Network.DialContext] starts. The listener starts with a backlog of 4096
// and drops on overflow.
//
// Errors are a [*net.OpError] as [net.Listen] returns it: around a
// [*net.DNSError] for a name, since the network resolves none; EADDRINUSE where
// somebody listens already; EADDRNOTAVAIL for an unspecified address such as
// 0.0.0.0, since a listener here has exactly one address.
func (n *Network) Listen(addr string) (*Listener, error) {
	ap, err := resolve("tcp", addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: err}
	}
	fail := func(errno syscall.Errno) error {
		return opError("listen", "tcp", nil, net.TCPAddrFromAddrPort(ap), sysError("bind", errno))
	}
	if ap.Addr().IsUnspecified() {
		return nil, fail(syscall.EADDRNOTAVAIL)
	}

	n.mu.Lock()
	defer n.mu.Unlock()
	if ap.Port() != 0 {
		if l := n.endpoint(ap).listen(); l != nil {
			return l, nil
		}
		return nil, fail(syscall.EADDRINUSE)
	}
	for port := lastEphemeral; port >= firstEphemeral; port-- {
		if l := n.endpoint(netip.AddrPortFrom(ap.Addr(), uint16(port))).listen(); l != nil {
			return l, nil
		}
	}
	return nil, fail(syscall.EADDRINUSE)
}

// DialContext connects to addr, an IP literal with a port. It has the shape that
// [net/http.Transport.DialContext] wants; network is "tcp", "tcp4" or "tcp6".
// The local address is 127.0.0.1 or ::1 with the next port from 32768 to 60999,
// in turn: past 28,232 connections ports come round again.
//
// Errors are a [*net.OpError] as [net.Dialer.DialContext] returns it:
//
//   - ECONNREFUSED 1 ns after a SYN that met no listener, or a full one that
//     refuses;
//   - ETIMEDOUT 127 s after the first of 7 SYNs that a full listener dropped;
//   - before that, "i/o timeout" at the context's deadline, or "operation was
//     canceled", which match [context.DeadlineExceeded] and [context.Canceled];
//   - a [*net.DNSError] for a name, since the network resolves none.
//
// The connection is a [*Conn].
func (n *Network) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return n.dial(ctx, network, 0, addr)
}

// DialFrom is [Network.DialContext] from a local port, 1 to 65535, that the
// caller chooses, which settles the order of connections dialed at one instant.
// The caller keeps the ports of its connections to one address apart; the
// network does not check.
func (n *Network) DialFrom(ctx context.Context, port int, addr string) (net.Conn, error) {
	if port < 1 || port > 65535 {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errLocalPort}
	}
	return n.dial(ctx, "tcp", port, addr)
}

// dial connects from a local port, 0 for an ephemeral one.
func (n *Network) dial(ctx context.Context, network string, port int, addr string) (net.Conn, error) {
	ap, err := resolve(network, addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	n.mu.Lock()
	e := n.endpoint(ap)
	var source net.Addr // in errors: nil unless the caller chose it, as net has it
	local := &net.TCPAddr{IP: localhost(ap.Addr()), Port: port}
	if port == 0 {
		local.Port = firstEphemeral + n.ephemerals%(lastEphemeral-firstEphemeral+1)
		n.ephemerals++
	} else {
		source = local
	}
	n.mu.Unlock()

	s := &syn{from: local}
	if ctx.Done() != nil {
		// A SYN of the instant at which the context ends never left.
		defer context.AfterFunc(ctx, func() { e.withdraw(s) })()
	}
	first := time.Now()
	for _, after := range synRetransmits {
		if err := waitUntil(ctx, first.Add(after)); err != nil {
			return nil, opError("dial", network, source, e.addr, err)
		}
		switch e.send(s) {
		case admitted:
			return s.conn, nil
		case refused:
			return nil, opError("dial", network, source, e.addr, sysError("connect", syscall.ECONNREFUSED))
		case withdrawn:
			return nil, opError("dial", network, source, e.addr, contextError(ctx.Err()))
		case dropped:
		}
	}
	err = waitUntil(ctx, first.Add(ConnectTimeout))
	if err == nil {
		err = sysError("connect", syscall.ETIMEDOUT)
	}
	return nil, opError("dial", network, source, e.addr, err)
}

// waitUntil sleeps until due. It returns an error if the context ended first, or
// has its deadline at that very instant.
func waitUntil(ctx context.Context, due time.Time) error {
	if d := time.Until(due); d > 0 {
		timer := time.NewTimer(d)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
	now := time.Now()
	if d, ok := ctx.Deadline(); ok && !now.Before(d) {
		return errTimeout
	}
	if err := ctx.Err(); err != nil {
		if !now.Before(due) {
			// Cancelled at the instant of a SYN. Had this goroutine run first, the
			// SYN would have been withdrawn and the dial over 1 ns from now: so be it.
			repeatable.Settle(now)
		}
		return contextError(err)
	}
	return nil
}
