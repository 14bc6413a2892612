// The exercise's app on its evented server.

package fixed

import (
	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
)

// PollsBlocking is the exercise's app on two event loops behind nginx.
func PollsBlocking() (lab.System, error) {
	app := feedsim.AppConfig{Awaiting: true}
	return exercise.Behind(feedsim.Evented(), app), nil
}
