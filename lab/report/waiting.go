// How many requests have no reply yet, at each moment.

package report

import (
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
)

// waitingOf is the most requests, in each of n columns, that their clients had sent
// or wanted to, and of whose reply no byte had come: those that wait, and those
// that are being served.
func waitingOf(records []load.Record, column time.Duration, n int) []int {
	var changes []change
	for _, r := range records {
		until := r.End
		if r.FirstByte > 0 {
			until = firstByte(r)
		}
		changes = append(changes, change{r.Scheduled, 1}, change{until, -1})
	}
	inTime(changes)
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

// waitingWords say how the panel is to be read.
const waitingWords = " A request has no reply yet until the first byte of it comes: it waits, or is being served."

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
		legend = append(legend, lined(l.Name, p.line(l.Name)))
	}
	timeAxis(pl, o)
	markTop(&pl.Y, fewSteps)
	return panel{name: "Requests that have no reply yet", legend: legend, plot: pl, height: 110}, most > fewWaiting
}

// timeAxis makes the horizontal axis the time of a run.
func timeAxis(p *plot.Plot, o *lab.Observation) {
	p.X.Min, p.X.Max = 0, o.Horizon.Seconds()
}
