package report

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot/plotter"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
)

func TestTheLineFallsAtEachLatencyByThePartThatTookIt(t *testing.T) {
	sp := spreadOf([]load.Record{
		reply("/", 200, 0, 4), reply("/", 504, 1, 2), reply("/", 200, 0, 1), reply("/", 200, 0, 2),
		failed("/", load.Timeout, 0, 90), reply("/other", 200, 0, 7),
	}, "/")
	assert.Equal(t, []float64{1, 1, 2, 4}, sp.sorted)
	assert.Equal(t, 1, sp.missing)
	assert.Equal(t, 1, sp.refusals)
	assert.Equal(t, plotter.XYs{{X: 1, Y: 0.5}, {X: 2, Y: 0.25}, {X: 4, Y: 0}}, sp.slower())
	assert.Equal(t, []float64{1, 1, 2, 4}, []float64{sp.at(0), sp.at(0.5), sp.at(0.51), sp.at(1)})
	assert.Equal(t, "half of them within 1 s, the slowest after 4 s", sp.words())
}

func value(x float64) *float64 { return &x }

func TestPredictedQuantilesAreReadFromTheChecks(t *testing.T) {
	r := &lab.Result{
		Loads: []lab.ResultLoad{{Name: "/check_feed"}},
		Checks: []lab.ResultCheck{
			{Metric: "latency p99 of /check_feed", Predicted: 5, Low: value(4.9), High: value(5.1)},
			{Metric: "latency p100", Predicted: 6, High: value(6)},
			{Metric: "latency p99 as wrk prints it", Predicted: 6},
			{Metric: "mean latency", Predicted: 1},
		},
	}
	assert.Equal(t, []foretold{
		{"/check_feed", 0.99, 5, 4.9, 5.1},
		{"/check_feed", 1, 6, math.Inf(-1), 6},
	}, foretoldOf(r))
}

// manyReplies are a hundred replies of 1 to 100 ms.
func manyReplies() *lab.Result {
	var records []load.Record
	for i := range 100 {
		records = append(records, reply("/", 200, 0, 0.001*float64(i+1)))
	}
	return seen(10, 0, nil, records)
}

func TestThePredictedLineIsWhereTheoryPutsIt(t *testing.T) {
	r := manyReplies()
	r.Latencies = []lab.Distribution{{Load: "/", Formula: "uniform", CDF: func(s float64) float64 { return min(1, s/0.1) }}}
	pl := latencyPanel(r, &palette{}, []spread{spreadOf(r.Seen.Records, "/")}, wide).plot
	curve := predictedCurve(r.Latencies[0].CDF, pl)
	require.NotEmpty(t, curve)
	for _, p := range curve[:len(curve)-1] {
		seconds := math.Pow(10, p.X)
		assert.InDelta(t, 100*(1-min(1, seconds/0.1)), math.Pow(10, p.Y), 1e-6, "at %v s", seconds)
	}
	assert.Equal(t, pl.Y.Min, curve[len(curve)-1].Y, "it ends at the bottom")

	// Of the steps those are drawn that are 0.7 pixels apart, and a step is a hundredth.
	seen := 1 + 100*(math.Pow(10, 0.7*(pl.Y.Max-pl.Y.Min)/latencyHeight)-1)
	measured := stairs(spreadOf(r.Seen.Records, "/").slower(), pl, wide)
	for _, p := range curve[:len(curve)-1] { // the sample is the distribution, so the lines lie on each other
		i := 0
		for i+1 < len(measured) && measured[i+1].X <= p.X {
			i++
		}
		assert.InDelta(t, math.Pow(10, p.Y), math.Pow(10, measured[i].Y), seen, "at %v s", math.Pow(10, p.X))
	}
}

// TestAWrongPredictionIsSeenToo, however far off it is.
func TestAWrongPredictionIsSeenToo(t *testing.T) {
	for _, seconds := range []float64{0.001, 50} {
		r := manyReplies()
		r.Latencies = []lab.Distribution{{Load: "/", Formula: "uniform", CDF: func(s float64) float64 { return min(1, s/seconds) }}}
		r.Checks = []lab.ResultCheck{{Metric: "latency p50", Predicted: seconds / 100}}
		pl := latencyPanel(r, &palette{}, []spread{spreadOf(r.Seen.Records, "/")}, wide).plot
		for _, x := range []float64{seconds / 2, seconds / 100, 0.001, 0.1} { // both medians, the check, and what was measured
			at := math.Log10(max(x, atOnceLatency))
			assert.True(t, pl.X.Min <= at && at <= pl.X.Max, "%v s is on the axis from 10^%v to 10^%v", x, pl.X.Min, pl.X.Max)
		}
	}
}

func TestOneLatencyIsNoPicture(t *testing.T) {
	var same []load.Record
	for range 50 {
		same = append(same, reply("/", 200, 0, 5))
	}
	_, ok := latencies(seen(10, 0, nil, same), &palette{})
	assert.False(t, ok)
	_, ok = latencies(manyReplies(), &palette{})
	assert.True(t, ok)
	few := manyReplies()
	few.Seen.Records = few.Seen.Records[:9]
	_, ok = latencies(few, &palette{})
	assert.False(t, ok, "nine are no distribution")
}

func TestAPredictionThatIsNoNumberIsNotDrawn(t *testing.T) {
	r := manyReplies()
	r.Latencies = []lab.Distribution{{Load: "/", Formula: "none", CDF: func(float64) float64 { return math.NaN() }}}
	d, ok := latencies(r, &palette{})
	require.True(t, ok)
	svg, err := d.at(wide).svg("id", d.title, d.words)
	require.NoError(t, err)
	assert.NotContains(t, string(svg), "NaN")
	assert.NotContains(t, string(svg), "predicted</text>")
}
