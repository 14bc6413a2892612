package report_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/report"
	"example.com/outagelab/pocserver"
)

// In a test, lab.Test(t, rows, report.HTML()) writes the page beside results.json
// when it runs with -lab.out. This is what it does with one experiment.
func ExampleHTML() {
	e := lab.Experiment{
		Name:   "two-users/sync",
		Claim:  "One sync worker serves two users one after the other.",
		System: lab.System{Server: pocserver.RunSync(), App: lab.Seeded(pocserver.Instances)},
		Load: []load.Load{
			load.Closed{Name: "two users", Path: "/sync_sleep/?sleep=1", Connections: 2, Duration: 20 * time.Second},
		},
		Checks: []lab.Check{{
			Metric: lab.Throughput, Want: 2, Formula: "1/E[S] = 1/(0.5 s)",
			Within: lab.Relative(0.37, "4σ of the time that 40 naps take: 4·(1/√3)/√40"),
		}},
	}
	naps := func(rows []*lab.Result) (report.Figure, error) {
		f := report.Figure{
			Title: "The longer the nap, the fewer replies.",
			X:     report.Axis{Title: "mean nap", Unit: "s"},
			Y:     report.Axis{Title: "throughput", Unit: "replies/s"},
		}
		for _, r := range rows {
			f.Points = append(f.Points, report.Series{
				Of: "sync worker", From: "in the model", At: []report.Point{{X: 0.5, Y: *r.Checks[0].Observed}},
			})
		}
		return f, nil
	}

	dir, err := os.MkdirTemp("", "report")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path, err := report.HTML(naps)(dir, lab.Collect(lab.Judge(nil, e)))
	if err != nil {
		panic(err)
	}
	page, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	fmt.Println(filepath.Base(path))
	_, caption, _ := strings.Cut(string(page), "<article")
	_, caption, _ = strings.Cut(caption, "<figcaption><strong>")
	caption, _, _ = strings.Cut(caption, "</strong>")
	fmt.Println(strings.ReplaceAll(caption, "\u00a0", " ")) // numbers stay with their units
	// Output:
	// index.html
	// 1 worker, held by /sync_sleep/ nearly all the time. Served: 37 requests of two users after 1.829 s at most.
}
