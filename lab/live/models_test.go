// Each rule on evidence made up by hand, of which it alone decides.

package live

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestEachRuleDecides(t *testing.T) {
	limited := func(path string, n int) Concurrency { return Concurrency{Path: path, AtOnce: n, Limited: true} }
	open := func(path string, n int) Concurrency { return Concurrency{Path: path, AtOnce: n} }
	for _, c := range []struct {
		name string
		of   Report
		want []Model
	}{
		{"nothing is known", Report{}, models},
		{"two loops behind a limit of eight connections", Report{Concurrency: []Concurrency{limited(asyncSleep, 8), limited(blockingSleep, 2)}, Idle: &Hold{Most: 8, Up: true, Fewer: 7}}, []Model{Loops}},
		{"sync views in four threads of a loop", Report{Concurrency: []Concurrency{open(asyncSleep, 30), limited(syncSleep, 4)}}, []Model{OneLoop, Loops}},
		{"two idle connections hold it", Report{Idle: &Hold{Most: 2, Up: true, Fewer: 1}}, []Model{SyncWorkers, Pool}},
		{"one idle connection holds it", Report{Idle: &Hold{Most: 1, Up: true}}, []Model{OneSync}},
		{"one stream holds it", Report{Streams: &Hold{Most: 1, Up: true}, Lines: 1}, []Model{OneSync, OneLoop}},
		{"ninety block at a time", Report{Concurrency: []Concurrency{open(blockingSleep, 90)}}, []Model{Unlimited, Pool}},
		{"a hundred streams that nobody could tell from fewer workers", Report{Streams: &Hold{Most: 16, Fewer: 16}, Lines: 16}, []Model{OneLoop, Loops, Unlimited, Pool}},
		{"what is doubted", Report{Concurrency: []Concurrency{{Path: blockingSleep, AtOnce: 50, doubted: true, unsteady: true}}}, models},
		{"what is doubted of a large burst", Report{Concurrency: []Concurrency{{Path: asyncSleep, AtOnce: 200, doubted: true, unsteady: true}, open(syncSleep, 95)}}, []Model{Pool, OneLoop, Loops, Unlimited}},
		{"a stranger's address", Report{Crosstalk: []*Crosstalk{{Path: dirty, Crowd: 8, Strangers: 1}}}, []Model{Pool, OneLoop, Loops, Unlimited, SyncWorkers}},
		{"a lock", Report{Concurrency: []Concurrency{limited(front, 1)}}, []Model{OneSync, OneLoop, Loops, Unlimited}},
	} {
		c.of.judge()
		var left []Model
		for _, v := range c.of.Possible {
			left = append(left, v.Model)
		}
		assert.Equal(t, c.want, left, "%s\n%s", c.name, &c.of)
		assert.Len(t, c.of.RuledOut, len(models)-len(left))
		for _, v := range c.of.Possible {
			if strings.HasPrefix(c.name, "what is doubted") {
				assert.Empty(t, v.Why, "no number is made of that either")
			}
		}
	}
}

// What a proxy would do with connections rules nothing out, and is said.
func TestConnectionsThatAreKeptAreACondition(t *testing.T) {
	kept := true
	r := Report{Kept: &kept, Idle: &Hold{Most: 2, Fewer: 2}, Concurrency: []Concurrency{{Path: front, AtOnce: 3, Limited: true}}}
	assert.Equal(t, "if a proxy stands before it, or if it is a lock that lets one in at a time: a connection is kept open after its reply, and 3 idle connections hold nobody up",
		(&Report{Kept: &kept, Idle: &Hold{Most: 3, Fewer: 3}}).unless(OneSync))
	assert.Equal(t, "if a proxy stands before it: a connection is kept open after its reply", r.unless(SyncWorkers),
		"two idle connections hold up two of three workers, which nobody notices")
	r.Idle = &Hold{Most: 3, Fewer: 3}
	assert.Contains(t, r.unless(SyncWorkers), "3 idle connections hold nobody up")
	assert.Empty(t, r.unless(Pool))
	r.proxy = "nginx"
	assert.Empty(t, r.unless(SyncWorkers), "nginx does stand before it")
}

// Users of a repaired view meet nobody on any model, and users whose session is kept
// in a place of its own meet everybody: neither is proof of processes.
func TestCrosstalkIsNoProofOfProcesses(t *testing.T) {
	kept := false
	workers := func(c Crosstalk) Report {
		return Report{Kept: &kept, Idle: &Hold{Most: 4, Up: true, Fewer: 3}, Crosstalk: []*Crosstalk{&c},
			Concurrency: []Concurrency{{Path: asyncSleep, Asked: 32, AtOnce: 4, InService: 4, Limited: true}}}
	}
	loops := Report{Concurrency: []Concurrency{{Path: asyncSleep, Asked: 128, AtOnce: 90}, {Path: blockingSleep, Asked: 32, AtOnce: 4, InService: 4, Limited: true}},
		Crosstalk: []*Crosstalk{{Path: dirty, Pairs: 22, Leaked: 22, Crowd: 128, Strangers: 127, Memories: 1, Largest: 128}}}
	for _, c := range []struct {
		name string
		of   Report
		want string
	}{
		{"a view that is repaired", workers(Crosstalk{Path: dirty, Pairs: 24, Crowd: 16, Largest: 1}),
			"behaves like 4 sync workers, or like a pool of 4 threads (or another limit of 4) if /dirty/ is repaired: 4.00 requests in service"},
		{"threads, or processes that share the session", workers(Crosstalk{Path: dirty, Pairs: 24, Leaked: 24, Crowd: 16, Strangers: 15, Memories: 1, Largest: 16}),
			"behaves like a pool of 4 threads in one process (or another limit of 4), or like 4 sync workers if the session is kept outside the processes: 4.00 requests in service"},
		{"threads in processes", workers(Crosstalk{Path: dirty, Pairs: 24, Leaked: 12, Crowd: 16, Strangers: 15, Memories: 2, Largest: 8}),
			"behaves like a pool of 4 threads in at least 2 processes (or another limit of 4): 4.00 requests in service"},
		{"loops that share the session", loops,
			"behaves like 4 event loops if the session is kept outside the processes: 4.00 requests in service at /blocking_sleep/"},
	} {
		c.of.judge()
		assert.Equal(t, c.want, c.of.Headline(), c.name)
		assert.Empty(t, c.of.Deployments, c.name)
	}
}

// A crowd that would take longer than half of what is left is a smaller one.
func TestACrowdIsNoLargerThanThereIsTimeFor(t *testing.T) {
	d := diagnosis{client: client{ctx: context.Background(), begin: time.Now().Add(spare + 15*time.Second - mostTime)}, light: time.Second,
		at: map[string]*Concurrency{asyncSleep: {AtOnce: 2, InService: 2, Limited: true}}}
	// 15 s are left. 16 users of 0.3 s and 1 s take 10.4 s, two at a time, and 8 take 5.2.
	assert.Equal(t, 8, d.room(16))
	d.light = 20 * time.Second
	assert.Less(t, d.room(16), smallCrowd)
}

// Memories that were told apart may be fewer than there are; loops that block are as
// many as they are.
func TestTwelveLoopsFitAtLeastThree(t *testing.T) {
	r := Report{Routes: []string{asyncSleep, dirty}, Concurrency: []Concurrency{{Path: asyncSleep, Asked: 128, AtOnce: 95}},
		Crosstalk: []*Crosstalk{{Path: dirty, Pairs: 24, Leaked: 2, Crowd: 128, Strangers: 110, Memories: 3, Largest: 50}}}
	r.judge()
	assert.Equal(t, []string{"run.async12"}, r.Deployments)
	assert.Contains(t, r.Headline(), "behaves like at least 3 event loops, or like a thread for each request, in at least 3 processes")
	r = Report{Routes: []string{asyncSleep, blockingSleep}, Concurrency: []Concurrency{{Path: asyncSleep, Asked: 128, AtOnce: 95}, {Path: blockingSleep, Asked: 32, AtOnce: 3, InService: 3, Limited: true}}}
	r.judge()
	assert.Empty(t, r.Deployments)
	assert.Contains(t, r.Headline(), "behaves like 3 event loops")
}

func TestNoIntervalIsGivenOfNothing(t *testing.T) {
	assert.Equal(t, "/dirty/ tells one user another's address: 4 who may have been overtaken, 15 of a crowd of 16, who met in at least 1 memory",
		(&Crosstalk{Path: dirty, Late: 4, Crowd: 16, Strangers: 15, Memories: 1}).words())
	assert.Equal(t, "/dirty/ showed none: 0 of a crowd of 16", (&Crosstalk{Path: dirty, Crowd: 16}).words())
}

func TestItAsksNoMoreOftenThanItSaid(t *testing.T) {
	c := client{ctx: context.Background()}
	c.asked.Store(mostRequests)
	assert.ErrorIs(t, c.ask("/", firstReply).err, errTooMany)

	d := diagnosis{client: client{ctx: context.Background()}, report: &Report{}}
	d.asked.Store(mostRequests - saturating*eachAtMost + 1)
	d.cost() // it would panic if it dialled
	assert.Len(t, d.report.Remarks, 1)
	assert.EqualValues(t, mostRequests-saturating*eachAtMost+1, d.asked.Load())
}
