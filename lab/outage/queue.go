// The outage that theory is about: a queue where there is room.

package outage

import (
	"time"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/outage/broken"
	"example.com/outagelab/lab/outage/fixed"
)

var queue = []Outage{
	{
		Name:     "queue/room-to-spare",
		Question: "The threads are busy 70 % of the time. Is that room enough?",
		Covers:   []string{"queue/"},
		Read:     append(run("queue/four-threads", "queue/even-naps"), setting("threads")),
		Source:   "queue_room_to_spare.go", Broken: broken.QueueRoomToSpare, Fixed: fixed.QueueRoomToSpare,
		Experiment: lab.Experiment{
			Claim:   "A page takes 1 s on average, and 2.8 users a second ask for one, so four threads are busy 70 % of the time. That leaves room for 30 % more: hardly anybody waits, and users have their page in 1.1 s on average.",
			Load:    []load.Load{load.Open{Name: "users", Path: "/", Rate: 2.8, Poisson: true, Duration: 1_000 * time.Second}},
			Horizon: 1_060 * time.Second,
			Checks: []lab.Check{
				{Metric: lab.MeanLatency, Want: 1.1, Formula: "the claim: the page's own second, and a tenth", Within: lab.AtMost("it is what was claimed")},
			},
			Lesson: lab.Lesson{
				Cause: "70 % is an average. Users come at random and pages take a random time, so that four or more are there together 43 % of the time (Erlang's C for 4 threads and 2.8/s · 1 s), and who comes then waits: 0.36 s on average over all users, and one in eight for longer than a second. At 90 % it would be 2 s on average, and at 99 % 24 s.",
				Fix:   "Leave room for chance: with six threads, busy 47 % of the time, one user in thirteen waits. Or take some of the chance out, with pages that take the same time each. make lab SCENARIO=file.yaml with search: {threads: 1..20} finds how many it takes for what you promise.",
			},
		},
	},
}
