// The exercise's app on its threaded server.

package fixed

import (
	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
)

// PollsOneThread is the exercise's app on gunicorn -k gthread -w 2 behind nginx.
func PollsOneThread() (lab.System, error) {
	server := feedsim.Threaded()
	server.Threads = 25
	return exercise.Behind(server, feedsim.AppConfig{}), nil
}
