// What the real nginx is given to read, and that it opens no port to the network
// with it.

package main

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/pocserver/cmd/cmdtest"
)

const (
	temp   = ` client_body_temp_path "/d/client_body"; proxy_temp_path "/d/proxy"; fastcgi_temp_path "/d/fastcgi"; uwsgi_temp_path "/d/uwsgi"; scgi_temp_path "/d/scgi";`
	format = " log_format feedsim " + logFormat + ";"
	// What is added to a file that sets nothing.
	ownFiles = `daemon "off"; pid "/d/pid"; lock_file "/d/lock"; `
	ownHTTP  = temp + format + " access_log /dev/stdout feedsim;"
)

// What nginx reads is what it was given, but for where it listens, where it keeps
// its own files, and what its access log says.
func TestWhatChangesInTheFile(t *testing.T) {
	for _, c := range []struct{ name, was, is, listens string }{
		{"as shipped", feedsim.Shipped,
			`pid "/d/pid"; lock_file "/d/lock"; ` + strings.NewReplacer(
				"daemon off", `daemon "off"`, "http {", "http {"+temp+format, "listen 8080", "listen 127.0.0.1:8080", "/dev/stdout;", "/dev/stdout feedsim;").Replace(feedsim.Shipped),
			"[127.0.0.1:8080]"},
		{"its own files", "daemon on; pid /run/nginx.pid;\nlock_file 'x';\nevents{}\nhttp # it {\n{ access_log off; proxy_temp_path /p; server { listen 127.0.0.1; } }",
			"daemon \"off\"; pid \"/d/pid\";\nlock_file \"/d/lock\";\nevents{}\nhttp # it {\n{" + strings.Replace(temp, ` proxy_temp_path "/d/proxy";`, "", 1) + " access_log off; proxy_temp_path /p; server { listen 127.0.0.1; } }",
			"[127.0.0.1:80]"},
		{"every form of a bare port", "daemon off; pid p; lock_file l; http { access_log off;server { # listen 1;\nlisten 1; listen *:2 default_server;listen\n\"0.0.0.0:3\"; listen [::1]:4; listen [::1]; listen [::]:5; } server { listen 1; listen '*'; } }",
			"daemon \"off\"; pid \"/d/pid\"; lock_file \"/d/lock\"; http {" + temp + " access_log off;server { # listen 1;\nlisten 127.0.0.1:1; listen 127.0.0.1:2 default_server;listen\n127.0.0.1:3; listen [::1]:4; listen [::1]; listen [::]:5; } server { listen 127.0.0.1:1; listen 127.0.0.1:80; } }",
			"[127.0.0.1:1 127.0.0.1:2 127.0.0.1:3 [::1]:4 [::1]:80 [::]:5 127.0.0.1:1 127.0.0.1:80]"},
		{"words that look like a listen", `http { server { add_header X "listen 8080"; listen 8080; add_header Y 'it\'s } listen 8080;'; add_header Z a${listen}; listen # 8080;` + "\n" + `8081 ; "listen" 8082; } map $a $b { listen 8080; } }`,
			ownFiles + `http {` + ownHTTP + ` server { add_header X "listen 8080"; listen 127.0.0.1:8080; add_header Y 'it\'s } listen 8080;'; add_header Z a${listen}; listen # 8080;` + "\n" + `127.0.0.1:8081 ; "listen" 127.0.0.1:8082; } map $a $b { listen 8080; } }`,
			"[127.0.0.1:8080 127.0.0.1:8081 127.0.0.1:8082]"},
		{"access logs", "http { log_format feedsim x; log_format main y; access_log /a main; server { listen 127.0.0.1:1; access_log\n/b; location / { access_log off; } location /c { access_log /c combined buffer=1k; } } }",
			ownFiles + "http {" + temp + " log_format feedsim_ " + logFormat + "; log_format feedsim x; log_format main y; access_log /a main; server { listen 127.0.0.1:1; access_log\n/b feedsim_; location / { access_log off; } location /c { access_log /c combined buffer=1k; } } }",
			"[127.0.0.1:1]"},
		{"an access log of its own", "http { log_format main y; access_log /a main; server { listen 127.0.0.1:1; } }",
			ownFiles + "http {" + temp + " log_format main y; access_log /a main; server { listen 127.0.0.1:1; } }", "[127.0.0.1:1]"},
	} {
		got, err := rewrite("my.conf", c.was, loopback, "/d")
		require.NoError(t, err, c.name)
		assert.Equal(t, c.is, got.copies[mainCopy], c.name)
		assert.Equal(t, c.listens, fmt.Sprint(got.listens), c.name)
	}

	// Another address for bare ports.
	got, err := rewrite("my.conf", "http { access_log off; server { listen 1; } }", netip.IPv6Unspecified(), "/d")
	require.NoError(t, err)
	assert.Contains(t, got.copies[mainCopy], "server { listen [::]:1; }")
	assert.Equal(t, []string{"my.conf:1: listen 1 is listen [::]:1 here"}, got.said)
	got, err = rewrite("my.conf", "http { server { listen 1; } }", netip.IPv4Unspecified(), "/d")
	require.NoError(t, err)
	assert.Contains(t, got.copies[mainCopy], "server { listen 0.0.0.0:1; }")
}

// writeFiles writes files below a directory of its own, by name and text in turn.
func writeFiles(t *testing.T, all ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for pair := range slices.Chunk(all, 2) {
		path := filepath.Join(dir, pair[0])
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(pair[1]), 0o600))
	}
	return dir
}

// Included files are copied, under the same rules, each time that they are
// included; they stay as they are themselves.
func TestIncludedFiles(t *testing.T) {
	dir := writeFiles(t,
		"sites/b.conf", "server {\ninclude listen.conf; }", "sites/a.conf", "# a\nserver { listen 127.0.0.1:1; access_log /dev/stdout; }", "sites/.hidden.conf", "server { }",
		"listen.conf", "\nlisten 8080;", "types", "text/x listen;", "base.conf", "pid /p;", "temp.conf", "proxy_temp_path /p;")
	const text = "include base.conf; http { include sites/*.conf # here\n; include none*; include /dev/null; include temp.conf; server { include listen.conf; } types { include types; } }"
	got, err := rewrite(filepath.Join(dir, "my.conf"), text, loopback, "/d")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{
		mainCopy: `daemon "off"; lock_file "/d/lock"; include "/d/include-1-base.conf"; http {` + strings.Replace(ownHTTP, ` proxy_temp_path "/d/proxy";`, "", 1) +
			` include "/d/include-2-a.conf"; include "/d/include-3-b.conf";` + "\n" +
			`  include "/d/include-5-null"; include "/d/include-6-temp.conf"; server { include "/d/include-7-listen.conf"; } types { include "/d/include-8-types"; } }`,
		"include-1-base.conf":   `pid "/d/pid";`,
		"include-2-a.conf":      "# a\nserver { listen 127.0.0.1:1; access_log /dev/stdout feedsim; }",
		"include-3-b.conf":      "server {\ninclude \"/d/include-4-listen.conf\"; }",
		"include-4-listen.conf": "\nlisten 127.0.0.1:8080;",
		"include-5-null":        "",
		"include-6-temp.conf":   "proxy_temp_path /p;",
		"include-7-listen.conf": "\nlisten 127.0.0.1:8080;",
		"include-8-types":       "text/x listen;",
	}, got.copies)
	assert.Equal(t, "[127.0.0.1:1 127.0.0.1:8080 127.0.0.1:8080]", fmt.Sprint(got.listens))
	listen := filepath.Join(dir, "listen.conf") + ":2: listen 8080 is listen 127.0.0.1:8080 here"
	assert.Equal(t, []string{
		filepath.Join(dir, "my.conf") + ":1: http: no access_log: it is standard output here, with " + logFields,
		filepath.Join(dir, "sites", "a.conf") + ":2: access_log: no format of its own: it is " + logFields + " here", listen, listen,
	}, got.said)
}

// A server may be cut into files in any way; what opens a port to the network, or
// cannot be read, is refused, with the file that it stands in.
func TestWhatIsRefusedInIncludedFiles(t *testing.T) {
	for text, says := range map[string]string{
		"\nserver { location / { return 200; } }": "b.conf:2: server: no listen: nginx would open a port to the network; name one",
		"server {\nlisten unix:/s; }":             `b.conf:2: listen: want a port, or an IP address with a port, not "unix:/s"`,
		"server { listen 1; } }":                  `b.conf:1: unexpected "}"`,
		"server { listen 1;\n":                    `b.conf:2: unexpected end of file, expecting "}"`,
		"include b.conf;":                         "b.conf: it includes itself",
		"\ninclude none;":                         "b.conf:2: include: open ",
	} {
		dir := writeFiles(t, "b.conf", text)
		_, err := rewrite(filepath.Join(dir, "my.conf"), "http { include b.conf; }", loopback, "/d")
		assert.ErrorContains(t, err, filepath.Join(dir, says), text)
	}
	dir := writeFiles(t, "b.conf", "stream { server { listen 1; } }", "double.conf", "")
	_, err := rewrite(filepath.Join(dir, "my.conf"), "include b.conf;", loopback, "/d")
	assert.ErrorContains(t, err, "b.conf:1: stream: only events and http are served here")
	_, err = rewrite(filepath.Join(dir, "my.conf"), strings.Repeat("include double.conf;", mostCopies+1), loopback, "/d")
	assert.ErrorContains(t, err, "double.conf: more than 1000 included files")
	_, err = rewrite(filepath.Join(dir, "my.conf"), "include double.conf;", loopback, "/[d]")
	assert.ErrorContains(t, err, "choose another TMPDIR")
}

// What would open a port to the network, or cannot be read, is refused.
func TestWhatCannotBeRewritten(t *testing.T) {
	for text, says := range map[string]string{
		"http { server { location / {} } }":               "my.conf:1: server: no listen: nginx would open a port to the network; name one",
		"http { server {\nlisten localhost:80; } }":       `my.conf:2: listen: want a port, or an IP address with a port, not "localhost:80"`,
		"http { server { listen unix:/s; } }":             `my.conf:1: listen: want a port, or an IP address with a port, not "unix:/s"`,
		"http { server { listen 80-90; } }":               `not "80-90"`,
		"http { server { listen 1*; } }":                  `not "1*"`,
		"http { server { listen [::ffff:0.0.0.0]:80; } }": `not "[::ffff:0.0.0.0]:80"`,
		"http { server { listen ::1; } }":                 `not "::1"`,
		"http { server { listen; } }":                     "my.conf:1: listen: no address",
		"http { server { listen 1;\n":                     `my.conf:2: unexpected end of file, expecting "}"`,
		"http { server { listen 1":                        `my.conf:1: unexpected end of file, expecting ";" or "}"`,
		"http { } }":                                      `my.conf:1: unexpected "}"`,
		"http { server {; } }":                            `my.conf:1: unexpected ";"`,
		"http { server { listen } }":                      `my.conf:1: unexpected "}"`,
		"http { server { listen \"1\"2; } }":              `my.conf:1: unexpected "2"`,
		"http { include a b; }":                           "my.conf:1: include: want one file",
		"http { include [; }":                             "my.conf:1: include: ",
		"\nstream { server { listen 1; } }":               "my.conf:2: stream: only events and http are served here, and this could open ports: take it out",
		// Which nginx reads as a listen, and another reader does not.
		"http { server { x ${;listen 1; } }":     "my.conf: nginx is not started, for its copy of the file is not as it should be: nginx.conf:1: server: no listen",
		"mail { }":                               "my.conf:1: mail: only events and http",
		"http { init_by_lua_block { x = '}' } }": "my.conf:1: init_by_lua_block: not read here",
	} {
		_, err := rewrite("my.conf", text, loopback, "/d")
		assert.ErrorContains(t, err, says, text)
	}
	got, err := rewrite("my.conf", "load_module m.so;", loopback, "/d")
	require.NoError(t, err)
	assert.Equal(t, []string{"my.conf:1: load_module: whether the module opens ports is not known"}, got.said)
}

// Should the rewriting miss one, the check does not.
func TestTheCheckFindsWhatIsMissed(t *testing.T) {
	allowed := []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}
	for text, says := range map[string]string{
		"http { server { listen 127.0.0.1:1; } }":                                "",
		"http { server { listen 1; } }":                                          "nginx.conf:1: listen: 0.0.0.0:1 is nowhere it may listen",
		"http { server { listen 0.0.0.0:1; listen 127.0.0.1:1; } }":              "nginx.conf:1: listen: 0.0.0.0:1 is nowhere",
		"http { server { listen [::]:1; } }":                                     "nginx.conf:1: listen: [::]:1 is nowhere",
		"http { server { listen 127.0.0.1:1; } server { } }":                     "nginx.conf:1: server: no listen",
		"http { server { listen 127.0.0.1:1; } server { listen x; } }":           "nginx.conf:1: listen: want a port",
		"http { server { listen 127.0.0.1:1; } include other; }":                 "other: file does not exist",
		"http { server { listen 127.0.0.1:1; } include b; }":                     "b:2: listen: 0.0.0.0:2 is nowhere",
		"http { server { listen 127.0.0.1:1; } } stream { }":                     "nginx.conf:1: stream: it could open ports",
		"http { server { listen 127.0.0.1:1; } map $a $b { listen 1; } }":        "",
		"http { server { listen 127.0.0.1:1; } server { listen 127.0.0.1:1; } }": "it listens on [127.0.0.1:1 127.0.0.1:1], rather than [127.0.0.1:1]",
		"http { }": "it listens on [], rather than [127.0.0.1:1]",
		"http { ":  "unexpected end of file",
	} {
		err := rewritten{copies: map[string]string{mainCopy: text, "b": "\nserver { listen 2; }"}, listens: allowed}.check(loopback, "/d")
		if says == "" {
			assert.NoError(t, err, text)
			continue
		}
		assert.ErrorContains(t, err, says, text)
	}
}

// The words are nginx's own, whatever is around them.
func TestTheWordsOfAStatement(t *testing.T) {
	for text, want := range map[string]string{
		`a b;`:                  `["a" "b"];`,
		"a\r\n\tb\n{":           `["a" "b"]{`,
		`a "b c"'d';`:           `error`,
		`a "b c" 'd;';`:         `["a" "b c" "d;"];`,
		`if ("$a"){`:            `["if" "(\"$a\")"]{`,
		`a "b")c;`:              `["a" "b" ")c"];`,
		`a b#c;`:                `["a" "b#c"];`,
		"a #c;\n b;":            `["a" "b"];`,
		`a ${b}{`:               `["a" "${b}"]{`,
		`a $b{`:                 `["a" "$b"]{`,
		`a b"c;`:                `["a" "b\"c"];`,
		`a b\;c\ d \"e;`:        `["a" "b\\;c\\ d" "\"e"];`,
		`a "\"\t\n\r\\\'\x" b;`: `["a" "\"\t\n\r\\'\\x" "b"];`,
		`}`:                     `[]}`,
		` # nothing`:            `[]`,
		`a"b`:                   `error`,
		`"a`:                    `error`,
		`"a"`:                   `error`,
		`{`:                     `error`,
	} {
		words, end, err := (&scanner{source: &source{text: text}}).statement()
		got := "error"
		if err == nil {
			values := []string{}
			for _, w := range words {
				values = append(values, w.value)
			}
			got = strings.TrimRight(fmt.Sprintf("%q%c", values, end), "\x00")
		}
		assert.Equal(t, want, got, text)
	}
}

// answersElsewhere says on which addresses of this machine, but 127.0.0.1, a port answers.
func answersElsewhere(t *testing.T, port int) (addrs []string) {
	t.Helper()
	all, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, a := range append(all, &net.IPNet{IP: net.IPv4(127, 0, 0, 2)}) {
		ip := a.(*net.IPNet).IP
		if ip.Equal(net.IPv4(127, 0, 0, 1)) || ip.IsLinkLocalUnicast() {
			continue
		}
		conn, err := net.Dial("tcp", net.JoinHostPort(ip.String(), fmt.Sprint(port)))
		if err == nil {
			conn.Close()
			addrs = append(addrs, ip.String())
		}
	}
	return addrs
}

// What the reviewer found: each of these opened a port to the network, or was
// refused for nothing.
func TestNginxListensOn127001Alone(t *testing.T) {
	needsNginx(t)
	h := newHouse(t)
	other := freePort(t)
	dir := writeFiles(t, "site.conf", "server {\n  include listen.conf;\n  location / { return 200 included; }\n}\n", "listen.conf", fmt.Sprintf("listen %d;\n", other))
	h.conf = filepath.Join(dir, "my.conf")
	text := fmt.Sprintf("events {}\nhttp {\n log_format mine 'mine $status';\n access_log /dev/stdout mine;\n include s*.conf;\n"+
		" server { add_header X \"listen %d\"; listen %[1]d; location / { return 200 main; } }\n}\n", h.front)
	require.NoError(t, os.WriteFile(h.conf, []byte(text), 0o600))
	p := h.start(t, "-nginx")
	for port, want := range map[int]string{h.front: "main", other: "included"} {
		status, body := cmdtest.Get(t, "http://"+on(port).String()+"/")
		assert.Equal(t, http.StatusOK, status)
		assert.Equal(t, want, body)
		assert.Empty(t, answersElsewhere(t, port), "port %d is open to the network", port)
	}
	p.Stdout.Wait(t, `(?m)^mine 200$`)
	p.Stderr.Wait(t, fmt.Sprintf(`(?m)^feedsim: %s/listen.conf:1: listen %d is listen 127\.0\.0\.1:%[2]d here$`, dir, other))
	assert.NotContains(t, p.Stderr.String(), "format of its own")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "listen.conf"), nil, 0o600))
	status, stdout, stderr := ended(h.args("-nginx")...)
	assert.Equal(t, 1, status)
	assert.Equal(t, "feedsim: "+filepath.Join(dir, "site.conf")+":1: server: no listen: nginx would open a port to the network; name one\n", stderr)
	assert.Empty(t, stdout)
}

// A line tells of each peer that was asked.
func TestNginxsLogTellsOfEachPeer(t *testing.T) {
	needsNginx(t)
	dead := freePort(t)
	h := newHouse(t)
	text := fmt.Sprintf("events {}\nhttp { upstream two { server 127.0.0.1:%d; server 127.0.0.1:%d; }\n"+
		"server { listen 127.0.0.1:%d; location / { proxy_pass http://two; } } }\n", dead, h.ports[2], h.front)
	require.NoError(t, os.WriteFile(h.conf, []byte(text), 0o600))
	p := h.start(t, "-nginx")
	status, _ := cmdtest.Get(t, p.url+"/a%22b?c")
	assert.Equal(t, http.StatusNotFound, status)
	p.Stdout.Wait(t, fmt.Sprintf(`(?m)^GET "/a%%22b\?c" 404 \d+\.\d{3} upstream two 127\.0\.0\.1:%d, 127\.0\.0\.1:%d: 502, 404$`, dead, h.ports[2]))
}
