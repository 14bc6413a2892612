// The exercise's streams, ten lines a second, through nginx.

package fixed

import (
	"time"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
)

// BufferingFirstLine is the exercise's app on two event loops behind nginx. The feed
// answers in 0.1 s.
func BufferingFirstLine() (lab.System, error) {
	conf, err := configured("buffering_first_line.conf")
	if err != nil {
		return lab.System{}, err
	}
	system := exercise.Behind(feedsim.Evented(), feedsim.AppConfig{Awaiting: true})
	system.Front.Config = conf
	system.Services = []lab.Service{exercise.Feed(feedsim.FeedConfig{Delay: feedsim.Constant(100 * time.Millisecond)})}
	return system, nil
}
