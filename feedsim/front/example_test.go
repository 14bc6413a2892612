package front_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	"example.com/outagelab/feedsim/front"
)

// A proxy on loopback, in front of one server that answers and one that is gone.
func Example() {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s for %s\n", r.Method, r.URL.Path, r.Host)
	}))
	defer app.Close()

	config, err := front.Parse("nginx.conf", strings.NewReader(`
		events {}
		http {
			upstream app { server 127.0.0.1:1; server `+app.Listener.Addr().String()+`; }
			server { listen 8080; location / { proxy_pass http://app; } }
		}`))
	if err != nil {
		fmt.Println(err) // nginx.conf:4: server: …
		return
	}
	tried := make(chan int, 1)
	proxy, err := front.New(config, front.Options{
		Observe: func(r front.Record) { tried <- len(r.Tries) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer proxy.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0") // or config.Listens()
	if err != nil {
		fmt.Println(err)
		return
	}
	go proxy.Serve(ln)

	reply, err := http.Get("http://" + ln.Addr().String() + "/check_feed")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer reply.Body.Close()
	body, _ := io.ReadAll(reply.Body)
	fmt.Printf("%s%d peers tried\n", body, <-tried)
	http.DefaultClient.CloseIdleConnections()
	// Output:
	// GET /check_feed for app
	// 2 peers tried
}
