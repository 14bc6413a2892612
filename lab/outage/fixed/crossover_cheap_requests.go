// The PoC's cheapest requests, which wait for nothing.

package fixed

import (
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/fidelity"
	"example.com/outagelab/pocserver"
)

// CrossoverCheapRequests is the PoC's app on one process, with what a request was
// measured to cost it.
func CrossoverCheapRequests() (lab.System, error) {
	server := pocserver.RunSync()
	server.CPU = fidelity.SyncCPU
	server.MaxRequests = 0 // no worker is replaced
	return lab.System{Server: server, App: lab.Seeded(pocserver.Instances)}, nil
}
