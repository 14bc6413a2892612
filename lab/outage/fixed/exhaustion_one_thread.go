// The PoC on gunicorn's threaded worker.

package fixed

import (
	"example.com/outagelab/lab"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

// ExhaustionOneThread is the PoC's app on gunicorn -k gthread.
func ExhaustionOneThread() (lab.System, error) {
	server := worker.Defaults(worker.Threaded)
	server.Threads = 8
	return lab.System{Server: server, App: lab.Seeded(pocserver.Instances)}, nil
}
