// The rows of the PoC that were measured, as runs of the model.

package fidelity_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/fidelity"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

// A pocRow is what poc.json says of one server and sleep.
type pocRow struct {
	Server    string
	Path      string
	Sleep     float64 `json:"sleep_s"`
	Timeouts  float64
	P50       float64 `json:"p50_s"`
	P75       float64 `json:"p75_s"`
	P90       float64 `json:"p90_s"`
	P99       float64 `json:"p99_s"`
	Requests  float64
	Measured  float64 `json:"measured_s"`
	PerSecond float64 `json:"requests_per_s"`
}

func (r *pocRow) String() string { return fmt.Sprintf("%s, sleep %g", r.Server, r.Sleep) }

func pocRows(t *testing.T) []pocRow {
	t.Helper()
	var file struct{ Rows []pocRow }
	field(t, "poc.json", &file)
	require.Len(t, file.Rows, 9)
	return file.Rows
}

func with(c worker.Config, change func(*worker.Config)) worker.Config {
	change(&c)
	return c
}

// pocServers are the servers as they were measured; the costs are the calibrated
// ones.
var pocServers = map[string]worker.Config{
	"gunicorn_sync_maxreq500": with(pocserver.RunSync(), func(c *worker.Config) {
		c.CPU, c.SleepOvershoot, c.BootTime = fidelity.SyncCPU, fidelity.Overshoot, fidelity.Boot
	}),
	"gunicorn_sync": with(pocserver.RunSync(), func(c *worker.Config) {
		c.CPU, c.SleepOvershoot, c.MaxRequests = fidelity.SyncCPU, fidelity.Overshoot, 0
	}),
	"uvicorn": with(pocserver.RunAsync(), func(c *worker.Config) {
		c.CPU, c.SleepOvershoot, c.Replies = fidelity.AsyncCPU, fidelity.Overshoot, worker.EndOfTurn
	}),
}

// calibratedOn names what was calibrated on a row.
func calibratedOn(row *pocRow) string {
	switch {
	case row.Server == "uvicorn":
		return "AsyncCPU"
	case row.Server == "gunicorn_sync" && row.Sleep == 0:
		return "SyncCPU"
	case row.Server == "gunicorn_sync" && row.Sleep == 0.001:
		return "Overshoot"
	case row.Server == "gunicorn_sync_maxreq500" && row.Sleep == 0.001:
		return "Boot"
	}
	return ""
}

// pocRuns is every row of poc.json. What it says of requests and their rate is one
// number, and so, by Little's law, are rate and median of a row where requests
// wait for the processor.
func pocRuns(t *testing.T) (runs []*run) {
	t.Helper()
	for _, row := range pocRows(t) {
		server, known := pocServers[row.Server]
		require.True(t, known, "poc.json has a row of %q", row.Server)
		r := &run{
			name:   row.String(),
			system: lab.System{Server: server, App: lab.Seeded(pocserver.Instances)},
			// wrk gives each of its 8 threads 500/8 = 62 connections, and looks at its
			// clock every 100 ms: hence what it measured.
			loads: []load.Load{load.Closed{
				Path:        fmt.Sprintf("%s?sleep=%g", row.Path, row.Sleep),
				Connections: 496, Duration: time.Duration(row.Measured * float64(time.Second)),
			}},
			recorded: 100, heavy: row.Requests > 1000,
		}
		napping := strings.HasPrefix(row.Server, "gunicorn") && row.Sleep == 0.1
		perSecond := r.addFine("replies/s", 0.1, lab.Throughput, row.PerSecond)
		r.add("replies over 2 s", lab.Timeouts, row.Timeouts)
		perSecond.Calibrated = calibratedOn(&row)
		for _, p := range []struct{ percent, field float64 }{{50, row.P50}, {75, row.P75}, {90, row.P90}, {99, row.P99}} {
			c := r.addFine(fmt.Sprintf("p%g, s", p.percent), 0.001, lab.WrkLatency(p.percent), p.field)
			switch {
			case p.percent == 50 || napping:
				c.Calibrated = perSecond.Calibrated
			default:
				c.Lacks = "pace"
			}
		}
		runs = append(runs, r)
	}
	return runs
}
