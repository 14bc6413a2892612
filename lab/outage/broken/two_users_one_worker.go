// The PoC, for two users.

package broken

import (
	"example.com/outagelab/lab"
	"example.com/outagelab/pocserver"
)

// TwoUsersOneWorker is the PoC's app on one process.
func TwoUsersOneWorker() (lab.System, error) {
	server := pocserver.RunSync()
	return lab.System{Server: server, App: lab.Seeded(pocserver.Instances)}, nil
}
