// What theory says of a search before it begins: its answer, or how much of one it
// has.

package scenario

import (
	"slices"
	"sort"

	"example.com/outagelab/lab/typeset"
)

// eased reports whether more places make it easier to keep: of replies there are more
// with more places, and of anything else less.
func (h hold) eased() bool {
	return h.most && !slices.Contains([]string{"replies", "replies/s", "streams"}, h.metric.Unit)
}

// foreseen says whether theory has all of hold come true with a value, and whether
// it can say.
func (s *Scenario) foreseen(value int) (holds, known bool) {
	th := s.with(value).theory()
	all := true
	for _, h := range s.holds {
		p := th.of(h.metric.Name)
		switch {
		case th.breaks(h):
			return false, true
		case p == nil || p.low != p.high || p.atMost:
			all = false
		case !h.keeps(p.high):
			return false, true
		}
	}
	return all, all
}

// guess is the theory's answer: the smallest number of places of which it says that
// all holds; 0 if there is none, which it may know.
func (s *Scenario) guess() (value int, known bool) {
	if !slices.Contains(places, s.search.key) {
		return 0, false
	}
	low, high := s.search.low-1, s.search.high
	if holds, known := s.foreseen(high); !holds {
		for _, h := range s.holds {
			known = known && h.eased()
		}
		return 0, known
	}
	return s.leastForeseen(low, high), true
}

// leastForeseen is the smallest value with which all holds by theory, as it does with
// high, and does not with low.
func (s *Scenario) leastForeseen(low, high int) int {
	return low + 1 + sort.Search(high-low-1, func(i int) bool {
		holds, _ := s.foreseen(low + 1 + i)
		return holds
	})
}

// foreknown is a search that has not begun, with what theory says of it.
func (s *Scenario) foreknown() *found {
	f := &found{search: s.search}
	f.guess, f.known = s.guess()
	for _, b := range s.with(s.search.low).theory().bottlenecks {
		if b.key == s.search.key && b.server == s.search.server {
			f.critical = min(b.least-1, s.search.high)
		}
	}
	f.needsMore, f.unsaid = s.needsMore(), s.unsaidBelow(f.guess)
	if f.guess == 0 {
		f.above = s.enoughAbove()
	}
	return f
}

// needsMore is the largest value of which theory says that it is too little: places
// that are more would do, and fewer would not. It is one less than the least if there
// is none.
func (s *Scenario) needsMore() int {
	if !slices.Contains(places, s.search.key) {
		return s.search.low - 1
	}
	return s.search.low - 1 + sort.Search(s.search.high-s.search.low+1, func(i int) bool { return !s.tooLittle(s.search.low + i) })
}

// tooLittle says whether theory has a bound broken with a value, and more places might
// keep it.
func (s *Scenario) tooLittle(value int) bool {
	th := s.with(value).theory()
	return slices.ContainsFunc(s.holds, func(h hold) bool {
		p := th.of(h.metric.Name)
		return h.eased() && (th.breaks(h) || p != nil && p.low == p.high && !h.keeps(p.high))
	})
}

// enoughAbove is the smallest value above the range with which all holds by theory; 0
// if there is none.
func (s *Scenario) enoughAbove() int {
	if !slices.Contains(places, s.search.key) {
		return 0
	}
	for low, most := s.search.high, mostOf(s.search.key); low < most; low = min(2*low, most) {
		high := min(2*low, most)
		if holds, _ := s.foreseen(high); holds {
			return s.leastForeseen(low, high)
		}
	}
	return 0
}

// unsaidBelow is what theory has no formula for with one less than its answer, and
// why; "" if it says of that that not all holds, or if it is below the range.
func (s *Scenario) unsaidBelow(guess int) string {
	if guess <= s.search.low {
		return ""
	}
	if _, known := s.foreseen(guess - 1); known {
		return ""
	}
	with := s.with(guess).theory().without
	for _, text := range s.with(guess - 1).theory().without {
		if !slices.Contains(with, text) {
			return text
		}
	}
	var all []string
	for _, h := range s.holds {
		all = append(all, h.metric.Name)
	}
	return "it has no number for " + typeset.List(all)
}
