package synthetic_test

import (
	"fmt"
	"time"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/synthetic"
	"example.com/outagelab/pocserver/worker"
)

// What does an app whose requests take two seconds each give 10 users on one sync
// worker?
func Example() {
	app := synthetic.Instances(synthetic.Route{Path: "/", Time: feedsim.Constant(2 * time.Second)})
	seen, err := lab.Experiment{
		System: lab.System{Server: worker.Defaults(worker.Sync), App: lab.Seeded(app)},
		Load:   []load.Load{load.Closed{Path: "/report", Connections: 10, Duration: time.Minute}},
	}.Run(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.1f replies a second, the median after %.0f s\n", lab.Throughput.Of(seen), lab.Latency(50).Of(seen))
	// Output: 0.5 replies a second, the median after 20 s
}
