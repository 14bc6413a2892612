package front_test

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim/front"
)

const routed = `events { worker_connections 3; }
http {
    upstream app { server localhost:5000; server 127.0.0.1:5001; }
    server {
        listen 8080;
        proxy_connect_timeout 3s;
        location / { proxy_pass http://app; proxy_read_timeout 7s; }
        location /api/ { proxy_pass http://127.0.0.1:5002/v1/; proxy_buffering off; }
    }
    server {
        listen 127.0.0.1:8081;
        location /only { proxy_pass http://app; }
    }
}`

func TestRouteSaysWhereARequestGoes(t *testing.T) {
	proxy, err := front.New(parse(t, routed), front.Options{Resolve: localhost("127.0.0.1", "::1")})
	require.NoError(t, err)
	defer proxy.Close()

	app := []string{"127.0.0.1:5000", "[::1]:5000", "127.0.0.1:5001"}
	for _, c := range []struct {
		port   int
		target string
		want   front.Route
	}{
		{8080, "/a?q=1", front.Route{
			Line: 4, Location: "/", Upstream: "app", Peers: app, URI: "/a?q=1",
			ConnectTimeout: 3 * time.Second, ReadTimeout: 7 * time.Second, Buffered: true,
		}},
		{8080, "/api/x/../a%20b?q=1", front.Route{
			Line: 4, Location: "/api/", Upstream: "127.0.0.1:5002", Peers: []string{"127.0.0.1:5002"}, URI: "/v1/a%20b?q=1",
			ConnectTimeout: 3 * time.Second, ReadTimeout: time.Minute,
		}},
		{8080, "/api?q=1", front.Route{Line: 4, Status: 301, Redirect: "http://example.org/api/?q=1"}},
		{8080, "/../a", front.Route{Line: 4, Status: 400}},
		{8080, "no path", front.Route{Line: 4, Status: 400}},
		{8081, "/", front.Route{Line: 10, Status: 404}},
		{8081, "http://example.org/only?q=1", front.Route{
			Line: 10, Location: "/only", Upstream: "app", Peers: app, URI: "/only?q=1",
			ConnectTimeout: time.Minute, ReadTimeout: time.Minute, Buffered: true,
		}},
	} {
		got, ok := proxy.Route(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: c.port}, "example.org", c.target)
		require.True(t, ok)
		require.Equal(t, c.want, got, c.target)
	}
	_, ok := proxy.Route(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 2), Port: 8081}, "example.org", "/")
	require.False(t, ok, "no server listens there")
}

// What Route says is what the upstream then sees.
func TestTheProxyGoesWhereRouteSays(t *testing.T) {
	inHouse(t, conf(`server { listen 8080; location /api/ { proxy_pass http://127.0.0.1:5000/v1/; } }`), func(h *house) {
		h.peer("127.0.0.1:5000", say("x"))
		for _, target := range []string{"/api/", "/api/a/./b?q", "/api//x"} {
			to, ok := h.proxy.Route(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}, "x", target)
			require.True(t, ok)
			require.Equal(t, 200, h.get(target).status)
			synctest.Wait()
			require.Equal(t, "127.0.0.1:5000 GET "+to.URI+" HTTP/1.0", h.asked[len(h.asked)-1])
		}
		require.Equal(t, 404, h.get("/").status)
		require.Equal(t, 301, h.get("/api").status)
	})
}
