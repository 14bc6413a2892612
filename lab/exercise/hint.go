// Where to look next: a question for each cause, and never the whole answer.

package exercise

import (
	"fmt"
	"slices"
)

// hint says where to look next for a route whose requests went wrong for this
// reason most of all.
func (ev *evidence) hint(n *need, s *share) string {
	srv := ev.at(s.peer)
	var culprit string
	var needed string
	switch {
	case s.crowdedOut():
		crowd := s.crowd()
		if culprit = crowd.paths()[0]; culprit != n.path && s.cause != Looped {
			return fmt.Sprintf("nothing is wrong with %s itself: whoever waits for %s keeps two of nginx's connections as long as that takes. What do they wait for?", n.path, culprit)
		}
		return ev.hint(n, crowd)
	case s.turnedAway():
		if culprit = ev.outs(s).main(ev, s.peer); culprit != "" && culprit != n.path {
			return fmt.Sprintf("nothing is wrong with %s itself: it has its upstream in common with %s, and a server that fails one has failed both.", n.path, culprit)
		}
	}
	if srv != nil {
		from, to := ev.window(s)
		u := srv.busy(ev, from, to)
		culprit = u.main()
		needed = ev.needed(n, srv)
	}
	bystander := culprit != "" && culprit != n.path
	switch s.cause {
	case Queueing:
		if bystander {
			return fmt.Sprintf("nothing is wrong with %s itself: it stands behind %s, and would not on a server where nobody waits.", n.path, culprit)
		}
		return fmt.Sprintf("%s; a sync worker is busy even while it only waits: which of the other servers can wait for many at once?", needed)
	case PoolOfOne:
		if bystander {
			return fmt.Sprintf("nothing is wrong with %s itself: it stands behind %s, and would not on a server where nobody waits.", n.path, culprit)
		}
		return fmt.Sprintf("%s; the server could wait for that many if it had the threads, which no nginx.conf can give it: ARGS can.", needed)
	case PoolFull:
		if bystander {
			i := slices.IndexFunc(needs, func(n *need) bool { return n.path == culprit })
			if i < 0 || needs[i].streamed() {
				return fmt.Sprintf("%s gives no thread back while its clients stay: what shares a pool with it has none left; keep the two apart.", culprit)
			}
			return fmt.Sprintf("nothing is wrong with %s itself: it shares a pool with %s, whose %s. How many threads does that leave, if a worker gets more than its half?",
				n.path, culprit, ev.needed(needs[i], srv))
		}
		return fmt.Sprintf("%s; are there as many threads, and what if a worker gets more than its half? Or is there a server where waiting takes no thread?", needed)
	case LoopHeld, Killed:
		if srv != nil && srv.model.EventLoop() {
			if bystander {
				return fmt.Sprintf("a loop is shared by all that its worker has accepted: it is %s that does not let it go. Move one of the two, or see in ARGS what its handlers can do.", culprit)
			}
			return "one loop can wait for everybody, if every handler lets it go while it waits: no nginx.conf makes them; see what ARGS can."
		}
		return fmt.Sprintf("a sync worker that is busy with one request cannot say that it is alive: who can, however long %s takes?", n.path)
	case Refused:
		return "which addresses does this upstream stand for, and which of the servers below is there?"
	case WrongReply:
		if srv == nil {
			return fmt.Sprintf("%s is none of the three app servers: where do they listen?", s.peer)
		}
		return "what does the app server see of the path, once proxy_pass has had it?"
	case GaveUp:
		if n.within <= grace {
			return "which of nginx's timeouts is as short as that?"
		}
		return fmt.Sprintf("the feed takes up to %s for a poll: which of nginx's timeouts is shorter?", seconds(slowestPoll))
	case Buffered:
		return "nginx collects a reply before it passes it on, unless it is told that this one has no end."
	case NoSlots:
		return "a request on its way takes two of a process's connections, its client's and its upstream's: how many may a process have?"
	case Looped:
		return "on which port does nginx listen itself?"
	case Invalid:
		return "how much room for a header has nginx been given?"
	case NoLocation:
		return fmt.Sprintf("which location's prefix does %s begin with?", n.path)
	}
	return "look at nginx's own error log: make run.feed runs the same for real."
}

// needed says how many requests of a route are in service at a time: Little's law,
// from how often they come and how long the server was busy with one.
func (ev *evidence) needed(n *need, srv *server) string {
	if n.streamed() {
		return fmt.Sprintf("%d streams want a place each, for as long as they last", streams)
	}
	begun, sum := 0, 0.0
	for _, span := range srv.spans {
		if uriOf(span.What) == n.path {
			begun++
			sum += span.To.Sub(span.From).Seconds()
		}
	}
	if begun == 0 {
		return "these requests wait"
	}
	mean := sum / float64(begun)
	return fmt.Sprintf("%g requests a second that each take %.1f s are %.0f at a time", n.rate, mean, n.rate*mean)
}
