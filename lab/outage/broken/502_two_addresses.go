// An app with a report that takes longer than nginx waits.

package broken

import (
	"fmt"
	"net/http"
	"time"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
	"example.com/outagelab/pocserver/worker"
)

// TwoAddresses502 is gunicorn behind nginx, on a machine whose hosts file says that
// localhost is 127.0.0.1 and ::1, as most do. / answers at once, /report in 70 s.
func TwoAddresses502() (lab.System, error) {
	conf, err := configured("502_two_addresses.conf")
	if err != nil {
		return lab.System{}, err
	}
	views := http.NewServeMux()
	views.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "your page") })
	views.HandleFunc("/report", func(w http.ResponseWriter, r *http.Request) {
		worker.Block(r.Context(), 70*time.Second)
		fmt.Fprintln(w, "your report")
	})
	server := feedsim.Threaded()
	server.Threads = 25
	return lab.System{
		Front:  lab.Front{Config: conf, Hosts: exercise.TwoAddresses()},
		Server: server, App: lab.Always(views), Address: "127.0.0.1:5000",
	}, nil
}
