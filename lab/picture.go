// A picture in text: what became of requests over time, and what each worker was
// doing meanwhile. Both have the same columns, one above the other.

package lab

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

// A page is what a failing experiment is written to.
type page struct{ typeset.Page }

// columns is how many a picture has at most.
const columns = 40

// rowsOfWorkers is how many workers a picture shows.
const rowsOfWorkers = 12

// rowLabel is the width of a row's name.
const rowLabel = 13

// picture draws what was observed.
func (p *page) picture(o *Observation) {
	step := niceStep(o.Horizon)
	n := int((o.Horizon + step - 1) / step)

	p.Line("")
	p.Line(fmt.Sprintf("  what became of the requests, when they ended; a column is %s; ▁ is one or more", typeset.Seconds(step)))
	for _, l := range o.loads {
		p.outcomes(l.String(), o.On(l.String()), step, n)
	}
	p.axis(o.Horizon, n)
	WriteLog(&p.Page, o.LogCounts())
	if o.Workers > 0 {
		p.workers(o, step, n)
	}
}

// niceStep is the shortest round number of seconds that needs no more than the
// columns there are.
func niceStep(horizon time.Duration) time.Duration {
	for unit := time.Duration(1); ; unit *= 10 {
		for _, s := range []time.Duration{10 * unit, 20 * unit, 25 * unit, 30 * unit, 40 * unit, 50 * unit} {
			if s*columns >= horizon {
				return s
			}
		}
	}
}

// axis writes the time below a picture.
func (p *page) axis(horizon time.Duration, n int) {
	p.Line("    " + typeset.Pad("", rowLabel) + " 0 s" + typeset.PadLeft(typeset.Seconds(horizon), n-3))
}

// An outcome is one way in which requests of a load ended, over time.
type outcome struct {
	name  string
	order int
	each  []int
	total int
}

// outcomesOf sorts requests by how they ended, and by the column, of n, in which
// they did: replies by status first, in time and late, then failures.
func outcomesOf(records []load.Record, step time.Duration, n int) []*outcome {
	var rows []*outcome
	for _, r := range records {
		name, order := outcomeOf(r)
		i := slices.IndexFunc(rows, func(row *outcome) bool { return row.name == name })
		if i < 0 {
			i = len(rows)
			rows = append(rows, &outcome{name: name, order: order, each: make([]int, n)})
		}
		rows[i].each[min(int(r.End/step), n-1)]++
		rows[i].total++
	}
	slices.SortFunc(rows, func(a, b *outcome) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.name, b.name))
	})
	return rows
}

// outcomes draws a row for each way in which requests ended, at the time when
// they did, and one for those that waited.
func (p *page) outcomes(name string, o *Observation, step time.Duration, n int) {
	rows := outcomesOf(o.Records, step, n)
	unfinished, top := 0, 1
	for _, row := range rows {
		if row.name == string(load.Unfinished) {
			unfinished = row.total
		} else {
			top = max(top, slices.Max(row.each))
		}
	}
	waiting := waitingOf(o.Records, step, n)
	most := slices.Max(waiting)
	text := fmt.Sprintf("    %s; a full bar is %s", name, typeset.Number(float64(top)))
	if most > 0 && most != top {
		text += fmt.Sprintf(", in the row of those waiting %s", typeset.Number(float64(most)))
	}
	p.Line(text)
	for _, row := range rows {
		if row.name != string(load.Unfinished) {
			p.row(row.name, typeset.Spark(row.each, top), typeset.Number(float64(row.total)))
		}
	}
	if most > 0 {
		text := "at most " + typeset.Number(float64(most))
		if unfinished > 0 {
			text += fmt.Sprintf(", %s at the end", typeset.Number(float64(unfinished)))
		}
		p.row("waiting", typeset.Spark(waiting, most), text)
	}
}

// row writes one row of a picture.
func (p *page) row(label, cells, text string) {
	p.Line("    " + typeset.Pad(label, rowLabel) + "|" + cells + "| " + text)
}

// waitingOf is how many requests were open at the end of each column.
func waitingOf(records []load.Record, step time.Duration, n int) []int {
	waiting := make([]int, n)
	for _, r := range records {
		last := min(int(r.End/step), n)
		for c := int(r.Scheduled / step); c < last; c++ {
			waiting[c]++
		}
		if r.Kind == load.Unfinished && last < n {
			waiting[last]++ // the last column is a short one
		}
	}
	return waiting
}

// outcomeOf names how a request ended, and orders the names: replies by status,
// in time and late, then failures.
func outcomeOf(r load.Record) (name string, order int) {
	switch {
	case r.Complete && r.Kind == load.OK:
		return fmt.Sprint(r.Status), 2 * r.Status
	case r.Complete:
		return fmt.Sprintf("%d, late", r.Status), 2*r.Status + 1
	case r.Kind == load.Timeout:
		return "gave up", 10_000
	}
	return string(r.Kind), 10_001
}

// letters name what workers were busy with; the last is for all the others.
const letters = "ABCDEFGH"

// workers draws a row for each worker: what it was busy with most of a column,
// in small letters if that was less than half of it.
func (p *page) workers(o *Observation, step time.Duration, n int) {
	p.Line("")
	p.Line("  what the workers were busy with")
	whats := whatsOf(o)
	for w := range min(o.Workers, rowsOfWorkers) {
		row, most := occupancy(o, w, step, n, whats)
		text := typeset.Number(math.Round(100*o.busy(w))) + " % busy"
		switch threads := o.WorkerConfig(w).Threads; {
		case threads > 1 && most > 0:
			text += fmt.Sprintf(", %s of %s threads", typeset.Number(float64(most)), typeset.Number(float64(threads)))
		case threads <= 1 && most > 1:
			text += fmt.Sprintf(", up to %s at once", typeset.Number(float64(most)))
		}
		p.row(o.WorkerName(w), row, text)
	}
	if o.Workers > rowsOfWorkers {
		p.Line(fmt.Sprintf("    … and %d more", o.Workers-rowsOfWorkers))
	}
	p.axis(o.Horizon, n)
	for i, what := range whats {
		if what == "" {
			what = "a connection that has sent no request yet"
		}
		p.Hang("    ", fmt.Sprintf("%c is %s", letters[i], what))
	}
	var legend []string
	if len(whats) > 0 {
		legend = append(legend, "A: for half of the column or more", "a: for less")
	}
	legend = append(legend, "· not at all")
	for _, e := range []struct {
		reason worker.Reason
		text   string
	}{{worker.TimedOut, "× killed by the worker timeout"}, {worker.Recycled, "↻ recycled after max requests"}} {
		if slices.ContainsFunc(o.Exits, func(x worker.Exit) bool { return x.Reason == e.reason }) {
			legend = append(legend, e.text)
		}
	}
	p.Hang("    ", strings.Join(legend, "; "))
	if slices.ContainsFunc(o.kinds, func(c worker.Config) bool { return c.Model == worker.Threaded && c.Threads > 1 }) {
		p.Hang("    ", "a worker with threads is busy when at least one of them is; beside it, the most that were at a time")
	}
	if slices.ContainsFunc(o.kinds, func(c worker.Config) bool { return c.Model.EventLoop() }) {
		p.Hang("    ", "an event loop is busy when code holds it; a request that awaits holds nothing")
	}
}

// whatsOf is what workers were busy with, by when it was first seen; what there
// is no letter for is counted with the last.
func whatsOf(o *Observation) []string {
	var whats []string
	for _, s := range o.Spans {
		if slices.Contains(whats, s.What) {
			continue
		}
		if len(whats) == len(letters)-1 {
			return append(whats, "anything else")
		}
		whats = append(whats, s.What)
	}
	return whats
}

// occupancy is a worker's row, and the most spans that it had at a time.
func occupancy(o *Observation, w int, step time.Duration, n int, whats []string) (row string, most int) {
	busy := make([]time.Duration, n)               // by at least one thing
	with := make([][len(letters)]time.Duration, n) // by each
	var done time.Duration
	var ends []time.Duration // of the spans that are open, ascending
	for _, s := range o.Spans {
		if s.Worker != w {
			continue
		}
		from, to := s.From.Sub(o.Begin), s.To.Sub(o.Begin)
		for len(ends) > 0 && ends[0] <= from {
			ends = ends[1:]
		}
		at, _ := slices.BinarySearch(ends, to)
		ends = slices.Insert(ends, at, to)
		most = max(most, len(ends))

		letter := slices.Index(whats, s.What)
		if letter < 0 {
			letter = max(0, len(whats)-1)
		}
		for c := max(0, int(from/step)); c < n && time.Duration(c)*step < to; c++ {
			a, b := max(from, time.Duration(c)*step), min(to, time.Duration(c+1)*step)
			with[c][letter] += b - a
			if a = max(a, done); b > a {
				busy[c] += b - a
			}
		}
		done = max(done, to)
	}
	cells := make([]rune, n)
	for c := range cells {
		longest := 0
		for i, d := range with[c] {
			if d > with[c][longest] {
				longest = i
			}
		}
		letter := rune(letters[longest])
		switch {
		case 2*busy[c] >= step:
			cells[c] = letter
		case busy[c] > 0:
			cells[c] = letter - 'A' + 'a'
		default:
			cells[c] = '·'
		}
	}
	for _, e := range o.Exits {
		if e.Worker != w {
			continue
		}
		c := min(max(0, int(e.At.Sub(o.Begin)/step)), n-1)
		switch e.Reason {
		case worker.TimedOut:
			cells[c] = '×'
		case worker.Recycled:
			cells[c] = '↻'
		}
	}
	return string(cells), most
}
