// The exercise's streams, on the server that all its routes are sent to.

package fixed

import (
	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
)

// StreamsTwoWorkers is the exercise's app on gunicorn behind nginx.
func StreamsTwoWorkers() (lab.System, error) {
	server, app := feedsim.Evented(), feedsim.AppConfig{Awaiting: true}
	return exercise.Behind(server, app), nil
}
