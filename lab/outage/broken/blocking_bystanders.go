// Async views on gunicorn: a page, and an export that takes its time.

package broken

import (
	"fmt"
	"net/http"
	"time"

	"example.com/outagelab/lab"
	"example.com/outagelab/pocserver/worker"
)

// BlockingBystanders is gunicorn over one loop. / asks a database that answers in
// 1 s; /export calls a library that takes 40 s, and blocks.
func BlockingBystanders() (lab.System, error) {
	views := http.NewServeMux()
	views.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		worker.Await(r.Context(), time.Second)
		fmt.Fprintln(w, "your page")
	})
	export := func(r *http.Request) { worker.Block(r.Context(), 40*time.Second) }
	views.HandleFunc("/export", func(w http.ResponseWriter, r *http.Request) {
		export(r)
		fmt.Fprintln(w, "your export")
	})
	return lab.System{Server: worker.Defaults(worker.Evented), App: lab.Always(views)}, nil
}
