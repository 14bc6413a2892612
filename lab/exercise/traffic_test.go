package exercise

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/load"
)

func TestEveryRouteHasItsTraffic(t *testing.T) {
	all := Traffic()
	assert.Len(t, all, 4)
	for i, n := range needs {
		assert.Equal(t, n.path, all[i].String(), "loads are named by their routes")
	}
}

// 90 s are 36 polls of 2.5 s, with a standard deviation of √(35/12·90/2.5³) = 4.1.
func TestAStreamBringsLinesAsFastAsTheFeed(t *testing.T) {
	assert.Equal(t, 19, fewestLines(90*time.Second))
}

func TestWhatBecameOfARequest(t *testing.T) {
	poll, stream := needs[2], needs[3]
	ok := load.Record{Status: 200, Complete: true, Body: `{"updates": null}`, Bytes: 17, Latency: 5 * time.Second}
	held := load.Record{
		Status: 200, Kind: load.Timeout, Body: "{\"updates\": null}\n", Bytes: 18, Lines: 19,
		FirstByte: 5 * time.Second, Latency: 90 * time.Second,
	}
	with := func(r load.Record, change func(*load.Record)) load.Record {
		change(&r)
		return r
	}
	for _, c := range []struct {
		name string
		need *need
		r    load.Record
		want fate
	}{
		{"a poll", poll, ok, good},
		{"one that took long", poll, with(ok, func(r *load.Record) { r.Latency = 6*time.Second + 1 }), late},
		{"one that got a 504", poll, with(ok, func(r *load.Record) { r.Status = 504 }), failed},
		{"one that got another route's page", poll, with(ok, func(r *load.Record) { r.Body = `{"Title": "x"}` }), failed},
		{"one that was cut", poll, with(ok, func(r *load.Record) { r.Kind, r.Complete = load.ClosedEarly, false }), failed},
		{"one that never got an answer", poll, with(ok, func(r *load.Record) { r.Kind, r.Complete, r.Status = load.Unfinished, false, 0 }), failed},
		{"a stream", stream, held, good},
		{"one that began late", stream, with(held, func(r *load.Record) { r.FirstByte = 7 * time.Second }), late},
		{"one that is too slow", stream, with(held, func(r *load.Record) { r.Lines = 18 }), failed},
		{"one that ended", stream, with(held, func(r *load.Record) { r.Kind, r.Complete = load.OK, true }), failed},
		{"one that was cut", stream, with(held, func(r *load.Record) { r.Kind = load.Reset }), failed},
		{"one without a line", stream, load.Record{Kind: load.Timeout, Latency: 90 * time.Second}, failed},
	} {
		assert.Equal(t, c.want, c.need.fateOf(c.r), c.name)
	}
}

func TestOneInAHundredMayBeLate(t *testing.T) {
	fates := func(n, lates int) []fate {
		all := make([]fate, n)
		for i := range lates {
			all[i] = late
		}
		return all
	}
	assert.False(t, tooMany(fates(1200, 12)))
	assert.True(t, tooMany(fates(1200, 13)))
	assert.False(t, tooMany(fates(120, 1)))
	assert.True(t, tooMany(fates(75, 1)), "of 75, one is more than one in a hundred")
	assert.True(t, tooMany([]fate{good, failed}))
}

func TestAPercentileIsOneOfTheValues(t *testing.T) {
	var ds []time.Duration
	for i := range 200 {
		ds = append(ds, time.Duration(200-i))
	}
	assert.EqualValues(t, 100, percentile(50, ds))
	assert.EqualValues(t, 198, percentile(99, ds))
	assert.EqualValues(t, 1, percentile(99, ds[199:]))
	assert.Zero(t, percentile(50, nil))
}
