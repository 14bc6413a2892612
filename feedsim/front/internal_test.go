// What cannot be seen from outside: values of times and sizes, and who comes first
// when two come at once.

package front

import (
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTimes(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0": 0, "60": time.Minute, "60s": time.Minute, "1500ms": 1500 * time.Millisecond, "1m30": 90 * time.Second,
		"1m30s": 90 * time.Second, "1h 5m": 65 * time.Minute, "1w2d": 9 * day, "1s1ms": 1001 * time.Millisecond, "5 ": 5 * time.Second,
	} {
		got, ok := parseTime(text, false)
		require.True(t, ok, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "s", "-1", "1.5s", "1y", "1M", "30s1m", "1ms1s", "1s1s", "1 s 1", "9223372037", "99999999999999999999999"} {
		_, ok := parseTime(text, false)
		require.False(t, ok, text)
	}
	got, ok := parseTime("1y2M", true)
	require.True(t, ok)
	require.Equal(t, 425*day, got)
	_, ok = parseTime("10ms", true)
	require.False(t, ok)
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "4096": 4096, "8k": 8192, "8K": 8192, "1m": 1 << 20, "2M": 2 << 20} {
		got, ok := parseSize(text)
		require.True(t, ok, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "k", "-1", "1g", "1.5k", "99999999999m", "99999999999999999999"} {
		_, ok := parseSize(text)
		require.False(t, ok, text)
	}
}

// Whichever goroutine comes first, the connection that was accepted first chooses
// first.
func TestOfTwoAtOneInstantTheFirstConnectionComesFirst(t *testing.T) {
	for _, order := range [][]int{{1, 2}, {2, 1}} {
		synctest.Test(t, func(t *testing.T) {
			p := &process{free: 10, groups: []group{{[]peer{{effective: 1}, {effective: 1}}}}}
			got := map[int]int{}
			var mu sync.Mutex
			var both sync.WaitGroup
			for _, conn := range order {
				both.Go(func() {
					x := pick{tried: make([]bool, 2)}
					p.ask(event{conn: conn, kind: choosePeer, pick: &x})
					mu.Lock()
					defer mu.Unlock()
					got[conn] = x.peer
				})
				synctest.Wait()
			}
			both.Wait()
			require.Equal(t, map[int]int{1: 0, 2: 1}, got)
		})
	}
}

// Of two servers on one port the one that names the address takes its connections,
// whichever comes first in the file (ngx_http_optimize_servers in
// src/http/ngx_http.c puts wildcards last).
func TestWhichServerAListenerIsFor(t *testing.T) {
	const upstream = "events {} http { upstream u { server 127.0.0.1:1; } "
	named, all := "server { listen 127.0.0.1:8080; location /named { proxy_pass http://u; } } ", "server { listen 8080; location /all { proxy_pass http://u; } } "
	for _, text := range []string{upstream + named + all + "}", upstream + all + named + "}"} {
		config, err := Parse("nginx.conf", strings.NewReader(text))
		require.NoError(t, err)
		p := &Proxy{config: config}
		require.Equal(t, "/named", p.serverFor(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}).locations[0].prefix)
		require.Equal(t, "/all", p.serverFor(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 2), Port: 8080}).locations[0].prefix)
		require.Nil(t, p.serverFor(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8081}))
	}
}
