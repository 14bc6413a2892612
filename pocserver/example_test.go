// The app as a program would use it.

package pocserver_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"example.com/outagelab/pocserver"
)

func ExampleNewHandler() {
	app := pocserver.NewHandler(1)
	for _, target := range []string{"/sync_sleep/?sleep=0", "/dirty/?sleep=0&email=dev", "/dirty/?sleep=-1&email=dev"} {
		w := httptest.NewRecorder()
		app.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 I napped for 0.0 seconds
	// 200 I napped for 0.0 seconds - user dev@django-poc.com
	// 400 sleep is "-1": a nap cannot be negative
}

func ExampleRunAsync12() {
	fmt.Println(pocserver.RunAsync12())
	// Output: 12 uvicorn workers
}
