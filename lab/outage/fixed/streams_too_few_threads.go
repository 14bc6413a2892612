// The exercise's streams on threads.

package fixed

import (
	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
)

// StreamsTooFewThreads is the exercise's app on two workers with many threads each
// behind nginx.
func StreamsTooFewThreads() (lab.System, error) {
	server := feedsim.Threaded()
	server.Threads = 40
	return exercise.Behind(server, feedsim.AppConfig{}), nil
}
