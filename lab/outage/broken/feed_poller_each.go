// The exercise's streams with a feed that has its limits.

package broken

import (
	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
)

// FeedPollerEach is the exercise's app on two event loops behind nginx. The feed
// works on 10 polls at a time, and the others wait.
func FeedPollerEach() (lab.System, error) {
	app := feedsim.AppConfig{Awaiting: true}
	system := exercise.Behind(feedsim.Evented(), app)
	system.Services = []lab.Service{exercise.Feed(feedsim.FeedConfig{Capacity: 10})}
	return system, nil
}
