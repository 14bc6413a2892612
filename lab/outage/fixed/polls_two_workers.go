// The exercise's app, all of it on one app server.

package fixed

import (
	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
)

// PollsTwoWorkers is the exercise's app on gunicorn behind nginx.
func PollsTwoWorkers() (lab.System, error) {
	server := feedsim.Threaded()
	server.Threads = 25
	return exercise.Behind(server, feedsim.AppConfig{}), nil
}
