// What the configuration reader takes and what it refuses, and in which words.

package front_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim/front"
)

const (
	head = "events {}\nhttp {\n"
	up   = "upstream app { server 127.0.0.1:5000; }\n"
	srv  = "server { listen 8080;\n"
	loc  = "location / { proxy_pass http://app;\n"
)

func TestReadsTheFileAsShipped(t *testing.T) {
	cfg, err := front.Read("../nginx.conf")
	require.NoError(t, err)
	require.Equal(t, []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:8080")}, cfg.Listens())
}

// manyLocations is so many locations, of eight words each.
func manyLocations(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "location /%d/ { proxy_pass http://app; }\n", i)
	}
	return b.String()
}

func TestReads(t *testing.T) {
	for name, text := range map[string]string{
		"the least there is":                 head + up + srv + loc + "}}}",
		"an upstream after its use":          head + srv + loc + "}}\n" + up + "}",
		"a host instead of an upstream":      head + srv + "location / { proxy_pass http://127.0.0.1:5000; }}}",
		"an IPv6 host":                       head + srv + "location / { proxy_pass http://[::1]:5000/x; }}}",
		"the same host twice":                head + srv + "location / { proxy_pass http://127.0.0.1:5000; } location /b { proxy_pass http://127.0.0.1:5000; }}}",
		"several servers and addresses":      head + up + "server { listen 8080; listen [::]:8080; listen 127.0.0.1; " + loc + "}}\nserver { listen *:8081 default_server; " + loc + "}}}",
		"what a block sets after its blocks": head + up + srv + loc + "}}\nproxy_read_timeout 5s; }",
		"times with units":                   head + up + srv + "proxy_read_timeout 1m30s; proxy_send_timeout 1500ms; proxy_connect_timeout \"1h 5\";\n" + loc + "}}}",
		"a fail_timeout in weeks":            head + "upstream app { server 127.0.0.1:5000 max_fails=3 fail_timeout=2w; }\n" + srv + loc + "}}}",
		"sizes with units":                   head + up + srv + "proxy_buffers 16 8K; proxy_buffer_size 4096; proxy_busy_buffers_size 16k;\n" + loc + "}}}",
		"sizes of a temporary file":          head + up + srv + "proxy_max_temp_file_size 4m; proxy_temp_file_write_size 64k;\n" + loc + "} location /0 { proxy_max_temp_file_size 0; proxy_pass http://app; } location /2 { proxy_max_temp_file_size 1048576m; proxy_pass http://app; }}}",
		"every condition":                    head + up + srv + "proxy_next_upstream error timeout invalid_header http_500 http_502 http_503 http_504 http_403 http_404 http_429 non_idempotent;\n" + loc + "}}}",
		"comments, quotes and a BOM-less é":  "# é\n" + head + up + srv + "location \"/é\" { proxy_pass 'http://app'; # }\n}}}",
		"any byte in a comment":              "# \x00 \xe9 \u00a0\n" + head + up + srv + loc + "# \x01\n}}} #\v",
		"a # within a word, and quotes":      head + up + srv + "location /a#b'\"c { proxy_pass http://app; } location '/d#;{\u00a0' { proxy_pass http://app; }}}",
		"more words than the parser's queue": head + up + srv + manyLocations(10_000) + "}}",
		"what has no effect":                 "user www-data;\npid /run/nginx.pid;\nworker_processes 2;\n" + head + "include /etc/nginx/mime.types;\ntypes { text/html html; }\nsendfile on; tcp_nopush on; keepalive_timeout 65; gzip off; server_tokens off;\n" + up + srv + "server_name _;\n" + loc + "}}}",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := front.Parse("nginx.conf", strings.NewReader(text))
			require.NoError(t, err)
		})
	}
}

// refusals are files and the one error each must give, at the line it names.
var refusals = []struct{ text, want string }{
	// What is not a configuration.
	{"", `nginx.conf:1: no "events" section`},
	{"events {}\n", `nginx.conf:1: no "http" section: nothing to listen on`},
	{"events {\n", `nginx.conf:2: unexpected end of file, expecting "}"`},
	{"events {}\n}\n", `nginx.conf:2: unexpected "}"`},
	{"events {}\nhttp", `nginx.conf:2: premature end of file`},
	{"events {}\nhttp;", `nginx.conf:2: http: directive has no opening "{"`},
	{"daemon off\nevents {}", `nginx.conf:1: daemon: directive is not terminated by ";"`},
	{"events {}\n;;", `nginx.conf:2: unexpected ";"`},
	{strings.Repeat("#", 1<<20+1), `nginx.conf:1: the file has more than 1048576 bytes, the most that are read`},

	// What cannot be seen.
	{head + srv + "location / { proxy_pass http://a\x00b; }}}", `nginx.conf:4: proxy_pass: invalid character U+0000 (NUL) after "http://a": delete it`},
	{head + srv + "location / { proxy_pass \"http://a\x1bb\"; }}}", `nginx.conf:4: proxy_pass: invalid character U+001B after "\"http://a": delete it`},
	{head + srv + "location / { proxy_pass http://a\vb; }}}", `nginx.conf:4: proxy_pass: invalid character U+000B after "http://a": delete it`},
	{head + srv + "location / { proxy_pass\n\n\x7fhttp://a; }}}", `nginx.conf:6: proxy_pass: invalid character U+007F: delete it`},
	{head + srv + "location / {\n # \n\u00a0proxy_pass http://a; }}}", `nginx.conf:6: invalid character U+00A0 (no-break space): delete it`},
	{head + srv + "location /a\u200b { proxy_pass http://a; }}}", `nginx.conf:4: location: invalid character U+200B (zero width space) after "/a": delete it`},
	{"\ufeff" + head, `nginx.conf:1: invalid character U+FEFF (byte order mark): delete it`},
	{head + srv + "location /caf\xe9 { proxy_pass http://a; }}}", `nginx.conf:4: location: byte 0xe9 after "/caf" is not UTF-8: save the file as UTF-8`},
	{head + srv + "location \"/caf\xe9\" { proxy_pass http://a; }}}", `nginx.conf:4: location: byte 0xe9 after "\"/caf" is not UTF-8: save the file as UTF-8`},
	{head + srv + "location '/\\'\xe9' { proxy_pass http://a; }}}", `nginx.conf:4: location: byte 0xe9 after "'/\\'" is not UTF-8: save the file as UTF-8`},
	{head + srv + "location / { proxy_pass 'http://a/b c'; }}}", `nginx.conf:4: proxy_pass: invalid character ' ' in the URI "/b c": write %20`},

	// What nginx does not know, or not there.
	{head + "\nlisten_on 80; }", `nginx.conf:4: listen_on: unknown directive`},
	{head + "listen 80; }", `nginx.conf:3: listen: not allowed here`},
	{head + up + srv + "worker_connections 5; }}", `nginx.conf:5: worker_connections: not allowed here`},
	{head + up + "proxy_pass http://app; }", `nginx.conf:4: proxy_pass: not allowed here`},
	{head + "proxy_read_timeout; }", `nginx.conf:3: proxy_read_timeout: invalid number of arguments`},
	{head + "proxy_buffers 8; }", `nginx.conf:3: proxy_buffers: invalid number of arguments`},
	{head + "proxy_buffering maybe; }", `nginx.conf:3: proxy_buffering: invalid value "maybe", it must be "on" or "off"`},

	// What nginx knows and is not modelled here.
	{head + "proxy_cache zone; }", `nginx.conf:3: proxy_cache: only "off" is modelled here`},
	{head + "gzip on; }", `nginx.conf:3: gzip: only "off" is modelled here`},
	{head + "include conf.d/*.conf; }", `nginx.conf:3: include: only "mime.types" is modelled here`},
	{head + "limit_req_zone $binary_remote_addr zone=a:1m rate=1r/s; }", `nginx.conf:3: limit_req_zone: not modelled here`},
	{"load_module x.so;\n" + head + "}", `nginx.conf:1: load_module: not modelled here`},
	{"events { debug_connection 127.0.0.1; }\nhttp {}", `nginx.conf:1: debug_connection: not modelled here`},
	{head + "upstream app {\nleast_conn; server a; } }", `nginx.conf:4: least_conn: not modelled here`},
	{head + "upstream app {\nserver a:5000 weight=2; } }", `nginx.conf:4: server: parameter "weight=2" is not modelled here`},
	{head + "upstream app {\nserver a:5000 backup; } }", `nginx.conf:4: server: parameter "backup" is not modelled here`},
	{head + "upstream app {\nserver unix:/tmp/a; } }", `nginx.conf:4: server: unix sockets are not modelled here: "unix:/tmp/a"`},
	{head + up + srv + "location = / { proxy_pass http://app; }}}", `nginx.conf:5: location: only prefix locations are modelled here: "= /"`},
	{head + up + srv + "location ~ \\.php$ { proxy_pass http://app; }}}", `nginx.conf:5: location: only prefix locations are modelled here: "~ \\.php$"`},
	{head + up + srv + "location @app { proxy_pass http://app; }}}", `nginx.conf:5: location: only prefix locations are modelled here: "@app"`},
	{head + up + srv + loc + "location /b { proxy_pass http://app; }}}}", `nginx.conf:6: location: not modelled here`},
	{head + up + srv + loc + "if ($args) { proxy_pass http://app; }}}}", `nginx.conf:6: if: not modelled here`},
	{head + up + srv + loc + "proxy_set_header Host $host; }}}", `nginx.conf:6: proxy_set_header: not modelled here`},
	{head + up + srv + loc + "proxy_http_version 1.1; }}}", `nginx.conf:6: proxy_http_version: only "1.0" is modelled here`},
	{head + up + srv + loc + "keepalive_timeout 5s; }}}", `nginx.conf:6: keepalive_timeout: only modelled in http and server`},
	{head + up + srv + "location / { return 200; }}}", `nginx.conf:5: return: not modelled here`},
	{head + up + srv + "location / { }}}", `nginx.conf:5: location: no proxy_pass, and nothing else is served here`},
	{head + up + srv + "location / { proxy_pass https://app; }}}", `nginx.conf:5: proxy_pass: https is not modelled here`},
	{head + up + srv + "location / { proxy_pass http://$host; }}}", `nginx.conf:5: proxy_pass: variables are not modelled here: "http://$host"`},
	{head + up + "server { listen 8080 ssl; }}", `nginx.conf:4: listen: parameter "ssl" is not modelled here`},
	{head + up + "server { listen 8080 backlog=5; }}", `nginx.conf:4: listen: parameter "backlog=5" is not modelled here`},
	{head + up + "server { listen localhost:8080; }}", `nginx.conf:4: listen: "localhost" is a name: an address is needed here`},
	{head + up + srv + "}\nserver { listen 8080; }}", `nginx.conf:6: server: second server on 0.0.0.0:8080: choosing by name is not modelled here`},
	{"worker_processes auto;\n" + head + "}", `nginx.conf:1: worker_processes: auto depends on the machine: a number is needed here`},

	// What makes no sense, to nginx either.
	{head + "}", `nginx.conf:1: http: no server: nothing to listen on`},
	{"events {}\nevents {}\nhttp {}", `nginx.conf:2: events: duplicate`},
	{head + "proxy_read_timeout 1s;\nproxy_read_timeout 2s; }", `nginx.conf:4: proxy_read_timeout: duplicate`},
	{head + up + srv + loc + "proxy_pass http://app; }}}", `nginx.conf:6: proxy_pass: duplicate`},
	{head + up + srv + loc + "}\n" + loc + "}}}", `nginx.conf:7: location: duplicate location "/"`},
	{head + up + "server { listen 8080;\nlisten 0.0.0.0:8080; }}", `nginx.conf:5: listen: duplicate listen 0.0.0.0:8080`},
	{head + up + "upstream APP { server a; }}", `nginx.conf:4: upstream: duplicate upstream "APP"`},
	{head + "upstream app { } }", `nginx.conf:3: upstream: no servers are inside upstream`},
	{head + up + srv + "location / { proxy_pass http://app:5000; }}}", `nginx.conf:5: proxy_pass: upstream "app" may not have port 5000`},
	{head + up + srv + "location / { proxy_pass app; }}}", `nginx.conf:5: proxy_pass: invalid URL prefix in "app"`},
	{head + up + srv + "location / { proxy_pass http://:80; }}}", `nginx.conf:5: proxy_pass: no host in ":80"`},
	{head + "upstream app {\nserver a:0; } }", `nginx.conf:4: server: invalid port in "a:0"`},
	{head + "upstream app {\nserver [a]:1; } }", `nginx.conf:4: server: invalid host in "[a]:1"`},
	{head + "upstream app {\nserver a max_fails=x; } }", `nginx.conf:4: server: invalid parameter "max_fails=x"`},
	{head + "upstream app {\nserver a fail_timeout=10ms; } }", `nginx.conf:4: server: invalid parameter "fail_timeout=10ms"`},
	{head + up + "server { listen 70000; }}", `nginx.conf:4: listen: invalid port in "70000"`},
	{head + "proxy_read_timeout 1x; }", `nginx.conf:3: proxy_read_timeout: invalid value "1x"`},
	{head + "proxy_read_timeout 1s1m; }", `nginx.conf:3: proxy_read_timeout: invalid value "1s1m"`},
	{head + "proxy_read_timeout 1y; }", `nginx.conf:3: proxy_read_timeout: invalid value "1y"`},
	{head + "proxy_read_timeout 99999999999999999999; }", `nginx.conf:3: proxy_read_timeout: invalid value "99999999999999999999"`},
	{head + "proxy_buffer_size -1; }", `nginx.conf:3: proxy_buffer_size: invalid value "-1"`},
	{head + "proxy_buffers 0 4k; }", `nginx.conf:3: proxy_buffers: invalid value "0"`},
	{head + "proxy_next_upstream error sometimes; }", `nginx.conf:3: proxy_next_upstream: invalid value "sometimes"`},
	{head + "proxy_next_upstream_tries many; }", `nginx.conf:3: proxy_next_upstream_tries: invalid number "many"`},
	{"worker_processes 0;\n" + head + "}", `nginx.conf:1: worker_processes: invalid value "0"`},
	{"events {\nworker_connections 2; }\nhttp {\n" + up + "server { listen 80; listen 81; " + loc + "}}}", `nginx.conf:2: worker_connections: 2 worker_connections are not enough for 2 listening sockets: want at least 3`},
	{"events {\nworker_connections x; }\nhttp {}", `nginx.conf:2: worker_connections: invalid number "x"`},
	{head + up + srv + loc + "proxy_buffers 1 64k; }}}", `nginx.conf:6: proxy_buffers: there must be at least 2 "proxy_buffers"`},
	{head + up + srv + loc + "proxy_buffer_size 32k; }}}", `nginx.conf:6: proxy_buffer_size: "proxy_busy_buffers_size" must be less than the size of all "proxy_buffers" minus one buffer`},
	{head + up + srv + loc + "proxy_temp_file_write_size 1k; }}}", `nginx.conf:6: proxy_temp_file_write_size: "proxy_temp_file_write_size" must be equal to or greater than the maximum of the value of "proxy_buffer_size" and one of the "proxy_buffers"`},
	{head + up + srv + loc + "proxy_max_temp_file_size 4095; }}}", `nginx.conf:6: proxy_max_temp_file_size: "proxy_max_temp_file_size" must be equal to zero to disable temporary files usage or must be equal to or greater than the maximum of the value of "proxy_buffer_size" and one of the "proxy_buffers"`},
	{head + up + srv + loc + "proxy_max_temp_file_size 1g; }}}", `nginx.conf:6: proxy_max_temp_file_size: invalid value "1g"`},
	{head + up + srv + loc + "proxy_busy_buffers_size 1k; }}}", `nginx.conf:6: proxy_busy_buffers_size: "proxy_busy_buffers_size" must be equal to or greater than the maximum of the value of "proxy_buffer_size" and one of the "proxy_buffers"`},
}

func TestRefuses(t *testing.T) {
	for _, r := range refusals {
		t.Run(r.want, func(t *testing.T) {
			_, err := front.Parse("nginx.conf", strings.NewReader(r.text))
			require.EqualError(t, err, r.want)
			var at *front.ConfigError
			require.ErrorAs(t, err, &at)
			require.Equal(t, "nginx.conf", at.File)
		})
	}
}

// However many words follow an error, the parser's lexer ends.
func TestAnErrorBeforeManyWordsLeavesNothingBehind(t *testing.T) {
	const many = 5_000
	for _, wrong := range []string{"unknown { a; } ", "proxy_pass http://app; ", "listen on; ", "} ", "; ;"} {
		synctest.Test(t, func(t *testing.T) { // which ends only if all that began in it does
			_, err := front.Parse("nginx.conf", strings.NewReader(head+up+wrong+srv+manyLocations(many)+"}}"))
			require.ErrorAs(t, err, new(*front.ConfigError))
		})
	}
}

func TestAFileThatCannotBeRead(t *testing.T) {
	_, err := front.Read(filepath.Join(t.TempDir(), "none.conf"))
	require.ErrorIs(t, err, os.ErrNotExist)
	broken := errors.New("broken")
	_, err = front.Parse("nginx.conf", io.MultiReader(strings.NewReader("events"), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
}

func TestANameWithoutAnAddress(t *testing.T) {
	cfg := parse(t, conf("upstream app {\nserver nowhere:5000; }\nserver { listen 8080; location / { proxy_pass http://app; } }"))
	_, err := front.New(cfg, front.Options{Resolve: localhost("127.0.0.1")})
	require.EqualError(t, err, `nginx.conf:5: server: host not found in upstream "nowhere": lookup nowhere: no such host`)
}

// FuzzParse holds the reader to: no panic, no hang, an error that names the file,
// and a proxy from whatever it takes.
func FuzzParse(f *testing.F) {
	f.Add(shipped(f))
	for _, r := range refusals {
		if len(r.text) < 1000 {
			f.Add(r.text)
		}
	}
	for _, s := range scenes {
		f.Add(conf(s.text("app", "127.0.0.1:8080")))
	}
	resolve := func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	f.Fuzz(func(t *testing.T, text string) {
		cfg, err := front.Parse("nginx.conf", strings.NewReader(text))
		if err != nil {
			require.ErrorAs(t, err, new(*front.ConfigError))
			require.Contains(t, err.Error(), "nginx.conf:")
			return
		}
		require.NotEmpty(t, cfg.Listens())
		if p, err := front.New(cfg, front.Options{Resolve: resolve}); err == nil {
			require.NoError(t, p.Close())
		}
	})
}
