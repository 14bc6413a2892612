// Summaries against numbers worked out by hand from wrk's source.

package load_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/load"
)

// replies are complete, good replies of one client with these latencies.
func replies(latencies ...time.Duration) (records []load.Record) {
	for i, l := range latencies {
		records = append(records, load.Record{Seq: i, Latency: l, Status: 200, Complete: true})
	}
	return records
}

func TestPercentilesAreWrks(t *testing.T) {
	const ms = time.Millisecond
	upTo := func(n int) (ls []time.Duration) { // n, …, 2, 1 ms
		for ; n > 0; n-- {
			ls = append(ls, time.Duration(n)*ms)
		}
		return ls
	}
	for _, tc := range []struct {
		name               string
		latencies          []time.Duration
		p50, p75, p90, p99 time.Duration
	}{
		{"none", nil, 0, 0, 0, 0},
		{"one", upTo(1), 1 * ms, 1 * ms, 1 * ms, 1 * ms},
		// rank = round(p/100 × count + 0.5): for p50 of 2, round(1.5) = 2.
		{"two", upTo(2), 2 * ms, 2 * ms, 2 * ms, 2 * ms},
		{"three", upTo(3), 2 * ms, 3 * ms, 3 * ms, 3 * ms},
		{"four", upTo(4), 3 * ms, 4 * ms, 4 * ms, 4 * ms},
		{"a hundred", upTo(100), 51 * ms, 76 * ms, 91 * ms, 100 * ms},
		{"whole microseconds", []time.Duration{1999}, 1000, 1000, 1000, 1000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			// An hour for one client's few replies: nothing to correct.
			s := load.Summarize(time.Hour, replies(tc.latencies...))
			assert.Equal(t, []time.Duration{tc.p50, tc.p75, tc.p90, tc.p99}, []time.Duration{s.P50, s.P75, s.P90, s.P99})
			assert.Zero(t, s.Corrected)
			if len(tc.latencies) > 0 {
				assert.Equal(t, tc.latencies[0].Truncate(time.Microsecond), s.Max)
				assert.Equal(t, s.Max, s.Percentile(100))
			}
			assert.Zero(t, s.Percentile(101))
			assert.Zero(t, s.Percentile(-1))
		})
	}
}

func TestCoordinatedOmissionIsCorrectedAsWrkDoes(t *testing.T) {
	const s = time.Second
	for _, tc := range []struct {
		name      string
		over      time.Duration
		latencies []time.Duration
		corrected int
		p50, mean time.Duration
	}{
		// 10 s / 5 replies: one every 2 s is expected. 5 s makes up a 3 s, but no
		// 1 s: that would not be more than 2 s.
		{"one slow reply", 10 * s, []time.Duration{s, s, s, s, 5 * s}, 1, s, 2 * s},
		// 9 s is 7, 5 and 3 s as well.
		{"a slower one", 10 * s, []time.Duration{s, s, s, s, 9 * s}, 3, 3 * s, 3500 * time.Millisecond},
		// Exactly twice the expected: 4 s would make up 2 s, which is not more.
		{"twice the interval", 10 * s, []time.Duration{s, s, s, s, 4 * s}, 0, s, 1600 * time.Millisecond},
		{"no reply is slow", 10 * s, []time.Duration{s, s, s, s, s}, 0, s, s},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sum := load.Summarize(tc.over, replies(tc.latencies...))
			assert.Equal(t, tc.corrected, sum.Corrected)
			assert.Equal(t, tc.p50, sum.P50)
			assert.Equal(t, tc.mean, sum.Mean)
			assert.Equal(t, tc.latencies[4], sum.Max, "what is made up is smaller")
			assert.Equal(t, 5, sum.Requests, "and is no request")
		})
	}

	// Fewer replies than connections: complete / connections is 0, and wrk
	// corrects nothing.
	records := replies(9*s, s, s)
	for i := range records {
		records[i].Client = i
	}
	records = append(records, load.Record{Client: 3, Kind: load.Unfinished})
	assert.Zero(t, load.Summarize(time.Second, records).Corrected)
}

func TestEveryRecordIsCountedAsWrkCountsIt(t *testing.T) {
	const s = time.Second
	records := []load.Record{
		{Client: 0, Complete: true, Status: 200, Latency: 300 * time.Millisecond},
		{Client: 1, Complete: true, Status: 302, Latency: 100 * time.Millisecond},
		{Client: 2, Complete: true, Status: 399, Latency: 100 * time.Millisecond},
		{Client: 3, Complete: true, Status: 400, Latency: 100 * time.Millisecond},
		{Client: 4, Complete: true, Status: 504, Latency: 100 * time.Millisecond},
		{Client: 5, Complete: true, Status: 200, Latency: 3 * s, Kind: load.Timeout},
		{Client: 6, Complete: true, Status: 200, Latency: 100 * time.Millisecond, Kind: load.Malformed, Err: "more"},
		{Client: 7, Kind: load.Timeout, Op: load.Reading},                      // gave up
		{Client: 8, Kind: load.Timeout, Op: load.Dialing},                      // gave up dialling
		{Client: 9, Kind: load.Timeout, Op: load.Dialing, Err: "timed out"},    // the dialler did
		{Client: 10, Kind: load.Unfinished, Op: load.Reading, Status: 200},     // a stream
		{Client: 11, Kind: load.Unfinished, Op: load.Dialing},                  //
		{Client: 12, Kind: load.Refused, Op: load.Dialing, Err: "refused"},     //
		{Client: 13, Kind: load.Reset, Op: load.Writing, Err: "broken pipe"},   //
		{Client: 14, Kind: load.Reset, Op: load.Reading, Err: "reset"},         //
		{Client: 15, Kind: load.ClosedEarly, Op: load.Reading, Err: "EOF"},     //
		{Client: 16, Kind: load.Malformed, Op: load.Reading, Err: "malformed"}, //
		{Client: 17, Kind: load.Failed, Op: load.Reading, Err: "whatever"},     //
	}
	sum := load.Summarize(2*s, records)
	assert.Equal(t, 18, sum.Records)
	assert.Equal(t, 7, sum.Requests)
	assert.Equal(t, 3.5, sum.Rate)
	assert.Equal(t, 1, sum.Timeouts)
	assert.Equal(t, 2, sum.BadStat)
	assert.Equal(t, 2, sum.Connect)
	assert.Equal(t, 4, sum.Read)
	assert.Equal(t, 1, sum.Write)
	assert.Equal(t, 3, sum.Good)
	assert.Equal(t, 1.5, sum.Goodput)
	assert.Equal(t, 2, sum.GaveUp)
	assert.Equal(t, 300*time.Millisecond, sum.Max)
	assert.Equal(t, map[int]int{200: 3, 302: 1, 399: 1, 400: 1, 504: 1}, sum.Statuses)
	assert.Equal(t, map[load.Kind]int{
		load.OK: 5, load.Timeout: 4, load.Unfinished: 2, load.Refused: 1, load.Reset: 2,
		load.ClosedEarly: 1, load.Malformed: 2, load.Failed: 1,
	}, sum.Kinds)
	assert.Equal(t, `  Latency Distribution
     50%  100.00ms
     75%  100.00ms
     90%  300.00ms
     99%  300.00ms
  7 requests in 2.00s
  Socket errors: connect 2, read 4, write 1, timeout 1
  Non-2xx or 3xx responses: 2
Requests/sec:      3.50
`, sum.String())

	quiet := load.Summarize(0, replies(1500))
	assert.Zero(t, quiet.Rate)
	assert.Zero(t, quiet.Goodput)
	assert.NotContains(t, quiet.String(), "errors")
	assert.Contains(t, quiet.String(), "1.00us")
}

func TestTimesArePrintedAsWrkPrintsThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.00us", 999_990 * time.Nanosecond: "999.99us", time.Millisecond: "1.00ms",
		999_990 * time.Microsecond: "999.99ms", time.Second: "1.00s", time.Hour: "3600.00s",
	} {
		assert.Contains(t, load.Summary{Over: d}.String(), "0 requests in "+want+"\n")
	}
}

func TestPercentilesOutsideTheirRangeAreZero(t *testing.T) {
	s := load.Summarize(time.Second, replies(1_000_000, 2_000_000, 3_000_000))
	for p, want := range map[float64]time.Duration{0: time.Millisecond, 100: 3 * time.Millisecond, -0.1: 0, 100.1: 0, math.NaN(): 0} {
		assert.Equal(t, want, s.Percentile(p), "p%g", p)
	}
	assert.Zero(t, load.Summary{}.Percentile(50))
}
