// The worker models, and what rules each of them out.

package live

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"example.com/outagelab/lab/typeset"
)

// A Model is a way to do several things at once, as it looks from outside.
type Model int

const (
	// OneSync serves one request at a time. (gunicorn's sync worker; a pool of one
	// thread looks the same.)
	OneSync Model = iota + 1
	// SyncWorkers are several processes that serve one request at a time each.
	SyncWorkers
	// Pool is a number of threads, in one process or several, or any other limit, such
	// as a semaphore, on how many requests or connections are let in at a time.
	Pool
	// OneLoop is one event loop: requests that await leave it to others.
	OneLoop
	// Loops are several processes with an event loop each.
	Loops
	// Unlimited is a thread, or a greenlet, for each request: nothing limits it.
	Unlimited
)

var models = []Model{OneSync, SyncWorkers, Pool, OneLoop, Loops, Unlimited}

func (m Model) String() string {
	return [...]string{OneSync: "one sync worker", SyncWorkers: "several sync workers", Pool: "a pool of threads",
		OneLoop: "one event loop", Loops: "several event loops", Unlimited: "a thread for each request"}[m]
}

// A Verdict is what the evidence says of one model.
type Verdict struct {
	Model Model
	// Name is the model with the numbers that were seen, such as "4 sync workers".
	Name string
	// Why is the evidence that rules the model out; of a model that is left, the
	// condition on which it is, as "if …", or nothing.
	Why string
}

// judge rules models out.
func (r *Report) judge() {
	for _, m := range models {
		v := Verdict{Model: m, Name: r.name(m)}
		if v.Why = r.against(m); v.Why != "" {
			r.RuledOut = append(r.RuledOut, v)
			continue
		}
		v.Why = r.unless(m)
		if m == Pool {
			v.Name += r.orAnother()
		}
		r.Possible = append(r.Possible, v)
	}
	slices.SortStableFunc(r.Possible, func(a, b Verdict) int { return cmp.Compare(min(1, len(a.Why)), min(1, len(b.Why))) })
	r.deployments()
}

// against is the evidence that rules a model out, "" if there is none.
func (r *Report) against(m Model) string {
	await, thread, block := r.of(asyncSleep), r.of(syncSleep), r.of(blockingSleep)
	if await == nil {
		await = r.of(dirty)
	}
	// A limit on connections holds a loop up, too, but then what blocks is served by
	// fewer still.
	loop := block.clearlyLess(await)
	waits := func(c *Concurrency) string {
		return fmt.Sprintf("naps of %s waited for each other, %s at a time", c.Path, typeset.Number(float64(c.AtOnce)))
	}
	switch m {
	case OneSync, SyncWorkers, Pool:
		if loop {
			return fmt.Sprintf("%s is served %d at a time and %s by %d: only an event loop tells them apart", blockingSleep, block.AtOnce, await.Path, await.AtOnce)
		}
		if thread.clearlyLess(await) {
			return fmt.Sprintf("%s is served %d at a time and %s by %d: only an event loop tells them apart", syncSleep, thread.AtOnce, await.Path, await.AtOnce)
		}
	case OneLoop, Loops, Unlimited:
		if r.Idle != nil && r.Idle.Up && !loop {
			return r.idleWords() + ", which it would not notice"
		}
	}
	switch m {
	case OneSync:
		for _, c := range r.Concurrency {
			if c.AtOnce >= 2 && !(c.doubted && c.unsteady) { // most of all were there
				return fmt.Sprintf("%d requests for %s were in service at a time", c.AtOnce, c.Path)
			}
		}
		for _, c := range r.Crosstalk {
			if c.Leaks() {
				return fmt.Sprintf("users of %s were told each other's addresses: one was served during another's nap", c.Path)
			}
		}
		if r.Lines >= 2 {
			return fmt.Sprintf("%d streams got lines at a time", r.Lines)
		}
		if r.Idle != nil && r.Idle.Up && r.Idle.Most > 1 {
			return fmt.Sprintf("with %s it still answered", typeset.Plural(r.Idle.Fewer, "idle connection", "idle connections"))
		}
	case SyncWorkers, Pool:
		for _, c := range r.certain() {
			switch {
			case c.Limited && c.AtOnce == 1:
				return fmt.Sprintf("only one request for %s was in service at a time", c.Path)
			case m == SyncWorkers && !c.Limited && c.AtOnce >= manyAtOnce:
				return fmt.Sprintf("%d requests for %s were in service at a time, and no limit was in sight", c.AtOnce, c.Path)
			}
		}
		switch {
		case r.Idle != nil && r.Idle.Up && r.Idle.Most == 1:
			return r.idleWords() + ": there is no second worker"
		case r.Streams != nil && r.Streams.Up && r.Streams.Most == 1:
			return "one stream held it up: there is no second worker"
		case m == SyncWorkers && r.Streams != nil && !r.Streams.Up && r.Lines >= manyStreams:
			return fmt.Sprintf("%d streams were served at a time and held nobody up: it would take more workers than that", r.Lines)
		}
		// Processes that kept the session in one place would meet in one memory.
		if m == SyncWorkers && r.memories() >= 2 {
			return fmt.Sprintf("users of %s were told each other's addresses, and met in at least %d memories: their requests shared processes", dirty, r.memories())
		}
	case OneLoop:
		switch {
		case await != nil && await.Limited && !loop:
			return waits(await)
		case block != nil && block.AtOnce >= 2:
			return fmt.Sprintf("%d requests for %s were in service at a time: a loop serves one", block.AtOnce, blockingSleep)
		case r.memories() >= 2:
			return fmt.Sprintf("users of %s met in at least %d memories: there are as many processes", dirty, r.memories())
		case r.Streams != nil && r.Streams.Up && r.Streams.Most >= 2:
			return fmt.Sprintf("it took %d streams to hold it up", r.Streams.Most)
		}
	case Loops:
		switch {
		case await != nil && await.Limited && !loop:
			return waits(await)
		case block != nil && block.Limited && block.AtOnce == 1:
			return fmt.Sprintf("only one request for %s was in service at a time: there is one loop", blockingSleep)
		case block != nil && !block.Limited && block.AtOnce >= manyAtOnce:
			return fmt.Sprintf("%d requests for %s were in service at a time: a loop serves one", block.AtOnce, blockingSleep)
		case r.Streams != nil && r.Streams.Up && r.Streams.Most == 1:
			return "one stream held it up: there is no second loop"
		}
	case Unlimited:
		for _, c := range []*Concurrency{await, thread, block} {
			if c != nil && c.Limited {
				return waits(c)
			}
		}
		if r.Streams != nil && r.Streams.Up {
			return typeset.Plural(r.Streams.Most, "stream", "streams") + " held it up"
		}
	}
	return ""
}

const (
	// manyAtOnce is more workers than anybody gives a server that the sizes here
	// are made for.
	manyAtOnce = 40
	// enoughPairs is how many pairs of users must not have met: on one memory all
	// would, on two each pair with probability 1/2, and 2⁻⁸ is below 0.5 %.
	enoughPairs = 8
	// manyStreams is more sync workers than anybody would hold streams with.
	manyStreams = 16
)

// heldLikeSync reports whether connections are treated as gunicorn's sync workers
// treat them: closed after the reply, and each holding a worker from the accept.
func (r *Report) heldLikeSync() bool {
	return r.Kept != nil && !*r.Kept && r.Idle != nil && r.Idle.Up
}

func (r *Report) idleWords() string {
	return typeset.Plural(r.Idle.Most, "idle connection", "idle connections") + " held it up"
}

// unless is the condition on which a model is left, where there is one.
func (r *Report) unless(m Model) string {
	var all []string
	for _, condition := range []string{r.more(m), r.memory(m), r.behindProxy(m)} {
		if condition != "" {
			all = append(all, condition)
		}
	}
	return strings.Join(all, ", and ")
}

// more is the condition that there are more of a pool than were asked for at a time.
func (r *Report) more(m Model) string {
	most := 0
	for _, c := range r.Concurrency {
		if c.Limited || c.doubted && c.AtOnce >= manyAtOnce {
			return ""
		}
		if !c.doubted {
			most = max(most, c.AtOnce)
		}
	}
	held := r.Streams != nil && !r.Streams.Up && r.Lines >= manyStreams
	if most = max(most, r.Lines); m != Pool || most < manyAtOnce && !held {
		return ""
	}
	return fmt.Sprintf("if it has more than %d", most)
}

// memory is the condition that the view's memory is another than a view's would be
// that keeps the user where all requests of a process find it.
func (r *Report) memory(m Model) string {
	for _, c := range r.Crosstalk {
		switch {
		// Threads share memory, and a pool keeps connections for the next request.
		case m == Pool && c.Path == dirty && !c.Leaks() && c.Pairs >= enoughPairs && r.heldLikeSync():
			return fmt.Sprintf("if %s is repaired: no two of its users met in one memory, though %d were served at a time", dirty, r.most())
		case m == SyncWorkers && c.Leaks(),
			m == Loops && c.Memories == 1 && c.Crowd >= 64 && c.Largest >= c.Crowd*9/10:
			return "if the session is kept outside the processes"
		}
	}
	return ""
}

// behindProxy is the condition that what becomes of connections is somebody else's
// doing.
func (r *Report) behindProxy(m Model) string {
	if m != OneSync && m != SyncWorkers || r.proxy != "" {
		return ""
	}
	var but []string
	if r.Kept != nil && *r.Kept {
		but = append(but, "a connection is kept open after its reply")
	}
	if r.Idle != nil && !r.Idle.Up && r.Idle.Most >= max(2, r.workers()) {
		but = append(but, fmt.Sprintf("%d idle connections hold nobody up", r.Idle.Most))
	}
	if len(but) == 0 {
		return ""
	}
	but[0] = "if a proxy stands before it" + map[bool]string{true: ", or if it is a lock that lets one in at a time"}[m == OneSync] + ": " + but[0]
	return strings.Join(but, ", and ")
}

// certain is what was measured and is not doubted.
func (r *Report) certain() []Concurrency {
	return slices.DeleteFunc(slices.Clone(r.Concurrency), func(c Concurrency) bool { return c.doubted })
}

// of is what was measured of a path, nil if it was not, or is doubted.
func (r *Report) of(path string) *Concurrency {
	if i := slices.IndexFunc(r.Concurrency, func(c Concurrency) bool { return c.Path == path && !c.doubted }); i >= 0 {
		return &r.Concurrency[i]
	}
	return nil
}

// most is how many were seen in service at a time.
func (r *Report) most() int {
	most := r.Lines
	for _, c := range r.certain() {
		most = max(most, c.AtOnce)
	}
	return most
}

// memories is in how many memories users met; 0 if none did.
func (r *Report) memories() int {
	n := 0
	for _, c := range r.Crosstalk {
		n = max(n, c.Memories)
	}
	return n
}

// workers is how many there are of what serves one request at a time, 0 if that is
// not known.
func (r *Report) workers() int {
	n := 0
	for _, c := range r.Concurrency {
		if c.Limited {
			n = max(n, c.AtOnce)
		}
	}
	if n == 0 && r.Streams != nil && r.Streams.Up && r.Streams.Most == r.Streams.Fewer+1 {
		n = r.served()
	}
	if n == 0 && r.upTo() {
		n = r.Idle.Most
	}
	return n
}

// served is how many streams were served when they held the server up: others may
// have waited in the queue of a process that was held.
func (r *Report) served() int { return min(r.Streams.Most, r.Lines) }

// upTo reports whether idle connections tell how many workers there are. Each holds
// a sync worker, but of threads there may be fewer: those of one process have a queue.
func (r *Report) upTo() bool {
	streams := r.Streams != nil && r.Streams.Up
	return !streams && r.narrowest() == nil && r.Idle != nil && r.Idle.Up && r.Idle.Most == r.Idle.Fewer+1
}

// loops is how many loops were seen, 0 if that is not known.
func (r *Report) loops() int {
	n := r.memories()
	if block := r.of(blockingSleep); block != nil && block.Limited {
		n = max(n, block.AtOnce)
	}
	if r.Streams != nil && r.Streams.Up {
		n = max(n, r.served())
	}
	return n
}

// exact is how many threads are counted one by one: of more, one or another is idle
// while others have a queue, and is not seen.
const exact = 16

// name is a model with its numbers.
func (r *Report) name(m Model) string {
	n, processes := r.workers(), r.memories()
	switch {
	case m == SyncWorkers && n > 1:
		return fmt.Sprintf("%d sync workers", n)
	case m == Pool && n > exact && processes > 1:
		return fmt.Sprintf("a pool of about %d threads in at least %d processes", n, processes)
	case m == Pool && n > exact:
		return fmt.Sprintf("a pool of about %d threads", n)
	case m == Pool && n > 1 && processes > 1:
		return fmt.Sprintf("a pool of %d threads in at least %d processes", n, processes)
	case m == Pool && n > 1 && processes == 1:
		return fmt.Sprintf("a pool of %d threads in one process", n)
	case m == Pool && n > 1 && r.upTo():
		return fmt.Sprintf("a pool of up to %d threads", n)
	case m == Pool && n > 1:
		return fmt.Sprintf("a pool of %d threads", n)
	case m == Loops && r.loops() > 1 && r.loops() == processes && !r.blocks(processes):
		return fmt.Sprintf("at least %d event loops", processes)
	case m == Loops && r.loops() > 1:
		return fmt.Sprintf("%d event loops", r.loops())
	case m == Unlimited && processes > 1:
		return fmt.Sprintf("a thread for each request, in at least %d processes", processes)
	}
	return m.String()
}

// blocks reports whether n blocking requests, and no more, were served at a time.
func (r *Report) blocks(n int) bool {
	block := r.of(blockingSleep)
	return block != nil && block.Limited && block.AtOnce == n
}

// orAnother is what looks the same as a pool from outside.
func (r *Report) orAnother() string {
	if n := r.workers(); n > 1 && !r.upTo() {
		return fmt.Sprintf(" (or another limit of %d)", n)
	}
	return " (or another limit)"
}

// deployments are those of the PoC that fit what is left.
func (r *Report) deployments() {
	if !slices.ContainsFunc(r.Routes, naps) || !r.Conclusive() {
		return
	}
	left := func(m Model) bool {
		return slices.ContainsFunc(r.Possible, func(v Verdict) bool { return v.Model == m && v.Why == "" })
	}
	for _, fit := range []struct {
		name string
		fits bool
	}{
		{"run.dev", left(Unlimited) && r.memories() < 2},
		{"run.sync", left(OneSync)},
		{"run.async", left(OneLoop)},
		// Twelve, or as good as: a loop may get none of the requests, and one that is
		// recycled meanwhile has two memories. Memories are no fewer, but may be more,
		// than were told apart.
		{"run.async12", left(Loops) && r.loops() <= 14 && (r.loops() >= 10 || !r.blocks(r.loops()))},
	} {
		if fit.fits {
			r.Deployments = append(r.Deployments, fit.name)
		}
	}
}
