package worker_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"example.com/outagelab/pocserver/worker"
)

// A variable that every request of a process shares, and a process that is
// recycled after two requests.
func Example() {
	newApp := func() http.Handler {
		visits := 0
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			visits++
			worker.Block(r.Context(), time.Millisecond)
			fmt.Fprintf(w, "visit %d of this process", visits)
		})
	}

	cfg := worker.Defaults(worker.Sync)
	cfg.MaxRequests = 2
	server, err := worker.New(cfg, newApp)
	if err != nil {
		fmt.Println(err)
		return
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go server.Serve(ln)
	defer server.Close()

	for range 3 {
		reply, err := http.Get("http://" + ln.Addr().String())
		if err != nil {
			fmt.Println(err)
			return
		}
		page, _ := io.ReadAll(reply.Body)
		reply.Body.Close()
		fmt.Println(string(page))
	}
	// Output:
	// visit 1 of this process
	// visit 2 of this process
	// visit 1 of this process
}

// A number that cannot be is an error that names it.
func ExampleNew() {
	cfg := worker.Defaults(worker.Sync)
	cfg.Threads = 25
	_, err := worker.New(cfg, http.NotFoundHandler)
	fmt.Println(err)
	// Output: worker: Config.Threads is 25: only a threaded worker has threads to set, want 1
}
