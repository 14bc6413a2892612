// The PoC on one worker of gunicorn's.

package fixed

import (
	"example.com/outagelab/lab"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

// ExhaustionOneWorker is the PoC's app, whose requests mostly wait, on one worker.
func ExhaustionOneWorker() (lab.System, error) {
	server := worker.Defaults(worker.Threaded)
	server.Threads = 25
	return lab.System{Server: server, App: lab.Seeded(pocserver.Instances)}, nil
}
