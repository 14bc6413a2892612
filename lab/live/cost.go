// What a request costs.

package live

import (
	"context"
	"net"
	"time"

	"example.com/outagelab/lab/load"
)

const (
	saturating = 16 // connections
	eachAtMost = 50 // requests
	// noTime is too little for all of them to be computed in: the clock is virtual, and
	// the server has no cost.
	noTime = time.Millisecond
)

// cost asks for the lightest request from several connections at once, again and
// again for a second, and counts.
func (d *diagnosis) cost() {
	target := load.Target{Host: d.target.Host, Dial: func(ctx context.Context, _ int) (net.Conn, error) { return d.target.Dial(ctx) }}
	if d.asked.Add(saturating*eachAtMost) > mostRequests {
		d.asked.Add(-saturating * eachAtMost)
		d.remark("what a request costs was not measured: it takes up to %d requests more than there may be", saturating*eachAtMost)
		return
	}
	records, err := load.Run(d.ctx, target, 3*time.Second, load.Closed{
		Name: "saturated", Path: d.lightest(), Connections: saturating, Duration: time.Second, Requests: eachAtMost,
	})
	d.asked.Add(int64(len(records)) - saturating*eachAtMost)
	d.sent.Add(int64(len(records)))
	if err != nil {
		return // the diagnosis is over
	}
	good, end := 0, time.Duration(0)
	for _, r := range records {
		if r.Kind == load.Unfinished {
			d.lost.Store(true)
		}
		if r.Good() {
			good++
			end = max(end, r.End)
		}
	}
	if good > saturating && end > noTime {
		d.report.Rate = float64(good) / end.Seconds()
	}
}
