package lab_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

// A table of experiments is a test.
func ExampleTest() {
	rows := []lab.Experiment{{
		Name:   "exhaustion/sync",
		Claim:  "One sync worker naps for one user at a time: 500 connections get 1/E[S] replies a second.",
		System: lab.System{Server: pocserver.RunSync(), App: lab.Seeded(pocserver.Instances)},
		Load:   []load.Load{load.Closed{Connections: 500, Duration: 10 * time.Second, Path: "/sync_sleep/?sleep=0.1"}},
		Checks: []lab.Check{{
			Metric: lab.Throughput, Want: 20, Formula: "1/E[S] = 1/(0.05 s)",
			Within: lab.Relative(0.16, "4σ of the mean of 200 naps uniform(0, 0.1 s): 4·(1/√12)/(1/2)/√200"),
		}},
		Lesson: lab.Lesson{
			Cause: "A sync worker has one request from accept to close, and the nap is in between.",
			Fix:   "Nap where no worker is held: in threads, or awaiting on an event loop.",
		},
		Sibling: func(e *lab.Experiment) { e.System.Server = pocserver.RunDev() },
	}}

	_ = func(t *testing.T) { lab.Test(t, rows) } // func TestExperiments(t *testing.T) { … }
}

// Run gives what an experiment saw, for a question that no row asks.
func ExampleExperiment_Run() {
	nap := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		worker.Block(r.Context(), time.Second)
	})
	e := lab.Experiment{
		System: lab.System{Server: worker.Defaults(worker.Sync), App: lab.Always(nap)},
		Load:   []load.Load{load.Open{Path: "/", Rate: 2, Duration: 10 * time.Second}},
	}
	for _, workers := range []int{1, 2} {
		e.System.Server.Workers = workers
		seen, err := e.Run(nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%v: %.0f of %d answered, the slowest after %.0f s\n",
			e.System.Server, lab.Replies(200).Of(seen), len(seen.Records), lab.Latency(100).Of(seen))
	}
	// Output:
	// 1 sync worker: 9 of 20 answered, the slowest after 5 s
	// 2 sync workers: 18 of 20 answered, the slowest after 1 s
}
