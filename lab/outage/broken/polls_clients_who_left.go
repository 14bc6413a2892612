// The exercise's app, whose users do not wait for ever.

package broken

import (
	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
)

// PollsClientsWhoLeft is the exercise's app on two workers behind nginx, which
// gives up after 60 s.
func PollsClientsWhoLeft() (lab.System, error) {
	app := feedsim.AppConfig{}
	return exercise.Behind(feedsim.Prefork(), app), nil
}
