// The picture of what became of the requests: over time, by how they ended.

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/typeset"
)

// An ending is one way in which requests of a load ended, over time.
type ending struct {
	name  string
	order int
	look  look
	each  []int // by column
	total int
}

// endingOf names how a request ended as results.json does: by its status, late or
// not, or by how it failed. (A stream that was read until its client left is no
// failure, and has a name of its own here; and “200, late” loses its comma.) What
// went well is lowest in the pile, then come refusals by their status, and then
// what was no reply. The look is the one it has where no other wants it.
func endingOf(r load.Record) ending {
	const noReply = 10_000 // no status is as high
	switch {
	case r.Complete && r.Kind == load.OK:
		return ending{name: fmt.Sprint(r.Status), order: 10 * r.Status, look: statusLook(r.Status)}
	case r.Complete && r.Kind == load.Timeout && r.Status < 400:
		return ending{name: fmt.Sprintf("%d late", r.Status), order: 3999, look: look{role: yellow, pattern: striped}}
	case r.Complete && r.Kind == load.Timeout:
		return ending{name: fmt.Sprintf("%d late", r.Status), order: 10*r.Status + 5, look: look{role: yellow, pattern: striped}}
	case streamed(r):
		return ending{name: "streamed until its client left", order: 3998, look: look{role: green, pattern: striped}}
	case r.Kind == load.Timeout:
		return ending{name: "gave up", order: noReply, look: look{role: grey, pattern: hollow}}
	case r.Kind == load.ClosedEarly:
		return ending{name: string(r.Kind), order: noReply + 1, look: look{role: blue, pattern: striped}}
	case r.Kind == load.Reset:
		return ending{name: string(r.Kind), order: noReply + 2, look: look{role: blue}}
	}
	return ending{name: string(r.Kind), order: noReply + 3, look: look{role: grey}}
}

func statusLook(status int) look {
	switch {
	case status < 400:
		return look{role: green}
	case status == 504:
		return look{role: red}
	case status == 502:
		return look{role: purple, pattern: striped}
	case status == 503:
		return look{role: yellow, pattern: hollow}
	}
	return look{role: red, pattern: hollow}
}

// looksOf gives each ending of a picture a look: its own, or if that is taken one
// that is free. There are 18; what is beyond them looks alike.
func looksOf(all []ending) map[string]look {
	var free []look
	for pattern := range pattern(patterns) {
		for _, role := range append([]role{grey}, colours...) {
			free = append(free, look{role: role, pattern: pattern})
		}
	}
	looks := map[string]look{}
	var others []ending
	for _, e := range all {
		if i := slices.Index(free, e.look); i >= 0 {
			looks[e.name], free = e.look, slices.Delete(free, i, i+1)
		} else {
			others = append(others, e)
		}
	}
	for _, e := range others {
		free = append(free, look{role: grey})
		looks[e.name], free = free[0], free[1:]
	}
	return looks
}

// streamed reports whether a reply was one without an end, which its client read
// for as long as it wanted to.
func streamed(r load.Record) bool {
	return !r.Complete && r.Kind == load.Timeout && r.Status != 0 && r.Status < 400 && r.Lines > 0
}

// endings sorts requests by how they ended, and by the column of n in which they
// did. Those that did not end are in none.
func endings(records []load.Record, column time.Duration, n int) (all []ending) {
	for _, r := range records {
		if r.Kind == load.Unfinished {
			continue
		}
		e := endingOf(r)
		i := slices.IndexFunc(all, func(other ending) bool { return other.name == e.name })
		if i < 0 {
			i, e.each = len(all), make([]int, n)
			all = append(all, e)
		}
		all[i].each[min(int(r.End/column), n-1)]++
		all[i].total++
	}
	slices.SortFunc(all, func(a, b ending) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.name, b.name))
	})
	return all
}

// roundColumn is the shortest round duration of which no more than so many fit in
// the horizon.
func roundColumn(horizon time.Duration, columns int) time.Duration {
	return max(1, time.Duration(math.Round(roundUp(float64(horizon)/float64(columns)))))
}

// mostPanels is how many loads are drawn one by one.
const mostPanels = 6

// replies is the picture; false where too little ended to show anything.
func replies(r *lab.Result, p *palette, withWaiting bool) (drawing, bool) {
	o := r.Seen
	ended, lots := 0, []string{}
	for _, l := range r.Loads {
		var parts []string
		for _, e := range endings(load.Of(o.Records, l.Name), o.Horizon, 1) {
			ended += e.total
			parts = append(parts, fmt.Sprintf("%s × %s", typeset.Number(float64(e.total)), e.name))
		}
		if open := unfinished(load.Of(o.Records, l.Name)); open > 0 {
			parts = append(parts, fmt.Sprintf("%s open at the end", typeset.Number(float64(open))))
		}
		if len(parts) > 0 {
			lots = append(lots, l.Name+": "+strings.Join(parts, ", "))
		}
	}
	if ended < 5 {
		return drawing{}, false
	}
	reading := "Each column is the requests that ended in that time, answered or not."
	if len(lots) > 1 {
		reading = "Each column is the requests of a load that ended in that time, answered or not."
	}
	if withWaiting {
		if _, ok := waitingPanel(r, p, int(wide)); ok {
			reading += waitingWords
		}
	}
	looks := looksOf(endings(o.Records, o.Horizon, 1))
	if more := len(r.Loads) - mostPanels; more > 0 {
		reading += fmt.Sprintf(" The last %d of the %d loads are left out.", more, len(r.Loads))
	}
	return drawing{
		title: "What became of the requests. " + strings.Join(lots, "; ") + ".",
		words: reading,
		at: func(width vg.Length) *sheet {
			s := &sheet{width: width}
			for _, l := range r.Loads[:min(len(r.Loads), mostPanels)] {
				if pa, ok := repliesPanel(o, l.Name, looks, width); ok {
					s.panels = append(s.panels, pa)
				}
			}
			if pa, ok := waitingPanel(r, p, int(width)); withWaiting && ok {
				s.panels = append(s.panels, pa)
			}
			s.panels[len(s.panels)-1].plot.X.Label.Text = timeTitle
			return s
		},
	}, true
}

const timeTitle = "time since the load began, s"

func unfinished(records []load.Record) (n int) {
	for _, r := range records {
		if r.Kind == load.Unfinished {
			n++
		}
	}
	return n
}

// repliesPanel is one load's pile of columns; false if nothing of it ended.
func repliesPanel(o *lab.Observation, name string, looks map[string]look, width vg.Length) (panel, bool) {
	column := roundColumn(o.Horizon, int(width/14))
	n := int((o.Horizon + column - 1) / column)
	all := endings(load.Of(o.Records, name), column, n)
	if len(all) == 0 {
		return panel{}, false
	}
	pl := newPlot("", "requests/"+strings.TrimPrefix(typeset.Seconds(column), "1 "))
	pl.Y.Tick.Marker = wholly{}
	pl.Y.Min, pl.Y.Max = 0, 1
	timeAxis(pl, o)
	base := make([]int, n)
	var legend []entry
	for _, e := range all {
		pl.Add(&pile{each: e.each, base: slices.Clone(base), column: column.Seconds(), end: o.Horizon.Seconds(), look: looks[e.name]})
		for i, count := range e.each {
			base[i] += count
			pl.Y.Max = max(pl.Y.Max, float64(base[i]))
		}
		legend = append(legend, filled(typeset.Number(float64(e.total))+" × "+e.name, looks[e.name], true))
	}
	markTop(&pl.Y, fewSteps)
	return panel{name: "Requests " + asked(name), legend: legend, plot: pl, height: 125}, true
}

// A pile is a plotter of columns on top of others.
type pile struct {
	each, base  []int
	column, end float64 // s
	look        look
}

func (b *pile) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var rects []vg.Rectangle
	for i, count := range b.each {
		if count == 0 {
			continue
		}
		from, to := float64(i)*b.column, min(float64(i+1)*b.column, b.end)
		rects = append(rects, vg.Rectangle{
			Min: vg.Point{X: x(from) + 0.5, Y: y(float64(b.base[i]))},
			Max: vg.Point{X: x(to) - 0.5, Y: y(float64(b.base[i] + count))},
		})
	}
	fill(&c, b.look, true, rects)
}
