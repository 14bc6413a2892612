// Rows that cannot be: each is an error that names the row and the field.

package lab

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/pocserver/worker"
)

// naps is an app that naps for a second, blocking, and then answers.
func naps(w http.ResponseWriter, r *http.Request) {
	worker.Block(r.Context(), time.Second)
	w.Write([]byte("rested\n"))
}

// outages is a table of two rows, with nothing random in them.
func outages() []Experiment {
	return []Experiment{
		{
			Name:   "naps/sync",
			Claim:  "One sync worker naps for one user at a time: whoever comes a moment later waits for the first.",
			System: System{Server: worker.Defaults(worker.Sync), App: Always(http.HandlerFunc(naps))},
			Load:   []load.Load{load.Open{Name: "users", Path: "/nap", Rate: 2, Duration: 10 * time.Second, Timeout: 5 * time.Second}},
			Checks: []Check{
				{Metric: Replies(200), Want: 8, Formula: "user k, from 0, waits k/2 s and naps 1 s: k = 8 would leave at 5 s", Within: Exactly()},
				{Metric: Busy, Want: 1, Formula: "2 requests/s against 1", Within: Absolute(0.01, "the instants between two requests")},
				{Metric: Latency(100), Want: 5, Formula: "the users' patience", Within: AtMost("they leave")},
			},
			Lesson: Lesson{
				Cause: "A sync worker has one request from accept to close, and the nap is in between. The others wait in the backlog.",
				Fix:   "Nap where no worker is held: in threads, as many as users nap at a time, or awaiting on an event loop.",
			},
			Sibling: func(e *Experiment) {
				e.System.Server = worker.Defaults(worker.Threaded)
				e.System.Server.Threads = 4
			},
		},
		{
			Name:   "naps/net-http",
			Claim:  "net/http starts a goroutine for each connection: nobody waits for anybody.",
			System: System{App: Always(http.HandlerFunc(naps))},
			Load:   []load.Load{load.Closed{Path: "/nap", Connections: 3, Duration: 10*time.Second + 500*time.Millisecond}},
			Checks: []Check{
				{Metric: Replies(200), Want: 30, Formula: "3 connections, 10 naps each", Within: Exactly()},
				{Metric: Failures(load.Unfinished), Want: 3, Formula: "each connection's last", Within: Exactly()},
			},
			Lesson:  Lesson{Cause: "A goroutine that naps holds nothing but its stack.", Fix: "There is nothing to fix."},
			Sibling: func(e *Experiment) { e.System.Server = worker.Defaults(worker.Sync) },
		},
	}
}

func TestRowsThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		want  string
		spoil func(*Experiment)
	}{
		{"Name is empty", func(e *Experiment) { e.Name = "" }},
		{`Name "a b" is not one for a test`, func(e *Experiment) { e.Name = "a b" }},
		{`Name "a//b" is not one for a test`, func(e *Experiment) { e.Name = "a//b" }},
		{"Claim is empty", func(e *Experiment) { e.Claim = "" }},
		{"System.App is nil", func(e *Experiment) { e.System.App = nil }},
		{"System.Overflow is 7", func(e *Experiment) { e.System.Overflow = 7 }},
		{"System.Server: worker: Config.Threads is 0", func(e *Experiment) { e.System.Server.Threads = 0 }},
		{"System.Server: worker: Config.Model", func(e *Experiment) { e.System.Server = worker.Config{Workers: 2} }},
		{"System.Server.Observer is set", func(e *Experiment) { e.System.Server.Observer = new(notebook) }},
		{"Load is empty", func(e *Experiment) { e.Load = nil }},
		{"Load[0] is nil", func(e *Experiment) { e.Load[0] = nil }},
		{`Load[1] is named "users", and so is one before it`, func(e *Experiment) { e.Load = append(e.Load, e.Load[0]) }},
		{"Horizon is -1s", func(e *Experiment) { e.Horizon = -time.Second }},
		{"Horizon is 0", func(e *Experiment) { e.Load[0] = load.Closed{Path: "/", Connections: 1, Requests: 1} }},
		{"the Overflow of the server at 127.0.0.1:8000 is set, but in real time", func(e *Experiment) { e.RealTime, e.System.Overflow = true, simnet.Refuse }},
		{"Checks is empty", func(e *Experiment) { e.Checks = nil }},
		{"Checks[0].Metric is not set", func(e *Experiment) { e.Checks[0].Metric = Metric{} }},
		{"Checks[0].Want is NaN", func(e *Experiment) { e.Checks[0].Want = math.NaN() }},
		{"Checks[0].Formula is empty", func(e *Experiment) { e.Checks[0].Formula = "" }},
		{"Checks[0].Within is not set", func(e *Experiment) { e.Checks[0].Within = Tolerance{} }},
		{"Checks[0].Within allows -1", func(e *Experiment) { e.Checks[0].Within = Relative(-1, "hope") }},
		{"Checks[0].Within does not say", func(e *Experiment) { e.Checks[0].Within = Relative(0.1, "") }},
		{"Lesson.Cause is empty", func(e *Experiment) { e.Lesson.Cause = "" }},
		{"Lesson.Fix is empty", func(e *Experiment) { e.Lesson.Fix = "" }},
		{"Sibling is nil", func(e *Experiment) { e.Sibling = nil }},
		{"Latencies[0] lacks its CDF or its Formula", func(e *Experiment) {
			e.Latencies = []Distribution{{Load: "users", Formula: "M/M/1"}}
		}},
		{"Latencies[0] lacks its CDF or its Formula", func(e *Experiment) {
			e.Latencies = []Distribution{{Load: "users", CDF: certain}}
		}},
		{`Latencies[0].Load is "nobody": no load has that name`, func(e *Experiment) {
			e.Latencies = []Distribution{{Load: "nobody", Formula: "M/M/1", CDF: certain}}
		}},
		{"Requests is -1", func(e *Experiment) { e.Requests = -1 }},
	} {
		rows := outages()
		c.spoil(&rows[0])
		err := checkTable(rows)
		if assert.Error(t, err, c.want) {
			assert.Contains(t, err.Error(), "row 0", c.want)
			assert.Contains(t, err.Error(), c.want)
			assert.NotContains(t, err.Error(), "row 1")
			assert.Equal(t, 1, strings.Count(err.Error(), "\n")+1, "one fault, one line: %v", err)
		}
	}
}

func certain(float64) float64 { return 1 }

func TestALatencyDistributionBelongsToALoad(t *testing.T) {
	rows := outages()
	rows[0].Latencies = []Distribution{{Load: "users", Formula: "M/M/1", CDF: certain}}
	assert.NoError(t, checkTable(rows))
}

func TestTablesThatCannotBe(t *testing.T) {
	rows := outages()
	rows[1].Name = rows[0].Name
	require.EqualError(t, checkTable(rows), "row 1 (naps/sync): Name is that of row 0 too")
	require.EqualError(t, checkTable(nil), "the table has no rows")
	require.NoError(t, checkTable(outages()))
}

func TestTheHorizonIsTheEndOfTheLongestLoad(t *testing.T) {
	e := Experiment{Load: []load.Load{
		load.Closed{Start: time.Second, Duration: 4 * time.Second},
		load.Open{Start: 2 * time.Second, Duration: time.Second},
	}}
	assert.Equal(t, 5*time.Second, e.horizon())
	e.Horizon = time.Minute
	assert.Equal(t, time.Minute, e.horizon())
}
