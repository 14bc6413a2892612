// The exercise's app with a feed that has its limits.

package broken

import (
	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
)

// FeedOneQuestion is the exercise's app on two event loops behind nginx. The feed
// works on 10 polls at a time, and the others wait.
func FeedOneQuestion() (lab.System, error) {
	app := feedsim.AppConfig{Awaiting: true}
	system := exercise.Behind(feedsim.Evented(), app)
	system.Services = []lab.Service{exercise.Feed(feedsim.FeedConfig{Capacity: 10})}
	return system, nil
}
