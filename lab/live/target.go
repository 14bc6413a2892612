// Which server is asked, and whether it may be.

package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Target is a server that runs. [Parse] makes one; a test that serves on a
// network of its own fills one in.
type Target struct {
	// URL is what the report calls the server, such as "http://127.0.0.1:8000".
	URL string
	// Host is the Host header of each request.
	Host string
	// Dial opens a connection. It is called from many goroutines at once and gives
	// up when ctx ends.
	Dial func(ctx context.Context) (net.Conn, error)
}

// resolveWithin is how long a name may take to resolve.
const resolveWithin = 5 * time.Second

// Parse reads a target such as "http://127.0.0.1:8000". Unless remote is set, as the
// flag -remote sets it, every address of the host must be this machine's own: a
// diagnosis loads a server with hundreds of requests, and only its owner may want
// that. A name is resolved here, once, and what it resolved to is what is dialled.
// The error says what is wrong with the target.
func Parse(target string, remote bool) (Target, error) {
	wrong := func(format string, args ...any) (Target, error) {
		return Target{}, fmt.Errorf("target %s: %s", quote(target), fmt.Sprintf(format, args...))
	}
	const example = "http://127.0.0.1:8000"
	if target == "" {
		return Target{}, fmt.Errorf("no target is named: give one such as %s", example)
	}
	u, err := url.Parse(target)
	switch {
	case err == nil && u.Scheme == "https":
		return wrong("https is not spoken here: give the server's plain port, such as %s", example)
	case err != nil && strings.HasPrefix(target, "http://"):
		var why *url.Error
		if errors.As(err, &why) {
			err = why.Err
		}
		return wrong("it is no URL: %v", err)
	case err != nil || u.Scheme != "http" || u.Host == "":
		// "localhost:8000" parses as the scheme localhost, "127.0.0.1:8000" not at all.
		return wrong("it must begin with http://, as %s does", example)
	case u.User != nil:
		return wrong("a user name is of no use here: leave it out")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return wrong("leave out what comes after the port: the routes are found out")
	case u.Hostname() == "":
		return wrong("there is no host before the port")
	case u.Port() == "":
		return wrong("the port is missing: write it out, as %s does", example)
	}
	if port, err := strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
		return wrong("the port is %s: want a number from 1 to 65535", u.Port())
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveWithin)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return wrong("its host does not resolve: %v", err)
	}
	for _, ip := range ips {
		if ip = ip.Unmap(); !remote && !ip.IsLoopback() {
			return wrong("%s is not this machine's loopback; a diagnosis puts load on a server, so ask its owner, and then say -remote (to make live: ARGS=-remote)", ip)
		}
	}
	return Target{URL: "http://" + u.Host, Host: u.Host, Dial: dialer(ips, u.Port())}, nil
}

// dialer tries the addresses in turn, as net.Dialer does with those of a name:
// localhost is often two, and the server listens on one.
func dialer(ips []netip.Addr, port string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		var first error
		for _, ip := range ips {
			var d net.Dialer
			conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(ip.Unmap().String(), port))
			if err == nil {
				return conn, nil
			}
			if first == nil {
				first = err
			}
		}
		return nil, first
	}
}

// quote writes what came from elsewhere: in quotes, in ASCII, and cut short.
func quote(s string) string {
	const most = 60 // bytes
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "…"
	}
	return strconv.QuoteToASCII(s)
}
