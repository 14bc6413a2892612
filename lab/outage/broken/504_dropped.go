// The exercise's app with a short queue before it.

package broken

import (
	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
)

// Dropped504 is the exercise's app on two workers behind nginx, with more polls than
// they can serve. 9 connections may wait for a worker; what comes beyond that the
// kernel drops, as Linux does.
func Dropped504() (lab.System, error) {
	conf, err := configured("504_dropped.conf")
	if err != nil {
		return lab.System{}, err
	}
	server := feedsim.Prefork()
	server.Backlog = 8
	system := exercise.Behind(server, feedsim.AppConfig{})
	system.Front.Config = conf
	return system, nil
}
