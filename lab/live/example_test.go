// The package at its best.

package live_test

import (
	"context"
	"fmt"
	"time"

	"example.com/outagelab/lab/appserver"
	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/live"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/pocserver"
)

// A server is diagnosed that happens to be twelve event loops. Here it is on a
// simulated network and the quarter of a minute is virtual; of a real one the target
// is live.Parse("http://127.0.0.1:8000", false).
func ExampleDiagnose() {
	err := bubble.Run(nil, 5*time.Second, bubble.Patient, func() error {
		var network simnet.Network
		config := pocserver.RunAsync12()
		server, err := appserver.Start(&network, address, &config, pocserver.Instances(1), nil)
		if err != nil {
			return err
		}
		report, err := live.Diagnose(context.Background(), targetOn(&network), nil)
		if err != nil {
			return err
		}
		fmt.Println(report.Headline())
		fmt.Println("fits", report.Deployments)
		for _, v := range report.RuledOut {
			fmt.Println("not", v.Name)
		}
		return server.Close(time.Minute)
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// behaves like 12 event loops: up to 12 requests in service at /blocking_sleep/
	// fits [run.async12]
	// not one sync worker
	// not 12 sync workers
	// not a pool of 12 threads in at least 12 processes
	// not one event loop
	// not a thread for each request, in at least 12 processes
}
