// The package as a program would use it.

package feedsim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/pocserver/worker"
)

// The exercise as shipped, on a feed that answers at once.
func Example() {
	handler, err := feedsim.NewFeed(feedsim.FeedConfig{Delay: feedsim.Constant(0)})
	if err != nil {
		fmt.Println(err)
		return
	}
	feed := httptest.NewServer(handler)
	defer feed.Close()

	app, err := feedsim.NewApp(feedsim.AppConfig{Feed: feed.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, path := range []string{"/", "/check_feed", "/check_feed/"} {
		w := httptest.NewRecorder()
		app.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 {"Title": "Concurrency is hard, let's go shopping!"}
	// 200 {"updates": null}
	// 404 {"error":"nothing at \"/check_feed/\": there are /, /hash_me, /check_feed and /stream_feed"}
}

// A server with two workers, each with an instance of the app.
func ExampleInstances() {
	newApp, err := feedsim.Instances(feedsim.AppConfig{Feed: "http://127.0.0.1:5300/", Awaiting: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := worker.New(feedsim.Evented(), newApp); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(feedsim.Evented())
	// Output: 2 evented workers
}

// A configuration that cannot be is an error that names the field.
func ExampleNewFeed() {
	_, err := feedsim.NewFeed(feedsim.FeedConfig{Capacity: -1})
	fmt.Println(err)
	// Output: feedsim: FeedConfig.Capacity is -1: want 0 (no limit) or more
}
