// How many requests are waiting at each moment.

package report

import (
	"cmp"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
)

// waitingOf is the most requests, in each of n columns, that were sent, or were to
// be, and had neither an answer nor failed nor been dropped at their load's end.
func waitingOf(records []load.Record, column time.Duration, n int) []int {
	type change struct {
		at time.Duration
		by int
	}
	var changes []change
	for _, r := range records {
		changes = append(changes, change{r.Scheduled, 1}, change{r.End, -1})
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.by, b.by)) })
	most := make([]int, n)
	waiting, next := 0, 0
	for i := range most {
		most[i] = waiting
		for ; next < len(changes) && changes[next].at < time.Duration(i+1)*column; next++ {
			waiting += changes[next].by
			most[i] = max(most[i], waiting)
		}
	}
	return most
}

// fewWaiting is how many requests of a load may wait before it is worth a picture.
const fewWaiting = 2

// waitingPanel is a line for each load; false where hardly anybody ever waited.
func waitingPanel(r *lab.Result, p *palette, columns int) (panel, bool) {
	o := r.Seen
	pl := newPlot("", "requests")
	pl.Y.Tick.Marker = wholly{}
	pl.Y.Min, pl.Y.Max = 0, 1
	column := o.Horizon/time.Duration(columns) + 1
	var legend []entry
	most := 0
	for _, l := range r.Loads {
		var xy plotter.XYs
		for i, n := range waitingOf(load.Of(o.Records, l.Name), column, columns) {
			most = max(most, n)
			at := (time.Duration(i) * column).Seconds()
			if len(xy) > 0 && xy[len(xy)-1].Y != float64(n) {
				xy = append(xy, plotter.XY{X: at, Y: xy[len(xy)-1].Y})
			}
			if len(xy) == 0 || xy[len(xy)-1].Y != float64(n) {
				xy = append(xy, plotter.XY{X: at, Y: float64(n)})
			}
		}
		xy = append(xy, plotter.XY{X: o.Horizon.Seconds(), Y: xy[len(xy)-1].Y})
		pl.Add(&plotter.Line{XYs: xy, LineStyle: p.line(l.Name)})
		legend = append(legend, lined("waiting: "+l.Name, p.line(l.Name)))
	}
	timeAxis(pl, o)
	return panel{name: "Requests that wait for their reply", legend: legend, plot: pl, height: 110}, most > fewWaiting
}

// timeAxis makes the horizontal axis the time of a run.
func timeAxis(p *plot.Plot, o *lab.Observation) {
	p.X.Min, p.X.Max = 0, o.Horizon.Seconds()
}
