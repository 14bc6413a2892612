// What is wrong with a route: the causes of its requests, put together.

package exercise

import (
	"cmp"
	"slices"
	"time"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/pocserver/worker"
)

// A finding is what is wrong with a route.
type finding struct {
	causes []Cause // from what its users saw to where it comes from
	cause  string  // a sentence
	try    string  // where to look next
}

// charged is a request that went wrong, with what it is put down to.
type charged struct {
	*request
	blame
}

// A share is the requests of a route that are put down to one root.
type share struct {
	root
	all []charged
}

// charge puts down each request that went wrong to something.
func (ev *evidence) charge() []charged {
	var bad []charged
	for _, r := range ev.asked {
		if r.fate != good {
			bad = append(bad, charged{r, ev.blame(r)})
		}
	}
	// Where connections ran out, the question is who had them.
	for i := range bad {
		if bad[i].noSlot {
			bad[i].root = ev.holders(bad, bad[i].front)
		}
	}
	return bad
}

// holders is what those waited for who had most of a process's connections when r
// found none left; NoSlots if most of them were fine.
func (ev *evidence) holders(bad []charged, r *front.Record) root {
	open := 0
	for _, other := range ev.o.Front {
		if other.Process == r.Process && other.Start.Before(r.Start) && other.End.After(r.Start) {
			open++
		}
	}
	waiting := map[root]int{}
	for _, other := range bad {
		f := other.front
		if f == nil || other.noSlot || f.Process != r.Process || !f.Start.Before(r.Start) || !f.End.After(r.Start) {
			continue
		}
		switch other.cause {
		case Queueing, PoolOfOne, PoolFull, LoopHeld, Killed:
			if waiting[other.root]++; 2*waiting[other.root] > open {
				return other.root
			}
		}
	}
	return root{cause: NoSlots}
}

// find says what is wrong with a route whose bad requests these are.
func (ev *evidence) find(n *need, bad []charged) finding {
	var shares []*share
	for _, c := range bad {
		i := slices.IndexFunc(shares, func(s *share) bool { return s.root == c.root })
		if i < 0 {
			i = len(shares)
			shares = append(shares, &share{root: c.root})
		}
		shares[i].all = append(shares[i].all, c)
	}
	slices.SortStableFunc(shares, func(a, b *share) int { return cmp.Compare(len(b.all), len(a.all)) })
	first := shares[0]
	f := finding{causes: ev.chain(first), cause: ev.sentence(n, first)}
	for _, s := range shares[1:] {
		f.cause += "; " + s.aside()
	}
	f.cause += "."
	f.try = ev.hint(n, first)
	return f
}

// chain is the causes of a share, from what its users saw to its root.
func (ev *evidence) chain(s *share) (causes []Cause) {
	slots, live := 0, 0
	for _, c := range s.all {
		if c.noSlot {
			slots++
		}
		if c.noLive {
			live++
		}
	}
	if slots*2 > len(s.all) && s.cause != NoSlots {
		causes = append(causes, NoSlots)
	}
	if live > 0 {
		causes = append(causes, NoLive)
	}
	causes = append(causes, s.cause)
	if srv := ev.at(s.peer); s.cause == Killed && srv != nil && srv.model == worker.Evented {
		causes = append(causes, LoopHeld)
	}
	return causes
}

// window is from when to when the share waited; the whole run if nobody did.
func (ev *evidence) window(s *share) (from, to time.Duration) {
	from = ev.o.Horizon
	for _, c := range s.all {
		if c.to > 0 {
			from, to = min(from, c.from), max(to, c.to)
		}
	}
	if to <= from {
		return 0, ev.o.Horizon
	}
	return from, to
}
