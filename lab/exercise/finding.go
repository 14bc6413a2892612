// What is wrong with a route: the causes of its requests, put together.

package exercise

import (
	"cmp"
	"slices"
	"time"

	"example.com/outagelab/feedsim/front"
)

// A finding is what is wrong with a route.
type finding struct {
	causes []Cause // from what its users saw to where it comes from
	cause  string  // a sentence
	try    string  // where to look next
	next   bool    // some waited, and were then tried where nobody listens
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
	of := map[*request]*charged{}
	for i := range bad {
		of[bad[i].request] = &bad[i]
	}
	for i := range bad {
		if bad[i].noSlot {
			bad[i].root, bad[i].holders = ev.holders(of, bad[i].front)
		}
	}
	return bad
}

// holders is what those waited for who had most of a process's connections when r
// found none left, and who they are; NoSlots if most of them were fine.
func (ev *evidence) holders(bad map[*request]*charged, r *front.Record) (root, []*charged) {
	open := 0
	waiting := map[root][]*charged{}
	for i := range ev.o.Front {
		other := &ev.o.Front[i]
		if other.Process != r.Process || !other.Start.Before(r.Start) || !other.End.After(r.Start) {
			continue
		}
		open++
		c := bad[ev.of[other]]
		if c == nil || c.noSlot {
			continue
		}
		switch c.cause {
		case Queueing, PoolOfOne, PoolFull, LoopHeld, Killed, Looped:
			waiting[c.root] = append(waiting[c.root], c)
		}
	}
	for what, holders := range waiting {
		if 2*len(holders) > open { // as only one can
			return what, holders
		}
	}
	return root{cause: NoSlots}, nil
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
	// When nginx takes all servers for dead, no one of them is more to blame for that
	// than another.
	if i := slices.IndexFunc(first.all, isAtOnce); i >= 0 && first.comparable() {
		upstream := first.all[i].front.Upstream
		for _, s := range shares[1:] {
			s.all = slices.DeleteFunc(s.all, func(c charged) bool {
				same := c.atOnce() && c.front.Upstream == upstream && s.comparable()
				if same {
					first.all = append(first.all, c)
				}
				return same
			})
		}
	}
	f := finding{causes: ev.chain(first), cause: ev.sentence(n, first)}
	for _, s := range shares[1:] {
		if len(s.all) > 0 {
			f.cause += "; " + s.aside()
		}
	}
	f.cause += "."
	f.try = ev.hint(n, first)
	f.next = slices.ContainsFunc(bad, func(c charged) bool {
		next := c.next()
		return next != nil && next.Outcome == front.Refused && c.own.Outcome == front.TimedOut
	})
	return f
}

// every reports whether something is true of every request of the share.
func (s *share) every(is func(*charged) bool) bool {
	return !slices.ContainsFunc(s.all, func(c charged) bool { return !is(&c) })
}

// crowdedOut reports whether no request of the share got as far as what it is put
// down to: others who waited for that had all of nginx's connections.
func (s *share) crowdedOut() bool {
	return s.cause != NoSlots && s.every(func(c *charged) bool { return c.noSlot })
}

// turnedAway reports whether no request of the share got as far as what it is put
// down to: nginx took every server for dead, for what others had met there.
func (s *share) turnedAway() bool {
	return s.comparable() && s.every(func(c *charged) bool { return c.atOnce() })
}

// comparable reports whether the share's failures are of a kind with those of other
// servers.
func (s *share) comparable() bool {
	return s.cause != Refused && s.cause != Looped && s.cause != Unexplained
}

func isAtOnce(c charged) bool { return c.atOnce() }

// crowd is those who had the connections that the share found taken.
func (s *share) crowd() *share {
	crowd := &share{root: s.root}
	seen := map[*charged]bool{}
	for _, c := range s.all {
		for _, holder := range c.holders {
			if !seen[holder] {
				seen[holder] = true
				crowd.all = append(crowd.all, *holder)
			}
		}
	}
	return crowd
}

// paths is the routes of the share's requests, most often first.
func (s *share) paths() []string {
	var u usage
	for _, c := range s.all {
		u.add(c.need.path, 1)
	}
	return u.uris()
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
	if srv := ev.at(s.peer); s.cause == Killed && srv != nil && srv.model.EventLoop() {
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
