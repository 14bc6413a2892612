// What the proxy costs in real time: under wrk, beside the standard library's
// reverse proxy.

package front_test

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// serveHTTP serves a handler on loopback until the benchmark ends.
func serveHTTP(b *testing.B, h http.Handler) (url string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	s := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() { defer close(done); s.Serve(ln) }()
	b.Cleanup(func() { s.Close(); <-done })
	return "http://" + ln.Addr().String()
}

// BenchmarkProxyCost compares the front with httputil.ReverseProxy without
// keep-alive, on the way to the same handler: wrk's requests per second through
// each, five pairs in turn, and the median of their ratios, which is to be 0.6 at
// least. It needs wrk, and takes 2 s a pair.
func BenchmarkProxyCost(b *testing.B) {
	wrk := needs(b, "wrk")
	app := serveHTTP(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, `{"Title": "Concurrency is hard, let's go shopping!"}`)
	}))
	to, err := url.Parse(app)
	require.NoError(b, err)
	bare := serveHTTP(b, &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: &http.Transport{DisableKeepAlives: true},
		ErrorLog:  log.New(io.Discard, "", 0), // of requests that wrk cuts short in the end
	})
	listeners, addrs := listen(b, 1)
	startFront(b, one("server "+to.Host+";", ""), listeners...)

	for b.Loop() {
		var rates, ratios []float64
		for range 5 {
			reference := runWrk(b, wrk, bare)
			rate := runWrk(b, wrk, "http://"+addrs[0])
			rates, ratios = append(rates, rate), append(ratios, rate/reference)
		}
		slices.Sort(rates)
		slices.Sort(ratios)
		b.ReportMetric(rates[2], "req/s")
		b.ReportMetric(ratios[2], "of-bare")
	}
}

var requestsPerSecond = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)

// runWrk returns the requests per second of a second of load.
func runWrk(b *testing.B, wrk, url string) float64 {
	b.Helper()
	text, err := exec.CommandContext(b.Context(), wrk, "-t", "2", "-c", "50", "-d", "1", url).CombinedOutput()
	require.NoError(b, err, "%s", text)
	found := requestsPerSecond.FindSubmatch(text)
	require.NotNil(b, found, "wrk printed:\n%s", text)
	require.NotContains(b, string(text), "Non-2xx", "%s", text)
	rate, err := strconv.ParseFloat(string(found[1]), 64)
	require.NoError(b, err)
	return rate
}
