// The PoC on gunicorn's threaded worker.

package broken

import (
	"example.com/outagelab/lab"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

// ExhaustionOneThread is the PoC's app on gunicorn -k gthread.
func ExhaustionOneThread() (lab.System, error) {
	server := worker.Defaults(worker.Threaded)
	return lab.System{Server: server, App: lab.Seeded(pocserver.Instances)}, nil
}
