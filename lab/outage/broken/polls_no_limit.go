// The exercise's app: a slow route and a fast one on the same workers.

package broken

import (
	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
)

// PollsNoLimit is the exercise's app on two workers behind nginx.
func PollsNoLimit() (lab.System, error) {
	app := feedsim.AppConfig{}
	return exercise.Behind(feedsim.Prefork(), app), nil
}
