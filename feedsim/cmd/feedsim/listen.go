// Opening the ports: all of them before anything is served, or none.

package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// open opens the listeners of all parts. The error names the address that cannot
// be listened on, and who wanted it.
func open(all []*part) (err error) {
	defer func() {
		if err != nil {
			for _, p := range all {
				for _, ln := range p.listeners {
					ln.Close()
				}
			}
		}
	}()
	taken := map[netip.AddrPort]*part{}
	for _, p := range all {
		for _, a := range p.addrs {
			for b, other := range taken {
				if clash(a, b) {
					return fmt.Errorf("%v is where %s is to listen, and %v where %s is: %s", b, other.name, a, p.name, p.other)
				}
			}
			taken[a] = p
		}
	}
	for _, p := range all {
		for _, a := range p.addrs {
			// A family of its own, for Go's tcp would open [::] to both.
			network := "tcp6"
			if a.Addr().Is4() {
				network = "tcp4"
			}
			ln, err := net.Listen(network, a.String())
			if errors.Is(err, syscall.EADDRINUSE) {
				return fmt.Errorf("%v, where %s listens, is taken by another program: stop it, or %s", a, p.name, p.other)
			}
			if err != nil {
				return fmt.Errorf("cannot listen on %v, where %s listens: %w", a, p.name, errors.Unwrap(err))
			}
			p.listeners = append(p.listeners, ln)
		}
	}
	return nil
}

// clash says whether the kernel would not let a process listen on both.
func clash(a, b netip.AddrPort) bool {
	x, y := a.Addr(), b.Addr()
	return a.Port() == b.Port() && (x == y || x.Is4() == y.Is4() && (x.IsUnspecified() || y.IsUnspecified()))
}
