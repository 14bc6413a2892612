// An async view that asks a database.

package fixed

import (
	"fmt"
	"net/http"
	"time"

	"example.com/outagelab/lab"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

// BlockingOneCall is uvicorn, with a view that takes 50 ms.
func BlockingOneCall() (lab.System, error) {
	report := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		worker.Await(r.Context(), 50*time.Millisecond) // the database
		fmt.Fprintln(w, "your report")
	})
	return lab.System{Server: pocserver.RunAsync(), App: lab.Always(report)}, nil
}
