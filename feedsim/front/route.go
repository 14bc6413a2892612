// Where a configuration sends a request: the question that the proxy asks for each
// of its own, and that others may ask without serving.

package front

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A Route is where a proxy sends a request.
type Route struct {
	// Line is where the server block begins in the file.
	Line int
	// Status is 0 if an upstream is asked. Otherwise nginx answers itself, and this
	// is the status: 404 if no location takes the path, 400 if the path is invalid,
	// 301 if the path lacks the slash at the end of a location's prefix.
	Status int
	// Redirect is the Location header of a 301.
	Redirect string

	// Location is the prefix of the location that takes the request, Upstream the
	// name of its upstream, and Peers are the upstream's addresses, in the order of
	// the file. They are empty if nginx answers itself.
	Location, Upstream string
	Peers              []string
	// URI is the request target that the upstream sees.
	URI string
	// ConnectTimeout and ReadTimeout are proxy_connect_timeout and
	// proxy_read_timeout.
	ConnectTimeout, ReadTimeout time.Duration
	// Buffered is proxy_buffering. A reply's X-Accel-Buffering may override it.
	Buffered bool
}

// Route returns where a GET goes that comes in on the address at, with this Host
// header and request target. It depends on the configuration and its resolved names
// alone, so a proxy that does not serve can be asked too. It returns false if no
// server block listens on at.
func (p *Proxy) Route(at net.Addr, host, target string) (Route, bool) {
	s := p.serverFor(at)
	if s == nil {
		return Route{}, false
	}
	r := Route{Line: s.place.line}
	u, err := url.ParseRequestURI(target) // as net/http does
	if err != nil {
		r.Status = http.StatusBadRequest
		return r, true
	}
	to := s.route(u, target)
	if r.Status = to.status; to.status != 0 {
		if to.redirect != "" {
			r.Redirect = to.url(host)
		}
		return r, true
	}
	l := to.location
	r.Location, r.Upstream, r.Peers, r.URI = l.prefix, l.upstream.name, p.addrs[p.index[l.upstream]], to.uri
	r.ConnectTimeout, r.ReadTimeout, r.Buffered = l.connectTimeout, l.readTimeout, l.buffering
	return r, true
}

// routed is what a server block does with a request: a location and the request
// target for its upstream, or a status that nginx answers itself.
type routed struct {
	location *location
	uri      string
	status   int
	redirect string // the path and query of a 301
}

// url is the absolute address of a redirect.
func (to *routed) url(host string) string { return "http://" + host + to.redirect }

// route decides what becomes of a request for u, which is target as it came.
func (s *server) route(u *url.URL, target string) routed {
	path, ok := cleanPath(u.Path)
	if !ok {
		return routed{status: http.StatusBadRequest}
	}
	l, redirect := s.locate(path)
	switch {
	case redirect != "":
		return routed{status: http.StatusMovedPermanently, redirect: withQuery(redirect, u)}
	case l == nil:
		return routed{status: http.StatusNotFound}
	}
	return routed{location: l, uri: l.target(u, target, path)}
}

// locate returns the location with the longest prefix of path; nil if there is
// none. For a path that lacks only the slash at the end of a location's prefix it
// returns that prefix instead, to redirect to.
// Source: src/http/ngx_http_core_module.c, ngx_http_core_find_static_location.
func (s *server) locate(path string) (found *location, redirect string) {
	for _, l := range s.locations {
		switch {
		case strings.HasPrefix(path, l.prefix):
			if found == nil || len(l.prefix) > len(found.prefix) {
				found = l
			}
		case len(l.prefix) == len(path)+1 && l.prefix[len(path)] == '/' && strings.HasPrefix(l.prefix, path):
			redirect = l.prefix
		}
	}
	if found != nil && len(found.prefix) == len(path) {
		redirect = ""
	}
	return found, redirect
}

// cleanPath resolves dots and merges slashes, which locations are matched
// without; false if the path leads above the root.
// Source: src/http/ngx_http_parse.c, ngx_http_parse_complex_uri.
func cleanPath(path string) (string, bool) {
	if !strings.HasPrefix(path, "/") {
		return "", false
	}
	if !strings.Contains(path, "//") && !strings.Contains(path, "/.") {
		return path, true
	}
	var kept []string
	parts := strings.Split(path[1:], "/")
	for i, part := range parts {
		last := i == len(parts)-1
		switch part {
		case "", ".":
		case "..":
			if len(kept) == 0 {
				return "", false
			}
			kept = kept[:len(kept)-1]
		default:
			kept = append(kept, part)
			last = false
		}
		if last {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/"), true
}

// target is the request target that the upstream sees: the client's own, or, if
// proxy_pass has a URI, that in place of the location's prefix.
// Source: src/http/modules/ngx_http_proxy_module.c, ngx_http_proxy_create_request.
func (l *location) target(u *url.URL, target, path string) string {
	if l.uri != "" {
		return withQuery(l.uri+(&url.URL{Path: path[len(l.prefix):]}).EscapedPath(), u)
	}
	if strings.HasPrefix(target, "/") {
		return target
	}
	return u.RequestURI()
}

// withQuery appends the query of u to a path.
func withQuery(path string, u *url.URL) string {
	if u.RawQuery == "" {
		return path
	}
	return path + "?" + u.RawQuery
}
