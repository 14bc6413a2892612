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
	assert.Equal(t, []float64{1, 2, 4}, sp.good)
	assert.Equal(t, []float64{1}, sp.refused)
	assert.Equal(t, 1, sp.missing)
	assert.Equal(t, plotter.XYs{{X: 1, Y: 0.5}, {X: 2, Y: 0.25}, {X: 4, Y: 0}}, sp.slower())
}

func TestTheTitleSaysWhichRepliesTookHowLong(t *testing.T) {
	for want, records := range map[string][]load.Record{
		"half of 3 replies within 1 s, all within 4 s":         {reply("/", 200, 0, 4), reply("/", 200, 0, 1), reply("/", 302, 0, 1)},
		"all 2 replies after 4 s":                              {reply("/", 200, 0, 4), reply("/", 200, 0, 3.99)},
		"all 2 replies within 0.1 ms":                          {reply("/", 200, 0, 0), reply("/", 200, 0, 0.00009)},
		"half of 2 replies within 3 s, all within 4 s":         {reply("/", 200, 0, 4), reply("/", 200, 0, 3)},
		"1 reply after 4 s":                                    {reply("/", 200, 0, 4)},
		"at least half of 3 replies after 4 s, none later":     {reply("/", 200, 0, 4), reply("/", 200, 0, 4), reply("/", 200, 0, 1)},
		"all 2 error replies after 60 s":                       {reply("/", 504, 0, 60), reply("/", 502, 0, 60), failed("/", load.Timeout, 0, 90)},
		"1 good reply after 4 s, and 1 error reply after 60 s": {reply("/", 400, 0, 60), reply("/", 399, 0, 4)},
	} {
		sp := spreadOf(records, "/")
		assert.Equal(t, want, sp.words())
	}
}

// TestALoadWithFewRepliesIsLeftOut: the 25 streams that got 504 say nothing of the
// 50 that were read. What a closed loop has open at its end is no such thing.
func TestALoadWithFewRepliesIsLeftOut(t *testing.T) {
	r := manyReplies()
	for i := range 75 {
		if i < 25 {
			r.Seen.Records = append(r.Seen.Records, reply("/stream", 504, 0, 60))
		} else {
			r.Seen.Records = append(r.Seen.Records, failed("/stream", load.Timeout, 0, 90))
		}
	}
	r.Loads = append(r.Loads, lab.ResultLoad{Name: "/stream"})
	d, ok := latencies(r, &palette{})
	require.True(t, ok)
	assert.NotContains(t, d.title, "/stream")
	assert.Contains(t, d.words, "Left out, since most of the requests have no complete reply: /stream (25 of 75).")
	assert.Len(t, d.at(wide).panels[0].legend, 1)

	for i := range r.Seen.Records[100:] {
		r.Seen.Records[100+i].Seq = i
	}
	d, _ = latencies(r, &palette{})
	assert.Contains(t, d.title, "/stream: all 25 error replies after 60 s")
	assert.Contains(t, d.words, "Error replies, such as 504, are in it. Requests without a complete reply are not: 50 of /stream.")
	assert.Len(t, d.at(wide).panels[0].legend, 2)
}

// TestPredictedQuantilesAreWhereTheChecksPutThem reads the picture: that of 99 % at
// 1 % of the replies.
func TestPredictedQuantilesAreWhereTheChecksPutThem(t *testing.T) {
	r := manyReplies()
	r.Checks = []lab.ResultCheck{
		{Metric: "latency p90 of /", Predicted: 0.09, Low: value(0.05), High: value(0.2)},
		{Metric: "latency p99 of /", Predicted: 0.1, High: value(0.5)},
		{Metric: "latency p50 of /", Predicted: 0.02, Low: value(0.01)},
	}
	for _, width := range bothWidths {
		var p palette
		d, ok := latencies(r, &p)
		require.True(t, ok)
		panel := panelsOf(t, d, width)[0]
		var diamonds []vgPoint
		for _, m := range panel.marks {
			if m.fill == shades[p.role("/")].name {
				a := m.at[0]
				diamonds = append(diamonds, vgPoint{panel.x.power((a[0].x + a[2].x) / 2), panel.y.power((a[1].y + a[3].y) / 2)})
			}
		}
		require.Len(t, diamonds, 3)
		for i, want := range []vgPoint{{0.09, 10}, {0.1, 1}, {0.02, 50}} {
			assert.InEpsilon(t, want.x, diamonds[i].x, 0.01, "width %v", width)
			assert.InEpsilon(t, want.y, diamonds[i].y, 0.03, "width %v", width)
		}
		var bars [][2]float64 // of what is allowed, from latency to latency
		for _, m := range panel.with("ink") {
			if a := m.at[0]; m.width == 1.5 && len(a) == 2 && a[0].y == a[1].y {
				bars = append(bars, [2]float64{panel.x.power(a[0].x), panel.x.power(a[1].x)})
			}
		}
		require.Len(t, bars, 3)
		assert.InEpsilon(t, 0.05, bars[0][0], 0.01)
		assert.InEpsilon(t, 0.2, bars[0][1], 0.01)
		assert.Less(t, bars[1][0], 0.095, "there is no lower bound: an arrow")
		assert.InEpsilon(t, 0.5, bars[1][1], 0.01)
		assert.InEpsilon(t, 0.01, bars[2][0], 0.01)
		assert.Greater(t, bars[2][1], 0.021, "there is no upper bound: an arrow")
	}
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
			at := math.Log10(max(x, noTime))
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
