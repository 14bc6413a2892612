// What the tests share: no goroutine is left behind, and observations made by hand.

package report

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver/worker"
)

func TestMain(m *testing.M) {
	bubble.Tune()
	goleak.VerifyTestMain(m)
}

var begin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// at is an instant of a run, in seconds.
func at(seconds float64) time.Time { return begin.Add(s(seconds)) }

func s(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

func span(w int, what string, from, to float64) worker.Span {
	return worker.Span{Worker: w, What: what, From: at(from), To: at(to)}
}

// reply is a complete reply of a load.
func reply(name string, status int, from, to float64) load.Record {
	return load.Record{Load: name, Scheduled: s(from), Start: s(from), End: s(to), Latency: s(to - from), Status: status, Complete: true}
}

// failed is a request that failed.
func failed(name string, kind load.Kind, from, to float64) load.Record {
	return load.Record{Load: name, Scheduled: s(from), Start: s(from), End: s(to), Latency: s(to - from), Kind: kind}
}

// seen is a result with what was seen.
func seen(horizon float64, workers int, spans []worker.Span, records []load.Record) *lab.Result {
	r := &lab.Result{Name: "by/hand", Seen: &lab.Observation{
		Records: records, Spans: spans, Begin: begin, Horizon: s(horizon), Workers: workers,
	}}
	for _, rec := range records {
		known := false
		for _, l := range r.Loads {
			known = known || l.Name == rec.Load
		}
		if !known {
			r.Loads = append(r.Loads, lab.ResultLoad{Name: rec.Load})
		}
	}
	return r
}
