// Package front is the reverse proxy that reads nginx.conf: it serves what the
// file says as nginx 1.22 would, over any net.Conn, in real and in virtual time.
//
// The very same file drives a real nginx. What is not modelled is refused by
// [Parse] with the file, the line and the directive, or is on a written list of
// directives that change nothing here (ignored.go); nothing is ignored silently.
// The rules that it copies name their place in nginx's source, and a test
// compares the two.
//
// Known differences, beyond what the file can say:
//
//   - a request that no location takes is a 404, for no file is ever served;
//   - a reply that does not begin with "HTTP/", or has no number as its status, is
//     a 502, where nginx passes it on as HTTP/0.9;
//   - a chunk of a buffered reply waits until a buffer is full, where nginx passes
//     it on when it is complete;
//   - Location and Refresh headers of replies are passed on as they are, where
//     nginx rewrites those that name the upstream (proxy_redirect default);
//   - a request's body is read without client_body_timeout, and a connection is
//     not closed after a thousand requests (keepalive_requests);
//   - a reply whose temporary file cannot be written waits for its client from then
//     on, where nginx cuts it off. The file is in [os.TempDir];
//   - error pages are those of server_tokens off: no version.
//
// Rules of virtual time (testing/synctest): make the proxy in the bubble that it
// serves in, and close it there. Nothing waits while it holds a lock, and a peer
// is chosen at an instant of its own, in order of time and of the clients'
// connections, so that the same load gives the same records.
//
// net/http serves the clients. Its ReverseProxy does not fit the other side: its
// Transport cannot speak HTTP/1.0, it flushes every reply of unknown length, and
// it holds a lock while it writes to a client, which stops a virtual clock.
package front

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Options are what a proxy needs besides its configuration. The zero value is the
// real network.
type Options struct {
	// Dial opens a connection to a peer, "tcp" and an address with a port, and
	// gives up when ctx ends; nil means net.Dialer's DialContext.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Resolve looks a host name up. Each address is a peer of its own, in the
	// order given. nil means [net.DefaultResolver]. IP literals are not looked up.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Observe is told of each request when it is over; nil costs nothing. It is
	// called from many goroutines and must not block.
	Observe func(Record)
	// Log is told of each line of the error log, on the same terms.
	Log func(LogLine)
	// Seed decides what is a race in nginx: which of several worker processes
	// accepts a connection, and how many requests one reads in a turn of its loop.
	Seed uint64
}

// A Proxy serves one configuration. Its methods may be called from any
// goroutine.
type Proxy struct {
	config    *Config
	options   Options
	ctx       context.Context
	cancel    context.CancelFunc
	processes []*process
	addrs     [][]string // of the peers, by upstream
	index     map[*upstream]int
	scratch   sync.Pool

	mu      sync.Mutex
	servers []*http.Server
	conns   int
	closed  bool
}

// New returns a proxy for a configuration. It looks the names of all upstreams up
// once, as nginx does when it starts; a [*ConfigError] names the line of one
// that has no address.
func New(config *Config, options Options) (*Proxy, error) {
	if options.Dial == nil {
		options.Dial = new(net.Dialer).DialContext
	}
	if options.Resolve == nil {
		options.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	p := &Proxy{config: config, options: options, index: map[*upstream]int{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	var peers [][]peer
	for i, u := range config.upstreams {
		p.index[u] = i
		found, err := p.lookUp(u)
		if err != nil {
			return nil, err
		}
		peers = append(peers, found)
		addrs := make([]string, len(found))
		for j := range found {
			addrs[j] = found[j].addr
		}
		p.addrs = append(p.addrs, addrs)
	}
	// Of a process's connections, each address to listen on takes one and the
	// channel to the master process another (ngx_event_process_init in
	// src/event/ngx_event.c, ngx_worker_process_init in
	// src/os/unix/ngx_process_cycle.c).
	free := config.connections - len(config.Listens()) - 1
	for range config.processes {
		w := &process{nth: len(p.processes), all: config.connections, free: free, log: p.log}
		for _, found := range peers {
			w.groups = append(w.groups, group{slices.Clone(found)})
		}
		p.processes = append(p.processes, w)
	}
	return p, nil
}

// lookUp finds the peers of an upstream.
func (p *Proxy) lookUp(u *upstream) ([]peer, error) {
	var peers []peer
	for _, s := range u.servers {
		host := s.host
		if host[0] == '[' {
			host = host[1 : len(host)-1]
		}
		addrs := []netip.Addr{}
		if a, err := netip.ParseAddr(host); err == nil {
			addrs = append(addrs, a)
		} else if addrs, err = p.options.Resolve(p.ctx, host); err != nil || len(addrs) == 0 {
			return nil, s.place.errorf("host not found in upstream %q: %v", s.host, err)
		}
		for _, a := range addrs {
			peers = append(peers, peer{
				addr:     netip.AddrPortFrom(a.Unmap(), s.port).String(),
				maxFails: s.maxFails, failTimeout: s.failTimeout, effective: 1,
			})
		}
	}
	return peers, nil
}

// Serve serves the connections of ln, which it closes in the end, until
// [Proxy.Close]: it returns [http.ErrServerClosed] then, and the listener's error
// if that fails first, in either case when the last of its requests has ended.
// The server block is the one that listens on ln's port; a
// configuration with a single server serves it on any listener. A proxy may serve
// several listeners at a time.
func (p *Proxy) Serve(ln net.Listener) error {
	defer ln.Close()
	s := p.serverFor(ln.Addr())
	if s == nil {
		return fmt.Errorf("no server listens on the port of %v", ln.Addr())
	}
	d := &door{Listener: ln, proxy: p}
	hs := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(s, w, r) }),
		BaseContext:       func(net.Listener) context.Context { return p.ctx },
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ReadHeaderTimeout: time.Minute, // client_header_timeout
		IdleTimeout:       s.keepAlive,
		ConnState: func(c net.Conn, state http.ConnState) {
			switch state {
			case http.StateActive:
				c.(*clientConn).note(busy)
			case http.StateIdle:
				c.(*clientConn).note(idle)
			case http.StateClosed: // the goroutine that served it ends
				d.open.Done()
			}
		},
	}
	hs.SetKeepAlivesEnabled(s.keepAlive > 0)
	p.mu.Lock()
	closed := p.closed
	p.servers = append(p.servers, hs)
	p.mu.Unlock()
	if closed {
		return http.ErrServerClosed
	}
	err := hs.Serve(d)
	hs.Close()
	d.open.Wait()
	return err
}

// serverFor returns the server block for a listener's address, nil if none: the
// one that names the address before the one that listens on all of that port.
func (p *Proxy) serverFor(addr net.Addr) *server {
	if len(p.config.servers) == 1 {
		return p.config.servers[0]
	}
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return nil
	}
	var all *server
	for _, s := range p.config.servers {
		for _, a := range s.listens {
			switch {
			case int(a.Port()) != tcp.Port:
			case tcp.IP.Equal(net.IP(a.Addr().AsSlice())):
				return s
			case a.Addr().IsUnspecified() && all == nil:
				all = s
			}
		}
	}
	return all
}

// Close stops serving and cuts every connection. It does not wait: [Proxy.Serve]
// does.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	servers := p.servers
	p.servers = nil
	p.mu.Unlock()
	p.cancel()
	var all []error
	for _, s := range servers {
		all = append(all, s.Close())
	}
	return errors.Join(all...)
}
