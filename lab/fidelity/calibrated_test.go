// What was calibrated is what its rows say: each parameter, again from them.

package fidelity_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/exercise"
	"example.com/outagelab/lab/fidelity"
	"example.com/outagelab/lab/racedetector"
)

func TestParametersAreWhatTheirRowsSay(t *testing.T) {
	rows := map[string]pocRow{}
	for _, row := range pocRows(t) {
		rows[row.String()] = row
	}
	// cost is what a request took the server, in milliseconds.
	cost := func(row string) float64 {
		r, ok := rows[row]
		require.True(t, ok, "a row %q in poc.json", row)
		return 1e3 * r.Measured / r.Requests
	}
	uvicorn := []float64{cost("uvicorn, sleep 0"), cost("uvicorn, sleep 0.001"), cost("uvicorn, sleep 0.1")}

	// How a standard deviation of one worker's share comes of AcceptAgain: each of
	// the 75 streams goes to the worker of the one before it with this correlation.
	const streams, trials, deviation = 75, 25, 7.0
	share := func(again float64) float64 {
		variance := float64(streams)
		for k := 1; k < streams; k++ {
			variance += 2 * float64(streams-k) * math.Pow(again, float64(k))
		}
		return math.Sqrt(variance) / 2
	}
	require.InDelta(t, 4.3, share(0), 0.05, "the standard deviation of a fair draw")
	ratio := math.Pow(deviation/share(0), 2) // (1+a)/(1−a), nearly

	for _, p := range []struct {
		name  string
		want  float64
		digit float64 // what the last digit of the constant stands for
	}{
		{"SyncCPU", cost("gunicorn_sync, sleep 0"), 0.001},
		{"AsyncCPU", stat.Mean(uvicorn, nil), 0.001},
		{"Overshoot", cost("gunicorn_sync, sleep 0.001") - 0.5 - cost("gunicorn_sync, sleep 0"), 0.001},
		{"Boot", 500*1e3/rows["gunicorn_sync_maxreq500, sleep 0.001"].PerSecond - 500*cost("gunicorn_sync, sleep 0.001"), 10},
		{"AcceptAgain", (ratio - 1) / (ratio + 1), 0.01},
		{"PaceSpread", stat.StdDev([]float64{math.Log(uvicorn[0]), math.Log(uvicorn[1]), math.Log(uvicorn[2])}, nil), 0.01},
		{"OvershootSpread", math.Log(0.4/0.1) / 4, 0.01},
		{"AcceptAgainSpread", 2 / math.Pow(ratio+1, 2) * ratio * math.Sqrt(2.0/(trials-1)), 0.01},
	} {
		assert.InDelta(t, p.want, parameter(t, p.name), p.digit, "%s, by its rows and as it is", p.name)
	}
	assert.InDelta(t, deviation, share(parameter(t, "AcceptAgain")), 0.1, "one worker's share of 75 streams, by the whole sum")
}

// Two processes are what gives as few 504s as the field has.
func TestTheFieldsNginxHadTwoProcesses(t *testing.T) {
	if racedetector.On {
		t.Skip("nine runs of 1,320 requests: it needs a run without -race")
	}
	field := feedCases(t)["prefork2_two_addr"].Check.Status["504"]
	off := map[int]float64{}
	for _, processes := range []int{1, 2, 4} {
		system := exercise.Behind(feedsim.Prefork(), feedsim.AppConfig{})
		system.Front.Config, system.Front.Hosts = fieldFront(t, processes), exercise.TwoAddresses()
		const n = 3
		gave := make([]float64, n)
		require.NoError(t, each(n, func(i int) error {
			o, err := lab.Experiment{System: system, Load: exercise.Polls(), Horizon: 120*time.Second + exercise.Patience, Seed: uint64(i)}.Run(t)
			if err == nil {
				gave[i] = lab.Replies(504).On("/check_feed").Of(o)
			}
			return err
		}))
		off[processes] = math.Abs(stat.Mean(gave, nil) - field)
	}
	two := int(parameter(t, "NginxProcesses"))
	for _, processes := range []int{1, 4} {
		assert.Less(t, off[two], off[processes], "how far the 504s are from the field's %g with %d processes, and with %d", field, two, processes)
	}
}

// Every parameter is held to its rows by one of the two tests.
func TestNoParameterIsLeftOut(t *testing.T) {
	var names []string
	for _, p := range fidelity.Parameters() {
		names = append(names, p.Name)
		assert.NotEmpty(t, p.Rows, "what %s was calibrated on", p.Name)
	}
	assert.Equal(t, []string{"SyncCPU", "AsyncCPU", "Overshoot", "Boot", "AcceptAgain", "NginxProcesses",
		"PaceSpread", "OvershootSpread", "AcceptAgainSpread"}, names, "a parameter that is new needs its rows in the tests above")
}

func parameter(t *testing.T, name string) float64 {
	t.Helper()
	for _, p := range fidelity.Parameters() {
		if p.Name == name {
			return p.Value
		}
	}
	t.Fatalf("no parameter %q", name)
	return 0
}
