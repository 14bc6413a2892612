// The exercise's streams on its threaded server.

package fixed

import (
	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
)

// StreamsOneThread is the exercise's app on gunicorn -k gthread -w 2 behind nginx.
func StreamsOneThread() (lab.System, error) {
	server := feedsim.Threaded()
	server.Threads = 40
	return exercise.Behind(server, feedsim.AppConfig{}), nil
}
