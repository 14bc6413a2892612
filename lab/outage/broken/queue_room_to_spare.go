// An app that only takes time, on a pool that is busy most of it.

package broken

import (
	"time"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/synthetic"
	"example.com/outagelab/pocserver/worker"
)

// QueueRoomToSpare is gunicorn -k gthread. A page takes 1 s on average, sometimes
// much less, and sometimes five times that.
func QueueRoomToSpare() (lab.System, error) {
	server := worker.Defaults(worker.Threaded)
	server.Threads = 4
	page := synthetic.Route{Path: "/", Time: feedsim.Exponential(time.Second)}
	return lab.System{
		Server: server, App: lab.Seeded(synthetic.Instances(page)),
		Variant: "a page takes 1 s on average, exponentially distributed",
	}, nil
}
