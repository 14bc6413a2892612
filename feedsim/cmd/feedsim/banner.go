// What the program says when it is up: what listens where, what the names in
// nginx.conf are, and what to try.

package main

import (
	"fmt"
	"net/netip"
	"strings"
)

// tenASecond is the load that the exercise reports: requests at a rate, whatever
// the replies. (In parentheses, or the shell tells of each job that ends.)
const tenASecond = `(for i in $(seq 100); do curl -s -o /dev/null -w '%%{http_code} %%{time_total} s\n' %scheck_feed & sleep 0.1; done; wait)`

func banner(o options, face *face, back []*part) string {
	var b strings.Builder
	b.WriteString("outagelab: the concurrency exercise\n")
	for _, p := range append([]*part{&face.part}, back...) {
		for _, a := range p.addrs {
			fmt.Fprintf(&b, "  %-8s  %-14v  %s\n", p.label, a, p.what)
		}
	}
	for _, line := range face.names {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	to := url(face.addrs[0])
	fmt.Fprintf(&b, "try:\n  curl %s\n  curl %scheck_feed\n  curl -N %sstream_feed\n  "+tenASecond+"\n", to, to, to, to)
	return b.String()
}

// url is what to ask for to get an answer from a server that listens on a.
func url(a netip.AddrPort) string {
	if a.Addr().IsUnspecified() {
		here := loopback
		if a.Addr().Is6() {
			here = netip.IPv6Loopback()
		}
		a = netip.AddrPortFrom(here, a.Port())
	}
	return "http://" + a.String() + "/"
}
