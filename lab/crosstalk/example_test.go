// The package at its best: a handler that looks right, and what a check says.

package crosstalk_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"example.com/outagelab/lab/crosstalk"
)

// printer is a test that prints what it is told. In a test of your own, give
// Check your *testing.T.
type printer struct{}

func (printer) Helper() {}

func (printer) Logf(format string, args ...any) {
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		fmt.Println(strings.TrimRight(line, "\n"))
	}
}

func (p printer) Errorf(format string, args ...any) { p.Logf(format, args...) }

// profile greets its user with their name, which it looks up first.
func profile() http.Handler {
	names := make(chan string, 8) // answers of the directory
	lookUp := func(session string) {
		time.Sleep(20 * time.Millisecond)
		names <- "the owner of " + session
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		go lookUp(r.Header.Get("Session"))
		select {
		case name := <-names:
			fmt.Fprintf(w, "welcome, %s", name)
		case <-r.Context().Done(): // the user has not waited
		}
	})
}

func Example() {
	crosstalk.Check(printer{}, profile, func(user int, canary string) *http.Request {
		r := httptest.NewRequest("GET", "/profile", nil)
		r.Header.Set("Session", canary)
		return r
	})
	// Output:
	// crosstalk: the handler shows one user's data to another: user B got what only user A had
	// sent.
	//
	//   where      in the body: welcome, the owner of «A's canary»
	//   schedule   A leaves midway; the smallest that shows it is A in, A leaves, B in, B out
	//
	//     A  in┄waits┄leaves┄end
	//     B                      in┄waits┄write┄out
	//
	//     Time goes to the right. waits: for a nap or for somebody else, of its own accord.
	//     write: the check keeps it there for a while, as a slow client or network would.
	//
	//   when       A had been and gone when B came in, and found what A had left behind
	//   means      a value that belongs to one request was kept where the other request found
	//              it: in the handler, a package variable, a pool, a cache, a connection or a
	//              closure. Keep it in a variable of the request's own, or key it by who asks.
	//   ran        22 schedules with 50 requests in virtual time, on net/http
	//   replies    45 × 200 OK, 5 × client left
	//   stops      waits (crosstalk/example_test.go:38), write (crosstalk/example_test.go:40)
}
