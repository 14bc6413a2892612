// The arbiter: the parent that boots workers, aborts the silent ones and
// replaces those that end.

package worker

import (
	"time"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// checkInterval is how often the arbiter looks for silent workers: its main loop
// sleeps a second at a time (gunicorn 20.1, gunicorn/arbiter.py: run, sleep,
// murder_workers).
const checkInterval = time.Second

// keep runs one worker's place for the life of the server: it waits for the end
// of p and boots its replacement, and so on.
func (s *Server) keep(p *process) {
	for {
		reason := s.watch(p)
		if cut := p.kill(); s.isEnding() {
			s.cut.Add(int64(cut))
		}
		if o := s.cfg.Observer; o != nil {
			o.Exit(Exit{Worker: p.worker, Boot: p.boot, At: time.Now(), Reason: reason})
		}
		// Replacements that boot together come up a nanosecond apart, in order.
		if reason == Stopped || !s.pause(s.cfg.BootTime+time.Duration(p.worker)) {
			return
		}
		if p = s.boot(p.worker, p.boot+1); p == nil {
			return
		}
	}
}

// watch returns when p has to be cut, and why.
func (s *Server) watch(p *process) Reason {
	phase := s.phase(p)
	check := time.NewTimer(s.untilCheck(phase))
	defer check.Stop()
	graceful := time.NewTimer(0)
	graceful.Stop()
	defer graceful.Stop()
	retire, quit, why := p.retire, s.quit, Recycled
	for {
		select {
		case <-check.C:
			check.Reset(s.untilCheck(phase))
			now := time.Now()
			if s.cfg.Timeout > 0 && now.Sub(p.lastBeat(repeatable.Settle(now))) > s.cfg.Timeout {
				return TimedOut
			}
		case <-quit:
			quit, why = nil, Stopped
			p.stopAccepting()
		case <-retire:
			retire = nil
			time.AfterFunc(late, p.endIdle)
			graceful.Reset(s.cfg.GracefulTimeout + late)
		case <-p.drained:
			return why
		case <-graceful.C:
			return why
		case <-s.stop:
			return Stopped
		}
	}
}

// phase is when, within a second from the server's begin, the arbiter looks at the
// process.
//
// It sleeps a second at a time, but a worker that ends wakes it, and its second
// begins anew (gunicorn 20.1, gunicorn/arbiter.py: handle_chld, wakeup). A worker
// that is killed ends right after a look, so the looks stay where they were: two
// sync workers that took 0.18 s to boot were seen to be killed at one look, 0.83 to
// 0.98 s after their time was over. But the seconds are a little longer than a
// second, and uvicorn's workers boot and beat so soon after the look that it
// depends on that little whether the last look of their time is just before its end
// or just behind it: they were seen to be killed 0.05 to 0.5 s after it. Where a
// later boot of theirs is looked at is therefore drawn.
func (s *Server) phase(p *process) time.Duration {
	if p.boot == 0 || s.cfg.Model != Uvicorn {
		return 0
	}
	return time.Duration(repeatable.Draw(s.cfg.Seed, "check", uint64(p.boot)<<16|uint64(p.worker)) * float64(checkInterval))
}

// untilCheck returns the time until the arbiter looks again.
func (s *Server) untilCheck(phase time.Duration) time.Duration {
	return checkInterval - (time.Since(s.began)-phase)%checkInterval
}

// pause waits for d, and returns false if the server stops first.
func (s *Server) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return !s.isEnding()
	case <-s.quit:
		return false
	}
}
