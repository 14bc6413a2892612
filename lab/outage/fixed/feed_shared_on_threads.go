// The exercise's app, whose requests share their polls.

package fixed

import (
	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
)

// FeedSharedOnThreads is the exercise's app on two workers with threads behind nginx.
// Requests of one worker that wait for the feed at the same time share one poll.
func FeedSharedOnThreads() (lab.System, error) {
	server := feedsim.Threaded()
	server.Threads = 50
	return exercise.Behind(server, feedsim.AppConfig{Coalesce: true}), nil
}
