// The exercise with its three servers, and nginx which routes to them.

package fixed

import (
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
)

// RoutingAllToOne is the exercise's app on all of its servers: 2 sync workers on
// 5000, 2 × 25 threads on 5100, and on 5200 2 event loops whose handlers await.
func RoutingAllToOne() (lab.System, error) {
	conf, err := configured("routing_all_to_one.conf")
	if err != nil {
		return lab.System{}, err
	}
	return exercise.Setup{Conf: conf, OneAddress: true, Threads: 25, Awaiting: true}.System(), nil
}
