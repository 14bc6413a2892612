// Who held which worker, from when to when: what the picture of the workers is
// drawn from.

package report

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"example.com/outagelab/lab"
	"example.com/outagelab/pocserver/worker"
)

// A crew is one worker's lanes: as many as it can serve, or has served, at a time.
type crew struct {
	worker int
	lanes  int
	most   int // requests that held it at a time
	bars   []bar
	// pooled says that there are too many lanes to draw: the bars are in one, and
	// each is as high as the part of the lanes that were held.
	pooled bool
}

// A bar is a stretch of time in which a route held a lane. What is shorter than a
// pixel is put together: the bar is then lower than its lane, by the part of the
// pixel's time in which it was not held.
type bar struct {
	lane       int
	from, to   time.Duration
	route      string
	base, part float64 // in lanes
}

// mostLanes is how many lanes of one worker are drawn.
const mostLanes = 40

// shares is in how many steps the height of a bar is measured that is lower than
// its lane.
const shares = 20

// unread is what a worker is held by before it has read a request.
const unread = "a connection that has sent no request yet"

// routeOf is the route of a request line's method and target: without the query,
// and without the method that is the usual one.
func routeOf(what string) string {
	if what == "" {
		return unread
	}
	route, _, _ := strings.Cut(strings.TrimPrefix(what, "GET "), "?")
	return route
}

// crewOf sorts what worker w was busy with into lanes: each request gets the first
// that is free.
func crewOf(o *lab.Observation, w int, pixel time.Duration) crew {
	c := crew{worker: w, lanes: 1}
	if config := o.WorkerConfig(w); config.Model == worker.Threaded {
		c.lanes = max(1, config.Threads)
	}
	type stretch struct {
		lane     int
		from, to time.Duration
		route    string
	}
	var (
		all  []stretch
		ends []time.Duration // of each lane
	)
	for _, s := range o.Spans {
		if s.Worker != w {
			continue
		}
		from, to := s.From.Sub(o.Begin), s.To.Sub(o.Begin)
		lane := slices.IndexFunc(ends, func(end time.Duration) bool { return end <= from })
		if lane < 0 {
			lane, ends = len(ends), append(ends, 0)
		}
		ends[lane] = to
		all = append(all, stretch{lane, max(from, 0), to, routeOf(s.What)})
	}
	c.most = len(ends)
	c.lanes = max(c.lanes, c.most)
	c.pooled = c.lanes > mostLanes

	fine := map[cell]map[string]time.Duration{}
	for _, s := range all {
		if !c.pooled && s.to-s.from >= pixel {
			c.bars = append(c.bars, bar{s.lane, s.from, s.to, s.route, 0, 1})
			continue
		}
		at := cell{s.lane, s.from / pixel}
		if c.pooled {
			at.lane = 0
		}
		for ; at.column*pixel < s.to; at.column++ {
			if fine[at] == nil {
				fine[at] = map[string]time.Duration{}
			}
			fine[at][s.route] += min(s.to, (at.column+1)*pixel) - max(s.from, at.column*pixel)
		}
	}
	whole := pixel
	if c.pooled {
		whole *= time.Duration(c.lanes)
	}
	c.bars = append(c.bars, merged(fine, pixel, whole)...)
	return c
}

// A cell is a pixel's width of a lane.
type cell struct {
	lane   int
	column time.Duration
}

// merged makes bars of cells: neighbours that look alike become one. A cell that is
// held for whole is full.
func merged(fine map[cell]map[string]time.Duration, pixel, whole time.Duration) (bars []bar) {
	cells := slices.SortedFunc(maps.Keys(fine), func(a, b cell) int {
		return cmp.Or(cmp.Compare(a.lane, b.lane), cmp.Compare(a.column, b.column))
	})
	var before []bar
	for _, at := range cells {
		var now []bar
		base := 0.0
		for _, route := range slices.Sorted(maps.Keys(fine[at])) {
			part := math.Round(shares*fine[at][route].Seconds()/whole.Seconds()) / shares
			part = min(max(part, 1.0/shares), 1-base) // what there is is seen, where there is room
			if part < 0.5/shares {
				continue
			}
			now = append(now, bar{at.lane, at.column * pixel, (at.column + 1) * pixel, route, base, part})
			base += part
		}
		if continues(before, now) {
			for i := range before {
				before[i].to = now[i].to
			}
			continue
		}
		bars = append(bars, before...)
		before = now
	}
	return append(bars, before...)
}

// continues reports whether the bars of one cell go on in the next.
func continues(before, now []bar) bool {
	return len(before) > 0 && slices.EqualFunc(before, now, func(a, b bar) bool {
		return a.lane == b.lane && a.to == b.from && a.route == b.route && a.base == b.base && a.part == b.part
	})
}

// heldBy is for how long each route held lanes of the workers, summed over lanes.
func heldBy(o *lab.Observation) map[string]time.Duration {
	held := map[string]time.Duration{}
	for _, s := range o.Spans {
		from := max(0, s.From.Sub(o.Begin))
		held[routeOf(s.What)] += max(0, s.To.Sub(o.Begin)-from)
	}
	return held
}
