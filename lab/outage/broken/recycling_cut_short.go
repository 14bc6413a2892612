// The PoC on loops that are replaced now and then, and quickly.

package broken

import (
	"example.com/outagelab/lab"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

// RecyclingCutShort is the PoC's app on gunicorn over two loops.
func RecyclingCutShort() (lab.System, error) {
	server := worker.Defaults(worker.Evented)
	server.Workers = 2
	server.MaxRequests = 100
	server.GracefulTimeout = 0
	return lab.System{Server: server, App: lab.Seeded(pocserver.Instances)}, nil
}
