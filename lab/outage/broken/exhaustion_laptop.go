// The PoC as it is deployed, which is not as it is developed.

package broken

import (
	"example.com/outagelab/lab"
	"example.com/outagelab/pocserver"
)

// ExhaustionLaptop is the PoC's app on gunicorn, one worker for a small team.
func ExhaustionLaptop() (lab.System, error) {
	server := pocserver.RunSync()
	return lab.System{Server: server, App: lab.Seeded(pocserver.Instances)}, nil
}
