// A stream of an app's own: a line every two seconds, through nginx.

package fixed

import (
	"fmt"
	"net/http"
	"time"

	"example.com/outagelab/lab"
	"example.com/outagelab/pocserver/worker"
)

// BufferingAllAtOnce is gunicorn's sync worker behind an nginx of which the app's
// authors see nothing but that it is there.
func BufferingAllAtOnce() (lab.System, error) {
	conf, err := configured("plain.conf")
	if err != nil {
		return lab.System{}, err
	}
	stream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("X-Accel-Buffering", "no")
		for {
			worker.Block(r.Context(), 2*time.Second) // until there is news
			if _, err := fmt.Fprintln(w, "news"); err != nil {
				return
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				return
			}
		}
	})
	return lab.System{
		Front:  lab.Front{Config: conf},
		Server: worker.Defaults(worker.Sync), App: lab.Always(stream), Address: "127.0.0.1:5000",
	}, nil
}
