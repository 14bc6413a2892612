// The exercise's traffic.

package exercise

import (
	"time"

	"example.com/outagelab/lab/load"
)

// Polls is 10 requests a second to /check_feed, and one to /, for 120 s. Its loads
// are named by their routes. (feed.json, load 1.)
func Polls() []load.Load {
	return []load.Load{
		load.Open{Name: "/check_feed", Path: "/check_feed", Rate: 10, Duration: 120 * time.Second},
		load.Open{Name: "/", Path: "/", Rate: 1, Duration: 120 * time.Second},
	}
}

// Streams is 75 connections to /stream_feed held for 90 s, and 2 requests a second
// to / from second 2 to 87. (feed.json, load 2.)
func Streams() []load.Load {
	return []load.Load{
		load.Open{
			Name: "/stream_feed", Path: "/stream_feed", Rate: 75 / burst.Seconds(), Duration: burst, Timeout: 90 * time.Second,
		},
		load.Open{Name: "/", Path: "/", Rate: 2, Start: 2 * time.Second, Duration: 85 * time.Second},
	}
}

// Patience is how long after the last request the field's client waited for the
// replies to the polls and to /: longer than nginx does.
const Patience = 61 * time.Second

// burst is how long the client takes to open its 75 connections: one after the
// other, and not as fast as a server accepts them, which is one a nanosecond
// here. (An event loop would otherwise have accepted all 75 before it began with
// the first. In the field some were still in the backlog when the first loops
// were killed: of 170 requests to /, 48 were lost with the second ones.)
const burst = 75 * 2 * time.Nanosecond
