// The directives that mean something here: where each may stand, what it takes,
// and how a location inherits it.

package front

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	crossplane "github.com/nginxinc/nginx-go-crossplane"
)

// settings are the directives that http, server and location blocks share: a
// block begins with a copy of its parent's, and what it does not set it has from
// there (ngx_http_proxy_merge_loc_conf in
// src/http/modules/ngx_http_proxy_module.c). nil is "not set here".
type settings struct {
	connectTimeout, readTimeout, sendTimeout *time.Duration
	buffering                                *bool
	headerSize                               *int
	buffers                                  *buffers
	busySize                                 *int
	fileSize                                 *int64
	fileWriteSize                            *int
	nextOn                                   *failures
	nextTries                                *int
	nextTimeout                              *time.Duration
	ignoreAbort                              *bool
	keepAlive                                *time.Duration

	sizes place // where one of the sizes was set, for their errors
}

// buffers is what proxy_buffers sets.
type buffers struct{ number, size int }

// reader reads one file.
type reader struct {
	name   string
	config *Config
	passes []pass

	connections place // where worker_connections was set
}

// pass is a proxy_pass, whose upstream may be defined further down.
type pass struct {
	location *location
	host     string
	port     uint16 // 0 if there was none
	place    place
}

// understand gives a file's directives their meaning.
func understand(name string, all crossplane.Directives) (*Config, error) {
	r := &reader{name: name, config: &Config{name: name, connections: 512, processes: 1}}
	r.connections = place{name, 1, "worker_connections"}
	if err := r.main(all); err != nil {
		return nil, err
	}
	if err := r.link(); err != nil {
		return nil, err
	}
	// ngx_event_init_conf in src/event/ngx_event.c
	if n := len(r.config.Listens()); r.config.connections < n+1 {
		return nil, r.connections.errorf("%d worker_connections are not enough for %d listening sockets: want at least %d",
			r.config.connections, n, n+1)
	}
	return r.config, nil
}

func (r *reader) at(d *crossplane.Directive) place { return place{r.name, d.Line, d.Directive} }

// block calls do for each directive of a block that is not on the list of
// ignored ones. once are those that may stand there once.
func (r *reader) block(all crossplane.Directives, once []string, do func(*crossplane.Directive) error) error {
	seen := map[string]bool{}
	for _, d := range all {
		if seen[d.Directive] && slices.Contains(once, d.Directive) {
			return r.at(d).errorf("duplicate")
		}
		seen[d.Directive] = true
		if _, ok := ignored[d.Directive]; ok {
			continue
		}
		if with, ok := ignoredWith[d.Directive]; ok {
			if len(d.Args) == 1 && (d.Args[0] == with.argument || d.Directive == "include" && path.Base(d.Args[0]) == with.argument) {
				continue
			}
			return r.at(d).errorf("only %q is modelled here", with.argument)
		}
		if err := do(d); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) main(all crossplane.Directives) error {
	http, events := false, false
	end := place{r.name, 1, ""}
	err := r.block(all, []string{"worker_processes", "events", "http"}, func(d *crossplane.Directive) error {
		end.line = d.Line
		switch d.Directive {
		case "worker_processes":
			if d.Args[0] == "auto" {
				return r.at(d).errorf("auto depends on the machine: a number is needed here")
			}
			n, ok := parseCount(d.Args[0])
			if !ok || n == 0 || n > 512 {
				return r.at(d).errorf("invalid value %q", d.Args[0])
			}
			r.config.processes = n
			return nil
		case "events":
			events = true
			return r.events(d.Block)
		case "http":
			http = true
			return r.http(d.Block)
		}
		return r.unknown(d)
	})
	switch {
	case err != nil:
		return err
	case !events: // ngx_event_init_conf in src/event/ngx_event.c
		return end.errorf(`no "events" section`)
	case !http:
		return end.errorf(`no "http" section: nothing to listen on`)
	}
	return nil
}

func (r *reader) unknown(d *crossplane.Directive) error {
	return r.at(d).errorf("not modelled here")
}

func (r *reader) events(all crossplane.Directives) error {
	return r.block(all, []string{"worker_connections"}, func(d *crossplane.Directive) error {
		if d.Directive != "worker_connections" {
			return r.unknown(d)
		}
		n, ok := parseCount(d.Args[0])
		if !ok {
			return r.at(d).errorf("invalid number %q", d.Args[0])
		}
		r.config.connections, r.connections = n, r.at(d)
		return nil
	})
}

func (r *reader) http(all crossplane.Directives) error {
	// What stands after a server block holds for it as well: settings first.
	var own settings
	if err := r.block(all, settable, func(d *crossplane.Directive) error {
		if d.Directive == "upstream" {
			return r.upstream(d)
		}
		if d.Directive == "server" {
			return nil
		}
		return r.set(&own, d)
	}); err != nil {
		return err
	}
	for _, d := range all {
		if d.Directive == "server" {
			if err := r.server(d, own); err != nil {
				return err
			}
		}
	}
	if len(r.config.servers) == 0 {
		return place{r.name, lastLine(all), "http"}.errorf("no server: nothing to listen on")
	}
	return nil
}

func lastLine(all crossplane.Directives) int {
	if len(all) == 0 {
		return 1
	}
	return all[len(all)-1].Line
}

func (r *reader) upstream(d *crossplane.Directive) error {
	u := &upstream{name: d.Args[0], defined: true, place: r.at(d)}
	for _, other := range r.config.upstreams {
		if strings.EqualFold(other.name, u.name) {
			return u.place.errorf("duplicate upstream %q", u.name)
		}
	}
	if err := r.block(d.Block, nil, func(d *crossplane.Directive) error {
		if d.Directive != "server" {
			return r.unknown(d)
		}
		s, err := r.upstreamServer(d)
		u.servers = append(u.servers, s)
		return err
	}); err != nil {
		return err
	}
	if len(u.servers) == 0 {
		return u.place.errorf("no servers are inside upstream")
	}
	r.config.upstreams = append(r.config.upstreams, u)
	return nil
}

// upstreamServer reads a server line of an upstream block. Source of the
// defaults: src/http/ngx_http_upstream.c, ngx_http_upstream_server.
func (r *reader) upstreamServer(d *crossplane.Directive) (upstreamServer, error) {
	s := upstreamServer{maxFails: 1, failTimeout: 10, place: r.at(d)}
	var err error
	if s.host, s.port, err = hostPort(d.Args[0], 80); err != nil {
		return s, s.place.errorf("%v", err)
	}
	for _, parameter := range d.Args[1:] {
		key, value, _ := strings.Cut(parameter, "=")
		ok := true
		switch key {
		case "max_fails":
			s.maxFails, ok = parseCount(value)
		case "fail_timeout":
			var t time.Duration
			t, ok = parseTime(value, true)
			s.failTimeout = int64(t / time.Second)
		default:
			return s, s.place.errorf("parameter %q is not modelled here", parameter)
		}
		if !ok {
			return s, s.place.errorf("invalid parameter %q", parameter)
		}
	}
	return s, nil
}

// hostPort reads "host", "host:port" and "[address]:port".
func hostPort(s string, defaultPort uint16) (string, uint16, error) {
	switch {
	case strings.Contains(s, "$"):
		return "", 0, fmt.Errorf("variables are not modelled here: %q", s)
	case strings.HasPrefix(s, "unix:"):
		return "", 0, fmt.Errorf("unix sockets are not modelled here: %q", s)
	}
	host, port, withPort := s, "", false
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "", 0, fmt.Errorf("invalid host in %q", s)
		}
		if host, port = s[:end+1], s[end+1:]; port != "" && port[0] != ':' {
			return "", 0, fmt.Errorf("invalid host in %q", s)
		}
		port, withPort = strings.TrimPrefix(port, ":"), port != ""
		if a, err := netip.ParseAddr(host[1:end]); err != nil || !a.Is6() {
			return "", 0, fmt.Errorf("invalid host in %q", s)
		}
	} else {
		host, port, withPort = strings.Cut(s, ":")
	}
	if host == "" || strings.ContainsAny(host, " \t\r\n/?#@\"'\\") {
		return "", 0, fmt.Errorf("no host in %q", s)
	}
	if !withPort {
		return host, defaultPort, nil
	}
	n, ok := parseCount(port)
	if !ok || n < 1 || n > 65535 {
		return "", 0, fmt.Errorf("invalid port in %q", s)
	}
	return host, uint16(n), nil
}

func (r *reader) server(d *crossplane.Directive, own settings) error {
	s := &server{place: r.at(d), prefixes: map[string]bool{}}
	var locations []*crossplane.Directive
	err := r.block(d.Block, settable, func(d *crossplane.Directive) error {
		switch d.Directive {
		case "listen":
			return r.listen(s, d)
		case "location":
			locations = append(locations, d)
			return nil
		}
		return r.set(&own, d)
	})
	if err != nil {
		return err
	}
	if len(s.listens) == 0 { // ngx_http_add_listen's default, for root
		s.listens = []netip.AddrPort{netip.AddrPortFrom(netip.IPv4Unspecified(), 80)}
	}
	for _, other := range r.config.servers {
		for _, a := range s.listens {
			if slices.Contains(other.listens, a) {
				return s.place.errorf("second server on %v: choosing by name is not modelled here", a)
			}
		}
	}
	s.keepAlive = or(own.keepAlive, 75*time.Second)
	for _, d := range locations {
		if err := r.location(s, d, own); err != nil {
			return err
		}
	}
	r.config.servers = append(r.config.servers, s)
	return nil
}

func (r *reader) listen(s *server, d *crossplane.Directive) error {
	for _, parameter := range d.Args[1:] {
		if parameter != "default_server" && parameter != "default" { // each address has one server
			return r.at(d).errorf("parameter %q is not modelled here", parameter)
		}
	}
	a, err := listenAddr(d.Args[0])
	if err != nil {
		return r.at(d).errorf("%v", err)
	}
	if slices.Contains(s.listens, a) {
		return r.at(d).errorf("duplicate listen %v", a)
	}
	s.listens = append(s.listens, a)
	return nil
}

// listenAddr reads "port", "address", "address:port" and "*:port".
func listenAddr(s string) (netip.AddrPort, error) {
	if n, ok := parseCount(s); ok {
		if n < 1 || n > 65535 {
			return netip.AddrPort{}, fmt.Errorf("invalid port in %q", s)
		}
		return netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(n)), nil
	}
	host, port, err := hostPort(s, 80)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if host == "*" {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), port), nil
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is a name: an address is needed here", host)
	}
	return netip.AddrPortFrom(a, port), nil
}

func (r *reader) location(s *server, d *crossplane.Directive, own settings) error {
	if len(d.Args) != 1 || strings.HasPrefix(d.Args[0], "@") ||
		len(d.Args[0]) > 0 && strings.ContainsRune("=~^", rune(d.Args[0][0])) {
		return r.at(d).errorf("only prefix locations are modelled here: %q", strings.Join(d.Args, " "))
	}
	l := &location{prefix: d.Args[0]}
	if s.prefixes[l.prefix] {
		return r.at(d).errorf("duplicate location %q", l.prefix)
	}
	s.prefixes[l.prefix] = true
	passed := false
	err := r.block(d.Block, append([]string{"proxy_pass"}, settable...), func(d *crossplane.Directive) error {
		switch d.Directive {
		case "proxy_pass":
			passed = true
			return r.pass(l, d)
		case "keepalive_timeout":
			return r.at(d).errorf("only modelled in http and server")
		}
		return r.set(&own, d)
	})
	if err != nil {
		return err
	}
	if !passed {
		return r.at(d).errorf("no proxy_pass, and nothing else is served here")
	}
	if err := l.merge(own, r.at(d)); err != nil {
		return err
	}
	s.locations = append(s.locations, l)
	return nil
}

// pass reads proxy_pass. Source: src/http/modules/ngx_http_proxy_module.c,
// ngx_http_proxy_pass.
func (r *reader) pass(l *location, d *crossplane.Directive) error {
	target, ok := strings.CutPrefix(d.Args[0], "http://")
	switch {
	case strings.Contains(d.Args[0], "$"):
		return r.at(d).errorf("variables are not modelled here: %q", d.Args[0])
	case !ok && strings.HasPrefix(d.Args[0], "https://"):
		return r.at(d).errorf("https is not modelled here")
	case !ok:
		return r.at(d).errorf("invalid URL prefix in %q", d.Args[0])
	}
	if slash := strings.IndexByte(target, '/'); slash >= 0 {
		target, l.uri = target[:slash], target[slash:]
	}
	if i := strings.IndexAny(l.uri, " \t\r\n"); i >= 0 { // nginx puts it into the request line as it is
		return r.at(d).errorf("invalid character %q in the URI %q: write %%%02x", l.uri[i], l.uri, l.uri[i])
	}
	host, port, err := hostPort(target, 0)
	if err != nil {
		return r.at(d).errorf("%v", err)
	}
	l.host = target
	if port == 80 { // ngx_http_proxy_set_vars leaves out the default port
		l.host = host
	}
	r.passes = append(r.passes, pass{l, host, port, r.at(d)})
	return nil
}

// link finds the upstream that each proxy_pass means: a block of that name, or
// the host itself. Source: src/http/ngx_http_upstream.c, ngx_http_upstream_add.
func (r *reader) link() error {
	for _, p := range r.passes {
		port := p.port
		if port == 0 {
			port = 80
		}
		for _, u := range r.config.upstreams {
			switch {
			case u.defined && strings.EqualFold(u.name, p.host):
				if p.port != 0 {
					return p.place.errorf("upstream %q may not have port %d", p.host, p.port)
				}
				p.location.upstream = u
			case !u.defined && strings.EqualFold(u.servers[0].host, p.host) && u.servers[0].port == port:
				p.location.upstream = u
			}
		}
		if p.location.upstream == nil {
			p.location.upstream = &upstream{name: p.location.host, place: p.place, servers: []upstreamServer{
				{host: p.host, port: port, maxFails: 1, failTimeout: 10, place: p.place},
			}}
			r.config.upstreams = append(r.config.upstreams, p.location.upstream)
		}
	}
	return nil
}

// settable are the directives that set reads; each may stand once in a block.
// (nginx lets proxy_next_upstream stand twice and adds up the conditions.)
var settable = []string{
	"keepalive_timeout", "proxy_buffer_size", "proxy_buffering", "proxy_buffers",
	"proxy_busy_buffers_size", "proxy_connect_timeout", "proxy_ignore_client_abort",
	"proxy_max_temp_file_size", "proxy_next_upstream", "proxy_next_upstream_timeout",
	"proxy_next_upstream_tries", "proxy_read_timeout", "proxy_send_timeout",
	"proxy_temp_file_write_size",
}

// set reads a directive that any of the three kinds of block may have.
func (r *reader) set(s *settings, d *crossplane.Directive) error {
	var err error
	switch d.Directive {
	case "proxy_connect_timeout":
		s.connectTimeout, err = r.time(d)
	case "proxy_read_timeout":
		s.readTimeout, err = r.time(d)
	case "proxy_send_timeout":
		s.sendTimeout, err = r.time(d)
	case "proxy_next_upstream_timeout":
		s.nextTimeout, err = r.time(d)
	case "keepalive_timeout":
		s.keepAlive, err = r.time(d) // a second argument only sets a header
	case "proxy_buffering":
		s.buffering = flag(d)
	case "proxy_ignore_client_abort":
		s.ignoreAbort = flag(d)
	case "proxy_buffer_size":
		s.sizes = r.at(d)
		s.headerSize, err = r.size(d, d.Args[0])
	case "proxy_busy_buffers_size":
		s.sizes = r.at(d)
		s.busySize, err = r.size(d, d.Args[0])
	case "proxy_temp_file_write_size":
		s.sizes = r.at(d)
		s.fileWriteSize, err = r.size(d, d.Args[0])
	case "proxy_max_temp_file_size":
		s.sizes = r.at(d)
		n, ok := parseFileSize(d.Args[0])
		if !ok {
			return r.at(d).errorf("invalid value %q", d.Args[0])
		}
		s.fileSize = &n
	case "proxy_buffers":
		s.sizes = r.at(d)
		var size *int
		if size, err = r.size(d, d.Args[1]); err != nil {
			return err
		}
		n, ok := parseCount(d.Args[0])
		if !ok || n == 0 || *size == 0 {
			return r.at(d).errorf("invalid value %q", d.Args[0])
		}
		s.buffers = &buffers{n, *size}
	case "proxy_next_upstream_tries":
		n, ok := parseCount(d.Args[0])
		if !ok {
			return r.at(d).errorf("invalid number %q", d.Args[0])
		}
		s.nextTries = &n
	case "proxy_next_upstream":
		s.nextOn, err = r.nextUpstream(d)
	default:
		return r.unknown(d)
	}
	return err
}

func (r *reader) time(d *crossplane.Directive) (*time.Duration, error) {
	t, ok := parseTime(d.Args[0], false)
	if !ok {
		return nil, r.at(d).errorf("invalid value %q", d.Args[0])
	}
	return &t, nil
}

func (r *reader) size(d *crossplane.Directive, s string) (*int, error) {
	n, ok := parseSize(s)
	if !ok {
		return nil, r.at(d).errorf("invalid value %q", s)
	}
	return &n, nil
}

// flag reads on and off; the parser accepts nothing else.
func flag(d *crossplane.Directive) *bool {
	on := strings.EqualFold(d.Args[0], "on")
	return &on
}

func (r *reader) nextUpstream(d *crossplane.Directive) (*failures, error) {
	var on failures
	for _, word := range d.Args {
		f, ok := nextUpstreamWords[word]
		if !ok {
			return nil, r.at(d).errorf("invalid value %q", word)
		}
		on |= f
	}
	if slices.Contains(d.Args, "off") {
		on = 0
	}
	return &on, nil
}

// merge fills in what a location inherits, and checks what must fit together.
// Source of the defaults and the rules: ngx_http_proxy_merge_loc_conf.
func (l *location) merge(s settings, at place) error {
	const page = 4096 // ngx_pagesize, the default of both sizes
	l.connectTimeout = or(s.connectTimeout, time.Minute)
	l.readTimeout = or(s.readTimeout, time.Minute)
	l.sendTimeout = or(s.sendTimeout, time.Minute)
	l.nextTimeout = or(s.nextTimeout, 0)
	l.nextTries = or(s.nextTries, 0)
	l.nextOn = or(s.nextOn, onError|onTimeout)
	l.buffering = or(s.buffering, true)
	l.ignoreAbort = or(s.ignoreAbort, false)
	l.headerSize = or(s.headerSize, page)
	b := or(s.buffers, buffers{8, page})
	l.buffers = b

	if s.sizes.line > 0 {
		at = s.sizes
	}
	largest := max(l.headerSize, b.size)
	busy := or(s.busySize, 2*largest)
	l.fileSize = or(s.fileSize, 1<<30)
	l.fileWriteSize = or(s.fileWriteSize, 2*largest)
	switch {
	case b.number < 2:
		return at.errorf(`there must be at least 2 "proxy_buffers"`)
	case l.headerSize == 0:
		return at.errorf(`"proxy_buffer_size" must not be 0`)
	case busy < largest:
		return at.errorf(`"proxy_busy_buffers_size" must be equal to or greater than the maximum of the value of "proxy_buffer_size" and one of the "proxy_buffers"`)
	case busy > (b.number-1)*b.size:
		return at.errorf(`"proxy_busy_buffers_size" must be less than the size of all "proxy_buffers" minus one buffer`)
	case l.fileWriteSize < largest:
		return at.errorf(`"proxy_temp_file_write_size" must be equal to or greater than the maximum of the value of "proxy_buffer_size" and one of the "proxy_buffers"`)
	case l.fileSize != 0 && l.fileSize < int64(largest):
		return at.errorf(`"proxy_max_temp_file_size" must be equal to zero to disable temporary files usage or must be equal to or greater than the maximum of the value of "proxy_buffer_size" and one of the "proxy_buffers"`)
	}
	return nil
}

// or is *p, or the default where nothing was set.
func or[T any](p *T, byDefault T) T {
	if p == nil {
		return byDefault
	}
	return *p
}
