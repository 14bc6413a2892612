// The exercise's app with a feed that has a slow day.

package broken

import (
	"time"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
)

// KilledWorker502 is the exercise's app on two workers behind nginx. A poll takes
// 40 s, and nginx waits for 60.
func KilledWorker502() (lab.System, error) {
	server := feedsim.Prefork()
	server.Timeout = 30 * time.Second
	system := exercise.Behind(server, feedsim.AppConfig{})
	system.Services = []lab.Service{exercise.Feed(feedsim.FeedConfig{Delay: feedsim.Constant(40 * time.Second)})}
	return system, nil
}
