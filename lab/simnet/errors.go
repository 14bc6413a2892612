// This file makes the errors that package net would return, and resolves
// addresses, which is where half of them come from.

package simnet

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
)

// opError is err as package net wraps it.
func opError(op, network string, source, addr net.Addr, err error) error {
	return &net.OpError{Op: op, Net: network, Source: source, Addr: addr, Err: err}
}

// sysError is what a failed system call returns in package net.
func sysError(call string, errno syscall.Errno) error {
	return os.NewSyscallError(call, errno)
}

// dialError has the text and the traits of net's errCanceled and errTimeout,
// which net does not export.
type dialError struct {
	text    string
	timeout bool
	is      error
}

func (e *dialError) Error() string        { return e.text }
func (e *dialError) Timeout() bool        { return e.timeout }
func (e *dialError) Temporary() bool      { return e.timeout }
func (e *dialError) Is(target error) bool { return target == e.is }

var (
	errTimeout  = &dialError{"i/o timeout", true, context.DeadlineExceeded}
	errCanceled = &dialError{"operation was canceled", false, context.Canceled}

	errLocalPort = &net.AddrError{Err: "local port must be between 1 and 65535"}
)

// contextError is err, a context's, as a dial returns it.
func contextError(err error) error {
	if err == context.DeadlineExceeded {
		return errTimeout
	}
	return errCanceled
}

// resolve parses an address of one of the TCP networks.
func resolve(network, addr string) (netip.AddrPort, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return netip.AddrPort{}, net.UnknownNetworkError(network)
	}
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return netip.AddrPort{}, &net.DNSError{Err: "unknown port", Name: network + "/" + service, IsNotFound: true}
	}
	ip = ip.Unmap()
	if network == "tcp4" && !ip.Is4() || network == "tcp6" && ip.Is4() {
		return netip.AddrPort{}, &net.AddrError{Err: "no suitable address found", Addr: host}
	}
	return netip.AddrPortFrom(ip, uint16(port)), nil
}

// localhost is the address that dials to an address come from.
func localhost(to netip.Addr) net.IP {
	if to.Is4() {
		return loopback4
	}
	return net.IPv6loopback
}

var loopback4 = net.IP{127, 0, 0, 1}
