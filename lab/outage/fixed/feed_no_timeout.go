// The exercise's app with a feed that forgets some polls.

package fixed

import (
	"time"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
)

// FeedNoTimeout is the exercise's app on 2 × 25 threads behind nginx. One poll in five
// is never answered.
func FeedNoTimeout() (lab.System, error) {
	server := feedsim.Threaded()
	server.Threads = 25
	app := feedsim.AppConfig{FeedTimeout: 6 * time.Second}
	system := exercise.Behind(server, app)
	system.Services = []lab.Service{exercise.Feed(feedsim.FeedConfig{Delay: feedsim.Uniform(0, 5*time.Second), Hangs: 0.2})}
	return system, nil
}
