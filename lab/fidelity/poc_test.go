// The PoC against the field: throughput, late replies and medians of what wrk
// would print.

package fidelity_test

import (
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/fidelity"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

func with(c worker.Config, change func(*worker.Config)) worker.Config {
	change(&c)
	return c
}

// TestPoCFidelity compares what wrk printed with the mean over the seeds of what
// it would print for the model. make fidelity runs 50.
func TestPoCFidelity(t *testing.T) {
	var measured struct {
		Rows []struct {
			Server    string
			Path      string
			Sleep     float64 `json:"sleep_s"`
			Timeouts  float64
			P50       float64 `json:"p50_s"`
			PerSecond float64 `json:"requests_per_s"`
			Measured  float64 `json:"measured_s"`
		}
	}
	field(t, "poc.json", &measured)
	require.Len(t, measured.Rows, 9)

	// The servers as they were measured; the costs are the calibrated ones.
	servers := map[string]struct {
		config worker.Config
		part   float64 // how far off the throughput may be: the field's own spread
	}{
		"gunicorn_sync_maxreq500": {with(pocserver.RunSync(), func(c *worker.Config) {
			c.CPU, c.SleepOvershoot, c.BootTime = fidelity.SyncCPU, fidelity.Overshoot, fidelity.Boot
		}), 0.15},
		"gunicorn_sync": {with(pocserver.RunSync(), func(c *worker.Config) {
			c.CPU, c.SleepOvershoot, c.MaxRequests = fidelity.SyncCPU, fidelity.Overshoot, 0
		}), 0.15},
		"uvicorn": {with(pocserver.RunAsync(), func(c *worker.Config) {
			c.CPU, c.SleepOvershoot, c.Replies = fidelity.AsyncCPU, fidelity.Overshoot, worker.EndOfTurn
		}), 0.20},
	}

	n := few(1)
	table := new(strings.Builder)
	w := tabwriter.NewWriter(table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\t\treplies/s\t\t\tover 2 s\t\t\tmedian, s\t\t\t\n")
	fmt.Fprintf(w, "server\tsleep\tfield\tmodel\toff\tfield\tmodel\toff\tfield\tmodel\toff\t\n")
	type means struct{ rate, late, median float64 }
	model := make([]*means, len(measured.Rows)) // nil for a row that is left out
	allOf(t, len(measured.Rows), func(i int) error {
		row := measured.Rows[i]
		if requests := row.PerSecond * row.Measured; racedetector.On && requests > 1000 {
			t.Logf("%s at sleep %g: about %.0f requests a seed are too many for the race detector: it needs a run without -race", row.Server, row.Sleep, requests)
			return nil
		}
		server, known := servers[row.Server]
		if !known {
			return fmt.Errorf("poc.json has a row of %q", row.Server)
		}
		m := new(means)
		for seed := range n {
			o, err := lab.Experiment{
				Name:   row.Server,
				System: lab.System{Server: server.config, App: lab.Seeded(pocserver.Instances)},
				// wrk gives each of its 8 threads 500/8 = 62 connections.
				Load: []load.Load{load.Closed{
					Path:        fmt.Sprintf("%s?sleep=%g", row.Path, row.Sleep),
					Connections: 496, Duration: time.Duration(row.Measured * float64(time.Second)),
				}},
				Seed: uint64(seed),
			}.Run(t)
			if err != nil {
				return err
			}
			m.rate += lab.Throughput.Of(o) / float64(n)
			m.late += lab.Timeouts.Of(o) / float64(n)
			m.median += lab.WrkLatency(50).Of(o) / float64(n)
		}
		model[i] = m
		return nil
	})

	for i, row := range measured.Rows {
		m := model[i]
		if m == nil {
			continue
		}
		fmt.Fprintf(w, "%s\t%g\t%.1f\t%.1f\t%s\t%.0f\t%.1f\t%s\t%.3f\t%.3f\t%s\t\n", row.Server, row.Sleep,
			row.PerSecond, m.rate, off(m.rate, row.PerSecond), row.Timeouts, m.late, off(m.late, row.Timeouts), row.P50, m.median, off(m.median, row.P50))
		what := fmt.Sprintf("%s at sleep %g", row.Server, row.Sleep)
		assert.InEpsilon(t, row.PerSecond, m.rate, servers[row.Server].part, "replies a second, %s", what)
		if row.Timeouts == 0 {
			assert.Zero(t, m.late, "replies over 2 s, %s", what)
		} else {
			assert.InEpsilon(t, row.Timeouts, m.late, 0.10, "replies over 2 s, %s", what)
		}
		assert.InEpsilon(t, row.P50, m.median, 0.20, "median of what wrk recorded, %s", what)
	}
	w.Flush()
	t.Logf("the field against the mean of %d seeds\n%s", n, table)
}

func off(model, field float64) string {
	if field == 0 && model == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%+.1f %%", 100*(model-field)/field)
}
