// Each rule on evidence made up by hand, of which it alone decides.

package live

import (
	"context"
	"testing"

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
		{"ninety block at a time", Report{Concurrency: []Concurrency{open(blockingSleep, 90)}}, []Model{Unlimited}},
		{"a lock", Report{Concurrency: []Concurrency{limited(front, 1)}}, []Model{OneSync, OneLoop, Loops, Unlimited}},
	} {
		c.of.judge()
		var left []Model
		for _, v := range c.of.Possible {
			left = append(left, v.Model)
		}
		assert.Equal(t, c.want, left, "%s\n%s", c.name, &c.of)
		assert.Len(t, c.of.RuledOut, len(models)-len(left))
	}
}

// What a proxy would do with connections rules nothing out, and is said.
func TestConnectionsThatAreKeptAreACondition(t *testing.T) {
	kept := true
	r := Report{Kept: &kept, Idle: &Hold{Most: 2, Fewer: 2}, Concurrency: []Concurrency{{Path: front, AtOnce: 3, Limited: true}}}
	assert.Equal(t, "if a proxy stands before it: a connection is kept open after its reply", r.unless(SyncWorkers),
		"two idle connections hold up two of three workers, which nobody notices")
	r.Idle = &Hold{Most: 3, Fewer: 3}
	assert.Contains(t, r.unless(SyncWorkers), "3 idle connections hold nobody up")
	assert.Empty(t, r.unless(Pool))
	r.proxy = "nginx"
	assert.Empty(t, r.unless(SyncWorkers), "nginx does stand before it")
}

func TestItAsksNoMoreOftenThanItSaid(t *testing.T) {
	c := client{ctx: context.Background()}
	c.asked.Store(mostRequests)
	assert.ErrorIs(t, c.ask("/", firstReply).err, errTooMany)
}
