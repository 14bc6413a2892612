// Summaries: wrk's printed fields from records, so that a model and the real
// wrk can be compared field by field.

package load

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Summary is what wrk prints about a test, made from records by [Summarize].
type Summary struct {
	Over time.Duration // what it was summarised over

	Requests int     // complete replies, late and failed ones too (wrk.c: response_complete)
	Rate     float64 // Requests per second of Over: "Requests/sec"
	Timeouts int     // of them, the late ones: "Socket errors: timeout"
	BadStat  int     // of them, those with a status above 399: "Non-2xx or 3xx responses"

	// Connect, Read and Write are the other "Socket errors": requests that
	// failed in that step. What wrk never counts is not in them: requests that
	// were open at the end, and those given up.
	Connect, Read, Write int

	// The latencies' distribution: of the replies that were not late (wrk's
	// histogram ends at its timeout), in whole microseconds, with wrk's
	// correction for coordinated omission. Max is of the replies alone; all are
	// 0 if there were none.
	P50, P75, P90, P99, Mean, Max time.Duration
	// Corrected is how many latencies that correction made up.
	Corrected int

	// What wrk does not print.
	Good     int          // replies the client wanted: see Record.Good
	Goodput  float64      // Good per second of Over
	GaveUp   int          // requests whose client closed the connection at its timeout
	Records  int          // all of them, so that nothing is lost
	Statuses map[int]int  // complete replies by status
	Kinds    map[Kind]int // records by kind, OK among them

	micros []int64 // the histogram's latencies, ascending, corrected
}

// Summarize counts records of a load that ran for over: the real duration, for
// wrk looks at its clock every 100 ms and divides by what it took. over must be
// more than 0, or the rates are 0.
//
// The number of connections, on which the correction depends, is the number of
// clients in the records; wrk takes the one it was asked for (-c), even where
// its threads open fewer.
func Summarize(over time.Duration, records []Record) Summary {
	s := Summary{Over: over, Records: len(records), Statuses: map[int]int{}, Kinds: map[Kind]int{}}
	clients := map[int]struct{}{}
	for _, r := range records {
		clients[r.Client] = struct{}{}
		s.Kinds[r.Kind]++
		if r.Good() {
			s.Good++
		}
		switch {
		case r.Complete:
			s.Requests++
			s.Statuses[r.Status]++
			if r.Status > 399 {
				s.BadStat++
			}
			if r.Kind == Timeout {
				s.Timeouts++
			} else {
				s.micros = append(s.micros, r.Latency.Microseconds())
			}
		case r.Kind == Unfinished:
		case r.Kind == Timeout && r.Err == "":
			s.GaveUp++
		case r.Op == Dialing:
			s.Connect++
		case r.Op == Writing:
			s.Write++
		default:
			s.Read++
		}
	}
	if over > 0 {
		s.Rate = float64(s.Requests) / over.Seconds()
		s.Goodput = float64(s.Good) / over.Seconds()
	}
	if len(s.micros) == 0 {
		return s
	}

	slices.Sort(s.micros)
	s.Max = micros(s.micros[len(s.micros)-1])
	if perClient := s.Requests / len(clients); perClient > 0 {
		s.correct(over.Microseconds() / int64(perClient))
	}
	sum := int64(0)
	for _, n := range s.micros {
		sum += n
	}
	s.Mean = micros(sum) / time.Duration(len(s.micros))
	s.P50, s.P75, s.P90, s.P99 = s.Percentile(50), s.Percentile(75), s.Percentile(90), s.Percentile(99)
	return s
}

// correct does what wrk's stats_correct (stats.c) does about coordinated
// omission: a client whose reply took twice its usual interval or more would
// have asked again in the meantime, so latencies are made up for what it did not
// ask.
func (s *Summary) correct(expected int64) {
	if expected <= 0 {
		return
	}
	first, _ := slices.BinarySearch(s.micros, 2*expected)
	for _, n := range s.micros[first:] {
		for m := n - expected; m > expected; m -= expected {
			s.micros = append(s.micros, m)
			s.Corrected++
		}
	}
	slices.Sort(s.micros)
}

// Percentile is wrk's stats_percentile (stats.c): the latency at rank
// p/100 × count + 0.5, rounded; without interpolation, in whole microseconds. p
// is in percent, from 0 to 100. 0 if there are no latencies.
func (s Summary) Percentile(p float64) time.Duration {
	if len(s.micros) == 0 || !(p >= 0 && p <= 100) {
		return 0
	}
	// C's round goes away from zero at a half, so round(x + 0.5) is floor(x) + 1,
	// which for p = 100 is one more than there are: wrk then says 0, we the last.
	rank := int(p/100*float64(len(s.micros))) + 1
	return micros(s.micros[min(rank, len(s.micros))-1])
}

// String returns the summary as wrk prints it with --latency.
func (s Summary) String() string {
	var b strings.Builder
	b.WriteString("  Latency Distribution\n")
	for _, p := range []struct {
		percent int
		latency time.Duration
	}{{50, s.P50}, {75, s.P75}, {90, s.P90}, {99, s.P99}} {
		fmt.Fprintf(&b, "%7d%% %9s\n", p.percent, wrkTime(p.latency))
	}
	fmt.Fprintf(&b, "  %d requests in %s\n", s.Requests, wrkTime(s.Over))
	if s.Connect != 0 || s.Read != 0 || s.Write != 0 || s.Timeouts != 0 {
		fmt.Fprintf(&b, "  Socket errors: connect %d, read %d, write %d, timeout %d\n",
			s.Connect, s.Read, s.Write, s.Timeouts)
	}
	if s.BadStat != 0 {
		fmt.Fprintf(&b, "  Non-2xx or 3xx responses: %d\n", s.BadStat)
	}
	fmt.Fprintf(&b, "Requests/sec: %9.2f\n", s.Rate)
	return b.String()
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

// wrkTime prints a duration as wrk does (units.c: format_time_us), up to a
// minute: microseconds below a millisecond, milliseconds below a second, seconds
// from there, with two decimals. Longer ones stay in seconds.
func wrkTime(d time.Duration) string {
	switch us := float64(d) / 1e3; {
	case us < 1e3:
		return fmt.Sprintf("%.2fus", us)
	case us < 1e6:
		return fmt.Sprintf("%.2fms", us/1e3)
	default:
		return fmt.Sprintf("%.2fs", us/1e6)
	}
}
