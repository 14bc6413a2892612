// Why nginx had taken the servers of an upstream for dead.

package exercise

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"example.com/outagelab/lab/typeset"
)

// An out is a peer that nginx took for dead, for failures of one kind.
type out struct {
	peer  string
	cause Cause
	waits []time.Duration
	with  usage // how many of each route had failed
}

// outs are the peers that nginx took for dead when it had none left for the share's
// requests, each with its most frequent failure: the share's own peer first.
type outs []*out

func (ev *evidence) outs(s *share) outs {
	var all outs
	for _, c := range s.all {
		if !c.noLive {
			continue
		}
		seen := map[string]bool{}
		tries := ev.failed[view{c.front.Process, c.front.Upstream}]
		for i := len(tries) - 1; i >= 0; i-- {
			t := &tries[i]
			if seen[t.Peer] || t.End.After(c.front.End) {
				continue
			}
			seen[t.Peer] = true
			why, _ := ev.failure(t.uri, &t.Try)
			same := slices.IndexFunc(all, func(o *out) bool { return o.peer == t.Peer && o.cause == why.cause })
			if same < 0 {
				same = len(all)
				all = append(all, &out{peer: t.Peer, cause: why.cause})
			}
			all[same].waits = append(all[same].waits, ev.since(t.End)-ev.came(&t.Try))
			all[same].with.add(t.uri, 1)
		}
	}
	slices.SortStableFunc(all, func(a, b *out) int {
		if own := a.peer == s.peer; own != (b.peer == s.peer) {
			if own {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.peer, b.peer), cmp.Compare(len(b.waits), len(a.waits)))
	})
	return slices.CompactFunc(all, func(a, b *out) bool { return a.peer == b.peer })
}

// culprit is the route for whose sake requests had failed.
func (o *out) culprit(ev *evidence) string {
	switch s := ev.at(o.peer); o.cause {
	case Queueing, PoolOfOne, PoolFull, LoopHeld, Killed:
		if u := s.busy(ev, 0, ev.o.Horizon); u.main() != "" {
			return u.main()
		}
	}
	return o.with.main()
}

// why says what for.
func (o *out) why(ev *evidence) string {
	requests, long := "requests to "+typeset.List(o.with.uris()), spread(o.waits)[len("for "):]
	switch o.cause {
	case Refused:
		return "where nobody listens"
	case Queueing, PoolOfOne, PoolFull, LoopHeld:
		return fmt.Sprintf("where requests had waited %s behind %s", long, o.culprit(ev))
	case GaveUp:
		return fmt.Sprintf("where it had given up on %s after %s", requests, long)
	case Killed:
		return fmt.Sprintf("where %s had ended with their worker", requests)
	}
	return fmt.Sprintf("where %s had failed", requests)
}

// each calls f with all peers that were taken for dead for the same, and for what.
func (all outs) each(ev *evidence, f func(peers []string, why string)) {
	var whys []string
	peers := map[string][]string{}
	for _, o := range all {
		why := o.why(ev)
		if peers[why] == nil {
			whys = append(whys, why)
		}
		peers[why] = append(peers[why], o.peer)
	}
	for _, why := range whys {
		f(peers[why], why)
	}
}

// like says of the peers other than one that they were taken for dead too.
func (all outs) like(ev *evidence, peer string) (text string) {
	others := slices.DeleteFunc(slices.Clone(all), func(o *out) bool { return o.peer == peer })
	like := ", like "
	others.each(ev, func(peers []string, why string) {
		text += like + typeset.List(peers) + ", " + why
		like = ", and like "
	})
	return text
}

// main is the route for whose sake requests had failed at the peer; "" if nobody
// knows.
func (all outs) main(ev *evidence, peer string) string {
	for _, o := range all {
		if o.peer == peer {
			return o.culprit(ev)
		}
	}
	return ""
}
