// Observations and metrics, on one that is made by hand: two workers, two loads,
// ten seconds.

package lab

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

// sec is an instant or a duration in seconds.
func sec(s float64) time.Duration { return time.Duration(math.Round(s * 1e9)) }

// byHand is an observation whose every number can be counted by hand.
func byHand() *Observation {
	begin := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	reply := func(name string, client int, at, latency float64, status int, kind load.Kind) load.Record {
		return load.Record{
			Load: name, Client: client, Scheduled: sec(at), Start: sec(at), End: sec(at + latency), Latency: sec(latency),
			Status: status, Kind: kind, Complete: true,
		}
	}
	o := &Observation{
		Begin: begin, Horizon: sec(10), Workers: 2,
		loads: []load.Load{
			load.Closed{Name: "users", Connections: 4, Duration: sec(5)},
			load.Open{Name: "front", Path: "/", Rate: 0.1, Start: sec(2), Duration: sec(5)},
		},
		Records: []load.Record{
			reply("users", 0, 0, 1, 200, load.OK),
			reply("users", 0, 1, 3, 200, load.Timeout),
			reply("users", 1, 0, 2, 200, load.OK),
			reply("users", 1, 2, 1, 504, load.OK),
			{Load: "users", Client: 2, End: sec(1), Latency: sec(1), Kind: load.Reset, Op: load.Reading},
			{Load: "users", Client: 3, End: sec(5), Latency: sec(5), Kind: load.Unfinished, Op: load.Reading},
			reply("front", 4, 2, 4, 200, load.OK),
		},
	}
	notes := new(notebook)
	span := func(w int, from, to float64, what string) {
		notes.Busy(worker.Span{Worker: w, From: begin.Add(sec(from)), To: begin.Add(sec(to)), What: what})
	}
	span(1, 4, 8, "GET /") // told in an order that is not theirs
	span(0, 0, 2, "GET /users")
	span(0, 1, 3, "GET /users") // while the first goes on
	span(0, 9, 12, "GET /users")
	span(0, 11, 12, "GET /users") // after the horizon
	span(1, 5, 5, "GET /")        // no time at all
	notes.Exit(worker.Exit{Worker: 1, At: begin.Add(sec(8)), Reason: worker.TimedOut})
	notes.Exit(worker.Exit{Worker: 0, At: begin.Add(sec(2)), Reason: worker.Recycled})
	notes.Exit(worker.Exit{Worker: 0, At: begin.Add(sec(10)), Reason: worker.Stopped})
	notes.into(o)
	return o
}

func TestMetricsCount(t *testing.T) {
	o := byHand()
	for _, c := range []struct {
		metric Metric
		want   float64
	}{
		{Throughput, 0.5},             // 5 replies; the open loop counts to the horizon
		{Throughput.On("users"), 0.8}, // 4 in its 5 s
		{Throughput.On("front"), 0.125},
		{Goodput.On("users"), 0.4},
		{Timeouts, 1},
		{Replies(200), 4},
		{Replies(504), 1},
		{Replies(200).On("front"), 1},
		{Failures(load.Reset), 1},
		{Failures(load.Unfinished), 1},
		{Latency(1).On("users"), 1},
		{Latency(50).On("users"), 1},
		{Latency(51).On("users"), 2},
		{Latency(100).On("users"), 3},
		{WrkLatency(99).On("users"), 2},
		{Concurrency(time.Second).On("users"), 0.8},
		{Exits(worker.TimedOut), 1},
		{Exits(worker.Recycled), 1},
		{Exits(worker.Stopped), 0}, // the experiment's own end
		{BusyWorker(0), 0.4},
		{BusyWorker(1), 0.4},
		{Busy, 0.4},
	} {
		assert.InDelta(t, c.want, c.metric.Of(o), 1e-12, c.metric.Name)
	}
}

func TestMetricsOfStreamsAndOfTheFront(t *testing.T) {
	o := &Observation{
		Horizon: sec(10),
		Records: []load.Record{
			{Status: 200, Lines: 3, Bytes: 54, FirstByte: sec(2), Kind: load.Unfinished},
			{Status: 200, Lines: 1, Bytes: 18, FirstByte: sec(4), Complete: true},
			{Status: 200, FirstByte: 0, Kind: load.Unfinished},                                      // the header only
			{Status: 504, Lines: 7, Bytes: 150, FirstByte: sec(9), Latency: sec(9), Complete: true}, // an error page
			{Status: 400, Lines: 1, Bytes: 9, FirstByte: sec(8), Complete: true},
			{Lines: 1, Kind: load.Reset}, // no header came
		},
		Front: []front.Record{
			{Tries: []front.Try{{Outcome: front.TimedOut, While: front.ReadingHeader}, {Outcome: front.Refused, While: front.Connecting}}},
			{Tries: []front.Try{{Outcome: front.NoLive}}},
			{Tries: []front.Try{{Outcome: front.NoLive}}},
			{Tries: []front.Try{{Outcome: front.Served}}},
			{},
		},
	}
	for _, c := range []struct {
		metric Metric
		want   float64
	}{
		{Streaming, 2}, {FirstByte(1), 2}, {FirstByte(50), 2}, {FirstByte(100), 4},
		{Tries(front.NoLive), 2}, {Tries(front.TimedOut), 1}, {Tries(front.Served), 1}, {Tries(front.Reset), 0},
	} {
		assert.Equal(t, c.want, c.metric.Of(o), c.metric.Name)
	}
}

func TestTheErrorLogIsCountedAndAlwaysShown(t *testing.T) {
	const refused, timedOut = "connect() failed (111: Connection refused) while connecting to upstream",
		"upstream timed out (110: Connection timed out) while reading response header from upstream"
	shown := func(o *Observation) []string {
		var p typeset.Page
		WriteLog(&p, o.LogCounts())
		return strings.Split(p.String(), "\n")
	}
	assert.Equal(t, []string{
		"", "  nginx's error log, and how often it has each line",
		"          2  [error] connect() failed (111: Connection refused) while connecting to",
		"             upstream",
		"          1  [alert] 512 worker_connections are not enough",
		"          1  [error] upstream timed out (110: Connection timed out) while reading response",
		"             header from upstream",
		"          3  [warn] and [info], which nginx's default level leaves out", "",
	}, shown(&Observation{FrontLog: []front.LogLine{
		{Level: front.Warn, Message: refused}, {Level: front.Info, Message: timedOut}, {Level: front.Info, Message: refused},
		{Level: front.Error, Message: timedOut}, {Level: front.Error, Message: refused},
		{Level: front.Error, Message: refused, Conn: 2}, {Level: front.Alert, Message: "512 worker_connections are not enough"},
	}}))
	assert.Equal(t, []string{"", "  nginx's error log is empty", ""}, shown(&Observation{FrontLog: []front.LogLine{}}))
	assert.Equal(t, []string{""}, shown(&Observation{}), "there is no nginx")
}

// What the proxy logs as the experiment ends is not of the experiment.
func TestTheErrorLogIsInOrderAndEndsAtTheHorizon(t *testing.T) {
	begin := time.Now()
	line := func(at float64, process, conn int, message string) front.LogLine {
		return front.LogLine{At: begin.Add(sec(at)), Process: process, Conn: conn, Message: message}
	}
	ordered := []front.LogLine{line(1, 0, 0, "b"), line(2, 0, 1, "a"), line(2, 0, 1, "b"), line(2, 0, 2, "a"), line(2, 1, 0, "a")}
	n := notebook{}
	for _, l := range slices.Backward(ordered) {
		n.logged(l)
	}
	n.logged(line(10, 0, 0, "a"))
	o := &Observation{Begin: begin, Horizon: sec(10)}
	n.into(o)
	assert.Equal(t, ordered, o.FrontLog)
}

func TestWhatCannotBeMeasuredIsNaN(t *testing.T) {
	nothing := &Observation{Horizon: sec(1)}
	for _, m := range []Metric{Latency(50), WrkLatency(50), Busy, BusyWorker(0), Latency(0), Latency(101), Timeouts.On("nobody")} {
		assert.True(t, math.IsNaN(m.Of(nothing)), m.Name)
	}
	v := verdicts([]Check{{Metric: Latency(50), Want: 1, Within: AtMost("")}}, nothing)[0]
	assert.False(t, v.ok)
	assert.Equal(t, "nothing to measure", v.off())
}

func TestSpansAndExitsAreInOrder(t *testing.T) {
	o := byHand()
	var from []time.Duration
	for _, s := range o.Spans {
		from = append(from, s.From.Sub(o.Begin))
		assert.LessOrEqual(t, s.To.Sub(o.Begin), o.Horizon)
	}
	assert.Equal(t, []time.Duration{sec(0), sec(1), sec(4), sec(9)}, from)
	assert.Equal(t, worker.Recycled, o.Exits[0].Reason)
	assert.Len(t, o.Exits, 2)
}

func TestTolerances(t *testing.T) {
	for _, c := range []struct {
		within         Tolerance
		observed, want float64
		ok             bool
	}{
		{Exactly(), 3, 3, true},
		{Exactly(), 3.001, 3, false},
		{Relative(0.1, "x"), 22, 20, true},
		{Relative(0.1, "x"), 22.1, 20, false},
		{Relative(0.1, "x"), -17, -20, false},
		{Absolute(2, "x"), 18, 20, true},
		{Absolute(2, "x"), 17.9, 20, false},
		{AtLeast("x"), 1e9, 20, true},
		{AtLeast("x"), 19, 20, false},
		{AtMost("x"), -1, 20, true},
		{AtMost("x"), 21, 20, false},
	} {
		m := Metric{Name: "m", Of: func(*Observation) float64 { return c.observed }}
		got := verdicts([]Check{{Metric: m, Want: c.want, Within: c.within}}, nil)[0]
		assert.Equal(t, c.ok, got.ok, "%v within %v of %v", c.observed, c.within, c.want)
	}
}

func TestHowFarOffIsSaidInWords(t *testing.T) {
	for _, c := range []struct {
		observed, want float64
		off            string
	}{
		{20, 20, "as predicted"},
		{22, 20, "10 % more"},
		{15, 20, "25 % less"},
		{9959, 20, "498 times as much"},
		{62, 20, "3.1 times as much"},
		{10, 20, "half of it"},
		{39.9, 20, "twice as much"},
		{39, 20, "1.9 times as much"},
		{19_980, 20, "999 times as much"},
		{20_000, 20, "more than 1,000 times as much"},
		{2.5, 20, "an eighth of it"},
		{1, 13, "a 13th of it"},
		{1, 18, "an 18th of it"},
		{1, 81, "an 81st of it"},
		{100, 820, "an eighth of it"},
		{1, 20, "a 20th of it"},
		{5, 20, "a quarter of it"},
		{0, 20, "none at all"},
		{3, 0, ""},
		{1, 80, "an 80th of it"},
		{1, 11_000, "an 11,000th of it"},
		{1, 18_500, "an 18,500th of it"},
		{1, 12_000, "a 12,000th of it"},
		{1, 111, "a 111th of it"},
		{1, 112, "a 112th of it"},
		{1, 113, "a 113th of it"},
		{1, 22, "a 22nd of it"},
		{1, 23, "a 23rd of it"},
		{10, 20, "half of it"},
		{10.1, 20, "50 % less"},
		{39, 20, "1.9 times as much"},
		{-5, -10, "50 % more"},
		{-10, 20, "150 % less"},
		{39.8, 40, "0.5 % less"},
		{0.01, 20, "a 2,000th of it"},
		{math.NaN(), 20, "nothing to measure"},
	} {
		v := verdict{Check: Check{Want: c.want}, observed: c.observed}
		assert.Equal(t, c.off, v.off())
	}
}

// p/100 × n in binary floating point is above the rank for each of these.
func TestPercentilesAreExactInDecimals(t *testing.T) {
	replies := func(n int) *Observation {
		o := &Observation{Horizon: sec(10)}
		for i := range n {
			at := sec(float64(n - i)) // the latest first
			o.Records = append(o.Records, load.Record{Complete: true, Status: 200, Bytes: 1, Latency: at, FirstByte: at})
		}
		return o
	}
	for _, c := range []struct {
		p    float64
		n    int
		want float64
	}{{99.9, 1_000, 999}, {7, 100, 7}, {14, 100, 14}, {28, 100, 28}, {55, 100, 55}, {56, 100, 56}, {100, 7, 7}} {
		assert.Equal(t, c.want, Latency(c.p).Of(replies(c.n)), "latency p%g of %d", c.p, c.n)
		assert.Equal(t, c.want, FirstByte(c.p).Of(replies(c.n)), "first byte p%g of %d", c.p, c.n)
	}
	assert.True(t, math.IsNaN(Latency(50).Of(replies(0))))
	assert.True(t, math.IsNaN(Latency(0).Of(replies(3))))
}

func TestTheLastGoodRequestIsTheOneThatWasSentLast(t *testing.T) {
	at := func(s float64, status int) load.Record {
		return load.Record{Scheduled: sec(s), Complete: true, Status: status}
	}
	for _, c := range []struct {
		records []load.Record
		want    float64
	}{
		{[]load.Record{at(1, 200), at(3, 200), at(2, 200), at(4, 504)}, 3},
		{[]load.Record{at(0, 200), at(0, 200)}, 0},
		{[]load.Record{at(4, 504), at(1, 399)}, 1},
		{[]load.Record{at(4, 400)}, math.NaN()},
	} {
		got := LastGood.Of(&Observation{Records: c.records})
		assert.True(t, got == c.want || math.IsNaN(got) && math.IsNaN(c.want), "got %v, want %v", got, c.want)
	}
}

func TestEveryMetricOfRecordsHasALoad(t *testing.T) {
	o := byHand()
	for _, m := range []Metric{
		Throughput, Goodput, Timeouts, MeanLatency, LastGood, Replies(200), Failures(load.OK),
		Latency(50), WrkLatency(50), Concurrency(time.Second),
	} {
		of := m.On("users")
		assert.Empty(t, of.misused)
		assert.False(t, math.IsNaN(of.Of(o)), of.Name)
	}
	for _, m := range []Metric{Streaming, FirstByte(50)} {
		assert.Empty(t, m.On("users").misused)
	}
	assert.Equal(t, 1.75, MeanLatency.On("users").Of(o))
	assert.Equal(t, 4.0, MeanLatency.On("front").Of(o))
}

func TestTheResultOfAWorkerCountsItsExits(t *testing.T) {
	e := outages()[0]
	e.Load = byHand().loads
	r := newResult(&e, byHand(), nil, nil)
	assert.Equal(t, []ResultWorker{{Busy: 0.4, Recycled: 1}, {Busy: 0.4, TimedOut: 1}}, r.Workers)
	assert.Equal(t, []int{6, 1}, []int{r.Loads[0].Requests, r.Loads[1].Requests})
}

// A bound is allowed, both ends included.
func TestACheckOnItsBoundHolds(t *testing.T) {
	for _, c := range []struct {
		observed float64
		within   Tolerance
		ok       bool
	}{
		{10, AtLeast("x"), true}, {math.Nextafter(10, 0), AtLeast("x"), false},
		{10, AtMost("x"), true}, {math.Nextafter(10, 11), AtMost("x"), false},
		{8, Absolute(2, "x"), true}, {7.5, Absolute(2, "x"), false},
		{12, Absolute(2, "x"), true}, {12.5, Absolute(2, "x"), false},
		{math.NaN(), AtLeast("x"), false}, {math.Inf(1), AtLeast("x"), true}, {math.NaN(), Shown("x"), true},
	} {
		v := Check{Want: 10, Within: c.within}.judge(c.observed)
		assert.Equal(t, c.ok, v.ok, "%v within %+v", c.observed, c.within)
	}
}

func TestWhatIsAllowedIsSaidInWords(t *testing.T) {
	for want, c := range map[string]Check{
		"none":                {Metric: Replies(502), Within: Exactly()},
		"exactly 0":           {Metric: MeanLatency, Within: Exactly()},
		"exactly 3":           {Metric: Replies(502), Want: 3, Within: Exactly()},
		"anything":            {Metric: Replies(502), Within: Shown("x")},
		"3 replies or more":   {Metric: Replies(502), Want: 3, Within: AtLeast("x")},
		"1 reply or less":     {Metric: Replies(502), Want: 1, Within: AtMost("x")},
		"0 replies or more":   {Metric: Replies(502), Within: AtLeast("x")},
		"2 to 4 replies (±1)": {Metric: Replies(502), Want: 3, Within: Absolute(1, "x")},
		"9 to 11 s (±10 %)":   {Metric: MeanLatency, Want: 10, Within: Relative(0.1, "x")},
		"-11 to -9 s (±10 %)": {Metric: MeanLatency, Want: -10, Within: Relative(0.1, "x")},
		"exactly -2":          {Metric: Replies(502), Want: -2, Within: Exactly()},
	} {
		assert.Equal(t, want, strings.ReplaceAll(c.allowed(), "−", "-"))
	}
}

func TestTheErrorIsAPartOfThePrediction(t *testing.T) {
	for _, c := range []struct{ observed, want, part float64 }{
		{0, 0, 0}, {1, 0, math.NaN()}, {15, 10, 0.5}, {-15, -10, -0.5},
	} {
		v := verdict{Check: Check{Want: c.want}, observed: c.observed}
		got := v.errorPart()
		assert.True(t, got == c.part || math.IsNaN(got) && math.IsNaN(c.part), "%v of %v: %v", c.observed, c.want, got)
	}
	assert.Equal(t, "100", twoDigits(99.5))
	assert.Equal(t, "99", twoDigits(99.4))
	assert.Equal(t, "0.5", twoDigits(0.5))
}

// How long a worker was busy: what overlaps counts once, and only between the two instants.
func TestBusyInIsWithinItsInstants(t *testing.T) {
	o := byHand()
	for _, c := range []struct {
		worker         int
		from, to, want float64
	}{
		{0, 0, 10, 4}, {0, 1, 2, 1}, {0, 2.5, 9.5, 1}, {0, 3, 9, 0},
		{1, 0, 4, 0}, {1, 4, 8, 4}, {1, 5, 6, 1}, {2, 0, 10, 0},
	} {
		got := o.busyIn(c.worker, sec(c.from), sec(c.to))
		assert.Equal(t, sec(c.want), got, "worker %d from %v to %v s", c.worker, c.from, c.to)
	}
}

func TestTheWindowIsWhenRepliesCanCome(t *testing.T) {
	for _, c := range []struct {
		loads    []load.Load
		from, to float64
	}{
		{nil, 10, 10},
		{[]load.Load{load.Closed{Start: sec(1), Duration: sec(5)}}, 1, 6},
		{[]load.Load{load.Closed{Start: sec(1), Duration: sec(50)}}, 1, 10},
		{[]load.Load{load.Closed{Start: sec(1), Requests: 3}}, 1, 10},
		{[]load.Load{load.Open{Start: sec(2), Duration: sec(1)}}, 2, 10},
		{[]load.Load{load.Open{Start: sec(2), Duration: sec(1)}, load.Closed{Duration: sec(3)}}, 0, 10},
		{[]load.Load{load.Closed{Start: sec(4), Duration: sec(3)}, load.Closed{Start: sec(2), Duration: sec(3)}}, 2, 7},
	} {
		from, to := (&Observation{Horizon: sec(10), loads: c.loads}).window()
		assert.Equal(t, []time.Duration{sec(c.from), sec(c.to)}, []time.Duration{from, to}, "%v", c.loads)
	}
}
