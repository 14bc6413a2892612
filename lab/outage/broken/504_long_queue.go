// The exercise's app, and the queue before it.

package broken

import (
	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
	"example.com/outagelab/lab/simnet"
)

// LongQueue504 is the exercise's app on two workers behind nginx, with more polls
// than they can serve.
func LongQueue504() (lab.System, error) {
	server := feedsim.Prefork()
	server.Backlog = 2048
	system := exercise.Behind(server, feedsim.AppConfig{})
	system.Overflow = simnet.Drop
	return system, nil
}
