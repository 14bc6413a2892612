// From a request's path to its location, and to the path that the upstream sees.

package front

import (
	"net/http"
	"net/url"
	"strings"
)

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

// target is the request target that the upstream sees: the client's own, or where
// proxy_pass has a URI, that in place of the location's prefix.
// Source: src/http/modules/ngx_http_proxy_module.c, ngx_http_proxy_create_request.
func (l *location) target(r *http.Request, path string) string {
	if l.uri == "" {
		if strings.HasPrefix(r.RequestURI, "/") {
			return r.RequestURI
		}
		return r.URL.RequestURI()
	}
	t := l.uri + (&url.URL{Path: path[len(l.prefix):]}).EscapedPath()
	if r.URL.RawQuery != "" {
		t += "?" + r.URL.RawQuery
	}
	return t
}
