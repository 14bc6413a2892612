// The PoC on uvicorn, on a machine with a processor to spare for each loop.

package broken

import (
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/fidelity"
	"example.com/outagelab/pocserver"
)

// ExhaustionOneLoop is the PoC's app on uvicorn, with what a request was measured
// to cost it.
func ExhaustionOneLoop() (lab.System, error) {
	server := pocserver.RunAsync()
	server.CPU = fidelity.AsyncCPU
	return lab.System{Server: server, App: lab.Seeded(pocserver.Instances)}, nil
}
