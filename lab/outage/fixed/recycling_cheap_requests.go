// The PoC on a worker that is replaced now and then, since it leaks memory.

package fixed

import (
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/fidelity"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

// RecyclingCheapRequests is the PoC's app on one worker, with what a request and a
// boot were measured to cost.
func RecyclingCheapRequests() (lab.System, error) {
	server := worker.Defaults(worker.Sync)
	server.CPU, server.BootTime = fidelity.SyncCPU, fidelity.Boot
	server.MaxRequests, server.MaxRequestsJitter = 50_000, 5_000
	return lab.System{Server: server, App: lab.Seeded(pocserver.Instances)}, nil
}
