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

// A crew is all workers of a run, with what they were held by. A worker has a lane
// for each request that it can serve, or has served, at a time.
type crew struct {
	o     *lab.Observation
	stays []stay
	lanes []int // of each worker
}

// A stay is a stretch of time in which a request held a lane. Instants count from
// the beginning of the run.
type stay struct {
	worker, lane   int
	from, left, to time.Duration // from left on it was in vain
	route          string
}

// mostLanes is how many lanes are drawn one by one.
const mostLanes = 80

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

// crewOf sorts what the workers were busy with into lanes: each request gets the
// first that is free.
func crewOf(r *lab.Result) *crew {
	o := r.Seen
	c := &crew{o: o, lanes: make([]int, o.Workers)}
	left := leavings(r)
	ends := make([][]time.Duration, o.Workers) // of each lane
	for i, s := range o.Spans {
		w, from, to := s.Worker, s.From.Sub(o.Begin), s.To.Sub(o.Begin)
		if to <= 0 {
			continue // it was over before the load began
		}
		lane := slices.IndexFunc(ends[w], func(end time.Duration) bool { return end <= from })
		if lane < 0 {
			lane, ends[w] = len(ends[w]), append(ends[w], 0)
		}
		ends[w][lane] = to
		from = max(from, 0)
		c.stays = append(c.stays, stay{w, lane, from, max(left[i], from), to, routeOf(s.What)})
	}
	for w := range o.Workers {
		c.lanes[w] = max(1, len(ends[w]))
		if config := o.WorkerConfig(w); config.Model == worker.Threaded {
			c.lanes[w] = max(c.lanes[w], config.Threads)
		}
	}
	return c
}

// slots is how many requests all workers can hold at a time.
func (c *crew) slots() (n int) {
	for _, lanes := range c.lanes {
		n += lanes
	}
	return n
}

// pooled says that there are too many lanes to draw: a worker's bars are in one,
// and each is as high as the part of the lanes that were held.
func (c *crew) pooled(w int) bool { return c.lanes[w] > 1 && c.slots() > mostLanes }

// A holder is what a lane is held by: a route, for somebody or in vain.
type holder struct {
	route string
	vain  bool
}

// A bar is a stretch of time in which a lane was held. What is shorter than a pixel
// is put together: the bar is then lower than its lane, by the part of the pixel's
// time in which it was not held.
type bar struct {
	lane     int
	from, to time.Duration
	holder
	base, part float64 // in lanes
}

// shares is in how many steps the height of a bar is measured that is lower than
// its lane.
const shares = 20

// bars are what is drawn of worker w, where a pixel is so long.
func (c *crew) bars(w int, pixel time.Duration) (bars []bar) {
	pooled := c.pooled(w)
	fine := map[cell]map[holder]time.Duration{}
	draw := func(lane int, from, to time.Duration, by holder) {
		if !pooled && to-from >= pixel {
			bars = append(bars, bar{lane, from, to, by, 0, 1})
			return
		}
		at := cell{lane, from / pixel}
		if pooled {
			at.lane = 0
		}
		for ; at.column*pixel < to; at.column++ {
			if fine[at] == nil {
				fine[at] = map[holder]time.Duration{}
			}
			fine[at][by] += min(to, (at.column+1)*pixel) - max(from, at.column*pixel)
		}
	}
	for _, s := range c.stays {
		if s.worker != w {
			continue
		}
		switch { // two parts of one stay are drawn if both can be seen
		case s.to-s.left < pixel && s.left > s.from:
			s.left = s.to
		case s.left-s.from < pixel:
			s.left = s.from
		}
		if s.left > s.from {
			draw(s.lane, s.from, s.left, holder{s.route, false})
		}
		if s.to > s.left {
			draw(s.lane, s.left, s.to, holder{s.route, true})
		}
	}
	whole := pixel
	if pooled {
		whole *= time.Duration(c.lanes[w])
	}
	return append(bars, merged(fine, pixel, whole)...)
}

// A cell is a pixel's width of a lane.
type cell struct {
	lane   int
	column time.Duration
}

// merged makes bars of cells: neighbours that look alike become one. A cell that is
// held for whole is full.
func merged(fine map[cell]map[holder]time.Duration, pixel, whole time.Duration) (bars []bar) {
	cells := slices.SortedFunc(maps.Keys(fine), func(a, b cell) int {
		return cmp.Or(cmp.Compare(a.lane, b.lane), cmp.Compare(a.column, b.column))
	})
	var before []bar
	for _, at := range cells {
		var now []bar
		base := 0.0
		for _, by := range slices.SortedFunc(maps.Keys(fine[at]), compareHolders) {
			part := math.Round(shares*fine[at][by].Seconds()/whole.Seconds()) / shares
			part = min(max(part, 1.0/shares), 1-base) // what there is is seen, where there is room
			if part < 0.5/shares {
				continue
			}
			now = append(now, bar{at.lane, at.column * pixel, (at.column + 1) * pixel, by, base, part})
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

func compareHolders(a, b holder) int {
	switch {
	case a.route != b.route:
		return cmp.Compare(a.route, b.route)
	case a.vain == b.vain:
		return 0
	case b.vain:
		return -1
	}
	return 1
}

// continues reports whether the bars of one cell go on in the next.
func continues(before, now []bar) bool {
	return len(before) > 0 && slices.EqualFunc(before, now, func(a, b bar) bool {
		return a.lane == b.lane && a.to == b.from && a.holder == b.holder && a.part == b.part
	})
}

// held is for how long each route held lanes of the workers, summed over lanes.
func (c *crew) held() map[string]time.Duration {
	held := map[string]time.Duration{}
	for _, s := range c.stays {
		held[s.route] += s.to - s.from
	}
	return held
}

// fullFor is for how long so many requests, or more, held the workers.
func (c *crew) fullFor(need int) (full time.Duration) {
	held, before := 0, time.Duration(0)
	for _, ch := range c.changes() {
		if held >= need {
			full += ch.at - before
		}
		held, before = held+ch.by, ch.at
	}
	return full
}

// A change is that of a number at an instant.
type change struct {
	at time.Duration
	by int
}

// inTime sorts changes; of one instant, what ends comes before what begins.
func inTime(changes []change) []change {
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.by, b.by)) })
	return changes
}

// changes are those of the number of requests that hold the workers.
func (c *crew) changes() (changes []change) {
	for _, s := range c.stays {
		changes = append(changes, change{s.from, 1}, change{s.to, -1})
	}
	return inTime(changes)
}
